"""One actor that answers as several do on average: policy distillation (Rusu et al. 2016).

Trainings that differ in their seed only end in actors that differ by chance. The mean of their
answers keeps what they agree on; it is taught to one network, so that deciding costs what it did.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.sac import Learner, adam, number_of, pace

RATE, BATCH, SPREAD_COUNTS = 1e-3, 512, 0.01
"""Learning rate at the start; states of a step; weight of the spread's error, of use for further
training only."""
Draw = Callable[[np.random.Generator, int], npt.NDArray[np.float64]]


def agreed(
    teachers: Sequence[Learner], rows: npt.NDArray[np.float32], weights: npt.NDArray[np.float64]
) -> tuple[Tensor, Tensor]:
    """Mean over the teachers of what they answer before tanh: mean and log spread, (B,) each.

    Args:
        teachers: each reads tokens by its own scale.
        rows: (B, F) tokens as they are.
        weights: (B, K) priorities.
    """
    with torch.no_grad():
        said = [each.used(each.seen(each.standard(rows), weights)) for each in teachers]
        means, spreads = zip(*said, strict=True)
        return torch.stack(means).mean(0), torch.stack(spreads).mean(0)


def distil_actor(
    student: Learner, teachers: Sequence[Learner], rows: npt.NDArray[np.float32], draw: Draw,
    rng: np.random.Generator, steps: int, on_step: Callable[[int], bool],
) -> None:  # fmt: skip
    """Teaches the student's actor; the one that is used becomes the same.

    Args:
        student: its actor goes on from what it is.
        teachers: who agree.
        rows: (N, F) tokens of states, as they are.
        draw: so many priorities (n, K).
        rng: draws states and priorities.
        steps: of the optimizer.
        on_step: told the number of each step before it; false ends the learning.
    """
    optimizer = adam(student.actor.parameters(), RATE)
    for step in range(steps):
        if not on_step(step):
            break
        pace(optimizer, RATE, step, steps)
        found, weights = rows[rng.integers(0, len(rows), BATCH)], draw(rng, BATCH)
        mean, spread = agreed(teachers, found, weights)
        said, said_spread = student.actor(student.seen(student.standard(found), weights))
        loss = ((torch.tanh(said) - torch.tanh(mean)) ** 2).mean()
        loss = loss + SPREAD_COUNTS * ((said_spread - spread) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    student.used.load_state_dict(student.actor.state_dict())


def gap(
    one: Sequence[Learner], other: Sequence[Learner], rows: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float64],
) -> float:  # fmt: skip
    """Root of the mean squared distance of what two groups agree on, in positions of the dial."""
    here, there = (torch.tanh(agreed(group, rows, weights)[0]) for group in (one, other))
    return number_of(((here - there) ** 2).mean().sqrt())
