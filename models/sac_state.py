"""Keeps a training between two episodes: networks, optimizers' moments, buffer, as safetensors."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from models.learners import learner_of
from models.sac import Array, Learner
from models.sac_options import STATE, Options, Sizes

_NETWORKS = ("actor", "used", "critics", "targets")
_OPTIMIZERS = ("actor_optimizer", "critic_optimizer", "alpha_optimizer")


class Kept(NamedTuple):
    """A training as it was kept."""

    learner: Learner
    columns: dict[str, Array]
    """Of the buffer."""
    facts: dict[str, Any]


def keep(folder: Path, learner: Learner, columns: dict[str, Array], facts: dict[str, Any]) -> None:
    """Writes the state in place of the one before once it is whole.

    Args:
        folder: made if it is not there.
        learner: networks and moments.
        columns: of the buffer.
        facts: JSON-able.
    """
    tensors = {"log_alpha": learner.log_alpha.detach()}
    for name in _NETWORKS:
        for key, value in getattr(learner, name).state_dict().items():
            tensors[f"{name}.{key}"] = value
    for name in _OPTIMIZERS:
        for index, moments in getattr(learner, name).state_dict()["state"].items():
            for key, value in moments.items():
                tensors[f"{name}.{index}.{key}"] = value
    tensors |= {f"buffer.{name}": torch.from_numpy(column) for name, column in columns.items()}
    tensors["shift"], tensors["scale"] = map(torch.from_numpy, (learner.shift, learner.scale))
    header = {"facts": json.dumps(facts | {"updates": learner.updates})}
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{STATE}.part"
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, part, header)
    part.replace(folder / STATE)


def facts_of(folder: Path) -> dict[str, Any] | None:
    """What was said of the training that is kept there; None: none is."""
    if not (folder / STATE).is_file():
        return None
    with safe_open(folder / STATE, "pt") as file:
        facts: dict[str, Any] = json.loads(file.metadata()["facts"])
    return facts


def resume(folder: Path, options: Options, sizes: Sizes, device: str) -> Kept:
    """The training that is kept there, wherever it was; it goes on on that device."""
    with safe_open(folder / STATE, "pt") as file:
        facts = json.loads(file.metadata()["facts"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    shift, scale = tensors["shift"].numpy(), tensors["scale"].numpy()
    learner = learner_of(options, sizes, 0, shift, scale, device)
    for name in _NETWORKS:
        getattr(learner, name).load_state_dict(_under(tensors, f"{name}."))
    with torch.no_grad():
        learner.log_alpha.copy_(tensors["log_alpha"])
    for name in _OPTIMIZERS:
        _restore(getattr(learner, name), _under(tensors, f"{name}."))
    learner.updates = int(facts["updates"])
    columns = {name: tensor.numpy() for name, tensor in _under(tensors, "buffer.").items()}
    return Kept(learner, columns, facts)


def _under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}


def _restore(optimizer: torch.optim.Optimizer, moments: dict[str, torch.Tensor]) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in moments.items():
        index, moment = name.split(".")
        state.setdefault(int(index), {})[moment] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
