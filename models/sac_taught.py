"""Teaches an actor the best of sustained positions, under priorities that are drawn anew.

The loss is what the chosen position comes to, read between the positions that were played: no
value is estimated, so nothing is discounted and nothing bootstrapped.
"""

from collections.abc import Callable

import numpy as np
import torch

from models.sac import Array, Learner

RATE, BATCH, BLUR, CALM = 1e-3, 1024, 0.08, 1e-4
"""Learning rate at the start; states of a step; spread that positions are blurred by; how much
answers far from the middle are held back."""


def teach(
    learner: Learner,
    rows: Array,
    scores: Array,
    weights: Callable[[np.random.Generator, int], np.ndarray],
    rng: np.random.Generator,
    steps: int,
) -> None:
    """Teaches the actor; the one that is used becomes the same.

    Args:
        learner: whose actor is taught.
        rows: (A, N, F) tokens of states, standardised, as each position found them.
        scores: (N, A, K) what evenly spaced positions from -1 to 1 came to.
        weights: draws so many priorities (n, K).
        rng: draws states.
        steps: of the optimizer.
    """
    optimizer = torch.optim.Adam(learner.actor.parameters(), RATE, fused=True)
    worth, each = torch.from_numpy(scores), torch.arange(BATCH)
    places = len(rows)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (0.02 + 0.49 * (1.0 + np.cos(np.pi * step / steps)))
        found, state = rng.integers(0, places, BATCH), rng.integers(0, scores.shape[0], BATCH)
        drawn = weights(rng, BATCH).astype(np.float32)
        mean, _ = learner.actor(learner.seen(rows[found, state], drawn))
        blur = torch.from_numpy(BLUR * rng.standard_normal(BATCH).astype(np.float32))
        at = ((torch.tanh(mean) + blur).clamp(-1.0, 1.0) + 1.0) * 0.5 * (places - 1)
        low = at.detach().floor().clamp(0, places - 2).long()
        part, told = (at - low)[:, None], worth[torch.from_numpy(state)]
        value = told[each, low] * (1.0 - part) + told[each, low + 1] * part
        loss = CALM * (mean**2).mean() - (value * torch.from_numpy(drawn)).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    learner.used.load_state_dict(learner.actor.state_dict())
