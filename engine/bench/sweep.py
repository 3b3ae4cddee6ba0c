"""How long a sweep over many weights of the allocator takes, against one replay of the same day.

Both from the store to the store, in a process of its own: loading the day's requests counts on
both sides, starting Python and making the day on neither.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from engine.planner import Planner
from engine.presets import DEFAULT, PRESETS
from engine.sweep.axes import parse_axis
from engine.units import SECONDS_PER_DAY

__all__ = ["run"]

REQUESTS = 1_000_000
SEED = 1
VARIED = ("policy.latency=0.10..0.90/8", "policy.cost=0.05..0.90/8")
"""64 settings."""
ALONE = "smartscale:cost=0.33:latency=0.44"
"""None of them."""
CHECKED = 2
"""Of the settings, replayed alone, too, and compared figure by figure."""
BAR_RATIO, CORES = 8.0, 2
TIMED = ("decision_p50_ms", "decision_p99_ms")


def run(requests: int = REQUESTS) -> dict[str, Any]:
    """Sweeps a synthetic day.

    Args:
        requests: mean number of requests of the day.
    """
    with tempfile.TemporaryDirectory(prefix="smartscale-bench-") as folder:
        made = subprocess.run(  # noqa: S603 - the program is our own
            [sys.executable, "-m", "engine.bench.sweep", folder, str(requests)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    found: dict[str, Any] = json.loads(made.stdout)
    passed = found["ratio"] <= BAR_RATIO and found["identical"]
    return {**found, "bar_ratio": BAR_RATIO, "passed": passed}


def _measured(folder: Path, requests: int) -> dict[str, Any]:
    scenario = PRESETS[DEFAULT]
    with Planner(folder / "bench.duckdb") as planner:
        rate = requests / SECONDS_PER_DAY
        shared: dict[str, Any] = {"mean_rate_per_s": rate, "seed": SEED}
        planner.synthesize("diurnal", duration_s=600.0, name="warm", **shared)
        made = planner.synthesize("diurnal", duration_s=SECONDS_PER_DAY, name="day", **shared)
        axes = [parse_axis(text) for text in VARIED]
        planner.replay("warm", [ALONE], scenario=scenario)  # what is compiled is loaded
        planner.sweep("warm", "smartscale", axes[:1], scenario=scenario)
        one = _timed(lambda: planner.replay("day", [ALONE], scenario=scenario))
        documents: list[dict[str, Any]] = []
        many = _timed(
            lambda: documents.append(planner.sweep("day", "smartscale", axes, scenario=scenario))
        )
        (document,) = documents
        same = _identical(planner, document)
    return {
        "requests": made.rows, "settings": document["replayed"],
        "one_replay_s": one[0], "sweep_s": many[0], "ratio": many[0] / one[0],
        "one_replay_cpu_s": one[1], "sweep_cpu_s": many[1],
        "ratio_on_two_idle_cores": many[1] / CORES / one[1],  # others at work do not add to it
        "checked": CHECKED, "identical": same,
    }  # fmt: skip


def _identical(planner: Planner, document: dict[str, Any]) -> bool:
    """Whether some points are, to the last bit, what whole replays of them are."""
    points = document["points"]
    for point in points[:: -(-len(points) // CHECKED)]:
        card = planner.run(planner.open_point(document["sweep_id"], point["run_id"])).scorecard
        figures = point["figures"]
        if any(card[key] != figures[key] for key in card.keys() - set(TIMED)):
            return False
    return True


def _timed(work: Any) -> tuple[float, float]:
    """Wall and processor seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measured(Path(sys.argv[1]), int(sys.argv[2]))))
