"""How long whole replays of the learned allocator take: a week, and many priorities of one day."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from engine.evaluate.cases import heldout, varied
from engine.learn import express
from engine.oracle.prepare import policy_spec
from engine.policies.registry import parse_spec
from engine.replay import Replay, ReplaySpec, play, set_up
from engine.sim import kernel
from engine.sim.state import make_views, with_room
from engine.units import SECONDS_PER_DAY

WEEK_DAYS, WEEK_TICK_S, RATE_PER_S = 7, 30.0, 25.0
SETTINGS = 64
BAR_WEEK_S, BAR_SETTINGS = 3.0, 8.0


def week(days: int = WEEK_DAYS) -> dict[str, float]:
    """A week of one pool at 25 requests/s, a learned decision each 30 s, in the compiled loop.

    Beside it the floor: the same requests and ticks on as many workers as there ever were, with
    no decision.
    """
    window = _window(days, WEEK_TICK_S)
    run = _run(window, "smartscale")
    short = _run(_window(0.01, WEEK_TICK_S), "smartscale")
    express.run_out(short)
    _without_decisions(short, 1)
    took = _timed(lambda: express.run_out(run))
    most = int(run.targets.max())
    fixed = _run(window, f"static:workers={most}")
    floor = _timed(lambda: _without_decisions(fixed, most))
    return {
        "week_requests": float(len(run.spec.workload.arrivals.requests)),
        "week_decisions": float(run.ticks - 1),
        "week_s": took[0],
        "week_cpu_s": took[1],
        "week_floor_s": floor[0],
        "week_floor_cpu_s": floor[1],
        "bar_week_s": BAR_WEEK_S,
    }


def settings(number: int = SETTINGS, day_s: float = SECONDS_PER_DAY) -> dict[str, float]:
    """So many priorities of one day side by side, against one whole replay and one in the loop."""
    window = _window(day_s / SECONDS_PER_DAY, 15.0)
    specs = [f"smartscale:cost={cost:.4f}:latency=0.5" for cost in np.linspace(0.02, 0.9, number)]
    whole = _run(window, specs[0])
    one = _timed(lambda: play([whole]))
    alone = _run(window, specs[0])
    quick = _timed(lambda: express.run_out(alone))
    makers = [partial(_run, window, text) for text in specs]
    all_of_them = _timed(lambda: express.run_all(makers, lambda run: run.target))
    return {
        "settings": float(number),
        "day_replay_s": one[0],
        "day_loop_s": quick[0],
        "settings_s": all_of_them[0],
        "settings_cpu_s": all_of_them[1],
        "settings_over_one_replay": all_of_them[0] / one[0],
        "settings_over_one_loop": all_of_them[0] / quick[0],
        "settings_cpu_over_one_replay": all_of_them[1] / one[1],
        "bar_settings_over_one": BAR_SETTINGS,
    }


def _without_decisions(run: Replay, workers: int) -> None:
    """All requests of a run, tick by tick, on so many workers."""
    state = with_room(run.fleet.state, np.full(len(run.target), workers))
    kernel.scale_out(state, 0, workers - int(run.target[0]), 0.0)
    views = make_views(state)
    for tick in range(run.ticks):
        from_s, to_s = run.edges_s[tick : tick + 2].tolist()
        kernel.run_tick(state, from_s, to_s, views, run.counters[tick], run.integrals[tick])
    kernel.advance(state, math.inf)


def _window(days: float, tick_s: float) -> ReplaySpec:
    (case,) = heldout(("diurnal",))[:1]
    return varied(
        case, replace(case.scenario, tick_s=tick_s), duration_s=days * SECONDS_PER_DAY,
        mean_rate_per_s=RATE_PER_S,
    )  # fmt: skip


def _run(window: ReplaySpec, policy: str) -> Replay:
    (run,) = set_up([policy_spec(window, parse_spec(policy))])
    return run


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu
