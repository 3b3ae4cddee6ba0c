"""The quick forecaster's weights on disk: model.safetensors with its facts in the header."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from engine.errors import CheckpointError
from engine.lookahead.features import FEATURES, NAMES, Network
from models.tensors import write

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "checkpoints" / "lookahead"
FORMAT = "smartscale lookahead 1"
WEIGHTS = "model.safetensors"


def save(network: Network, folder: Path, about: dict[str, Any]) -> str:
    """Writes the weights; returns their SHA-256.

    Args:
        network: what to save.
        folder: made if it is not there.
        about: JSON-able facts of the training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    header = {"format": FORMAT, "features": json.dumps(NAMES), "about": json.dumps(about)}
    tensors = {k: np.ascontiguousarray(v, np.float32) for k, v in network._asdict().items()}
    write(folder / WEIGHTS, tensors, header)
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()


def load(folder: Path) -> tuple[Network, dict[str, Any]]:
    """The network and the facts of its training.

    Raises:
        CheckpointError: missing, damaged, of another format, or of shapes that do not fit.
    """
    where, fix = f"checkpoint {folder.name}", "Train one: smartscale train lookahead"
    try:
        with safe_open(folder / WEIGHTS, "np") as file:
            header = file.metadata() or {}
            network = Network(**{name: file.get_tensor(name) for name in Network._fields})
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{WEIGHTS} cannot be read: {error}", where, fix) from error
    if header.get("format") != FORMAT or header.get("features") != json.dumps(NAMES):
        raise CheckpointError("it is of another version of the product", where, fix)
    if not _fits(network):
        raise CheckpointError("its weights do not fit together", where, fix)
    return network, json.loads(header["about"])


def _fits(network: Network) -> bool:
    width, last = len(network.b1), len(network.b3)
    shapes = ((FEATURES,), (FEATURES,), (FEATURES, width), (width,), (width, len(network.b2)),
              (len(network.b2),), (len(network.b2), last), (last,))  # fmt: skip
    return all(
        tensor.shape == shape and tensor.dtype == np.float32 and bool(np.isfinite(tensor).all())
        for tensor, shape in zip(network, shapes, strict=True)
    )


@cache
def shipped() -> Network:
    """The network that comes with the product, read once. Raises CheckpointError."""
    return load(SHIPPED)[0]
