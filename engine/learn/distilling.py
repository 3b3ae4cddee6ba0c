"""One allocator out of several trainings that differ by chance: it answers as their mean.

The states are those that the trainings' mean leads to, with some exploration; priorities are
drawn anew for every state of every step.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.errors import ReplayCancelled, UsageError
from engine.learn import adapt_learner, checkpoint
from engine.learn.cells import TICKS, Mixture, episode
from engine.learn.ground import Ground
from engine.learn.rewards import fresh_weights
from engine.learn.training import Plan, described
from engine.lookahead.checkpoint import shipped
from engine.trace.streams import stream
from models.sac_options import DQN, Options

if TYPE_CHECKING:
    from models.sac import Learner

_STREAM = 6247
_FIRST = 5_000_000
"""Number of the first episode: none of those that an allocator's training learns from."""
_SMOOTH, _WIDE = 0.9, 0.25
"""Of the exploration: its correlation from tick to tick, and its spread in positions."""
_PLAYED_SHARE, _TOLD_EVERY = 0.3, 500
"""Of the progress that the episodes are, and steps after which progress is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistilPlan:
    """How long to learn, and from what."""

    episodes: int = 8
    """Of states; one more is kept for the exam."""
    cells: int = 48
    steps: int = 30_000
    """Of the optimizer."""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Distilled:
    """What came of it."""

    apart: float
    """Root mean square by which a training differs from their mean, in positions of the dial, on
    states that nothing was learned from."""
    gap: float
    """The same of what was learned."""


def distilled(
    folders: Sequence[Path],
    plan: DistilPlan,
    *,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    device: str = "auto",
) -> "tuple[Learner, Distilled]":
    """A learner whose actor answers as those of the trainings do on average.

    All else, critics too, is the first training's.

    Args:
        folders: of their checkpoints, all of one kind of network.
        plan: how long.
        progress: share done, and what is being done.
        cancel: asked once a tick and once a step.
        device: one of `engine.device.DEVICES`.

    Raises:
        UsageError: a device that is not there, fewer than two, trainings that differ in more than
            their seed, what no training from scratch made, or a DQN, which gives no mean.
        CheckpointError: one cannot be read.
        ReplayCancelled: `cancel` returned true.
    """
    import torch

    from models.sac_distilled import distil_actor, gap

    torch.set_num_threads(1)
    _check(folders)
    options = adapt_learner.options_of(folders[0], Options())
    teachers = [adapt_learner.restored(folder, options, device) for folder in folders]
    student = adapt_learner.restored(folders[0], options, device)
    mixture = Mixture(**plan_of(folders[0])["mixture"])

    def told(share: float, text: str) -> None:
        if progress is not None:
            progress(share, text)

    seen = []
    for number in range(plan.episodes + 1):
        share = _PLAYED_SHARE * number / (plan.episodes + 1)
        told(share, f"Episode {number + 1} of {plan.episodes + 1}")
        seen.append(_lived(teachers, plan, mixture, number, cancel))
    rows = np.concatenate(seen[:-1])

    def on_step(step: int) -> bool:
        if step % _TOLD_EVERY == 0:
            share = _PLAYED_SHARE + (1.0 - _PLAYED_SHARE) * step / plan.steps
            told(share, f"Learning from {len(rows):,} states")
        return cancel is None or not cancel()

    rng = stream(plan.seed, _STREAM, 1)
    distil_actor(student, teachers, rows, fresh_weights, rng, plan.steps, on_step)
    if cancel is not None and cancel():
        raise _stopped("while it learned")
    weights = fresh_weights(stream(plan.seed, _STREAM, 2), len(seen[-1]))
    apart = [gap([each], teachers, seen[-1], weights) for each in teachers]
    found = Distilled(
        apart=float(np.sqrt(np.mean(np.square(apart)))),
        gap=gap([student], teachers, seen[-1], weights),
    )
    return student, found


def write(
    learner: "Learner", folder: Path, folders: Sequence[Path], plan: DistilPlan, found: Distilled
) -> None:
    """The learner as a checkpoint, which tells what it was distilled from."""
    plans = [plan_of(each) for each in folders]
    told = {**asdict(plan), **asdict(found), "from_seeds": [each["seed"] for each in plans]}
    checkpoint.save(learner, folder, {"plan": plans[0], "distilled": told})


def plan_of(folder: Path) -> dict[str, Any]:
    """A training's plan, JSON-able; settings that are newer than it are as by default.

    Raises:
        CheckpointError: the checkpoint cannot be read.
    """
    plan = dict(checkpoint.load(folder)[1].get("plan", {}))
    if "seed" not in plan:  # no training from scratch
        return plan
    made: dict[str, Any] = json.loads(json.dumps(described(Plan()))) | plan
    return made


def _check(folders: Sequence[Path]) -> None:
    if len(folders) < 2:
        raise UsageError(
            "there is only one training to learn from", "distil", "Name two or more with --distil"
        )
    plans = [plan_of(folder) for folder in folders]
    for folder, plan in zip(folders, plans, strict=True):
        if "seed" not in plan:
            raise UsageError(
                "no training from scratch made it, so its settings are not known", folder.name,
                "Name folders of smartscale train allocator",
            )  # fmt: skip
        if plan["options"]["actor"] == DQN:
            raise UsageError(
                "a DQN gives no mean that one network could answer with", folder.name,
                "Name trainings with --actor mlp or transformer",
            )  # fmt: skip
        other = [key for key in plan if key != "seed" and plan[key] != plans[0].get(key)]
        if other:
            raise UsageError(
                f"it was trained with other settings than {folders[0].name}: {', '.join(other)}",
                folder.name, "Name trainings that differ in their seed only",
            )  # fmt: skip


def _lived(
    teachers: "Sequence[Learner]", plan: DistilPlan, mixture: Mixture, number: int,
    cancel: Callable[[], bool] | None,
) -> npt.NDArray[np.float32]:  # fmt: skip
    """(T x P, F) tokens of an episode under what the teachers agree on."""
    from models.sac import array_of
    from models.sac_distilled import agreed

    rng = stream(plan.seed, _STREAM, 0, number)
    ground = Ground(episode(plan.seed, _FIRST + number, plan.cells, mixture), shipped())
    weights = fresh_weights(rng, plan.cells)
    noise, seen = np.zeros(plan.cells), []
    for _ in range(TICKS):
        if cancel is not None and cancel():
            raise _stopped(f"episode {number + 1}")
        rows = ground.rows.astype(np.float32)
        fresh = rng.standard_normal(plan.cells)
        noise = _SMOOTH * noise + np.sqrt(1.0 - _SMOOTH**2) * fresh
        answer = np.tanh(np.asarray(array_of(agreed(teachers, rows, weights)[0]), np.float64))
        ground.step(np.clip(answer + _WIDE * noise, -1.0, 1.0))
        seen.append(rows)
    return np.concatenate(seen)


def _stopped(where: str) -> ReplayCancelled:
    return ReplayCancelled(
        "the distilling was stopped", where,
        "Start it again: it takes minutes, and keeps nothing between",
    )  # fmt: skip
