"""How long a counterfactual of one hour takes at 20 requests/s, from a run that is ready."""

import tempfile
import time
from pathlib import Path
from typing import Any

from engine.planner import Planner
from engine.presets import DEFAULT, PRESETS

__all__ = ["run"]

RATE_PER_S, HOURS, SEED = 20.0, 6, 1
BAR_SECONDS = 1.0
CHANGES = ("one-more", "one-fewer", "no-guard", "no-carbon-mask", "hpa", "earlier")
_TRACE = "hours"


def run() -> dict[str, Any]:
    """Asks each kind of question at three decisions; the slowest answer counts."""
    with (
        tempfile.TemporaryDirectory(prefix="smartscale-bench-") as folder,
        Planner(Path(folder) / "bench.duckdb") as planner,
    ):
        made = planner.synthesize(
            "diurnal", duration_s=HOURS * 3600.0, mean_rate_per_s=RATE_PER_S, seed=SEED,
            name=_TRACE,
        )  # fmt: skip
        (run_id,) = planner.replay(_TRACE, ["predictive"], scenario=PRESETS[DEFAULT])
        started = time.perf_counter()
        asked = planner.asked(run_id)
        asked.prepare()
        prepared_s = time.perf_counter() - started
        seconds, cpu_s = dict.fromkeys(CHANGES, 0.0), 0.0
        for share in (0.2, 0.5, 0.8):
            one = planner.decision(run_id, at_s=share * HOURS * 3600.0)
            for change in CHANGES:
                started, spent_s = time.perf_counter(), time.process_time()
                asked.ask(one, change)
                cpu_s = max(cpu_s, time.process_time() - spent_s)
                seconds[change] = max(seconds[change], time.perf_counter() - started)
    slowest = max(seconds.values())
    return {
        "requests": made.rows, "requests_per_s": RATE_PER_S, "horizon_s": 3600.0,
        "prepared_seconds": prepared_s,
        **{f"{change}_seconds": value for change, value in seconds.items()},
        "cpu_seconds": cpu_s,  # less where others were at work
        "seconds": slowest, "bar_seconds": BAR_SECONDS, "passed": slowest <= BAR_SECONDS,
    }  # fmt: skip
