"""Small random clusters for the routing head: what weights that are kept up come to.

A cluster is one agent type in two to five sites that differ in price, grid and distance, with the
demand of the allocator's training. It is played by the engine itself, its pools sized by the
shipped dial, its requests sent by the hierarchical router.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from engine.learn import express
from engine.learn.cells import BIN_S, EPISODE_S, HISTORY_S, cell
from engine.learn.mind import USUAL_G_PER_KWH
from engine.learn.policy import NAME, SmartScale
from engine.learn.rewards import SCORES, WAIT_MOST, dirt, score_all
from engine.policies.base import PolicyContext
from engine.replay import Replay, ReplaySpec
from engine.scenario import (
    AgentType,
    Pool,
    Priorities,
    Region,
    Router,
    RouterKind,
    Scenario,
    Slo,
    Startup,
    StartupKind,
    Zone,
)
from engine.scenario.grids import GRID_DAYS
from engine.sim import kernel
from engine.sim.outcomes import pools_of
from engine.sim.service import Workload, lognormal, prepare
from engine.trace.schema import request_table
from engine.trace.streams import stream
from engine.units import FloatArray

FIRST_S = 600.0
"""From when on a window is scored: by then the weights have settled."""
TYPE = "work"
_STREAM = 5323
_RATE_MOST = 15.0
"""Requests/s in the hour before, in the mean; a busier cluster gets a share of its demand."""
_MINUTE_S = 60
_SLO_SERVICES = 3.0
"""The SLO, in mean service times; network delay counts, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One cluster with its demand, ready to be played under any weights."""

    scenario: Scenario
    workload: Workload
    clock_s: float
    service_s: float
    """Mean, alone on a worker."""
    known_slots: float
    """Busy slots that demand needed in the minute before: what is known as weights are chosen."""
    threshold: float
    """Carbon threshold, g per kWh; infinite: there is none. It moves the dial and the scores; the
    guard's mask is left out, as in the dial's own training."""


def cluster(seed: int, number: int) -> Cluster:
    """Cluster `number` of a training, or of an exam, with this seed."""
    rng, own = stream(seed, _STREAM, number), stream(seed, _STREAM, number, 1)
    drawn = cell(rng)
    rate = drawn.rate * min(1.0, _RATE_MOST / max(drawn.rate[:HISTORY_S].mean(), 1e-9))
    minutes = own.poisson(rate[:HISTORY_S]).reshape(-1, _MINUTE_S).mean(1) * drawn.service_s
    inside = rate[HISTORY_S : HISTORY_S + EPISODE_S]
    counts = rng.poisson(inside)
    arrival_s = np.sort(np.repeat(np.arange(EPISODE_S), counts) + rng.random(counts.sum()))
    service_s = lognormal(drawn.service_s, drawn.cv, rng.standard_normal(len(arrival_s)))
    regions, zones, pools = _sites(own, int(2.0 * minutes.max() / drawn.slots) + 12)
    scenario = Scenario(
        name=f"sites-{seed}-{number}", seed=int(own.integers(1, 2**31)), tick_s=BIN_S,
        agent_types=(
            AgentType(
                name=TYPE, slots=drawn.slots, price_usd_per_hour=float(own.uniform(1.0, 20.0)),
                startup=Startup(
                    kind=StartupKind.UNIFORM, mean_s=drawn.startup_s,
                    spread_s=0.2 * drawn.startup_s,
                ),
                contention=drawn.contention, queue_limit=None, queue_timeout_s=60.0,
                service_mean_s=drawn.service_s, watts_idle=300.0, watts_full=1000.0,
            ),
        ),
        pools=pools, regions=regions, zones=zones, slo=Slo(latency_s=_SLO_SERVICES
        * drawn.service_s),
        router=Router(kind=RouterKind.HIERARCHICAL),
        priorities=Priorities(),
    )  # fmt: skip
    table = request_table(arrival_s, service_s=service_s)
    return Cluster(
        scenario=scenario, workload=prepare(table, scenario), clock_s=float(own.integers(86400)),
        service_s=drawn.service_s,
        known_slots=float(minutes[-1]),
        threshold=float(own.choice([np.inf, own.uniform(150.0, 600.0)])),
    )  # fmt: skip


def _sites(
    rng: np.random.Generator, most: int
) -> tuple[tuple[Region, ...], tuple[Zone, ...], tuple[Pool, ...]]:
    """Two regions at least; some hold two zones.

    Each pool may have `most` workers or three tenths of that, four at least.
    """
    number = int(rng.integers(2, 6))
    homes = [0, 1, *(int(rng.integers(0, 5)) for _ in range(number - 2))]
    kept = {home: place for place, home in enumerate(dict.fromkeys(homes))}
    days = tuple(GRID_DAYS)
    regions = tuple(
        Region(
            name=f"region-{place}", pue=1.1,
            grid_g_per_kwh=float(np.exp(rng.uniform(np.log(30.0), np.log(800.0)))),
            grid_profile=days[int(rng.integers(len(days)))],
            utc_offset_h=float(rng.integers(-8, 9)),
            price_factor=float(np.exp(rng.uniform(-0.5, 0.5))),
            network_delay_s=float(rng.uniform(0.0, 0.3)),
        )
        for place in kept.values()
    )  # fmt: skip
    zones = tuple(
        Zone(name=f"zone-{z}", region=f"region-{kept[home]}") for z, home in enumerate(homes)
    )
    least = int(rng.integers(0, 3))
    pools = tuple(
        Pool(
            name=f"pool-{z}", agent_type=TYPE, zone=f"zone-{z}", workers_min=max(1, least),
            workers_max=max(4, int(most * rng.choice([0.3, 1.0]))),
        )
        for z in range(number)
    )  # fmt: skip
    return regions, zones, pools


def allocator(
    priorities: FloatArray, threshold: float, context: PolicyContext, *, routing: bool = False
) -> SmartScale:
    """The shipped allocator under (5,) priorities and a carbon threshold."""
    if np.isfinite(threshold):
        context = replace(context, carbon_threshold_g_per_kwh=threshold)
    latency, utilisation, cost, reliability, carbon = priorities.tolist()
    return SmartScale(
        context, latency=latency, utilisation=utilisation, cost=cost, reliability=reliability,
        carbon=carbon, routing=routing,
    )  # fmt: skip


def played(made: Cluster, priorities: FloatArray, weights: FloatArray) -> Replay:
    """The cluster under (5,) priorities and routing weights (P,) that are kept up all the time."""
    run = Replay(
        ReplaySpec(
            workload=made.workload, scenario=made.scenario, window_s=float(EPISODE_S),
            policy=partial(allocator, priorities, made.threshold), name=NAME,
            clock_s=made.clock_s,
        )
    )  # fmt: skip
    for pool, weight in enumerate(weights.tolist()):
        run.fleet.reweigh(pool, weight, np.ones(1), 0.0)
    express.run_out(run)
    return run


def scores_of(run: Replay, made: Cluster) -> FloatArray:
    """(5,) mean scores of the cluster as a whole, ticks before FIRST_S left out.

    As `rewards.score` of a pool. A site's network delay counts as waiting; a billed slot costs
    its price over the mean price of the sites, and has its own grid's dirt.
    """
    outcomes, ticks = run.fleet.state.outcomes, run.ticks
    pool = pools_of(run.fleet.state)
    delay_s = run.fleet.state.pools["delay_s"][pool]
    tick = np.minimum((outcomes["arrived_s"] / run.tick_s).astype(np.int64), ticks - 1)
    done = np.isfinite(outcomes["start_s"])
    waited_s = np.where(done, outcomes["start_s"] - outcomes["arrived_s"], np.inf)
    failed = outcomes["status"] != kernel.FINISHED
    missed = failed | (waited_s > 0.5 * made.service_s)
    waits = np.minimum((waited_s + delay_s) / made.service_s, WAIT_MOST)
    billed = run.integrals[:, :, kernel.F_SLOT_S] / run.tick_s
    price = np.array([facts.price_usd_per_hour for facts in run.facts])
    grams = express.grams_of(run) / USUAL_G_PER_KWH
    threshold = np.full(1, made.threshold / USUAL_G_PER_KWH)
    dirty = (billed * dirt(grams, threshold)).sum(1)
    total = billed.sum(1)
    mean_requests = len(outcomes) / ticks
    rows = np.column_stack(
        [
            np.bincount(tick, minlength=ticks), np.bincount(tick, waits, ticks),
            np.bincount(tick, missed, ticks), np.bincount(tick, failed, ticks),
            run.integrals[:, :, kernel.F_BUSY_SLOT_S].sum(1) / run.tick_s, total,
            np.full(ticks, mean_requests / run.tick_s * made.service_s),
            np.full(ticks, mean_requests), dirty / np.maximum(total, 1e-9),
            (billed * (price / price.mean())).sum(1) / np.maximum(total, 1e-9),
        ]
    )  # fmt: skip
    scores = np.empty((ticks, len(SCORES)))
    score_all(rows, scores)
    made_of: FloatArray = scores[round(FIRST_S / run.tick_s) :].mean(0)
    return made_of
