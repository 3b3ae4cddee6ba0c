"""How soon a ten-fold crowd is served: ordered, ready, last bad quarter of a minute, 8 seeds.

The crowd begins at any moment between two decisions, drawn by seed, and seconds are counted from
its first. All capacity is what serves its work at nine tenths of the slots in use, at which a
request takes longer than alone by as much as the cluster says. A quarter of a minute is bad when
more than 5 % of the requests that arrive in it wait for over half a mean service time or fail.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.evaluate.cases import Case, heldout, varied
from engine.oracle.measures import WAIT_FACTOR
from engine.oracle.play import run_out
from engine.oracle.prepare import policy_spec
from engine.policies.registry import parse_spec
from engine.replay import Replay, ReplaySpec, set_up
from engine.sim import kernel
from engine.trace.streams import stream

__all__ = ["run"]

SEEDS = tuple(range(980_001, 980_009))
FACTOR, RAMP_S, HOLD_S, DECAY_S = 10.0, 30.0, 900.0, 120.0
BEFORE_S, WINDOW_S, BASE_PER_S = 3600.0, 5400.0, 10.0
BAD_FRAC, DECISION_S, STARTUP_MOST_S, SPARE_S = 0.05, 15.0, 90.0, 20.0
FULL_FRAC = 0.9
_STREAM = 5309
POLICIES = (
    "hpa:target=0.5", "hpa:target=0.6", "hpa:target=0.7",
    "hpa:metric=in_flight:downscale_window_s=60:target=0.7", "predictive",
    "smartscale", "smartscale:cost=0.5:latency=0.3:reliability=0.2:utilisation=0:carbon=0",
)  # fmt: skip


def run(seeds: tuple[int, ...] = SEEDS, policies: tuple[str, ...] = POLICIES) -> dict[str, Any]:
    """Means over the seeds by policy, and whether the allocator keeps to its bars in each."""
    begins = [BEFORE_S + float(stream(seed, _STREAM).uniform(0.0, DECISION_S)) for seed in seeds]
    cases = heldout(("flash-crowd",), seeds)
    windows = [(_window(case, at_s), at_s) for case, at_s in zip(cases, begins, strict=True)]
    rows = {text: [_measured(*window, text) for window in windows] for text in policies}
    bar_s = RAMP_S + DECISION_S + STARTUP_MOST_S + SPARE_S
    own = [row for text, found in rows.items() if text.startswith("smartscale") for row in found]
    return {
        "seeds": len(seeds),
        "policies": {
            text: {name: float(np.mean([row[name] for row in found])) for name in found[0]}
            for text, found in rows.items()
        },
        "bar_ordered_s": RAMP_S + DECISION_S,
        "bar_last_bad_s": bar_s,
        "worst_ordered_s": max(row["ordered_s"] for row in own),
        "worst_last_bad_s": max(row["last_bad_s"] for row in own),
        "passed": all(
            row["ordered_s"] <= RAMP_S + DECISION_S and row["last_bad_s"] <= bar_s for row in own
        ),
    }


def _window(case: Case, at_s: float) -> ReplaySpec:
    """An hour of calm, then the crowd from `at_s` on."""
    excess = (FACTOR - 1.0) * (HOLD_S + 0.5 * (RAMP_S + DECAY_S)) / WINDOW_S
    return varied(
        case, case.scenario, duration_s=WINDOW_S, mean_rate_per_s=BASE_PER_S * (1.0 + excess),
        flash_factor=FACTOR, ramp_s=RAMP_S, hold_s=HOLD_S, decay_s=DECAY_S, flashes=1,
        first_at_s=at_s,
    )  # fmt: skip


def needed_workers(window: ReplaySpec, at_s: float) -> float:
    """Workers that serve the crowd at its height with FULL_FRAC of their slots in use.

    work/s x (1 + contention x FULL_FRAC) / (slots x FULL_FRAC)
    """
    requests = window.workload.arrivals.requests
    high_s = at_s + RAMP_S
    high = (requests["arrival_s"] >= high_s) & (requests["arrival_s"] < high_s + HOLD_S)
    (kind,) = window.scenario.agent_types
    work = float(requests["work_s"][high].sum()) / HOLD_S
    return work * (1.0 + kind.contention * FULL_FRAC) / (kind.slots * FULL_FRAC)


def _measured(window: ReplaySpec, at_s: float, policy: str) -> dict[str, float]:
    (made,) = set_up([policy_spec(window, parse_spec(policy))])
    run_out(made)
    needed = needed_workers(window, at_s)
    before = int(at_s // made.tick_s)
    ready = made.counters[:, 0, kernel.C_READY]
    bad, share = _bad(made, at_s)
    calm = int(made.targets[before, 0])
    work_s = window.workload.arrivals.requests["work_s"].sum()
    return {
        "first_order_s": _since(made, at_s, made.targets[:, 0] > calm, 0),
        "ordered_s": _since(made, at_s, made.targets[:, 0] >= needed, 0),
        "first_ready_s": _since(made, at_s, ready > ready[before - 1], 1),
        "ready_s": _since(made, at_s, ready >= needed, 1),
        "last_bad_s": bad,
        "missed_in_20_min_frac": share,
        "cost": float(made.integrals[:, :, kernel.F_SLOT_S].sum() / work_s),
    }


def _since(made: Replay, at_s: float, there: npt.NDArray[np.bool_], late: int) -> float:
    """Seconds from the crowd's first until something is there.

    Args:
        made: the replay.
        at_s: when the crowd begins.
        there: (T,) whether it is, by tick.
        late: 0: from the tick's start, as orders are; 1: at its end, as counts are.
    """
    first = math.ceil(at_s / made.tick_s) - late
    after = np.flatnonzero(there[first:])
    if not len(after):
        return float(WINDOW_S - at_s)
    return float((first + after[0] + late) * made.tick_s - at_s)


def _bad(made: Replay, at_s: float) -> tuple[float, float]:
    """End of the last bad tick, and the share missed of 20 minutes."""
    state = made.fleet.state
    outcomes, work_s = state.outcomes, state.requests["work_s"]
    waited = outcomes["start_s"] - outcomes["arrived_s"]
    missed = ~(waited <= WAIT_FACTOR * work_s.mean()) | (outcomes["status"] != kernel.FINISHED)
    since = outcomes["arrived_s"] - at_s
    inside = (since >= 0.0) & (since < 1200.0)
    ticks = (since[inside] / DECISION_S).astype(np.int64)
    all_of, bad_of = np.bincount(ticks), np.bincount(ticks, missed[inside].astype(float))
    bad = np.flatnonzero(bad_of > BAD_FRAC * all_of)
    last = (bad[-1] + 1) * DECISION_S if len(bad) else 0.0
    return float(last), float(missed[inside].mean())
