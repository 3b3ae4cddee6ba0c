"""A buffer that is sampled by what surprised, was doubtful or went wrong (S0-R28, S3-R48 to R50).

Schaul et al. 2016 (arXiv:1511.05952) with the priority of the sources: p = |td|^ALPHA +
DOUBT x spread of the forecast + BOOST where requests missed; drawn with P = p / sum p, and weighed
by (N P)^-beta over the largest weight of the batch. Evenly drawn is the default: see the ablation.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from engine.learn.replay_buffer import Buffer, Transitions
from engine.units import AnyArray, FloatArray, IntArray

ALPHA, DOUBT, BOOST, LEAST = 0.6, 0.3, 0.5, 1e-3
UNIFORM, STANDARD, PAPER = "uniform", "prioritised", "prioritised-paper"
BETAS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {STANDARD: (0.4, 1.0), PAPER: (0.5, 0.1)}
)
"""First and last exponent of the weights; the source lets it fall, which brings the bias back."""
REPLAYS = (UNIFORM, *BETAS)


class SumTree:
    """Sums of priorities over pairs, pairs of pairs and so on: draws and changes in O(log N)."""

    def __init__(self, size: int) -> None:
        self._leaves = 1 << (size - 1).bit_length()
        self._sums = np.zeros(2 * self._leaves)

    @property
    def total(self) -> float:
        """Of all priorities."""
        return float(self._sums[1])

    def set(self, places: IntArray, priorities: FloatArray) -> None:
        """Gives places their priorities; of a place that is there twice the last counts."""
        at = places + self._leaves
        self._sums[at] = priorities
        while at[0] > 1:
            at = np.unique(at // 2)
            self._sums[at] = self._sums[2 * at] + self._sums[2 * at + 1]

    def get(self, places: IntArray) -> FloatArray:
        """Priorities of places."""
        found: FloatArray = self._sums[places + self._leaves]
        return found

    def find(self, marks: FloatArray) -> IntArray:
        """The place that each mark in [0, total) falls into, priorities laid end to end."""
        at = np.ones(len(marks), np.int64)
        left = marks.copy()
        while at[0] < self._leaves:
            at *= 2
            below = self._sums[at]
            right = left >= below
            left -= np.where(right, below, 0.0)
            at += right
        made: IntArray = at - self._leaves
        return made


class Prioritised(Buffer):
    """Transitions that are drawn by priority; new ones have the highest there has been."""

    def __init__(
        self, size: int, width: int, futures: int, scores: int, replay: str = STANDARD
    ) -> None:
        super().__init__(size, width, futures, scores)
        self._betas = BETAS[replay]
        self._columns["priority"] = np.zeros(size)  # as exact as the sums
        self._tree = SumTree(size)
        self._done = 0.0

    def pace(self, done: float) -> None:
        """Sets the share of the training done, which the weights' exponent follows."""
        self._done = min(done, 1.0)

    def fill(self, columns: dict[str, AnyArray], at: int, top: float = 1.0) -> None:
        """Holds these instead, the next one to be replaced at `at`; `top` as kept with them."""
        super().fill(columns, at, top)
        self._place(np.arange(self.held), columns["priority"].astype(np.float64))

    def add(self, made: Transitions) -> None:
        """Keeps transitions."""
        places = (self.at + np.arange(len(made.action))) % self.size
        super().add(made)
        self._place(places, np.full(len(places), self.top))

    def sample(self, rng: np.random.Generator, number: int) -> Transitions:
        """So many of them, by priority; `importance` (B,) says how much each counts."""
        total = self._tree.total
        marks = rng.random(number) * total
        self.chosen = np.minimum(self._tree.find(marks), self.held - 1)
        first, last = self._betas
        beta = first + (last - first) * self._done
        chance = self._tree.get(self.chosen) / total
        weight = (self.held * np.maximum(chance, 1e-12)) ** -beta
        self.importance = (weight / weight.max()).astype(np.float32)
        return Transitions(*(self._columns[name][self.chosen] for name in Transitions._fields))

    def learned(self, surprise: FloatArray, doubt: FloatArray, failed: AnyArray) -> None:
        """Gives those drawn last their new priorities.

        Args:
            surprise: (B,) how far the critics were off.
            doubt: (B,) spread of the forecast, in standard deviations of its number.
            failed: (B,) whether requests missed.
        """
        made = (surprise + LEAST) ** ALPHA + DOUBT * doubt + BOOST * failed
        self._place(self.chosen, made)

    def _place(self, places: IntArray, priorities: FloatArray) -> None:
        if len(places):
            self._columns["priority"][places] = priorities
            self._tree.set(places, priorities)
            self.top = max(self.top, float(priorities.max()))
