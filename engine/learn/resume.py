"""Keeps a training between two episodes: networks, optimizers' moments, buffer, as safetensors."""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from engine.errors import CheckpointError
from engine.learn.replay_buffer import Buffer
from engine.learn.sac import Learner
from engine.learn.training import Plan, described

STATE = "training.safetensors"
_NETWORKS = ("actor", "used", "critics", "targets")
_OPTIMIZERS = ("actor_optimizer", "critic_optimizer", "alpha_optimizer")


def keep(folder: Path, plan: Plan, learner: Learner, buffer: Buffer, done: int) -> None:
    """Writes the state after `done` episodes, in place of the one before once it is whole."""
    tensors = {"log_alpha": learner.log_alpha.detach()}
    for name in _NETWORKS:
        for key, value in getattr(learner, name).state_dict().items():
            tensors[f"{name}.{key}"] = value
    for name in _OPTIMIZERS:
        for index, moments in getattr(learner, name).state_dict()["state"].items():
            for key, value in moments.items():
                tensors[f"{name}.{index}.{key}"] = value
    for name, column in buffer.columns.items():
        tensors[f"buffer.{name}"] = torch.from_numpy(column[: buffer.held])
    tensors["shift"], tensors["scale"] = map(torch.from_numpy, (learner.shift, learner.scale))
    facts = {"plan": described(plan), "done": done, "at": buffer.at, "updates": learner.updates}
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{STATE}.part"
    save_file({k: v.contiguous() for k, v in tensors.items()}, part, {"facts": json.dumps(facts)})
    part.replace(folder / STATE)


def resume(folder: Path, plan: Plan, buffer: Buffer) -> tuple[Learner | None, int]:
    """The learner as it was kept and the episodes done, with the buffer filled; else None and 0.

    Raises:
        CheckpointError: what was kept is of another plan.
    """
    path = folder / STATE
    if not path.is_file():
        return None, 0
    with safe_open(path, "pt") as file:
        facts = json.loads(file.metadata()["facts"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if facts["plan"] != json.loads(json.dumps(described(plan))):
        raise CheckpointError(
            "a training with other settings was begun there", str(folder),
            "Use the same settings, another folder, or remove the folder",
        )  # fmt: skip
    learner = Learner(plan.options, plan.seed, tensors["shift"].numpy(), tensors["scale"].numpy())
    for name in _NETWORKS:
        getattr(learner, name).load_state_dict(_under(tensors, f"{name}."))
    with torch.no_grad():
        learner.log_alpha.copy_(tensors["log_alpha"])
    for name in _OPTIMIZERS:
        _restore(getattr(learner, name), _under(tensors, f"{name}."))
    held = len(tensors["buffer.action"])
    for name, column in buffer.columns.items():
        column[:held] = tensors[f"buffer.{name}"].numpy()
    buffer.held, buffer.at, learner.updates = held, facts["at"], facts["updates"]
    return learner, int(facts["done"])


def _under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}


def _restore(optimizer: torch.optim.Optimizer, moments: dict[str, torch.Tensor]) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in moments.items():
        index, moment = name.split(".")
        state.setdefault(int(index), {})[moment] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
