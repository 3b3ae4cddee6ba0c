"""A learner out of a checkpoint, to go on from, and back into one. Loads torch."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.learn import checkpoint
from engine.learn.cells import FUTURES
from engine.learn.replay_buffer import Buffer
from engine.learn.rewards import fresh_weights

if TYPE_CHECKING:
    from models.sac import Learner
    from models.sac_options import Options

VALUE_UPDATES = 800
"""Of the network that says what each score will come to, which goes on from no earlier one."""


def options_of(folder: Path | None, options: "Options") -> "Options":
    """How to learn, with the networks of a checkpoint: their kind and sizes are its own.

    Args:
        folder: of the checkpoint; None: the shipped one.
        options: how to learn.

    Raises:
        CheckpointError: it cannot be read.
    """
    weights, about = checkpoint.load(folder or checkpoint.SHIPPED)
    made = about["plan"]["options"]
    names = ("actor", "width", "token_width", "layers", "heads", "privileged")
    own = {name: made[name] for name in names}
    return replace(options, told_least=weights.told_least, **own)


def restored(folder: Path | None, options: "Options", device: str = "auto") -> "Learner":
    """A learner with the networks of a checkpoint.

    Args:
        folder: of the checkpoint; None: the shipped one.
        options: from `options_of`.
        device: one of `engine.device.DEVICES`.

    Raises:
        UsageError: the device is not there.
        CheckpointError: it cannot be read, or its networks are others.
    """
    return checkpoint.restored(folder or checkpoint.SHIPPED, options, FUTURES, device)


def write(
    learner: "Learner", buffer: Buffer, rng: np.random.Generator, folder: Path,
    about: dict[str, Any],
) -> None:  # fmt: skip
    """The learner as a checkpoint; what its scores will come to is learned anew from the buffer.

    Args:
        learner: to write.
        buffer: what was lived through.
        rng: draws from it.
        folder: made if it is not there.
        about: JSON-able facts.
    """
    from models.sac import Batch
    from models.sac_values import distil

    number = learner.options.batch

    def drawn() -> Batch:
        weights = fresh_weights(rng, number).astype(np.float32)
        return Batch(*buffer.sample(rng, number), weights)

    learner.values = distil(learner, drawn, rng, VALUE_UPDATES)
    checkpoint.save(learner, folder, {**about, "plan": {"options": asdict(learner.options)}})
