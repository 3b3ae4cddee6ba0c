"""How far what was learned on one kind of demand goes on another: the 4 x 4 matrix (S0-R52).

An entry is (J - J_random) / (J_own - J_random): J the mean weighed score on the kind it is
examined on, J_random of positions drawn at random, J_own of the policy trained on that kind.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.learn import checkpoint
from engine.learn.ablation import kept
from engine.learn.cells import EPISODE_S, FUTURES, KINDS
from engine.learn.exam import COSTS as WEIGHTS_OF_COST
from engine.learn.exam import Exam, exam_of, marks, random_mark, weights_of, worth
from engine.learn.training import Plan, train
from engine.trace.streams import stream

if TYPE_CHECKING:
    from models.sac import Learner

NAMES = ("daily waves", "crowds", "growth", "bursts")
"""The first kinds of `cells.KINDS`."""
TUNED_RATE = 2e-4
_STREAM = 6607


def transfer(
    folder: Path,
    plan: Plan,
    *,
    tuned: int,
    pools: int,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Trains on each kind, examines on every kind, before and after fine-tuning there.

    Args:
        folder: keeps what is finished.
        plan: of the trainings.
        tuned: episodes of a fine-tuning.
        pools: of the exams.
        progress: share done, and what is being done.
        cancel: asked once a tick.

    Returns:
        JSON-able; `markdown` is the table.

    Raises:
        ReplayCancelled: `cancel` returned true; what is finished is kept.
        UsageError: the folder holds a study of another plan.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plan = replace(plan, value_updates=0)
    exams = [exam_of(pools, _only(kind)) for kind in range(len(NAMES))]
    rows = []
    for at in range(len(NAMES)):
        if progress is not None:
            progress(at / len(NAMES), f"Trained on {NAMES[at]}")
        rows.append(
            kept(
                folder / f"{at}.json",
                {"trained_on": NAMES[at], "episodes": plan.episodes, "cells": plan.cells,
                 "seed": plan.seed, "tuned": tuned, "pools": pools},
                partial(_row, folder, plan, at, exams, tuned, cancel),
            )
        )  # fmt: skip
    lowest = [_random(exam, kind) for kind, exam in enumerate(exams)]
    before, after = (_matrix(rows, name, lowest) for name in ("worth", "tuned_worth"))
    return {
        "kinds": NAMES, "zero_shot": before, "fine_tuned": after, "rows": rows,
        "random": lowest, "tuned_pool_hours": tuned * plan.cells * EPISODE_S / 3600.0,
        "markdown": _table(before, after),
    }  # fmt: skip


def _only(kind: int) -> tuple[float, ...]:
    return tuple(float(at == kind) for at in range(len(KINDS)))


def _row(
    folder: Path, plan: Plan, kind: int, exams: list[Exam], tuned: int,
    cancel: Callable[[], bool] | None,
) -> dict[str, Any]:  # fmt: skip
    """Worth on every kind, as trained and after fine-tuning there."""
    own = train(replace(plan, kinds=_only(kind)), cancel=cancel)
    checkpoint.save(own, folder / f"{kind}", {})
    found = [worth(marks(exam, own)) for exam in exams]
    after = [
        worth(marks(exam, _tuned(folder / f"{kind}", plan, to, tuned, cancel)))
        if to != kind
        else found[kind]
        for to, exam in enumerate(exams)
    ]
    return {"worth": found, "tuned_worth": after}


def _tuned(
    start: Path, plan: Plan, kind: int, episodes: int, cancel: Callable[[], bool] | None
) -> "Learner":
    options = replace(plan.options, rate=TUNED_RATE)
    learner = checkpoint.restored(start, options, FUTURES)
    changed = replace(
        plan, options=options, kinds=_only(kind), episodes=episodes, seed=plan.seed + 1
    )
    return train(changed, cancel=cancel, start=learner)


def _random(exam: Exam, kind: int) -> float:
    scores = random_mark(exam, stream(0, _STREAM, kind)).scores
    return float(np.mean([np.dot(weights_of(cost), scores) for cost in WEIGHTS_OF_COST]))


def _matrix(rows: list[dict[str, Any]], name: str, lowest: list[float]) -> list[list[float]]:
    return [
        [
            (row[name][to] - low) / (rows[to]["worth"][to] - low)
            for to, low in enumerate(lowest)
        ]
        for row in rows
    ]  # fmt: skip


def _table(before: list[list[float]], after: list[list[float]]) -> str:
    lines = ["| trained on | " + " | ".join(NAMES) + " |", "|---" * (len(NAMES) + 1) + "|"]
    for at, name in enumerate(NAMES):
        cells = [
            f"{first:.2f}" if to == at else f"{first:.2f}, then {then:.2f}"
            for to, (first, then) in enumerate(zip(before[at], after[at], strict=True))
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
