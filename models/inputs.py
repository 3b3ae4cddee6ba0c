"""What every network reads: a window of scaled demand, summaries of older demand, and anchors.

The caller scales demand by the level of the window, so the networks are scale free.
"""

from typing import NamedTuple

from torch import Tensor

STEPS = 12
"""Steps at full resolution (Table 8 of the paper)."""
FEATURES = 23
"""Features of a step (Table 7 of the paper)."""
CONTEXT = 35
"""Summaries of the whole history, the resolution and the calendar."""
ANCHORS = 12
"""Simple forecasts that the median is mixed from."""
SPREADS = 6
"""Simple scales of the error that the gaps between quantiles are mixed from."""
HORIZON = 6 + 2 * ANCHORS
"""Features of one horizon."""


class Inputs(NamedTuple):
    """A batch: B windows, H horizons, float32. L is `STEPS`, F is `FEATURES`."""

    steps: Tensor
    """(B, L, F) scaled features; 0 where absent."""
    present: Tensor
    """(B, F) bool: which features the trace has."""
    context: Tensor
    """(B, CONTEXT)."""
    anchors: Tensor
    """(B, H, ANCHORS) in units of the window's level."""
    anchor_present: Tensor
    """(B, ANCHORS) bool; at least one per window."""
    spreads: Tensor
    """(B, H, SPREADS) in units of the window's level, ≥ 0."""
    horizon: Tensor
    """(B, H, HORIZON)."""

    def take(self, rows: Tensor) -> "Inputs":
        """The windows with these indices."""
        return Inputs(*(part[rows] for part in self))

    def to_device(self, device: str) -> "Inputs":
        """The same batch on another device."""
        return Inputs(*(part.to(device) for part in self))
