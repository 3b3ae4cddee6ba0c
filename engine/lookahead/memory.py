"""The quick forecast of every pool of a replay: told each tick, asked at each evaluation."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from engine.lookahead.checkpoint import shipped
from engine.lookahead.features import (
    FEATURES,
    Network,
    close_bin,
    new_memory,
    note,
    outlook,
)
from engine.units import FloatArray, IntArray

LEVELS = (0.5, 0.8, 0.95, 0.99)
"""Quantiles that the network gives."""
_SCORES: FloatArray = ndtri(np.array(LEVELS))


def _between_levels(scores: FloatArray, ahead: FloatArray) -> FloatArray:
    """(P,) what `np.interp` makes of each score (P,) and row of (P, Q), for all at once."""
    below = np.minimum(np.searchsorted(_SCORES, scores, side="right") - 1, len(_SCORES) - 2)
    rows = np.arange(len(scores))
    low, high = ahead[rows, below], ahead[rows, below + 1]
    slope = (high - low) / (_SCORES[below + 1] - _SCORES[below])
    made: FloatArray = slope * (scores - _SCORES[below]) + low
    return np.where(scores == _SCORES[-1], ahead[:, -1], made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is expected of P pools."""

    features: FloatArray
    """(P, F) as named in `engine.lookahead.features.NAMES`."""
    level: FloatArray
    """(P,) requests/s over the last minute."""
    service_s: FloatArray
    """(P,) mean seconds that a request holds a slot; NaN while none has finished."""
    ahead: FloatArray
    """(P, Q) quantiles of log(highest rate over 30 s until the horizon / level)."""

    def rate(self, quantile: float | FloatArray) -> FloatArray:
        """(P,) a quantile of the highest rate until the horizon, requests/s.

        Between the network's levels linear in the normal score, beyond them theirs.
        """
        scores = np.clip(ndtri(quantile), _SCORES[0], _SCORES[-1]) + np.zeros(len(self.level))
        made: FloatArray = self.level * np.exp(_between_levels(scores, self.ahead))
        return made

    @property
    def rates(self) -> FloatArray:
        """(P, Q) the quantiles LEVELS of the highest rate until the horizon, requests/s."""
        made: FloatArray = self.level[:, None] * np.exp(self.ahead)
        return made

    def busy_slots(self, quantile: float | FloatArray) -> FloatArray:
        """(P,) slots that this rate keeps busy; NaN while the service time is not known."""
        made: FloatArray = self.rate(quantile) * self.service_s
        return made


class Lookahead:
    """Remembers P pools. The bins of its memory are as long as the time between evaluations."""

    def __init__(self, pools: int, bin_s: float, network: Network | None = None) -> None:
        """Remembers nothing yet.

        Args:
            pools: P.
            bin_s: seconds between two evaluations.
            network: None: the one that comes with the product.

        Raises:
            CheckpointError: that one is missing or damaged.
        """
        self.memory = new_memory(pools, bin_s)
        self._bin_s = bin_s
        self._network = shipped() if network is None else network

    def note(
        self, arrived: IntArray, finished: IntArray, busy_slot_s: FloatArray, tick_s: float
    ) -> None:
        """Adds a tick. (P,) arrivals, requests finished and slot-seconds in use."""
        note(self.memory, arrived, finished, busy_slot_s, tick_s)

    def close(self) -> None:
        """The bin ends: an evaluation is due."""
        close_bin(self.memory)

    def newest(self) -> FloatArray:
        """(P,) arrivals in the bin that was closed last."""
        counts, (at, _) = self.memory.counts, self.memory.at
        last: FloatArray = counts[:, (at - 1) % counts.shape[1]].copy()
        return last

    def measured(self, window_s: float) -> tuple[FloatArray, FloatArray]:
        """(P,) arrivals per second over the last closed bins of this long, and service seconds.

        NaN while nothing is known.
        """
        counts, (at, known) = self.memory.counts, self.memory.at
        bins = min(int(known), counts.shape[1], max(1, round(window_s / self._bin_s)))
        newest = (at - 1 - np.arange(bins)) % counts.shape[1]
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = counts[:, newest].sum(1) / (bins * self._bin_s)
            service_s = self.memory.served[:, 1] / self.memory.served[:, 0]
        return rate, service_s

    def outlook(self, horizon_s: FloatArray) -> Outlook:
        """What to expect until (P,) seconds from now."""
        pools = len(horizon_s)
        features = np.empty((pools, FEATURES))
        level, service = np.empty(pools), np.empty(pools)
        ahead = np.empty((pools, len(LEVELS)))
        outlook(
            self.memory, self._network, self._bin_s, horizon_s, features, level, service, ahead
        )
        return Outlook(features=features, level=level, service_s=service, ahead=ahead)
