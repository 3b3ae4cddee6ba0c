"""The curves of a training: what is told of each of its episodes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from engine.errors import CheckpointError
from engine.learn.cells import TICKS
from engine.learn.ground import LAG, Ground
from engine.units import FloatArray
from models.sac_options import STATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the curves show of an episode."""

    episode: int
    episodes: int
    seconds: float
    """Since the start, or since it went on."""
    reward: float
    """Mean score by the priorities in force while it acted."""
    reward_std: float
    """Between cells."""
    critic_loss: float
    entropy: float | None
    """Of the actions, nats; None: nothing of it was learned, or a DQN, which has none."""
    alpha: float | None
    """Temperature: what a nat of entropy is worth; None as above."""
    explored: float | None = None
    """Chance that a DQN draws a position at random; None: no DQN."""
    cost: float
    """Billed slot-seconds over the work that arrived, mean over cells."""
    missed_frac: float
    """Share of requests that waited over half a mean service time or failed."""


OnMoment = Callable[[Moment], None]


def moments_of(folder: Path) -> list[Moment]:
    """The curves of what is kept there, of whole episodes; empty where nothing is."""
    facts = facts_kept(folder) or {}
    return [Moment(**row) for row in facts.get("moments", [])]


def facts_kept(folder: Path) -> dict[str, Any] | None:
    """What is said of the training that is kept there; None: none is.

    Raises:
        CheckpointError: its file is damaged.
    """
    from models.sac_state import facts_of

    try:
        return facts_of(folder)
    except (OSError, SafetensorError, TypeError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"the training that is kept there cannot be read: {error}", str(folder / STATE),
            "Make it readable, or remove it: the training then begins anew",
        ) from error  # fmt: skip


def logged(
    logs: Sequence[Mapping[str, float]], earned: FloatArray, ground: Ground
) -> dict[str, Any]:
    """The curves of an episode; None where nothing of it was learned.

    Args:
        logs: what each update logged.
        earned: (T, P) by the priorities in force.
        ground: where it was played.
    """
    mean: dict[str, Any] = {}
    for name in ("critic_loss", "entropy", "alpha", "explored"):
        values = [log[name] for log in logs if name in log]
        mean[name] = float(np.mean(values)) if values else None
    totals = ground.totals(TICKS - LAG)
    by_cell = earned.mean(0)
    return mean | {
        "reward": float(by_cell.mean()),
        "reward_std": float(by_cell.std()),
        "cost": float((totals[:, 2] / np.maximum(totals[:, 3], 1.0)).mean()),
        "missed_frac": float(totals[:, 1].sum() / max(float(totals[:, 0].sum()), 1.0)),
    }
