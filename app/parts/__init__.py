"""Pieces of pages that are too long for a page script: forms, cards, progress."""
