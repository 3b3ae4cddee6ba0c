"""A finished replay as rows of the store's tables."""

from typing import Any

import numpy as np

from engine.footprint import COMPONENTS
from engine.records import Accounts, EventLog, GaugeTicks, RunRecord, TenantTicks
from engine.scorecard import cost_usd
from engine.sim import kernel
from engine.units import AnyArray, FloatArray, IntArray

__all__ = ["tables"]


def tables(record: RunRecord, from_s: float) -> dict[str, dict[str, AnyArray | list[Any]]]:
    """A record as rows of the store's tables, without the run's number.

    Args:
        record: the finished replay.
        from_s: start of the window in the trace's time.
    """
    shape = record.counters.shape[:2]
    tick = np.repeat(np.arange(shape[0], dtype=np.int32), shape[1])
    t_s = from_s + tick * record.tick_s
    counts = {name: record.counters[:, :, column].ravel() for name, column in _COUNTERS.items()}
    counts["rejected"] = counts["rejected"] + record.counters[:, :, kernel.C_SHED].ravel()
    worker_s = record.integrals[:, :, kernel.F_STARTING_S : kernel.F_DRAINING_S + 1]
    ticks: dict[str, AnyArray | list[Any]] = {
        "tick": tick,
        "t_s": t_s,
        "pool": np.tile(np.arange(shape[1], dtype=np.int16), shape[0]),
        "arrived": record.arrived.ravel(),
        "slo_met": record.slo_met.ravel(),
        **counts,
        "target": record.target.ravel(),
        "offered_slot_s": record.integrals[:, :, kernel.F_OFFERED_SLOT_S].ravel(),
        "busy_slot_s": record.integrals[:, :, kernel.F_BUSY_SLOT_S].ravel(),
        **{
            f"{name}_slot_s": (worker_s[:, :, number] * record.slots).ravel()
            for number, name in enumerate(("starting", "ready", "draining"))
        },
        "worker_s": worker_s.sum(axis=2).ravel(),
        "cost_usd": cost_usd(record).ravel(),
    }
    names = ("tick", "pool", "bucket", "requests")
    log = record.decisions
    found: dict[str, dict[str, AnyArray | list[Any]]] = {
        "ticks": ticks,
        "latency": dict(zip(names, record.latency, strict=True)),
        "decisions": {
            "number": np.arange(len(log.tick), dtype=np.int32),
            "tick": log.tick,
            "t_s": from_s + np.array(log.tick) * record.tick_s,
            "pool": log.pool,
            "current": log.current,
            "proposed": log.proposed,
            "applied": log.applied,
            "reason": log.reason,
            "rationale": log.rationale,
            "guard": log.guard,
            "seen": np.array(log.seen, np.uint32),
        },
    }
    if record.requests is not None:
        times = {
            name: from_s + record.requests[name] for name in ("arrival_s", "start_s", "end_s")
        }
        found["run_requests"] = {**record.requests, **times}
    for name, given in (("size", log.size), ("routing", log.routing)):
        if any(given):
            found["decisions"][name] = given
    if record.gauges is not None:
        found["service"] = {name: ticks[name] for name in ("tick", "t_s", "pool")} | _service_rows(
            record, record.gauges
        )
    if record.tenants is not None:
        found["tenants"] = _tenant_rows(record.tenants, record.tick_s, from_s)
    if record.events.t_s:
        found["events"] = _event_rows(record.events, from_s)
    if record.accounts is not None:
        found["accounts"] = _account_rows(record.accounts, record.tick_s, from_s)
    return found


def _service_rows(record: RunRecord, gauges: GaugeTicks) -> dict[str, AnyArray | list[Any]]:
    counts = {name: record.counters[:, :, column].ravel() for name, column in _SERVICE.items()}
    finished = record.counters[:, :, kernel.C_FINISHED]
    missed = record.arrived - record.slo_met
    worth = record.worth
    return {
        **counts,
        **{name: getattr(gauges, name).ravel() for name in _GAUGES},
        "transfer_gib": (finished * _each(worth.gib_per_request, finished)).ravel(),
        "network_s": (finished * _each(worth.round_trip_s, finished)).ravel(),
        "at_risk_usd": (missed * worth.revenue_usd_per_request).ravel(),
    }


def _each(values: FloatArray, like: IntArray) -> FloatArray:
    """(P,) of each pool, 0 where nothing is said."""
    return values if len(values) else np.zeros(like.shape[1])


def _tenant_rows(
    tenants: TenantTicks, tick_s: float, from_s: float
) -> dict[str, AnyArray | list[Any]]:
    """Of the ticks in which a tenant's requests arrived."""
    tick, number = np.nonzero(tenants.arrived)
    names = ("arrived", "finished", "slo_met", "asked_slot_s", "served_slot_s", "latency_s")
    return {
        "tick": tick.astype(np.int32),
        "t_s": from_s + tick * tick_s,
        "tenant": [tenants.names[n] for n in number.tolist()],
        **{name: getattr(tenants, name)[tick, number] for name in names},
    }


def _event_rows(events: EventLog, from_s: float) -> dict[str, AnyArray | list[Any]]:
    return {
        "t_s": from_s + np.array(events.t_s),
        "kind": events.kind,
        "place": events.place,
        "number": events.number,
        "gib": np.array(events.gib),
    }


def _account_rows(
    accounts: Accounts, tick_s: float, from_s: float
) -> dict[str, AnyArray | list[Any]]:
    ticks, places = accounts.energy_kwh.shape
    tick = np.repeat(np.arange(ticks, dtype=np.int32), places)
    unknown = np.full((ticks, places), np.nan)
    names = (
        "nodes", "suspended", "node_s", "requested_frac", "busy_frac", "busiest_frac",
        "energy_kwh", "green_kwh", "backup_kwh", "g_per_kwh", "operational_g", "embodied_g",
        "fragmentation", "hot_nodes",
    )  # fmt: skip
    return {
        "tick": tick,
        "t_s": from_s + tick * tick_s,
        "place": [place.name for place in accounts.places] * ticks,
        "is_group": [place.is_group for place in accounts.places] * ticks,
        "region": [place.region for place in accounts.places] * ticks,
        **{name: getattr(accounts, name).ravel() for name in names},
        **{f"{name}_usd": accounts.usd.get(name, unknown).ravel() for name in COMPONENTS},
    }


_GAUGES = (
    "imbalance", "busiest_frac", "hot_workers", "memory_frac", "breakers_open", "unreachable_s",
)  # fmt: skip
_SERVICE = {
    "retrying": kernel.C_RETRYING,
    "retried": kernel.C_RETRIED,
    "shed": kernel.C_SHED,
    "degraded": kernel.C_DEGRADED,
    "crashed": kernel.C_CRASHED,
    "start_failed": kernel.C_START_FAILED,
    "breakers_opened": kernel.C_BREAKER,
    "hits_worker": kernel.C_HIT_WORKER,
    "hits_zone": kernel.C_HIT_ZONE,
    "hits_store": kernel.C_HIT_STORE,
}
_COUNTERS = {
    "finished": kernel.C_FINISHED,
    "queue_timeouts": kernel.C_QUEUE_TIMEOUT,
    "exec_timeouts": kernel.C_EXEC_TIMEOUT,
    "rejected": kernel.C_REJECTED,
    "lost": kernel.C_LOST,
    "queued": kernel.C_QUEUED,
    "in_service": kernel.C_IN_SERVICE,
    "starting": kernel.C_STARTING,
    "ready": kernel.C_READY,
    "draining": kernel.C_DRAINING,
}
