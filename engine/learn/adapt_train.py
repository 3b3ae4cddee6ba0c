"""A training from scratch beside the store: kept like a fine-tuning, judged before it is used."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from engine.evaluate.cases import heldout
from engine.learn import adapt_shelf as shelf
from engine.learn.adapt_judge import as_result, compare
from engine.learn.life import train_allocator
from engine.learn.training import GENTLE_RATE, Plan
from engine.store.duck import Store
from models.sac_options import DQN, Options

EXAM_SEED = 880_001
"""Of the generated days that a new allocator is judged on; neither trained nor evaluated on."""
LEARNING_SHARE = 0.85
_NUMBERS = ("episodes", "cells", "seed", "lessons")
OnProgress = Callable[[float, str], None]
Cancel = Callable[[], bool]


def train_here(
    store: Store,
    name: str,
    plan: Plan,
    *,
    kinds: tuple[str, ...] = ("flash-crowd", "bursty"),
    progress: OnProgress | None = None,
    cancel: Cancel | None = None,
) -> dict[str, Any]:
    """Trains an allocator beside the store; one that was stopped goes on.

    Args:
        store: the open store.
        name: of the training.
        plan: how long, and on what.
        kinds: of the generated days that it is judged on.
        progress: share done, and how it is going.
        cancel: asked once a tick.

    Returns:
        The comparison with the allocator that is used.

    Raises:
        UsageError: a name that cannot be one.
        CheckpointError: a training of another plan was begun under this name, or it is damaged.
        ReplayCancelled: `cancel` returned true; call again to go on.
    """
    folder = shelf.place_for(store.path, name)
    shelf.note_plan(folder, {"kind": "train", **_asked(plan), "kinds": list(kinds)})

    def told(share: float, text: str) -> None:
        if progress is not None:
            progress(share, text)

    train_allocator(
        folder, plan, cancel=cancel, progress=lambda at, text: told(LEARNING_SHARE * at, text)
    )
    made = compare(
        store, heldout(kinds, (EXAM_SEED,)), shelf.in_use(store.path), folder, cancel=cancel,
        progress=lambda at, text: told(LEARNING_SHARE + (1.0 - LEARNING_SHARE) * at, text),
    )  # fmt: skip
    result = as_result(made)
    shelf.note_result(folder, result)
    told(1.0, made.verdict)
    return result


def go_on(
    store: Store, name: str, progress: OnProgress | None = None, cancel: Cancel | None = None
) -> dict[str, Any]:
    """Goes on with a training that was stopped, by its own plan; raises what `train_here` does."""
    asked = shelf.find(store.path, name).plan
    wanted = {name: asked[name] for name in (*_NUMBERS, "actor") if name in asked}
    return train_here(
        store, name, planned(**wanted), kinds=tuple(asked["kinds"]), progress=progress,
        cancel=cancel,
    )  # fmt: skip


def planned(
    episodes: int, cells: int, seed: int, lessons: int = 0, actor: str = Options().actor
) -> Plan:
    """The plan of a training that is asked for so; the rest is as in the shipped one's.

    Args:
        episodes: of Soft Actor-Critic.
        cells: pools at once.
        seed: of everything that is drawn.
        lessons: episodes that the actor learns from first; it learns more gently afterwards.
        actor: its kind of network; a DQN takes no lessons.
    """
    lessons = 0 if actor == DQN else lessons
    rate = GENTLE_RATE if lessons else Options().rate
    return Plan(
        episodes=episodes, cells=cells, seed=seed, lessons=lessons,
        options=Options(actor=actor, rate=rate),
    )  # fmt: skip


def _asked(plan: Plan) -> dict[str, Any]:
    known = asdict(plan)
    return {name: known[name] for name in _NUMBERS} | {"actor": plan.options.actor}
