"""What was lived through: a ring of transitions, n steps long, sampled evenly."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.units import AnyArray, FloatArray, IntArray

Column = npt.NDArray[np.float32]


class Transitions(NamedTuple):
    """B of them."""

    rows: AnyArray
    """(B, F) tokens, standardised."""
    future: AnyArray
    """(B, U) what critics see of what came after."""
    action: AnyArray
    """(B,)"""
    reward: AnyArray
    """(B, K) discounted sums of n steps."""
    next_rows: AnyArray
    next_future: AnyArray


class Buffer:
    """At most `size` transitions; the oldest go first."""

    def __init__(self, size: int, width: int, futures: int, scores: int) -> None:
        self.size, self.at, self.held = size, 0, 0
        self.importance: Column | None = None
        """(B,) how much each of those sampled last counts; None: all alike."""
        self.chosen: IntArray = np.zeros(0, np.int64)
        """(B,) where they are."""
        self.top = 1.0
        """Highest priority there has been, which new ones have."""
        self._columns: dict[str, AnyArray] = {
            name: np.zeros((size, *shape), np.float32)
            for name, shape in (
                ("rows", (width,)), ("future", (futures,)), ("action", ()),
                ("reward", (scores,)), ("next_rows", (width,)), ("next_future", (futures,)),
            )
        }  # fmt: skip

    @property
    def columns(self) -> dict[str, AnyArray]:
        """What is held, by name; views."""
        return {name: column[: self.held] for name, column in self._columns.items()}

    def fill(self, columns: dict[str, AnyArray], at: int, top: float = 1.0) -> None:
        """Holds these instead, the next one to be replaced at `at`; `top` as kept with them."""
        self.held, self.at, self.top = len(columns["action"]), at, top
        for name, column in columns.items():
            self._columns[name][: self.held] = column

    def add(self, made: Transitions) -> None:
        """Keeps transitions."""
        number = len(made.action)
        places = (self.at + np.arange(number)) % self.size
        for name, values in zip(Transitions._fields, made, strict=True):
            self._columns[name][places] = values
        self.at = int((self.at + number) % self.size)
        self.held = min(self.size, self.held + number)

    def sample(self, rng: np.random.Generator, number: int) -> Transitions:
        """So many of them, each as likely as any; float32."""
        self.chosen = rng.integers(0, self.held, number)
        return Transitions(*(self._columns[name][self.chosen] for name in Transitions._fields))

    def pace(self, done: float) -> None:
        """Told the share of the training done."""

    def learned(self, surprise: FloatArray, doubt: FloatArray, failed: AnyArray) -> None:
        """Told of those sampled last what came of them; here each stays as likely as any."""


class Scores:
    """Means of scores over the ticks of a decision."""

    def __init__(self, ticks: int) -> None:
        self._ticks = ticks
        self._held: list[FloatArray] = []

    def add(self, scores: FloatArray) -> FloatArray | None:
        """Takes those of a tick, (P, K); the means once the decision's last tick is there."""
        self._held.append(scores)
        if len(self._held) < self._ticks:
            return None
        made: FloatArray = np.mean(self._held, axis=0)
        self._held = []
        return made


class Trail:
    """The last steps of every cell, until their rewards are known and n steps have passed."""

    def __init__(self, steps: int, gamma: float) -> None:
        self._steps, self._gamma = steps, gamma
        self._rows: list[AnyArray] = []
        self._future: list[FloatArray] = []
        self._action: list[FloatArray] = []
        self._reward: list[FloatArray] = []

    def saw(self, rows: AnyArray, future: FloatArray, action: FloatArray) -> None:
        """A decision was taken."""
        self._rows.append(rows.copy())
        self._future.append(future)
        self._action.append(action)

    def earned(self, reward: FloatArray) -> Transitions | None:
        """Rewards (P, K) of the oldest step that had none; transitions once they are whole."""
        self._reward.append(reward)
        first, last = len(self._reward) - self._steps, len(self._reward)
        if first < 0 or last >= len(self._rows):
            return None
        powers = self._gamma ** np.arange(self._steps)
        total = np.tensordot(powers, np.stack(self._reward[first:last]), 1)
        return Transitions(
            rows=self._rows[first], future=self._future[first], action=self._action[first],
            reward=total, next_rows=self._rows[last], next_future=self._future[last],
        )  # fmt: skip
