"""How soon a changed weight is answered on a day of a million requests: preview, then all of it.

In a process of its own with a store of its own, as the dashboard answers it: the requests of the
day are in memory from the question before, the new run is written to DuckDB. Then in Chromium,
where there is one: the slider again, and boxes drawn on the front of a sweep.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from engine.bench.planner_browser import measured
from engine.errors import UsageError
from engine.planner import Planner
from engine.presets import DEFAULT, PRESETS
from engine.sweep.axes import parse_axis
from engine.units import SECONDS_PER_DAY
from engine.weights import WEIGHTS, weighted

__all__ = ["run"]

REQUESTS = 1_000_000
SEED = 1
BAR_PREVIEW_S = 1.0
BAR_FULL_S = 5.0
BAR_BRUSH_S = 0.2
TURNS, BRUSHES = 4, 40
VARIED = ("policy.latency=0.10..0.90/8", "policy.cost=0.05..0.90/8")
"""64 points to brush."""
_TRACE = "day"


def run(requests: int = REQUESTS) -> dict[str, Any]:
    """Turns to each preset of weights in turn and returns the slowest answers.

    Args:
        requests: mean number of requests of the synthetic day.
    """
    with tempfile.TemporaryDirectory(prefix="smartscale-bench-") as folder:
        made = subprocess.run(  # noqa: S603 - the program is our own
            [sys.executable, "-m", "engine.bench.planner", folder, str(requests)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        found: dict[str, Any] = json.loads(made.stdout)
        found |= _in_browser(Path(folder) / "bench.duckdb", found)
    slow = any(
        found.get(name, 0.0) > bar
        for name, bar in (
            ("preview_s", BAR_PREVIEW_S), ("full_s", BAR_FULL_S),
            ("browser_preview_s", BAR_PREVIEW_S), ("browser_full_s", BAR_FULL_S),
            ("browser_brush_p95_s", BAR_BRUSH_S),
        )
    )  # fmt: skip
    return {
        **found, "bar_preview_s": BAR_PREVIEW_S, "bar_full_s": BAR_FULL_S,
        "bar_brush_p95_s": BAR_BRUSH_S, "passed": not slow,
    }  # fmt: skip


def _in_browser(store: Path, found: dict[str, Any]) -> dict[str, Any]:
    """The same in Chromium, or why that was not measured."""
    try:
        return measured(store, found["trace_id"], found["sweep_id"], TURNS, BRUSHES)
    except UsageError as error:
        return {"browser": error.what}


def _turn_knobs(folder: Path, requests: int) -> dict[str, Any]:
    """Previews and replays of every preset of weights."""
    scenario = PRESETS[DEFAULT]
    previews, replays, cpu_s, cards = [], [], [], {}
    with Planner(folder / "bench.duckdb") as planner:
        made = planner.synthesize(
            "diurnal",
            duration_s=SECONDS_PER_DAY,
            mean_rate_per_s=requests / SECONDS_PER_DAY,
            seed=SEED,
            name=_TRACE,
        )
        planner.glimpse(_TRACE, "hpa", scenario=scenario)  # the first question loads the day
        for name, weights in WEIGHTS.items():
            policy = weighted("smartscale", weights)
            began, busy_s = time.perf_counter(), time.process_time()
            glimpse = planner.glimpse(_TRACE, policy, scenario=scenario)
            seen = time.perf_counter()
            run_id = planner.replay_again(_TRACE, policy, scenario=scenario)
            previews.append(seen - began)
            replays.append(time.perf_counter() - began)
            cpu_s.append(time.process_time() - busy_s)
            card = planner.run(run_id).scorecard
            keys = ("cost_usd", "slo_attainment_frac", "p99_s")
            cards[name] = {
                key: {"preview": glimpse.scorecard[key], "full": card[key]} for key in keys
            }
        axes = [parse_axis(text) for text in VARIED]
        made_too = planner.sweep(_TRACE, "smartscale", axes, scenario=scenario, to_s=3600.0)
        sweep_id = made_too["sweep_id"]
        planner.ensure_samples()
        planner.demo()  # so that the dashboard does not make it while it is measured
    return {
        "trace_id": made.trace_id,
        "sweep_id": sweep_id,
        "requests": made.rows,
        "preview_s": max(previews),
        "full_s": max(replays),
        "previews_s": previews,
        "replays_s": replays,
        "cpu_s": max(cpu_s),  # of both; less than `full_s` where others were at work
        "figures": cards,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_turn_knobs(Path(sys.argv[1]), int(sys.argv[2]))))
