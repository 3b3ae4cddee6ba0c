"""What was lived through: a ring of transitions, n steps long, sampled evenly."""

from typing import NamedTuple

import numpy as np

from engine.units import FloatArray, IntArray


class Batch(NamedTuple):
    """B transitions, float32."""

    rows: np.ndarray
    """(B, F) tokens, standardised."""
    future: np.ndarray
    """(B, 6) what the critics see of what came after."""
    action: np.ndarray
    reward: np.ndarray
    """(B, K) discounted sums of n steps."""
    next_rows: np.ndarray
    next_future: np.ndarray


class Buffer:
    """At most `size` transitions; the oldest go first."""

    def __init__(self, size: int, width: int, futures: int, scores: int) -> None:
        self.size, self.at, self.held = size, 0, 0
        self.columns: dict[str, np.ndarray] = {
            name: np.zeros((size, *shape), np.float32)
            for name, shape in (
                ("rows", (width,)), ("future", (futures,)), ("action", ()),
                ("reward", (scores,)), ("next_rows", (width,)), ("next_future", (futures,)),
            )
        }  # fmt: skip

    def add(self, batch: Batch) -> None:
        """Keeps transitions."""
        number = len(batch.action)
        places = (self.at + np.arange(number)) % self.size
        for name, values in zip(Batch._fields, batch, strict=True):
            self.columns[name][places] = values
        self.at = int((self.at + number) % self.size)
        self.held = min(self.size, self.held + number)

    def sample(self, rng: np.random.Generator, number: int) -> Batch:
        """So many of them, each as likely as any."""
        chosen: IntArray = rng.integers(0, self.held, number)
        return Batch(*(self.columns[name][chosen] for name in Batch._fields))


class Trail:
    """The last steps of every cell, until their rewards are known and n steps have passed."""

    def __init__(self, steps: int, gamma: float) -> None:
        self._steps, self._gamma = steps, gamma
        self._rows: list[FloatArray] = []
        self._future: list[FloatArray] = []
        self._action: list[FloatArray] = []
        self._reward: list[FloatArray] = []

    def saw(self, rows: FloatArray, future: FloatArray, action: FloatArray) -> None:
        """A decision was taken."""
        self._rows.append(rows.copy())
        self._future.append(future)
        self._action.append(action)

    def earned(self, reward: FloatArray) -> Batch | None:
        """Rewards (P, K) of the oldest step that had none; a transition once one is whole."""
        self._reward.append(reward)
        done = len(self._reward) - self._steps
        if done < 0 or done + self._steps >= len(self._rows):
            return None
        total = sum(self._gamma**k * self._reward[done + k] for k in range(self._steps))
        return Batch(
            rows=self._rows[done], future=self._future[done], action=self._action[done],
            reward=np.asarray(total), next_rows=self._rows[done + self._steps],
            next_future=self._future[done + self._steps],
        )  # fmt: skip
