"""The pools of an agent type as one, for policies whose workers are sited by the scenario.

A policy that looked at each pool by itself would take the workers that siting put there for its
own wish, and ask for more and more.
"""

import dataclasses
from typing import Any

import numpy as np

from engine.policies.base import Observation, PoolFacts, WorkerView
from engine.units import AnyArray, FloatArray, IntArray

__all__ = ["merged_bill", "merged_facts", "merged_observation"]

_SUMMED = (
    "starting", "ready", "draining", "resizing", "queued", "in_service", "arrived", "finished",
    "failed", "offered_slots", "busy_slots",
)  # fmt: skip


def merged_facts(
    facts: tuple[PoolFacts, ...], types: tuple[IntArray, ...]
) -> tuple[PoolFacts, ...]:
    """One entry a type: limits and peaks added up, the rest as in its first pool."""
    merged = []
    for pools in types:
        here = [facts[p] for p in pools.tolist()]
        merged.append(
            dataclasses.replace(
                here[0],
                name="+".join(entry.name for entry in here),
                region="+".join(dict.fromkeys(entry.region for entry in here)),
                **{
                    name: sum(getattr(entry, name) for entry in here)
                    for name in ("workers_min", "workers_max", "workers_initial")
                },
                peak_busy_slots=sum(entry.peak_busy_slots for entry in here),
            )
        )
    return tuple(merged)


def merged_observation(
    seen: Observation, types: tuple[IntArray, ...], wanted: IntArray
) -> Observation:
    """One entry a type.

    `target` is what was wanted of all pools together, without the workers that stay until others
    are ready; the 95th percentile is that of the worst pool, prices, grids, their carbon
    thresholds and green energy are means over the workers asked for.

    Args:
        seen: by pool.
        types: pools of each.
        wanted: (types,) workers in all pools of each.
    """
    sums: dict[str, Any] = {
        name: np.array([getattr(seen, name)[pools].sum() for pools in types]) for name in _SUMMED
    }
    return dataclasses.replace(
        seen,
        **sums,
        target=wanted.copy(),
        p95_s=np.array([np.fmax.reduce(seen.p95_s[pools]) for pools in types]),
        workers=tuple(_together([seen.workers[p] for p in pools.tolist()]) for pools in types),
        size=tuple(seen.size[pools[0]] for pools in types),
        grid_g_per_kwh=_mean(seen.grid_g_per_kwh, seen.target, types),
        carbon_threshold_g_per_kwh=_mean(seen.carbon_threshold_g_per_kwh, seen.target, types),
        price_usd_per_hour=_mean(seen.price_usd_per_hour, seen.target, types),
        green_kw=_mean(seen.green_kw, seen.target, types),
        green_left_kwh=_mean(seen.green_left_kwh, seen.target, types),
    )


def merged_bill(
    bill: tuple[FloatArray, IntArray, FloatArray], types: tuple[IntArray, ...] | None
) -> tuple[FloatArray, tuple[IntArray, FloatArray]]:
    """Prices, and workers paid for anyway with what they save; see `Conditions.bill`.

    Args:
        bill: by pool.
        types: pools of each, for one entry a type at the highest of its prices, at which a budget
            holds wherever workers go; None: one entry a pool.
    """
    price, committed, saved = bill
    if types is None:
        return price, (committed, saved)
    dearest = np.array([price[pools].max() for pools in types])
    together = [np.array([part[pools].sum() for pools in types]) for part in (committed, saved)]
    return dearest, (together[0], together[1])


def _together(views: list[WorkerView]) -> WorkerView:
    def joined(name: str) -> AnyArray:
        return np.concatenate([getattr(view, name) for view in views])

    return WorkerView(
        started_s=joined("started_s"),
        ready_s=joined("ready_s"),
        draining=joined("draining"),
        utilisation=joined("utilisation"),
        memory_frac=joined("memory_frac"),
    )


def _mean(values: FloatArray, target: IntArray, types: tuple[IntArray, ...]) -> FloatArray:
    if not len(values):
        return values
    weights = [np.maximum(target[pools], 1e-9) for pools in types]
    return np.array(
        [np.average(values[p], weights=w) for p, w in zip(types, weights, strict=True)]
    )
