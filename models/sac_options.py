"""How Soft Actor-Critic learns, as numbers; a file of its own, so that these load no torch."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

STATE = "training.safetensors"
"""Name of the file that a training is kept in between two episodes."""
MLP, TRANSFORMER, DQN = "mlp", "transformer", "dqn"
ACTORS = (MLP, TRANSFORMER, DQN)
POSITIONS = 21
"""Of the dial, that a DQN chooses from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to learn. Most values come from the trial behind this design."""

    actor: str = MLP
    """One of ACTORS."""
    width: int = 128
    """Of the hidden layers of the critics and of an MLP."""
    token_width: int = 32
    """Of a transformer's tokens; its inner layers are twice as wide."""
    layers: int = 2
    """Of a transformer."""
    heads: int = 4
    """Of its attention."""
    batch: int = 256
    gamma: float = 0.85
    """Per decision: what is ordered can be taken back in the next, so little beyond a start-up
    time depends on it, and a longer view brings in noise only."""
    steps: int = 5
    """Decisions whose rewards are in a return."""
    rate: float = 7e-4
    """Learning rate of the actor at the start; it falls along a half cosine to a tenth."""
    critic_rate: float = 1.5
    """Of the critics, over that of the actor."""
    tau: float = 0.005
    """By which the targets follow the critics, per update."""
    target_entropy: float = -1.0
    """At the start."""
    last_entropy: float = -2.0
    """At the end; it falls evenly in between. Under a wide spread the mean is too cautious, since
    too few workers cost more than too many, and the mean alone is used."""
    actor_every: int = 2
    """Updates of the critics for one of the actor."""
    ema: float = 0.997
    """By which the used actor stays what it was, per update of the actor."""
    clip_critics: float = 2.0
    """Largest norm of a gradient."""
    clip_actor: float = 1.0
    privileged: bool = True
    """Whether critics see the future."""
    vector: bool = True
    """Whether critics tell the scores apart, or their sum by the priorities only."""
    told_least: float = 0.004
    """Networks read the logarithms of priorities plus this, since what a small one does depends
    on its ratio to the others; 0: they read the priorities themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Of what goes in and out."""

    tokens: int
    scores: int
    futures: int
    groups: tuple[tuple[int, ...], ...] = ()
    """Which inputs make up each token of a transformer; priorities are the last inputs."""


def told(weights: npt.NDArray[Any], least: float) -> npt.NDArray[Any]:
    """Priorities as networks read them: about -2 for none to 2 for all; see `told_least`."""
    return (np.log(weights + least) + 2.5) / 1.5 if least > 0.0 else weights
