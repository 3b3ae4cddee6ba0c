"""Quantiles of the highest demand until new capacity can be there, cheap enough for every tick."""

from engine.lookahead.memory import LEVELS, Lookahead, Outlook

__all__ = ["LEVELS", "Lookahead", "Outlook"]
