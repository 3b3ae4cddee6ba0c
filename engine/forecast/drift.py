"""Has demand changed so much that the forecaster should learn again?"""

from dataclasses import dataclass

import numpy as np

from engine.units import FloatArray

WARM_UP = 30
"""Losses from which the usual level is learnt before anything is called a drift."""
SLACK = 0.5
"""Rise of the loss, in usual deviations, that is not counted."""
THRESHOLD = 12.0
"""Sum of counted rises, in usual deviations, that is a drift."""
CLIP = 4.0
"""One outcome counts at most this many deviations: a single spike is no drift."""


@dataclass(slots=True)
class DriftDetector:
    """Page's test (1954) for a rise of a forecaster's loss."""

    seen: int = 0
    mean: float = 0.0
    squares: float = 0.0
    total: float = 0.0

    def learn(self, loss: float) -> bool:
        """Takes the next loss; True when it completes a drift, after which it starts anew."""
        if not np.isfinite(loss):
            return False
        if self.seen < WARM_UP:
            self.seen += 1
            change = loss - self.mean
            self.mean += change / self.seen
            self.squares += change * (loss - self.mean)
            return False
        deviation = max((self.squares / max(self.seen - 1, 1)) ** 0.5, 0.1 * self.mean, 1e-12)
        rise = min((loss - self.mean) / deviation, CLIP)
        self.total = max(0.0, self.total + rise - SLACK)
        if self.total < THRESHOLD:
            return False
        self.seen, self.mean, self.squares, self.total = 0, 0.0, 0.0, 0.0
        return True


def drifts(losses: FloatArray) -> list[int]:
    """Places in (B,) losses, in order of time, at which a drift was noticed."""
    detector = DriftDetector()
    return [number for number, loss in enumerate(losses) if detector.learn(float(loss))]
