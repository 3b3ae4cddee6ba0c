"""How long a report of year-long runs takes, from the stored runs to each finished file.

The year is synthesised and replayed first, which is not in the figures.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from engine.planner import Planner
from engine.presets import DEFAULT, PRESETS
from engine.units import SECONDS_PER_DAY

__all__ = ["run"]

DAYS = 365
REQUESTS = 3_000_000
TICK_S = 60.0
POLICIES = ("static", "threshold:interval_s=60")
KINDS = ("json", "csv", "focus.csv", "html", "xlsx", "pdf")
BAR_SECONDS = 5.0
T = TypeVar("T")


def run(days: int = DAYS, requests: int = REQUESTS) -> dict[str, Any]:
    """Seconds for the figures, for each export, and for all together.

    Args:
        days: length of the runs.
        requests: mean number of requests in them.
    """
    scenario = replace(PRESETS[DEFAULT], tick_s=TICK_S)
    with (
        tempfile.TemporaryDirectory(prefix="smartscale-bench-") as folder,
        Planner(Path(folder) / "bench.duckdb") as planner,
    ):
        seconds = days * SECONDS_PER_DAY
        planner.synthesize(
            "diurnal", duration_s=seconds, mean_rate_per_s=requests / seconds, seed=1, name="year"
        )
        ids = planner.replay("year", POLICIES, scenario=scenario)
        made, figures_s = _timed(lambda: planner.report(ids, ids[0]))
        exports = {
            kind: _timed(lambda kind=kind: planner.export(made, kind))  # type: ignore[misc]
            for kind in KINDS
        }
        arrived = planner.run(ids[0]).scorecard["requests_arrived"]
    whole = figures_s + exports["pdf"][1]
    return {
        "days": days,
        "runs": len(ids),
        "requests_per_run": arrived,
        "ticks_per_run": round(seconds / TICK_S),
        "figures_seconds": figures_s,
        **{f"{kind.replace('.', '_')}_seconds": took for kind, (_, took) in exports.items()},
        "seconds": whole,
        "bar_seconds": BAR_SECONDS,
        "passed": whole <= BAR_SECONDS,
    }


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    made = work()
    return made, time.perf_counter() - started
