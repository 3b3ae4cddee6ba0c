"""The figures by which runs are compared, computed from what a replay left behind."""

import math
from itertools import pairwise

import numpy as np

from engine.figures import FIGURES
from engine.histogram import BUCKETS, percentile_s
from engine.records import RunRecord
from engine.units import SECONDS_PER_HOUR, FloatArray, IntArray

# Columns of RunRecord.counters and .integrals, as the simulator lays them out
STARTING, READY, DRAINING = 8, 9, 10
OFFERED_SLOT_S, BUSY_SLOT_S, STARTING_S, READY_S, DRAINING_S = range(5)

STEP_RATIO = 1.5
STEP_BEFORE_S = 300.0
STEP_NOW_S = 60.0


Scorecard = dict[str, float | None]
"""By figure key; None: not measured."""


def scorecard(run: RunRecord) -> Scorecard:
    """All figures of a finished replay.

    Control-decision times vary from machine to machine; everything else follows from trace,
    scenario and policy alone.
    """
    hours = run.window_s / SECONDS_PER_HOUR
    card: Scorecard = {
        **window_figures(
            arrived=int(run.arrived.sum()),
            finished=run.outcome["finished"],
            slo_met=int(run.slo_met.sum()),
            histogram=_histogram(run),
            busy_slot_s=float(run.integrals[:, :, BUSY_SLOT_S].sum()),
            provisioned_slot_s=float((provisioned_worker_s(run) * run.slots).sum()),
            provisioned_worker_s=float(provisioned_worker_s(run).sum()),
            cost_usd=float(cost_usd(run).sum()),
            peak_workers=int(run.counters[:, :, STARTING:].sum(axis=(1, 2)).max()),
        ),
        "violations_per_h": violations(run.minutes) / hours,
        **_failure_fractions(run),
        **_churn(run, hours),
        **_reaction(run),
        "decision_p50_ms": _percentile(run.decisions.wall_ms, 50),
        "decision_p99_ms": _percentile(run.decisions.wall_ms, 99),
    }
    return {key: card[key] for key in FIGURES}


def window_figures(
    *,
    arrived: int,
    finished: int,
    slo_met: int,
    histogram: IntArray,
    busy_slot_s: float,
    provisioned_slot_s: float,
    provisioned_worker_s: float,
    cost_usd: float,
    peak_workers: int,
) -> Scorecard:
    """The figures that can be computed for any part of a run, from sums over its ticks.

    Args:
        arrived: requests that arrived.
        finished: of those, finished.
        slo_met: of those, within the SLO.
        histogram: (BUCKETS,) latencies of the finished ones.
        busy_slot_s: busy slot-seconds.
        provisioned_slot_s: slot-seconds of starting, ready and draining workers.
        provisioned_worker_s: worker-seconds of the same.
        cost_usd: price of the same.
        peak_workers: most workers at the end of a tick.
    """
    return {
        "requests_arrived": arrived,
        "requests_finished": finished,
        "slo_attainment_frac": _ratio(slo_met, arrived),
        **{
            f"p{percent}_s": _none_if_nan(percentile_s(histogram, percent / 100))
            for percent in (50, 95, 99)
        },
        "failure_frac": _ratio(arrived - finished, arrived),
        "utilisation_frac": _ratio(busy_slot_s, provisioned_slot_s),
        "cost_usd": cost_usd,
        "cost_usd_per_1000_requests": _ratio(1000 * cost_usd, finished),
        "worker_hours": provisioned_worker_s / SECONDS_PER_HOUR,
        "peak_workers": peak_workers,
    }


def provisioned_worker_s(run: RunRecord) -> FloatArray:
    """(T, P) worker-seconds of starting, ready and draining workers."""
    seconds: FloatArray = run.integrals[:, :, STARTING_S : DRAINING_S + 1].sum(axis=2)
    return seconds


def cost_usd(run: RunRecord) -> FloatArray:
    """(T, P) US dollars: provisioned worker-hours times price."""
    return provisioned_worker_s(run) / SECONDS_PER_HOUR * run.price_usd_per_hour


def violations(minutes: IntArray) -> int:
    """Maximal runs of bad minutes: p95 (nearest rank) above the SLO, or unserved demand.

    Args:
        minutes: (minutes, 3) finished, of those within the SLO, failed.
    """
    finished, met, failed = minutes.T
    bad = (failed > 0) | (met < np.ceil(0.95 * finished - 1e-9))
    return int(np.sum(bad & ~np.r_[False, bad[:-1]]))


def _histogram(run: RunRecord) -> IntArray:
    _, _, bucket, number = run.latency
    return np.bincount(bucket, weights=number, minlength=BUCKETS).astype(np.int64)


def _failure_fractions(run: RunRecord) -> Scorecard:
    arrived = run.outcome["arrived"]
    kinds = ("queue_timeout", "exec_timeout", "rejected", "lost")
    return {f"{kind}_frac": _ratio(run.outcome[kind], arrived) for kind in kinds}


def _churn(run: RunRecord, hours: float) -> Scorecard:
    log = run.decisions
    change = np.array(log.applied) - np.array(log.current)
    pool = np.array(log.pool)
    actions = reversals = 0
    for number in range(len(run.pools)):
        signs = np.sign(change[(pool == number) & (change != 0)])
        actions += len(signs)
        reversals += int(np.sum(signs[1:] != signs[:-1]))
    return {"actions_per_h": actions / hours, "reversals_per_h": reversals / hours}


def _reaction(run: RunRecord) -> Scorecard:
    """Median over load steps that were followed by an order before the next step."""
    total, startup = [], []
    for number in range(len(run.pools)):
        steps = [*load_steps(run.integrals[:, number, OFFERED_SLOT_S], run.tick_s), math.inf]
        orders = [
            (order.first_ready_s, order.t_s)
            for order in run.orders
            if order.pool == number and order.first_ready_s is not None
        ]
        for step, following in pairwise(steps):
            because = [order for order in orders if step <= order[1] < following]
            if because:
                ready_s, ordered_s = min(because)
                total.append(ready_s - step)
                startup.append(ready_s - ordered_s)
    return {
        "reaction_s": float(np.median(total)) if total else None,
        "reaction_startup_s": float(np.median(startup)) if startup else None,
    }


def load_steps(offered_slot_s: FloatArray, tick_s: float) -> list[float]:
    """Times at which the work offered over 1 min reaches 1.5 times its mean over 5 min before.

    After a step the next one can come 5 min later at the earliest.

    Args:
        offered_slot_s: (T,) slot-seconds of work that arrived in each tick.
        tick_s: length of a tick.

    Returns:
        Seconds since the window's start: of each such minute the first tick that is itself higher.
    """
    now, before = max(1, round(STEP_NOW_S / tick_s)), max(1, round(STEP_BEFORE_S / tick_s))
    summed = np.concatenate(([0.0], np.cumsum(offered_slot_s)))
    steps: list[float] = []
    for tick in range(before, len(offered_slot_s) - now + 1):
        recent = (summed[tick + now] - summed[tick]) / now
        past = (summed[tick] - summed[tick - before]) / before
        quiet = not steps or tick * tick_s - steps[-1] >= STEP_BEFORE_S
        if quiet and past > 0 and recent >= STEP_RATIO * past:
            higher = offered_slot_s[tick : tick + now] >= STEP_RATIO * past
            steps.append((tick + int(np.argmax(higher))) * tick_s)
    return steps


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _none_if_nan(value: float) -> float | None:
    return None if math.isnan(value) else value


def _percentile(values: list[float], percent: float) -> float | None:
    return float(np.percentile(values, percent)) if values else None
