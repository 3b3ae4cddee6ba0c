"""Whether a trained allocator is as good for a pool in a large cluster as in a small one.

The same pools are examined again and again, in clusters of other sizes each time: what each of
them asks for and gets is the same, only what the allocator is told of the cluster differs.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import ReplayCancelled
from engine.learn import checkpoint
from engine.learn.ablation import kept
from engine.learn.cells import FUTURES
from engine.learn.exam import Exam, best_constant, described, exam_of, marks, points, saving, worth
from models.sac_options import Options

SIZES = (1, 4, 8, 64, 500)
"""Pools of a cluster."""


def crowding(
    folder: Path,
    *,
    pools: int,
    start: Path = checkpoint.SHIPPED,
    sizes: Sequence[int] = SIZES,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Examines an allocator with an MLP on so many pools, in clusters of each size.

    Args:
        folder: keeps what is finished.
        pools: of the exam; clusters are no larger.
        start: folder of the checkpoint.
        sizes: of the clusters.
        progress: share done, and what is being done.
        cancel: asked between two sizes.

    Returns:
        JSON-able; `markdown` is the table.

    Raises:
        ReplayCancelled: `cancel` returned true; what is finished is kept.
        UsageError: the folder holds a study of other pools, or of another allocator.
        CheckpointError: as `checkpoint.load`, or its actor is no MLP.
    """
    folder.mkdir(parents=True, exist_ok=True)
    exam, actor = exam_of(pools), checkpoint.fingerprint(checkpoint.load(start)[0].actor)
    rows = []
    for number, size in enumerate(sizes):
        if cancel is not None and cancel():
            raise ReplayCancelled(
                "the study was stopped", f"clusters of {size} pools",
                "Give the same command again: finished sizes are kept",
            )  # fmt: skip
        if progress is not None:
            progress(number / len(sizes), f"Clusters of {size} pools")
        facts = {"size": size, "pools": pools, "checkpoint": start.name, "actor": actor}
        rows.append(
            kept(folder / f"{start.name}-{size}.json", facts, partial(_row, exam, start, size))
        )
    return {"rows": rows, "best_constant": best_constant(exam), "markdown": _table(rows)}


def _row(exam: Exam, start: Path, size: int) -> dict[str, Any]:
    learner = checkpoint.restored(start, Options(), FUTURES)
    cluster = np.arange(len(exam.episode.pools)) // size
    found = marks(replace(exam, episode=replace(exam.episode, cluster=cluster)), learner)
    return {
        "saving_frac": saving(points(exam.constants), points(found)), "worth": worth(found),
        "marks": described(found),
    }  # fmt: skip


def _table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        "| pools of a cluster | cheaper than the best constants at equal misses | mean score |",
        "|---|---|---|",
    ]
    for row in rows:
        share = row["saving_frac"]
        told = "-" if share is None else f"{100 * share:+.1f} %"
        lines.append(f"| {row['size']} | {told} | {row['worth']:.3f} |")
    return "\n".join(lines)
