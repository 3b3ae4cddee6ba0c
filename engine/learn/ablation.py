"""What each part of the design is worth: the same short training with one thing changed at a time.

Every arm and seed is a file of its own in the folder, so that a study that was stopped goes on.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from engine.errors import ReplayCancelled, UsageError
from engine.learn import training
from engine.learn.cells import Mixture, with_clients
from engine.learn.exam import (
    Exam,
    best_constant,
    described,
    exam_of,
    marks,
    points,
    saving,
    worth,
)
from engine.learn.forms import DELTA, HEADROOM
from engine.learn.prioritised import PAPER, STANDARD
from engine.learn.training import Plan, train
from models.sac_options import DQN, TRANSFORMER

Change = Callable[[Plan], Plan]
WHOLE = "the design, without lessons"
CALM = Mixture(kinds=with_clients(0.0), faults=0.0, prices=0.0)
LESSONS = 4
"""Episodes of the arm that is taught first."""


_WORDS = re.compile(r"[^a-z0-9]+")


def _options(**changes: Any) -> Change:
    return lambda plan: replace(plan, options=replace(plan.options, **changes))


def _plan(**changes: Any) -> Change:
    return lambda plan: replace(plan, **changes)


ARMS: Mapping[str, Change] = MappingProxyType(
    {
        WHOLE: _plan(),
        "lessons first": _plan(lessons=LESSONS),
        "critics do not see the future": _options(privileged=False),
        "action: headroom on present demand": _plan(form=HEADROOM),
        "action: change of workers": _plan(form=DELTA),
        "forecast not among what is seen": _plan(hidden=("forecast",)),
        "no forecast at all": _plan(hidden=("forecast",), form=HEADROOM),
        "prioritised replay": _plan(replay=STANDARD),
        "prioritised replay as published": _plan(replay=PAPER),
        "learned from the position that was executed": _plan(executed=True),
        "no faults, moving prices or clumps in training": _plan(mixture=CALM),
        "transformer": _options(actor=TRANSFORMER),
        "DQN": _options(actor=DQN),
        "critics know the weighed sum only": _options(vector=False),
        "priorities read as they are": _options(told_least=0.0),
    }
)


def ablation(
    folder: Path,
    plan: Plan,
    *,
    seeds: Sequence[int],
    pools: int,
    arms: Sequence[str] = tuple(ARMS),
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Trains every arm with every seed and examines it on the same pools.

    Args:
        folder: keeps what is finished.
        plan: of every arm but for its one change.
        seeds: of the trainings; every arm gets the same.
        pools: of the exam.
        arms: of ARMS.
        progress: share done, and what is being done.
        cancel: asked once a tick.

    Returns:
        JSON-able; `markdown` is the table.

    Raises:
        ReplayCancelled: `cancel` returned true; finished arms are kept.
        UsageError: the folder holds a study of another plan.
    """
    folder.mkdir(parents=True, exist_ok=True)
    exam = exam_of(pools)
    rows = []
    todo = [(seed, arm) for seed in seeds for arm in arms]
    for number, (seed, arm) in enumerate(todo):
        if progress is not None:
            progress(number / len(todo), f"{arm}, seed {seed}")
        changed = replace(ARMS[arm](plan), seed=seed, value_updates=0)
        path = folder / f"{_WORDS.sub('-', arm.lower())}-{seed}.json"
        rows.append(kept(path, {"arm": arm, "seed": seed, "episodes": plan.episodes,
                                "cells": plan.cells, "updates": plan.updates, "pools": pools,
                                "plan": told(changed)},
                         partial(_found, changed, exam, cancel)))  # fmt: skip
    return {"rows": rows, "best_constant": best_constant(exam), "markdown": _table(rows, arms)}


def told(plan: Plan) -> Any:
    """The plan as it comes back from a file."""
    return json.loads(json.dumps(training.described(plan)))


def kept(
    path: Path, facts: Mapping[str, Any], made: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """What the file holds; it is made first where it is not there. Raises UsageError."""
    if path.is_file():
        row: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if {name: row.get(name) for name in facts} != dict(facts):
            raise UsageError(
                "a study with other settings was begun there", str(path.parent),
                "Use the same settings, another folder, or remove the folder",
            )  # fmt: skip
        return row
    row = {**facts, **made()}
    path.write_text(json.dumps(row) + "\n", "utf-8")
    return row


def _found(plan: Plan, exam: Exam, cancel: Callable[[], bool] | None) -> dict[str, Any]:
    began = time.process_time()
    learner = train(plan, cancel=cancel)
    took_s = time.process_time() - began
    if cancel is not None and cancel():
        raise ReplayCancelled(
            "the study was stopped", "the exam of an arm",
            "Give the same command again: finished arms are kept",
        )  # fmt: skip
    made = marks(exam, learner, plan.form)
    return {
        "saving_frac": saving(points(exam.constants), points(made)), "worth": worth(made),
        "cpu_s": took_s, "marks": described(made),
    }  # fmt: skip


def _table(rows: Sequence[Mapping[str, Any]], arms: Sequence[str]) -> str:
    whole = {row["seed"]: row for row in rows if row["arm"] == WHOLE}
    heads = (
        "variant", "cheaper than the best constants, each seed",
        "than the design with the same seed, each", "reward", "CPU s",
    )  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for arm in arms:
        mine = [row for row in rows if row["arm"] == arm]
        cells = [
            _each([row["saving_frac"] for row in mine]),
            "" if arm == WHOLE else _each([_beyond(whole.get(row["seed"]), row) for row in mine]),
            f"{np.mean([row['worth'] for row in mine]):.3f}",
            f"{np.mean([row['cpu_s'] for row in mine]):.0f}",
        ]
        lines.append(f"| {arm} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _beyond(whole: Mapping[str, Any] | None, row: Mapping[str, Any]) -> float | None:
    """Share that a variant costs less than the design at equal misses."""
    return None if whole is None else saving(_front(whole), _front(row))


def _front(row: Mapping[str, Any]) -> list[tuple[float, float]]:
    return [(mark["cost"], mark["missed_frac"]) for mark in row["marks"]]


def _each(found: Sequence[float | None]) -> str:
    """Every seed's, and from two seeds on the mean and its standard error."""
    text = " / ".join("-" if share is None else f"{100 * share:+.1f} %" for share in found)
    known = [100 * share for share in found if share is not None]
    if len(known) < 2:
        return text
    error = np.std(known, ddof=1) / np.sqrt(len(known))
    return f"{text}: {np.mean(known):+.1f} ± {error:.1f}"
