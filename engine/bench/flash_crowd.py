"""How soon a ten-fold crowd is served, step by step, over 8 seeds, and how steadily from then on.

The crowd begins at any moment between two decisions, drawn by seed, and seconds are counted from
its first. All capacity is what serves its work at nine tenths of the slots in use, at which a
request takes longer than alone by as much as the cluster says. A stretch of time is bad when more
than 5 % of the requests that arrive in it wait for over half a mean service time or fail.

Served, the crowd is when a bad quarter of a minute has been followed by a minute without one. What
goes bad later is no longer about the crowd's beginning: demand jumps from second to second, and a
policy that keeps little in reserve misses some of it for as long as the crowd stays. How often is
measured by itself, in an hour at the crowd's height.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.claims.experiments import GUIDE_HPA
from engine.evaluate.cases import Case, heldout, varied
from engine.oracle.measures import WAIT_FACTOR
from engine.oracle.play import run_out
from engine.oracle.prepare import policy_spec
from engine.policies.registry import parse_spec
from engine.replay import Replay, ReplaySpec, set_up
from engine.scenario import Startup
from engine.sim import kernel
from engine.trace.streams import stream
from engine.units import FloatArray
from engine.weights import WEIGHTS, weighted

__all__ = ["run"]

SEEDS = tuple(range(980_001, 980_009))
FACTOR, RAMP_S, HOLD_S, DECAY_S = 10.0, 30.0, 900.0, 120.0
BEFORE_S, WINDOW_S, BASE_PER_S = 3600.0, 5400.0, 10.0
LOOKED_S = 1200.0
STEADY_HOLD_S, STEADY_WINDOW_S, STEADY_FROM_S = 3600.0, 7380.0, 1200.0
"""Of the crowd that stays an hour: its height, the window, and from when on it is looked at."""
BAD_FRAC, DECISION_S, STARTUP_MOST_S, SPARE_S = 0.05, 15.0, 90.0, 20.0
BAR_ORDERED_S = RAMP_S + DECISION_S
BAR_SERVED_S = BAR_ORDERED_S + STARTUP_MOST_S + SPARE_S
MINUTE_S = 60.0
CALM = round(MINUTE_S / DECISION_S)
"""Quarters of a minute without a bad one that a crowd needs to count as served."""
GUIDE_STARTUP_S = 15.0
"""In the guide's own 90 s there are as many for a worker to start."""
FULL_FRAC = 0.9
_STREAM = 5309
OWN = "smartscale"
POLICIES: Mapping[str, str] = MappingProxyType(
    {
        "HPA of the guide": GUIDE_HPA,
        "stock HPA, 50 %": "hpa:target=0.5",
        "stock HPA, 70 %": "hpa:target=0.7",
        "HPA on requests in flight, 70 %": "hpa:metric=in_flight:downscale_window_s=60:target=0.7",
        "predictive rule": "predictive",
        "SmartScale, default": OWN,
        "SmartScale, default, proposals held 30 s": f"{OWN}:hold_s=30",
        **{f"SmartScale, {name}": weighted(OWN, WEIGHTS[name])
           for name in ("latency first", "balanced", "cost first")},
    }
)  # fmt: skip
"""As typed, by what the table calls them."""


_STEPS: Mapping[str, str] = MappingProxyType(
    {
        "noticed_s": "first order", "ordered_s": "all ordered", "first_ready_s": "first ready",
        "ready_s": "all ready", "drained_s": "nothing waits", "served_s": "served",
        "guide_s": "first ready, 15 s start-up",
    }
)  # fmt: skip
"""Columns of the first table, by field."""
_WORST = (*_STEPS, "last_bad_minute_s", "last_bad_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """Seconds from the crowd's first to each step, and what came of it; one seed."""

    noticed_s: float
    """The first worker more than before is ordered."""
    ordered_s: float
    """All capacity is."""
    first_ready_s: float
    """The first worker more than before is ready."""
    ready_s: float
    """All capacity is."""
    drained_s: float
    """Nothing waits any more."""
    served_s: float
    """End of the last bad quarter of a minute before the first minute without one."""
    last_bad_minute_s: float
    """Begin of the last bad minute of LOOKED_S; minutes begin with the crowd."""
    last_bad_s: float
    """End of the last bad quarter of a minute."""
    missed_frac: float
    """Of the requests of LOOKED_S."""
    cost: float
    """Provisioned slot-seconds over the work that arrived, the hour before included."""
    guide_s: float
    """`first_ready_s` where workers start in GUIDE_STARTUP_S."""
    steady_bad_frac: float
    """Share of the quarters of a minute that are bad while an hour of the crowd goes on."""

    @property
    def ordered_in_time(self) -> bool:
        """All capacity within one decision after the ramp."""
        return self.ordered_s <= BAR_ORDERED_S

    @property
    def kept(self) -> bool:
        """And no minute is bad that begins later than the bar."""
        return self.ordered_in_time and self.last_bad_minute_s <= BAR_SERVED_S

    @property
    def kept_by_quarters(self) -> bool:
        """And no quarter of a minute is bad that ends later."""
        return self.ordered_in_time and self.last_bad_s <= BAR_SERVED_S


def run(
    seeds: Sequence[int] = SEEDS, policies: Mapping[str, str] = POLICIES
) -> dict[str, Any]:  # fmt: skip
    """Means and worst over the seeds by policy, and in how many seeds each keeps to the bars."""
    begins = [BEFORE_S + float(stream(seed, _STREAM).uniform(0.0, DECISION_S)) for seed in seeds]
    cases = heldout(("flash-crowd",), tuple(seeds))
    found: dict[str, list[Reaction]] = {name: [] for name in policies}
    for case, at_s in zip(cases, begins, strict=True):
        crowd, quick, long = _windows(case, at_s)
        for name, text in policies.items():
            found[name].append(_reaction(crowd, quick, long, at_s, text))
    rows = {name: _row(policies[name], made) for name, made in found.items()}
    own = [row for row in rows.values() if row["policy"].startswith(OWN)]
    return {
        "seeds": len(seeds), "bar_ordered_s": BAR_ORDERED_S, "bar_last_bad_s": BAR_SERVED_S,
        "policies": rows, "passed": all(row["kept"] == len(seeds) for row in own),
        "markdown": _markdown(rows, len(seeds)),
    }  # fmt: skip


def _windows(case: Case, at_s: float) -> tuple[ReplaySpec, ReplaySpec, ReplaySpec]:
    """The crowd; the crowd where workers start quickly; a crowd that stays an hour."""
    (kind,) = case.scenario.agent_types
    quick = replace(kind, startup=Startup(mean_s=GUIDE_STARTUP_S, spread_s=0.0))
    return (
        _window(case, at_s),
        _window(replace(case, scenario=replace(case.scenario, agent_types=(quick,))), at_s),
        _window(case, at_s, STEADY_HOLD_S, STEADY_WINDOW_S),
    )


def _window(
    case: Case, at_s: float, hold_s: float = HOLD_S, window_s: float = WINDOW_S
) -> ReplaySpec:
    """An hour of calm, then the crowd from `at_s` on."""
    excess = (FACTOR - 1.0) * (hold_s + 0.5 * (RAMP_S + DECAY_S)) / window_s
    return varied(
        case, case.scenario, duration_s=window_s, mean_rate_per_s=BASE_PER_S * (1.0 + excess),
        flash_factor=FACTOR, ramp_s=RAMP_S, hold_s=hold_s, decay_s=DECAY_S, flashes=1,
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


def _reaction(
    crowd: ReplaySpec, quick: ReplaySpec, steady: ReplaySpec, at_s: float, policy: str
) -> Reaction:
    made = _played(crowd, policy)
    needed, target = needed_workers(crowd, at_s), made.targets[:, 0]
    ready_s = _since(made, at_s, made.counters[:, 0, kernel.C_READY] >= needed, 1)
    waiting = made.counters[:, 0, kernel.C_QUEUED] > 0
    since_s, missed = _missed(made, at_s)
    quarters = _bad(since_s, missed, DECISION_S, LOOKED_S)
    minutes = np.flatnonzero(_bad(since_s, missed, MINUTE_S, LOOKED_S))
    bad = np.flatnonzero(quarters)
    work_s = crowd.workload.arrivals.requests["work_s"].sum()
    hour = _bad(*_missed(_played(steady, policy), at_s), DECISION_S, STEADY_HOLD_S)
    return Reaction(
        noticed_s=_since(made, at_s, target > target[int(at_s // made.tick_s)], 0),
        ordered_s=_since(made, at_s, target >= needed, 0),
        first_ready_s=_first_ready(made, at_s), ready_s=ready_s,
        drained_s=ready_s + _since(made, at_s + ready_s, ~waiting, 1),
        served_s=DECISION_S * served_after(quarters),
        last_bad_minute_s=MINUTE_S * float(minutes[-1]) if len(minutes) else 0.0,
        last_bad_s=DECISION_S * float(bad[-1] + 1) if len(bad) else 0.0,
        missed_frac=float(missed[(since_s >= 0.0) & (since_s < LOOKED_S)].mean()),
        cost=float(made.integrals[:, :, kernel.F_SLOT_S].sum() / work_s),
        guide_s=_first_ready(_played(quick, policy), at_s),
        steady_bad_frac=float(hour[round(STEADY_FROM_S / DECISION_S) :].mean()),
    )  # fmt: skip


def _played(window: ReplaySpec, policy: str) -> Replay:
    (made,) = set_up([policy_spec(window, parse_spec(policy))])
    run_out(made)
    return made


def _first_ready(made: Replay, at_s: float) -> float:
    """Seconds until more workers are ready than were before."""
    ready = made.counters[:, 0, kernel.C_READY]
    return _since(made, at_s, ready > ready[int(at_s // made.tick_s) - 1], 1)


def _since(made: Replay, at_s: float, there: npt.NDArray[np.bool_], late: int) -> float:
    """Seconds from a moment until something is there; until the window's end where it never is.

    Args:
        made: the replay.
        at_s: the moment.
        there: (T,) whether it is, by tick.
        late: 0: from the tick's start, as orders are; 1: at its end, as counts are.
    """
    first = math.ceil(at_s / made.tick_s) - late
    after = np.flatnonzero(there[first:])
    if not len(after):
        return float(made.ticks * made.tick_s - at_s)
    return float((first + after[0] + late) * made.tick_s - at_s)


def _missed(made: Replay, at_s: float) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """(R,) seconds from the crowd's first to each arrival, and whether the request is missed."""
    state = made.fleet.state
    outcomes, work_s = state.outcomes, state.requests["work_s"]
    waited = outcomes["start_s"] - outcomes["arrived_s"]
    missed = ~(waited <= WAIT_FACTOR * work_s.mean()) | (outcomes["status"] != kernel.FINISHED)
    return outcomes["arrived_s"] - at_s, missed


def _bad(
    since_s: FloatArray, missed: npt.NDArray[np.bool_], width_s: float, until_s: float
) -> npt.NDArray[np.bool_]:
    """Which stretches of so many seconds are bad, from the crowd's first on."""
    inside = (since_s >= 0.0) & (since_s < until_s)
    number = (since_s[inside] / width_s).astype(np.int64)
    most = round(until_s / width_s)
    all_of = np.bincount(number, minlength=most)
    bad_of = np.bincount(number, missed[inside].astype(float), minlength=most)
    return bad_of > BAD_FRAC * all_of


def served_after(bad: npt.NDArray[np.bool_]) -> int:
    """Stretches up to the last bad one before the first CALM good ones that follow a bad one."""
    wrong = np.flatnonzero(bad)
    if not len(wrong):
        return 0
    following = np.append(wrong[1:], len(bad) + CALM)
    return int(wrong[np.flatnonzero(following - wrong > CALM)[0]]) + 1


def _row(policy: str, found: Sequence[Reaction]) -> dict[str, Any]:
    names = [field.name for field in fields(Reaction)]
    return {
        "policy": policy,
        **{name: float(np.mean([getattr(one, name) for one in found])) for name in names},
        **{f"worst_{name}": max(getattr(one, name) for one in found) for name in _WORST},
        "ordered_in_time": sum(one.ordered_in_time for one in found),
        "kept": sum(one.kept for one in found),
        "kept_by_quarters": sum(one.kept_by_quarters for one in found),
    }


def _markdown(rows: Mapping[str, Mapping[str, Any]], seeds: int) -> str:
    """Two tables: the steps of the reaction, and what is late afterwards."""
    steps = ["| policy | " + " | ".join(_STEPS.values()) + " |", "|---" * (len(_STEPS) + 1) + "|"]
    heads = (
        "last bad minute begins", "last bad quarter ends", f"bars kept of {seeds}, by minutes",
        "by quarters", "bad quarter-minutes of an hour", "late in 20 min", "cost",
    )  # fmt: skip
    after = ["| policy | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for name, row in rows.items():
        steps.append(f"| {name} | " + " | ".join(_mean_worst(row, key) for key in _STEPS) + " |")
        cells = (
            _mean_worst(row, "last_bad_minute_s"), _mean_worst(row, "last_bad_s"),
            str(row["kept"]), str(row["kept_by_quarters"]),
            f"{100 * row['steady_bad_frac']:.1f} %", f"{100 * row['missed_frac']:.1f} %",
            f"{row['cost']:.2f}",
        )  # fmt: skip
        after.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join([*steps, "", *after])


def _mean_worst(row: Mapping[str, Any], key: str) -> str:
    """Seconds: the mean, and the worst of the seeds."""
    return f"{row[key]:.0f} ({row[f'worst_{key}']:.0f})"
