"""A learner out of a checkpoint, to go on from. Loads torch."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.learn import checkpoint
from engine.learn.training import SIZES

if TYPE_CHECKING:
    from models.sac import Learner
    from models.sac_options import Options

SPREAD = -0.5
"""What the actor's spread begins from, before its tanh: a standard deviation of about 0.25."""


def restored(folder: Path | None, options: "Options", seed: int) -> "Learner":
    """A learner whose actor is that of a checkpoint; its critics are new.

    Args:
        folder: of the checkpoint; None: the shipped one.
        options: how to learn.
        seed: of the critics' first weights.

    Raises:
        CheckpointError: it cannot be read, or is of another width.
    """
    import torch

    from models.sac import Learner

    weights = checkpoint.load(checkpoint.SHIPPED if folder is None else folder)[0]
    learner = Learner(options, SIZES, seed, weights.shift, weights.scale)
    state = learner.actor.state_dict()
    given = {
        "first.weight": weights.w1.T, "first.bias": weights.b1, "second.weight": weights.w2.T,
        "second.bias": weights.b2,
        "last.weight": np.stack([weights.w3, np.zeros_like(weights.w3)]),
        "last.bias": np.array([weights.b3[0], SPREAD], np.float32),
    }  # fmt: skip
    for name, value in given.items():
        state[name] = torch.from_numpy(np.ascontiguousarray(value))
    learner.actor.load_state_dict(state)
    learner.used.load_state_dict(state)
    return learner


def write(learner: "Learner", folder: Path, about: dict[str, object]) -> None:
    """The actor that is used, as a checkpoint."""
    checkpoint.save(checkpoint.weights_of(learner), folder, about)
