"""Calibration of several pools as time goes on: told what came, asked for what to say."""

from collections import deque

import numpy as np

from engine.forecast.conformal import ALONE, Pace, apply_rows, fresh, learn_rows
from engine.units import FloatArray, IntArray


class OnlineCalibration:
    """Moves the outermost quantiles of P pools and H horizons as their outcomes come.

    The same as `conformal.calibrated`, one forecast after another.
    """

    def __init__(
        self, pools: int, ahead: IntArray, *, low: float, high: float, pace: Pace = ALONE
    ) -> None:
        """Nothing is learned yet.

        Args:
            pools: P.
            ahead: (H,) units of time after a forecast at which its outcome is known.
            low: level of the first quantile.
            high: level of the last one.
            pace: how fast the ends move.
        """
        self.learnt = 0
        self._ahead, self._levels, self._pace = ahead.tolist(), (low, high), pace
        self._lower, self._upper = (np.tile(fresh(), (pools, len(ahead), 1)) for _ in range(2))
        self._pending: list[deque[tuple[int, FloatArray]]] = [deque() for _ in self._ahead]

    def learn(self, now: int, came: FloatArray) -> None:
        """What came in the step that ended now, (P,): of each horizon's forecast for it."""
        for h, (ahead, pending) in enumerate(zip(self._ahead, self._pending, strict=True)):
            while pending and pending[0][0] + ahead < now:
                pending.popleft()  # nobody said what came then
            if not pending or pending[0][0] + ahead != now:
                continue
            waiting, (_, said) = len(pending), pending.popleft()
            learn_rows(said, came, *self._levels, *self._pace, waiting,
                       self._lower[:, h], self._upper[:, h])  # fmt: skip
            self.learnt += not h

    def say(self, now: int, said: FloatArray) -> FloatArray:
        """(P, H, Q) forecasts made now, calibrated; they are remembered until they are due."""
        for h, pending in enumerate(self._pending):
            pending.append((now, np.ascontiguousarray(said[:, h])))
        made: FloatArray = np.empty_like(said)
        apply_rows(said, self._lower, self._upper, made)
        return made
