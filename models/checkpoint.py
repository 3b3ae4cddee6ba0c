"""Checkpoints on disk: model.safetensors, config.json with its hash, README.md (the card).

Never pickle: a file from elsewhere can be wrong, but it cannot run code.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from models.forecaster import Forecaster, NetworkConfig, build
from models.inputs import ANCHORS, CONTEXT, FEATURES, HORIZON, SPREADS, STEPS

FORMAT = "smartscale forecaster 1"
"""Names what wrote the checkpoint; a change of the inputs' meaning raises the number."""
WEIGHTS, CONFIG = "model.safetensors", "config.json"
SHAPES = [STEPS, FEATURES, CONTEXT, ANCHORS, SPREADS, HORIZON]


class UnusableCheckpointError(ValueError):
    """A checkpoint that is missing, damaged, or not ours; the message says which."""


def save(model: Forecaster, folder: Path, about: dict[str, Any]) -> str:
    """Writes weights and config; returns the SHA-256 of the weights.

    Args:
        model: what to save.
        folder: made if it is not there.
        about: JSON-able facts of the training (data, seed, scores).
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: t.detach().cpu().contiguous() for name, t in model.state_dict().items()}
    save_file(tensors, folder / WEIGHTS)
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    content = {
        "format": FORMAT,
        "network": model.config.as_dict(),
        "shapes": SHAPES,
        "weights_sha256": digest,
        "about": about,
    }
    (folder / CONFIG).write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    return digest


def load(folder: Path) -> tuple[Forecaster, dict[str, Any]]:
    """The network, ready to forecast, and what its config says of the training.

    Raises:
        UnusableCheckpointError: a missing or damaged file, another format, shapes that do not
            fit, or weights that are not those of the config.
    """
    config = _config(folder)
    try:
        raw = (folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise UnusableCheckpointError(f"{WEIGHTS} cannot be read: {error.strerror}") from error
    if hashlib.sha256(raw).hexdigest() != config.get("weights_sha256"):
        raise UnusableCheckpointError(f"{WEIGHTS} is not the file that {CONFIG} describes")
    try:
        network = dict(config["network"])
        network["levels"] = tuple(network["levels"])
        model = build(NetworkConfig(**network), 0)
        model.load_state_dict(load_file(folder / WEIGHTS))
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise UnusableCheckpointError(f"weights and config do not fit: {error}") from error
    if not all(bool(t.isfinite().all()) for t in model.state_dict().values()):
        raise UnusableCheckpointError(f"{WEIGHTS} holds values that are not finite")
    model.eval()
    return model, dict(config.get("about", {}))


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
    except OSError as error:
        raise UnusableCheckpointError(f"{CONFIG} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UnusableCheckpointError(f"{CONFIG} is not JSON: {error}") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise UnusableCheckpointError(f"{CONFIG} is not of format {FORMAT!r}")
    if config.get("shapes") != SHAPES:
        raise UnusableCheckpointError(
            f"it reads inputs of shapes {config.get('shapes')}, this version makes {SHAPES}"
        )
    return config
