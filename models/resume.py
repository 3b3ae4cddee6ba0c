"""Keeps a training that was stopped: weights, best weights and AdamW's moments, as safetensors."""

import json
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

STATE = "training.safetensors"


class Kept(NamedTuple):
    """Where a training stands."""

    best: dict[str, Tensor]
    """Best weights so far."""
    best_pinball: float
    best_epoch: int
    before: float
    done: int
    """Epochs done."""


def keep(folder: Path, model: nn.Module, optimizer: torch.optim.AdamW, kept: Kept) -> None:
    """Writes the state, replacing the one before only when it is whole."""
    tensors = {f"model.{name}": t for name, t in model.state_dict().items()}
    tensors |= {f"best.{name}": t for name, t in kept.best.items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{name}": t for name, t in moments.items()}
    facts = json.dumps([kept.best_pinball, kept.best_epoch, kept.before, kept.done])
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{STATE}.part"
    save_file({k: t.detach().cpu().contiguous() for k, t in tensors.items()}, part, {"at": facts})
    part.replace(folder / STATE)


def resume(folder: Path, model: nn.Module, optimizer: torch.optim.AdamW) -> Kept | None:
    """Puts model and optimizer where they were; None where nothing was kept."""
    if not (folder / STATE).is_file():
        return None
    with safe_open(folder / STATE, "pt") as file:
        best_pinball, best_epoch, before, done = json.loads(file.metadata()["at"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    parts = {kind: _under(tensors, f"{kind}.") for kind in ("model", "best", "adam")}
    model.load_state_dict(parts["model"])
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in parts["adam"].items():
        index, moment = name.split(".")
        moments.setdefault(int(index), {})[moment] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
    return Kept(parts["best"], best_pinball, int(best_epoch), before, int(done))


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
