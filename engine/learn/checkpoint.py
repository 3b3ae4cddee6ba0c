"""An allocator on disk: model.safetensors with its facts in the header; loading runs no code."""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from engine.errors import CheckpointError
from engine.learn.rewards import SCORES
from engine.learn.tokens import CLUSTER, TOKEN, WIDTH

if TYPE_CHECKING:
    from models.sac import Learner

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "checkpoints" / "allocator"
FORMAT = "smartscale allocator 1"
WEIGHTS = "model.safetensors"
_TABLE = json.dumps([*TOKEN, *CLUSTER, *SCORES])


class Weights(NamedTuple):
    """The used actor as arrays, float32. W is the width."""

    shift: np.ndarray
    """(WIDTH,) taken from tokens, which are then divided by `scale` and bounded."""
    scale: np.ndarray
    w1: np.ndarray
    """(WIDTH + 5, W)"""
    b1: np.ndarray
    w2: np.ndarray
    b2: np.ndarray
    w3: np.ndarray
    """(W,) to the mean of the action before tanh."""
    b3: np.ndarray
    """(1,)"""


def weights_of(learner: "Learner") -> Weights:
    """The actor that is used, out of a training."""
    held = {name: tensor.detach().numpy() for name, tensor in learner.used.state_dict().items()}
    return Weights(
        shift=learner.shift,
        scale=learner.scale,
        w1=np.ascontiguousarray(held["first.weight"].T),
        b1=held["first.bias"],
        w2=np.ascontiguousarray(held["second.weight"].T),
        b2=held["second.bias"],
        w3=held["last.weight"][0],
        b3=held["last.bias"][:1],
    )


def save(weights: Weights, folder: Path, about: dict[str, Any]) -> None:
    """Writes an allocator.

    Args:
        weights: what to save.
        folder: made if it is not there.
        about: JSON-able facts of the training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    header = {"format": FORMAT, "table": _TABLE, "about": json.dumps(about)}
    tensors = {k: np.ascontiguousarray(v, np.float32) for k, v in weights._asdict().items()}
    save_file(tensors, folder / WEIGHTS, header)


def load(folder: Path) -> tuple[Weights, dict[str, Any]]:
    """The actor and the facts of its training.

    Raises:
        CheckpointError: missing, damaged, of another format, or of shapes that do not fit.
    """
    where, fix = f"checkpoint {folder.name}", "Train one: smartscale train allocator"
    try:
        with safe_open(folder / WEIGHTS, "np") as file:
            header = file.metadata() or {}
            weights = Weights(**{name: file.get_tensor(name) for name in Weights._fields})
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{WEIGHTS} cannot be read: {error}", where, fix) from error
    if header.get("format") != FORMAT or header.get("table") != _TABLE:
        raise CheckpointError("it is of another version of the product", where, fix)
    if not _fits(weights):
        raise CheckpointError("its weights do not fit together", where, fix)
    return weights, json.loads(header["about"])


def _fits(weights: Weights) -> bool:
    width = len(weights.b1)
    shapes = ((WIDTH,), (WIDTH,), (WIDTH + len(SCORES), width), (width,), (width, width),
              (width,), (width,), (1,))  # fmt: skip
    return all(
        tensor.shape == shape and tensor.dtype == np.float32 and bool(np.isfinite(tensor).all())
        for tensor, shape in zip(weights, shapes, strict=True)
    )


@cache
def shipped() -> Weights:
    """The allocator that comes with the product, read once. Raises CheckpointError."""
    return load(SHIPPED)[0]
