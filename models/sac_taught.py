"""Teaches an actor the best of sustained positions, under priorities that are drawn anew.

The loss is what the chosen position comes to, read between the positions that were played: no
value is estimated, so nothing is discounted and nothing bootstrapped.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from models.sac import Array, Learner, adam, pace

RATE, BATCH, BLUR, CALM = 1e-3, 1024, 0.08, 1e-4
"""Learning rate at the start; states of a step; spread that positions are blurred by; how much
answers far from the middle are held back."""


class Teacher:
    """States, what sustained positions came to there, and the loss of an actor's answers."""

    def __init__(
        self, rows: Array, scores: Array,
        weights: Callable[[np.random.Generator, int], np.ndarray],
    ) -> None:  # fmt: skip
        """Keeps both.

        Args:
            rows: (A, N, F) tokens of states, standardised, as each position found them.
            scores: (N, A, K) what evenly spaced positions from -1 to 1 came to.
            weights: draws so many priorities (n, K).
        """
        self._rows, self._worth, self._weights = rows, scores, weights

    def loss(self, learner: Learner, rng: np.random.Generator, size: int) -> Tensor:
        """Of the learner's actor at so many states and priorities, drawn by `rng`."""
        places, states = self._rows.shape[:2]
        found, state = rng.integers(0, places, size), rng.integers(0, states, size)
        drawn = self._weights(rng, size).astype(np.float32)
        mean, _ = learner.actor(learner.seen(self._rows[found, state], drawn))
        blur = learner.tensor(BLUR * rng.standard_normal(size).astype(np.float32))
        at = ((torch.tanh(mean) + blur).clamp(-1.0, 1.0) + 1.0) * 0.5 * (places - 1)
        low = at.detach().floor().clamp(0, places - 2).long()
        part, told = (at - low)[:, None], learner.tensor(self._worth[state])
        each = torch.arange(size, device=learner.device)
        value = told[each, low] * (1.0 - part) + told[each, low + 1] * part
        made: Tensor = CALM * (mean**2).mean() - (value * learner.tensor(drawn)).sum(1).mean()
        return made


def teach(
    learner: Learner, teacher: Teacher, rng: np.random.Generator, steps: int,
    heed: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Teaches the actor in so many steps; the one that is used becomes the same.

    What `heed`, called before each step, raises ends the teaching.
    """
    optimizer = adam(learner.actor.parameters(), RATE)
    for step in range(steps):
        heed()
        pace(optimizer, RATE, step, steps)
        loss = teacher.loss(learner, rng, BATCH)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    learner.used.load_state_dict(learner.actor.state_dict())
