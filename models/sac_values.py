"""What each score will come to, told without the future: taught by the critics that see it.

Critics of a training read the next rates, which nobody has when a decision is explained. So a
network without them learns what they say on average over the futures of all that was lived
through, for the actions taken and for others around them.
"""

from collections.abc import Callable

import numpy as np
import torch

from models.allocator import Values
from models.sac import Array, Batch, Learner, adam, pace
from models.sac_options import told

UPDATES, RATE, SPREAD = 3000, 2e-3, 0.4
"""Steps, learning rate at the start, and how far actions are moved (standard deviation)."""


def value_rows(rows: Array, read: Array, action: Array) -> Array:
    """(B, F + K + 2) what the network reads: tokens, priorities as `told`, the action."""
    beside = np.stack([action, action**2], 1)
    return np.concatenate([rows, read, beside], 1, dtype=np.float32)


def distil(
    learner: Learner, batch: Callable[[], Batch], rng: np.random.Generator, updates: int = UPDATES
) -> Values:
    """A network that says what the critics say on average.

    Args:
        learner: with its critics.
        batch: draws transitions with priorities.
        rng: moves actions.
        updates: steps.
    """
    sizes, options = learner.sizes, learner.options
    torch.manual_seed(0)
    network = Values(sizes.tokens + sizes.scores + 2, options.width, sizes.scores)
    network = network.to(learner.device)
    optimizer = adam(network.parameters(), RATE)
    for number in range(updates):
        pace(optimizer, RATE, number, updates)
        drawn = batch()
        moved = drawn.action + SPREAD * rng.standard_normal(len(drawn.action))
        action = np.clip(moved, -1.0, 1.0).astype(np.float32)
        wanted = learner.tensor(learner.judged(drawn, action))
        read = told(drawn.weights, options.told_least)
        said = network(learner.tensor(value_rows(drawn.rows, read, action)))
        loss = ((said - wanted) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network
