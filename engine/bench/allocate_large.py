"""How long a decision takes on a large cluster: from observation to the guarded, placed action.

500 pools on 5,000 nodes, 10,000 workers in the beginning. Timed is all that a replay does between
two slices of the simulator: losses and returns of nodes, what the policy sees, forecast and
actor, every stage of the guard, and the orders of workers on nodes with their log.
"""

import time
from dataclasses import replace
from typing import Any

import numpy as np

from engine.collecting import old_left_alone
from engine.policies.base import Action, Observation, Policy, PolicyContext
from engine.policies.registry import create, parse_spec
from engine.replay import Replay, ReplaySpec, set_up
from engine.scenario import (
    AgentType,
    Guard,
    Hold,
    NodeGroup,
    NodeType,
    Pool,
    Priorities,
    Region,
    Scenario,
    Slo,
    Startup,
    WorkerSize,
    Zone,
)
from engine.sim.service import prepare
from engine.trace.schema import RequestTable, request_table

POOLS, NODES, WORKERS = 500, 5_000, 10_000
POOLS_A_GROUP = 10
TICK_S = 15.0
HISTORY = 260
"""Ticks before the measured ones: more than an hour, so that the memory is full."""
RESIZED = 5
"""Pools for which each decision proposes another size of worker."""
_SLOTS, _SERVICE_S, _BUSY = 4, 60.0, 0.5
_SWING, _SWING_S = 0.25, 1800.0


class Resizing:
    """The learned allocator, with another size for a few pools at a time; it proposes none."""

    def __init__(self, context: PolicyContext) -> None:
        self._own: Policy = create(parse_spec("smartscale"), context)
        self.interval_s, self._pools, self._turn = self._own.interval_s, len(context.pools), 0

    def propose(self, observation: Observation) -> Action:
        """Numbers as the allocator wants them; one pool after the other gets its other size."""
        size: list[str | None] = [None] * self._pools
        for pool in range(self._turn, self._turn + min(RESIZED, self._pools)):
            held = observation.size[pool % self._pools]
            size[pool % self._pools] = "large" if held == "standard" else "standard"
        self._turn = (self._turn + RESIZED) % self._pools
        return replace(self._own.propose(observation), size=tuple(size))


def run(calls: int, pools: int = POOLS, history: int = HISTORY) -> dict[str, Any]:
    """Milliseconds of whole decisions, and what was decided.

    Args:
        calls: decisions that are timed.
        pools: with ten nodes and twenty workers each.
        history: ticks before them.
    """
    made = _made(pools, history + calls)
    wall_ms, cpu_ms = [], []
    with old_left_alone():  # as `engine.replay.play` does
        for tick in range(history + calls):
            wall, cpu = time.perf_counter(), time.thread_time()
            made.decide(tick)
            wall_ms.append((time.perf_counter() - wall) * 1e3)
            cpu_ms.append((time.thread_time() - cpu) * 1e3)
            made.advance(tick)
    log, hosting = made.log, made.fleet.hosting
    assert hosting is not None
    timed = np.array(log.tick) >= history
    changed = timed & (np.array(log.current) != np.array(log.applied))
    guarded = timed & np.array([stages is not None for stages in log.guard])
    names, numbers = np.unique(np.array(log.reason)[timed], return_counts=True)
    figures = {
        f"large_{name}p{share}_ms": float(np.percentile(values[history:], share))
        for name, values in (("", wall_ms), ("cpu_", cpu_ms), ("policy_", log.wall_ms))
        for share in (50, 99)
    }
    return figures | {
        "large_pools": pools,
        "large_nodes": len(hosting.nodes.table),
        "large_workers": int(made.targets[history:].sum(axis=1).mean()),
        "large_changed_pools": float(changed.sum()) / calls,
        "large_guarded_pools": float(guarded.sum()) / calls,
        "large_reasons": dict(zip(names.tolist(), numbers.tolist(), strict=True)),
    }


def _made(pools: int, ticks: int) -> Replay:
    cluster = scenario(pools)
    workload = prepare(_demand(pools, ticks * TICK_S), cluster)
    spec = ReplaySpec(
        workload=workload, scenario=cluster, policy=Resizing, name="smartscale",
        window_s=ticks * TICK_S,
    )  # fmt: skip
    return set_up([spec])[0]


def scenario(pools: int) -> Scenario:
    """The cluster, with every stage of the guard on."""
    groups = -(-pools // POOLS_A_GROUP)
    each, workers = NODES // POOLS * POOLS_A_GROUP, WORKERS // POOLS
    kind = AgentType(
        name="agent",
        slots=_SLOTS,
        price_usd_per_hour=1.0,
        startup=Startup(),
        cpu_cores=2.0,
        memory_gib=4.0,
        gpus=0,
        service_mean_s=_SERVICE_S,
        sizes=(
            WorkerSize(
                name="large", slots=6, price_usd_per_hour=1.5, cpu_cores=3.0, memory_gib=6.0
            ),
        ),
    )
    box = NodeType(
        name="box",
        cpu_cores=8.0,
        memory_gib=32.0,
        usd_per_hour=4.0,
        watts_idle=100.0,
        watts_full=300.0,
    )
    names = [f"pool-{number}" for number in range(pools)]
    return Scenario(
        tick_s=TICK_S,
        slo=Slo(latency_s=300.0),
        regions=tuple(
            Region(name=f"region-{r}", grid_g_per_kwh=float(grams))
            for r, grams in enumerate((50, 250, 370, 385, 420))
        ),
        zones=tuple(Zone(name=f"zone-{r}", region=f"region-{r}") for r in range(5)),
        agent_types=(kind,),
        node_types=(box,),
        node_groups=tuple(
            NodeGroup(
                name=f"group-{g}",
                node_type="box",
                zone=f"zone-{g % 5}",
                nodes_min=each,
                nodes_max=each,
            )
            for g in range(groups)
        ),
        pools=tuple(
            Pool(
                name=name,
                agent_type="agent",
                workers_initial=workers,
                workers_max=3 * workers,
                zone=f"zone-{number // POOLS_A_GROUP % 5}",
                node_group=f"group-{number // POOLS_A_GROUP}",
            )
            for number, name in enumerate(names)
        ),
        priorities=Priorities(carbon_threshold_g_per_kwh=400.0),
        guard=Guard(
            slo_quantile=0.95,
            out_workers=8,
            in_workers=4,
            cooldown_in_s=60.0,
            budget_usd_per_hour=1.1 * pools * workers,
            holds=tuple(Hold(pool=name, at_s=600.0, for_s=1e5) for name in names[::100]),
        ),
    )


def _demand(pools: int, window_s: float) -> RequestTable:
    """Poisson arrivals that swing, so that pools grow and shrink."""
    rng = np.random.default_rng(1)
    usual = pools * (WORKERS // POOLS) * _SLOTS * _BUSY / _SERVICE_S
    at = rng.uniform(0.0, window_s, rng.poisson(usual * (1 + _SWING) * window_s))
    kept = rng.random(len(at)) * (1 + _SWING) < 1 + _SWING * np.sin(2 * np.pi * at / _SWING_S)
    return request_table(np.sort(at[kept]))
