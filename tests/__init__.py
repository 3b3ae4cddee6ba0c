"""Tests, and what they measure the product against (`reference/`)."""
