"""The days that policies are judged on: generated ones of seeds never trained on, or any trace."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.replay import ReplaySpec
from engine.scenario import AgentType, Pool, QueueKind, Scenario, Slo, Startup
from engine.scenario_file import content_hash
from engine.sim.service import prepare
from engine.trace.schema import RequestTable
from engine.trace.streams import stream
from engine.trace.synth import generate
from engine.units import SECONDS_PER_DAY

HELDOUT = "heldout"
KINDS = ("diurnal", "flash-crowd", "growth", "bursty")
SEEDS = (990_001, 990_002, 990_003)
"""No training draws its workloads from these seeds."""
_STREAM = 733


Demand = RequestTable | Mapping[str, Any]
"""Requests, or the recipe that `generate` makes them from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One day, or one window of a trace, on one cluster."""

    name: str
    kind: str
    """What days are grouped by."""
    identity: str
    """Hash of all that decides what arrives and on what."""
    scenario: Scenario
    window_s: float
    demand: Callable[[], Demand]
    """Loads what arrives; what it returns can be sent to another process."""


def window_of(demand: Demand, scenario: Scenario, window_s: float) -> ReplaySpec:
    """What to replay; generates the requests where there is only a recipe."""

    def nobody(_: object) -> Any:
        raise AssertionError("the policy is put in for each replay")

    table = demand if isinstance(demand, RequestTable) else generate(**demand).table
    return ReplaySpec(
        workload=prepare(table, scenario), scenario=scenario, policy=nobody, name="none",
        window_s=window_s,
    )  # fmt: skip


def varied(case: Case, scenario: Scenario, **changes: Any) -> ReplaySpec:
    """A generated day with another scenario and other options of its recipe, `duration_s` too."""
    recipe = case.demand()
    assert isinstance(recipe, Mapping)
    made = {**recipe, **changes}
    return window_of(made, scenario, float(made["duration_s"]))


def heldout(kinds: tuple[str, ...] = KINDS, seeds: tuple[int, ...] = SEEDS) -> tuple[Case, ...]:
    """The generated days: 4 kinds of demand, 3 seeds each."""
    return tuple(_generated(kind, seed) for seed in seeds for kind in kinds)


def trace_case(
    name: str, identity: list[Any], scenario: Scenario, window_s: float,
    load: Callable[[], RequestTable],
) -> Case:  # fmt: skip
    """A window of a stored trace.

    Args:
        name: of the trace.
        identity: JSON-able; says which part of which trace.
        scenario: the cluster.
        window_s: length of the window.
        load: its requests.
    """
    return Case(
        name=name, kind=name, identity=_hash([*identity, content_hash(scenario)]),
        scenario=scenario, window_s=window_s, demand=load,
    )  # fmt: skip


def _generated(kind: str, seed: int) -> Case:
    rng = stream(seed, _STREAM, KINDS.index(kind))
    scenario, service = _cluster(rng)
    recipe = {
        "kind": kind,
        "duration_s": SECONDS_PER_DAY,
        "mean_rate_per_s": round(float(rng.uniform(14.0, 32.0)), 3),
        "seed": seed,
        "service_mean_s": service[0],
        "service_cv": service[1],
        **_shape(kind, rng),
    }

    return Case(
        name=f"{kind} {seed % 100}", kind=kind, scenario=scenario, window_s=SECONDS_PER_DAY,
        identity=_hash(["generated", recipe, content_hash(scenario)]), demand=lambda: recipe,
    )  # fmt: skip


def _cluster(rng: np.random.Generator) -> tuple[Scenario, tuple[float, float]]:
    """One pool with a queue of its own, and mean and variation of service times.

    4, 8 or 16 slots; 2 to 8 s of lognormal service, a busy worker is up to 20 % slower; workers
    take 60 to 90 s to start; requests give up after 60 s. The SLO is what 99 of 100 requests meet
    that wait for half a mean service time on a busy worker.
    """
    mean_s = round(float(rng.uniform(2.0, 8.0)), 3)
    sigma = float(rng.uniform(0.6, 1.0))
    cv = round(math.sqrt(math.expm1(sigma**2)), 4)
    slow_s = 1.2 * mean_s * math.exp(2.326 * sigma - sigma**2 / 2)
    kind = AgentType(
        name="worker", slots=int(rng.choice([4, 8, 16])), price_usd_per_hour=1.0,
        startup=Startup(mean_s=75.0, spread_s=15.0), contention=0.2, queue_limit=None,
        queue_timeout_s=60.0, exec_timeout_s=None,
    )  # fmt: skip
    pool = Pool(
        name="pool", agent_type="worker", workers_min=1, workers_max=1000, queue=QueueKind.POOL
    )
    slo = Slo(latency_s=round(slow_s + 0.5 * mean_s, 3))
    return Scenario(name="cell", agent_types=(kind,), pools=(pool,), slo=slo), (mean_s, cv)


def _shape(kind: str, rng: np.random.Generator) -> dict[str, float]:
    """Options of a kind of demand, drawn from the ranges in which the days differ."""
    burst = {"burst_cv": float(rng.uniform(0.1, 0.4)), "burst_s": float(rng.integers(1, 31))}
    if kind == "diurnal":
        return burst | {"peak_to_trough": 5.0, "peak_at_s": float(rng.uniform(0, 86400))}
    if kind == "flash-crowd":
        return burst | {
            "flash_factor": float(rng.uniform(6, 10)), "ramp_s": float(rng.uniform(10, 120)),
            "hold_s": float(rng.uniform(300, 1200)), "decay_s": float(rng.uniform(60, 600)),
            "flashes": int(rng.integers(3, 7)),
        }  # fmt: skip
    if kind == "growth":
        return burst | {"growth_factor": float(rng.uniform(2.5, 5))}
    return burst | {
        "hot_to_calm": float(rng.uniform(6, 12)), "calm_s": float(rng.uniform(240, 480)),
        "hot_s": float(rng.uniform(60, 240)),
    }  # fmt: skip


def _hash(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
