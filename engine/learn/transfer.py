"""How far what was learned on some kinds of demand goes on another (S0-R52, S0-R57).

The 4 x 4 matrix of policies trained on one kind each, and policies trained on all but one.

An entry is (J - J_random) / (J_own - J_random): J the mean weighed score on the kind it is
examined on, J_random of positions drawn at random, J_own of the policy trained on that kind with
the same seed. The best constant positions of the dial, chosen on the exam itself, stand beside:
where J_own is hardly above them, there was little to learn, and an entry says little.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.learn import checkpoint
from engine.learn.ablation import kept, told
from engine.learn.cells import EPISODE_S, FUTURES, USUAL, Mixture
from engine.learn.exam import COSTS as WEIGHTS_OF_COST
from engine.learn.exam import (
    Exam,
    best_constant,
    exam_of,
    marks,
    random_mark,
    weights_of,
    worth,
)
from engine.learn.training import Plan, train
from engine.trace.streams import stream
from engine.units import FloatArray

if TYPE_CHECKING:
    from models.sac import Learner


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Mean weighed scores of S seeds, trained on K kinds and examined on K."""

    before: FloatArray
    """(S, K, K) as trained; the last axis is the exam."""
    after: FloatArray
    """(S, K, K) after fine-tuning on the kind of the exam; as trained on the diagonal."""
    general: FloatArray
    """(S, 1, K) of policies trained on all kinds but that of the exam."""
    lowest: FloatArray
    """(K,) of positions drawn at random."""
    constant: FloatArray
    """(K,) of the constants that are best in the exam."""

    @property
    def own(self) -> FloatArray:
        """(S, 1, K) of the policy trained on the kind of the exam."""
        return np.diagonal(self.before, axis1=1, axis2=2)[:, None]

    def shares(self, worths: FloatArray) -> FloatArray:
        """Entries of the table for (S, K, K), (S, 1, K) or (K,) mean scores."""
        made: FloatArray = (worths - self.lowest) / (self.own - self.lowest)
        return made


NAMES = ("daily waves", "crowds", "growth", "bursts")
"""The first kinds of `cells.Mixture`."""
TUNED_RATE = 2e-4
_STREAM = 6607


def transfer(
    folder: Path,
    plan: Plan,
    *,
    seeds: Sequence[int],
    tuned: int,
    pools: int,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Trains on each kind, examines on every kind, before and after fine-tuning there.

    Then trains on all kinds but one, and examines on that.

    Args:
        folder: keeps what is finished.
        plan: of the trainings.
        seeds: of the trainings; every kind gets the same.
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
    todo = [(seed, at) for seed in seeds for at in range(len(NAMES))]
    rows, general = [], []
    for number, (seed, at) in enumerate(todo):
        if progress is not None:
            progress(number / len(todo), f"Trained on {NAMES[at]}, then the others, seed {seed}")
        own = replace(plan, seed=seed)
        facts = {"seed": seed, "episodes": plan.episodes, "cells": plan.cells,
                 "updates": plan.updates, "pools": pools, "plan": told(own)}  # fmt: skip
        rows.append(
            kept(
                folder / f"{at}-{seed}.json", {"trained_on": NAMES[at], "tuned": tuned, **facts},
                partial(_row, folder / f"{at}-{seed}", own, at, exams, tuned, cancel),
            )
        )  # fmt: skip
        general.append(
            kept(
                folder / f"others-{at}-{seed}.json", {"examined_on": NAMES[at], **facts},
                partial(_general, own, at, exams[at], cancel),
            )
        )  # fmt: skip
    made = Matrix(
        before=_worths(rows, "worth"), after=_worths(rows, "tuned_worth"),
        general=np.array([row["worth"] for row in general]).reshape(-1, 1, len(NAMES)),
        lowest=np.array([_random(exam, kind) for kind, exam in enumerate(exams)]),
        constant=np.array([best_constant(exam) for exam in exams]),
    )  # fmt: skip
    return {
        "kinds": NAMES, "seeds": list(seeds), "rows": rows, "general_rows": general,
        "zero_shot": made.shares(made.before).tolist(),
        "fine_tuned": made.shares(made.after).tolist(),
        "general": made.shares(made.general)[:, 0].tolist(),
        "random": made.lowest.tolist(), "best_constant": made.constant.tolist(),
        "tuned_pool_hours": tuned * plan.cells * EPISODE_S / 3600.0, "markdown": _table(made),
    }  # fmt: skip


def _only(kind: int) -> Mixture:
    return Mixture(kinds=tuple(float(at == kind) for at in range(len(USUAL.kinds))))


def _row(
    folder: Path, plan: Plan, kind: int, exams: list[Exam], tuned: int,
    cancel: Callable[[], bool] | None,
) -> dict[str, Any]:  # fmt: skip
    """Worth on every kind, as trained and after fine-tuning there."""
    own = train(replace(plan, mixture=_only(kind)), cancel=cancel)
    checkpoint.save(own, folder, {})
    found = [worth(marks(exam, own)) for exam in exams]
    after = [
        worth(marks(exam, _tuned(folder, plan, to, tuned, cancel))) if to != kind else found[kind]
        for to, exam in enumerate(exams)
    ]
    return {"worth": found, "tuned_worth": after}


def _general(
    plan: Plan, kind: int, exam: Exam, cancel: Callable[[], bool] | None
) -> dict[str, Any]:  # fmt: skip
    """Worth on a kind of a policy that was trained on all the others, each as often."""
    others = [float(at != kind) / (len(NAMES) - 1) for at in range(len(NAMES))]
    mixture = Mixture(kinds=(*others, *[0.0] * (len(USUAL.kinds) - len(NAMES))))
    return {"worth": worth(marks(exam, train(replace(plan, mixture=mixture), cancel=cancel)))}


def _tuned(
    start: Path, plan: Plan, kind: int, episodes: int, cancel: Callable[[], bool] | None
) -> "Learner":
    options = replace(plan.options, rate=TUNED_RATE)
    learner = checkpoint.restored(start, options, FUTURES)
    changed = replace(
        plan, options=options, mixture=_only(kind), episodes=episodes, seed=plan.seed + 1
    )
    return train(changed, cancel=cancel, start=learner)


def _random(exam: Exam, kind: int) -> float:
    scores = random_mark(exam, stream(0, _STREAM, kind)).scores
    return float(np.mean([np.dot(weights_of(cost), scores) for cost in WEIGHTS_OF_COST]))


def _worths(rows: list[dict[str, Any]], name: str) -> FloatArray:
    """(S, K, K), from rows by seed and kind."""
    return np.array([row[name] for row in rows], np.float64).reshape(-1, len(NAMES), len(NAMES))


def _table(made: Matrix) -> str:
    before, after = made.shares(made.before), made.shares(made.after)
    lines = ["| trained on | " + " | ".join(NAMES) + " |", "|---" * (len(NAMES) + 1) + "|"]
    for at, name in enumerate(NAMES):
        cells = [
            "1" if to == at else f"{_each(before[:, at, to])}, then {_each(after[:, at, to])}"
            for to in range(len(NAMES))
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    general = made.shares(made.general)[:, 0]
    cells = [_each(general[:, to]) for to in range(len(NAMES))]
    lines.append("| all the others | " + " | ".join(cells) + " |")
    constant = made.shares(made.constant)[:, 0]
    cells = [_each(constant[:, to]) for to in range(len(NAMES))]
    lines.append("| the best constants there | " + " | ".join(cells) + " |")
    cells = [
        f"{low:.3f}; {_each(made.own[:, 0, to], 3)}" for to, low in enumerate(made.lowest.tolist())
    ]
    lines.append("| mean score: random; its own training | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _each(values: FloatArray, digits: int = 2) -> str:
    """A number for each seed."""
    return " / ".join(f"{value:.{digits}f}" for value in values)
