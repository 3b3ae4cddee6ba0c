"""Figures of failures, fairness and what they are worth, from sums over any part of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["UP_FRAC", "ServiceSums", "jain", "service_figures"]

_NODE_CHANGES = ("node-started", "node-returned", "node-lost")
UP_FRAC = 0.95
"""A tick counts as available if this share of the requests that arrived in it was served in the
end. Our choice; contracts of cloud providers call a service unavailable at 5 to 10 % errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSums:
    """Over ticks and pools. Counts are by the time of what they count, unless said otherwise."""

    arrived: int
    missed: int
    """Of those that arrived, failed or late."""
    asked_ticks: int
    """Ticks in which requests arrived."""
    up_ticks: int
    """Of those, ticks that count as available."""
    retried: int
    shed: int
    degraded: int
    """Requests, each once however often it was tried."""
    crashed: int
    """Workers that stopped at once, with nodes that were lost or alone."""
    breakers: int
    """Openings of circuit breakers."""
    hits: int | None
    """Requests whose prefix was found in a cache, each once; None without caches."""
    hot_workers: int | None
    """Summed over ticks; None where nobody looked."""
    ready_workers: int
    """At the ends of ticks, summed."""
    transfer_gib: float
    revenue_usd_per_request: float
    tenants: Sequence[tuple[int, int]]
    """Arrived and, of those, within the SLO, of each tenant."""
    has_nodes: bool
    happened: Mapping[str, int]
    """Nodes or workers by kind of `engine.records.EVENTS`; kinds that did not happen may be
    missing."""


def jain(values: Sequence[float]) -> float | None:
    """Jain's index (Σ x)² / (n Σ x²): 1 where all are equal, 1 / n where one has all.

    None without values. Where all are 0 they are equal: 1. Source: Jain, Chiu and Hawe, DEC
    research report TR-301, 1984.
    """
    if not values:
        return None
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0


def service_figures(sums: ServiceSums, hours: float) -> dict[str, float | None]:
    """By figure key.

    Args:
        sums: over the part of the run.
        hours: its length.
    """
    asked = sums.arrived
    met = [good / arrived for arrived, good in sums.tenants if arrived]
    happened, hot = sums.happened, sums.hot_workers
    changes = sum(happened.get(kind, 0) for kind in _NODE_CHANGES)
    worth = sums.revenue_usd_per_request
    return {
        "availability_frac": _ratio(sums.up_ticks, sums.asked_ticks),
        "retried_frac": _ratio(sums.retried, asked),
        "shed_frac": _ratio(sums.shed, asked),
        "degraded_frac": _ratio(sums.degraded, asked),
        "cache_hit_frac": None if sums.hits is None else _ratio(sums.hits, asked),
        "workers_crashed": sums.crashed,
        "breaker_openings": sums.breakers,
        "hot_worker_frac": None if hot is None else _ratio(hot, sums.ready_workers),
        "fairness_jain": jain(met),
        "tenant_attainment_min_frac": min(met, default=None),
        "transfer_gib": sums.transfer_gib or None,
        "revenue_at_risk_usd": sums.missed * worth if worth else None,
        "node_changes_per_h": _ratio(changes, hours) if sums.has_nodes else None,
        "nodes_lost": happened.get("node-lost", 0) if sums.has_nodes else None,
        "workers_moved": happened.get("workers-moved", 0) if sums.has_nodes else None,
        "resizes_per_h": _ratio(happened.get("pool-resized", 0), hours),
    }


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
