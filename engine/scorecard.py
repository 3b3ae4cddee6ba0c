"""The figures by which runs are compared, computed from what a replay left behind."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np

from engine.dependability import UP_FRAC, ServiceSums, service_figures
from engine.figures import FIGURES
from engine.footprint import AccountSums, account_figures
from engine.histogram import BUCKETS, percentile_s
from engine.records import Accounts, RunRecord, TenantTicks
from engine.units import SECONDS_PER_HOUR, FloatArray, IntArray

# Columns of RunRecord.counters and .integrals, as the simulator lays them out
STARTING, READY, DRAINING = 8, 9, 10
RETRIED, SHED, DEGRADED, CRASHED, _, BREAKER, HIT_WORKER, _, HIT_STORE = range(12, 21)
OFFERED_SLOT_S, BUSY_SLOT_S, STARTING_S, READY_S, DRAINING_S = range(5)

FINISHED = 1

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
    broken, penalty = violations(run.minutes), run.worth.penalty_usd_per_violation
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
            peak_workers=int(run.counters[:, :, STARTING : DRAINING + 1].sum(axis=(1, 2)).max()),
        ),
        "violations_per_h": broken / hours,
        "penalties_usd": broken * penalty if penalty else None,
        **_failure_fractions(run),
        **_churn(run, hours),
        **_reaction(run),
        "decision_p50_ms": _percentile(run.decisions.wall_ms, 50),
        "decision_p99_ms": _percentile(run.decisions.wall_ms, 99),
        **account_figures(_account_sums(run.accounts), run.outcome["finished"]),
        **service_figures(_service_sums(run), hours),
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
    """(T, P) US dollars: as accounted, else provisioned worker-hours times price."""
    if run.accounts is not None:
        return run.accounts.pool_usd
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


def _account_sums(accounts: Accounts | None) -> AccountSums | None:
    if accounts is None:
        return None
    taken_s = np.nansum(accounts.requested_frac * accounts.node_s)
    return AccountSums(
        usd={name: float(usd.sum()) for name, usd in accounts.usd.items()},
        energy_kwh=_none_if_nan(float(accounts.energy_kwh.sum())),
        green_kwh=_none_if_nan(float(accounts.green_kwh.sum())),
        operational_g=_none_if_nan(float(accounts.operational_g.sum())),
        embodied_g=float(accounts.embodied_g.sum()),
        has_nodes=any(place.is_group for place in accounts.places),
        node_s=float(accounts.node_s.sum()),
        taken_node_s=float(taken_s),
        peak_nodes=int(accounts.nodes.sum(axis=1).max()),
    )


def _service_sums(run: RunRecord) -> ServiceSums:
    counts = run.counters.sum(axis=(0, 1))
    tick, _, _, number = run.latency
    finished = np.bincount(tick, weights=number, minlength=run.ticks)
    arrived = run.arrived.sum(axis=1)
    happened: Counter[str] = Counter()
    for kind, many in zip(run.events.kind, run.events.number, strict=True):
        happened[kind] += many
    worth, tenants = run.worth, run.tenants
    gib = worth.gib_per_request if len(worth.gib_per_request) else np.zeros(len(run.pools))
    return ServiceSums(
        arrived=int(arrived.sum()),
        missed=int(arrived.sum() - run.slo_met.sum()),
        asked_ticks=int(np.sum(arrived > 0)),
        up_ticks=int(np.sum((arrived > 0) & (finished >= UP_FRAC * arrived - 1e-9))),
        retried=int(counts[RETRIED]),
        shed=int(counts[SHED]),
        degraded=int(counts[DEGRADED]),
        crashed=int(counts[CRASHED]),
        breakers=int(counts[BREAKER]),
        hits=int(counts[HIT_WORKER : HIT_STORE + 1].sum()) if worth.has_cache else None,
        hot_workers=None if run.gauges is None else int(run.gauges.hot_workers.sum()),
        ready_workers=int(counts[READY]),
        transfer_gib=float((run.counters[:, :, FINISHED] @ gib).sum()),
        revenue_usd_per_request=worth.revenue_usd_per_request,
        tenants=() if tenants is None else _met(tenants),
        has_nodes=run.accounts is not None and any(p.is_group for p in run.accounts.places),
        happened=happened,
    )


def _met(tenants: TenantTicks) -> tuple[tuple[int, int], ...]:
    """Arrived and within the SLO, of each tenant."""
    pairs = zip(tenants.arrived.sum(axis=0), tenants.slo_met.sum(axis=0), strict=True)
    return tuple((int(arrived), int(met)) for arrived, met in pairs)


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
