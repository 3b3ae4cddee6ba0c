"""Plays one script (requests, pools, ticks with scaling) on the kernel and on the reference."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.testing import assert_allclose

from engine.cluster.sizes import by_size
from engine.scenario import Breaker, Cache, Degradation, Retry
from engine.sim import kernel
from engine.sim.arrivals import make_requests
from engine.sim.parameters import PoolParameters, RouterParameters, TenantParameters
from engine.sim.state import make_state, with_room
from tests.reference.parts import Request
from tests.reference.simulator import COUNTS, Cluster

STATUS = {
    kernel.NOT_ARRIVED: "not arrived",
    kernel.QUEUED: "queued",
    kernel.IN_SERVICE: "in service",
    kernel.OUT_OF_TIME: "in service",
    kernel.FINISHED: "finished",
    kernel.QUEUE_TIMEOUT: "queue timeout",
    kernel.EXEC_TIMEOUT: "exec timeout",
    kernel.REJECTED: "rejected",
    kernel.LOST: "lost",
    kernel.RETRYING: "retrying",
    kernel.SHED: "shed",
}
NO_RETRY = Retry()
ROUTING = RouterParameters(nodes=3)
STARTUP_DRAWS = 5  # few, so that they are used over again
LEVELS = ("queued", "in service", "starting", "ready", "draining")
MORE_COUNTS = {
    "retried": kernel.C_RETRIED,
    "crashed": kernel.C_CRASHED,
    "failed starts": kernel.C_START_FAILED,
    "breaker": kernel.C_BREAKER,
    "shed": kernel.C_SHED,
    "degraded": kernel.C_DEGRADED,
    "hit worker": kernel.C_HIT_WORKER,
    "hit zone": kernel.C_HIT_ZONE,
    "hit store": kernel.C_HIT_STORE,
}
INTEGRALS = ("offered", "busy", "starting", "ready", "draining")
OF_SIZES = ("workers of size {}", "busy in size {}")


@dataclass(frozen=True, kw_only=True)
class Tick:
    """One control interval: scaling at its start, one change of workers a pool."""

    until_s: float
    changes: tuple[int, ...] = ()
    acts: tuple[tuple, ...] = ()
    """Names of operations with their arguments, after the changes."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """What happens to a cluster."""

    arrival_s: tuple[float, ...]
    work_s: tuple[float, ...]
    pools: tuple[PoolParameters, ...]
    ticks: tuple[Tick, ...] = (Tick(until_s=1e6),)
    pool: tuple[int, ...] | None = None
    after: tuple[int, ...] | None = None
    think_s: tuple[float, ...] | None = None
    horizon_s: float = math.inf
    abandon: bool = False
    seed: int = 0
    memory_kib: tuple[int, ...] | None = None
    tenant: tuple[int, ...] | None = None
    tenants: tuple[TenantParameters, ...] = ()
    retry: Retry = NO_RETRY
    breaker: Breaker | None = None
    chain: tuple[int, ...] | None = None
    prefix_s: tuple[float, ...] | None = None
    affinity_slack: int | None = None
    cache: Cache | None = None
    degradation: tuple[Degradation, ...] = ()
    group: tuple[int, ...] | None = None
    routing: RouterParameters = ROUTING


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one request."""

    status: str
    arrived_s: float
    start_s: float
    end_s: float
    worker: tuple[int, int] | None
    """Pool, and number in the pool."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """One pool in one tick."""

    counts: dict[str, int]
    levels: dict[str, int]
    integrals: dict[str, float]
    more: dict[str, int]
    slot_s: float
    of_sizes: dict[str, float]
    """Seconds of workers of each size, and their busy slot-seconds."""
    utilisation: dict[int, float]
    """By number, of the workers that were ready or draining for a while and still are."""
    latencies: int
    p95_s: float


@dataclass(frozen=True, kw_only=True)
class Played:
    """What came of a script."""

    outcomes: list[Outcome]
    ticks: list[list[Observed]]


def pool_of(
    slots: int = 1, workers: int = 1, startup_s: tuple[float, ...] = (0.0,), **parameters: object
) -> PoolParameters:
    """A pool with `workers` ready ones at first, and unlimited everything unless said."""
    return PoolParameters(
        slots=slots,
        workers_max=workers,
        workers_initial=workers,
        startup_draws_s=np.resize(startup_s, STARTUP_DRAWS),
        **parameters,
    )


def state_of(script: Script) -> kernel.State:
    """The kernel's state before anything happened."""

    def array(values, dtype):
        return None if values is None else np.array(values, dtype)

    traits = np.zeros(len(script.arrival_s), kernel.TRAIT)
    for name in ("memory_kib", "tenant"):
        traits[name] = getattr(script, name) or 0
    traits["chain"] = kernel.NONE if script.chain is None else script.chain
    traits["prefix_s"] = script.prefix_s or 0.0
    traits["group"] = kernel.NONE if script.group is None else script.group
    arrivals = make_requests(
        np.array(script.arrival_s, np.float64),
        np.array(script.work_s, np.float64),
        pool=array(script.pool, np.int32),
        after=array(script.after, np.int32),
        think_s=array(script.think_s, np.float64),
        traits=traits,
    )
    return make_state(
        arrivals,
        script.pools,
        horizon_s=script.horizon_s,
        abandon=script.abandon,
        seed=script.seed,
        retry=script.retry,
        breaker=script.breaker,
        tenants=script.tenants,
        affinity_slack=script.affinity_slack,
        cache=script.cache,
        degradation=script.degradation,
        routing=script.routing,
    )


def scale(state: kernel.State, changes: tuple[int, ...], now: float) -> kernel.State:
    """Applies one change of workers a pool (positive: more), with room for it."""
    state = with_room(state, np.maximum(np.array(changes, np.int64), 0))
    for p, change in enumerate(changes):
        if change > 0:
            assert kernel.scale_out(state, p, change, now) == change
        elif change < 0:
            kernel.scale_in(state, p, -change, now)
    return state


def act(state: kernel.State, name: str, *arguments: Any, now: float) -> kernel.State:
    """Applies one operation, with room for what it orders."""
    if name == "order_workers":
        p, *orders = arguments
        wanted = np.zeros(len(state.pools), np.int64)
        wanted[p] = len(orders)
        state = with_room(state, wanted)
        nodes, extra_s, speeds = (np.array(column) for column in zip(*orders, strict=True))
        kernel.order_workers(state, p, nodes, extra_s * 1.0, speeds * 1.0, now)
    elif name in ("set_speed", "restore_speed", "fail_starts", "hold_tools"):
        getattr(kernel, name)(state, *arguments)
    elif name == "set_weights":
        p, preference, sizes = arguments
        known = len(state.sizes[p])
        kernel.set_weights(state, p, preference, np.array(sizes[:known]))
    elif name == "share_slots":
        kernel.share_slots(state, arguments[0], np.array(arguments[1]), now)
    elif name == "resize":
        ready = state.counters[:, kernel.C_READY] * (np.arange(len(state.pools)) == arguments[0])
        state = with_room(state, ready)
        kernel.resize(state, *arguments, now)
    else:
        getattr(kernel, name)(state, *arguments, now)
    return state


def play_on_kernel(script: Script) -> Played:
    state, since_s, ticks = state_of(script), 0.0, []
    for tick in script.ticks:
        kernel.open_tick(state)
        state = scale(state, tick.changes or (0,) * len(script.pools), since_s)
        for name, *arguments in tick.acts:
            state = act(state, name, *arguments, now=since_s)
        kernel.advance(state, tick.until_s)
        utilisation = np.empty(len(state.workers))
        kernel.close_tick(state, tick.until_s, utilisation, tick.until_s - since_s)
        books = np.array(by_size(state, since_s, tick.until_s))
        ticks.append(
            [_observe(state, p, utilisation, books[:, p]) for p in range(len(script.pools))]
        )
        since_s = tick.until_s
    return Played(outcomes=outcomes_of(state), ticks=ticks)


def _observe(state: kernel.State, p: int, utilisation: np.ndarray, books: np.ndarray) -> Observed:
    pool = state.pools[p]
    busy = utilisation[pool["first_worker"] :][: pool["capacity"]]
    counters = state.counters[p].tolist()
    return Observed(
        counts=dict(zip(COUNTS, counters, strict=False)),
        levels=dict(zip(LEVELS, counters[len(COUNTS) :], strict=False)),
        integrals=dict(zip(INTEGRALS, state.integrals[p].tolist(), strict=False)),
        more={name: counters[column] for name, column in MORE_COUNTS.items()},
        slot_s=float(state.integrals[p, kernel.F_SLOT_S]),
        of_sizes={
            name.format(size): seconds
            for name, by in zip(OF_SIZES, books.tolist(), strict=True)
            for size, seconds in enumerate(by)
        },
        utilisation={n: share for n, share in enumerate(busy.tolist()) if not math.isnan(share)},
        latencies=int(state.ended[p].sum()),
        p95_s=float(state.integrals[p, kernel.F_P95_S]),
    )


def outcomes_of(state: kernel.State) -> list[Outcome]:
    """The kernel's outcomes, less what only the simulator knows: ends that are still to come."""
    outcomes = []
    for row in state.outcomes:
        status, worker = STATUS[int(row["status"])], None
        if row["worker"] >= 0:
            p = int(state.workers["pool"][row["worker"]])
            worker = (p, int(row["worker"] - state.pools["first_worker"][p]))
        outcomes.append(
            Outcome(
                status=status,
                arrived_s=float(row["arrived_s"]),
                start_s=float(row["start_s"]),
                end_s=math.nan if status == "in service" else float(row["end_s"]),
                worker=worker,
            )
        )
    return outcomes


def play_on_reference(script: Script) -> Played:
    cluster, ticks = _cluster(script), []
    for tick in script.ticks:
        since_s = cluster.now
        cluster.open_tick()
        for p, change in enumerate(tick.changes):
            cluster.scale_out(p, max(change, 0))
            cluster.scale_in(p, max(-change, 0))
        for name, *arguments in tick.acts:
            getattr(cluster, name)(*arguments)
        cluster.review()
        cluster.advance(tick.until_s)
        cluster.close_tick(tick.until_s)
        ticks.append([_look(cluster, p, since_s) for p in range(len(script.pools))])
    return Played(outcomes=[_became(request) for request in cluster.requests], ticks=ticks)


def _cluster(script: Script) -> Cluster:
    n = len(script.arrival_s)
    pools, after = script.pool or (0,) * n, script.after or (-1,) * n
    think_s = script.think_s or (0.0,) * n
    requests = [
        Request(i, pools[i], script.arrival_s[i], script.work_s[i], think_s[i]) for i in range(n)
    ]
    for request, awaited in zip(requests, after, strict=True):
        request.memory_kib = script.memory_kib[request.number] if script.memory_kib else 0
        request.tenant = script.tenant[request.number] if script.tenant else 0
        request.chain = script.chain[request.number] if script.chain else -1
        request.prefix_s = script.prefix_s[request.number] if script.prefix_s else 0.0
        request.group = script.group[request.number] if script.group else -1
        request.home = request.pool
        request.follows = awaited >= 0
        if awaited >= 0:
            requests[awaited].followers.append(request)
    roots = [request for request, awaited in zip(requests, after, strict=True) if awaited < 0]
    return Cluster(
        requests,
        roots,
        script.pools,
        horizon_s=script.horizon_s,
        abandon=script.abandon,
        seed=script.seed,
        retry=script.retry,
        breaker=script.breaker,
        tenants=script.tenants,
        affinity_slack=script.affinity_slack,
        cache=script.cache,
        degradation=script.degradation,
        routing=script.routing,
    )


def _look(cluster: Cluster, p: int, since_s: float) -> Observed:
    pool = cluster.pools[p]
    seen_s = {
        number: cluster.now - max(since_s, worker.ready_s)
        for number, worker in pool.workers.items()
        if worker.phase != "starting"
    }
    latencies = sorted(pool.latencies_s)
    workers = pool.workers.values()
    return Observed(
        counts={name: pool.counts[name] for name in COUNTS},
        levels={
            "queued": cluster.held_by(pool) - sum(len(w.in_service) for w in workers),
            "in service": sum(len(worker.in_service) for worker in workers),
            **{phase: len(pool.in_phase(phase)) for phase in LEVELS[2:]},
        },
        integrals={name: pool.integrals[name] for name in INTEGRALS},
        more={name: pool.counts[name] for name in MORE_COUNTS},
        slot_s=pool.integrals["slots"],
        of_sizes={
            name.format(size): pool.integrals[name.format(size)]
            for name in OF_SIZES
            for size in range(max(len(other.parameters.sizes) for other in cluster.pools))
        },
        utilisation={
            number: min(
                1.0,
                pool.workers[number].busy_slot_s
                / pool.workers[number].slot_s(cluster.now - seconds, cluster.now),
            )
            for number, seconds in seen_s.items()
            if seconds > 0
        },
        latencies=len(latencies),
        p95_s=latencies[-(-19 * len(latencies) // 20) - 1] if latencies else math.nan,
    )


def _became(request: Request) -> Outcome:
    return Outcome(
        status=request.status,
        arrived_s=request.arrived_s,
        start_s=request.start_s,
        end_s=math.nan if request.status == "in service" else request.end_s,
        worker=(request.worker.pool, request.worker.number) if request.worker else None,
    )


def assert_same(fast: Played, obvious: Played) -> None:
    """Outcomes to the last bit, counts exactly, integrals to 1e-9, percentiles to 1 %."""
    for number, (ours, theirs) in enumerate(zip(fast.outcomes, obvious.outcomes, strict=True)):
        assert repr(ours) == repr(theirs), f"request {number}"
    for number, (ours, theirs) in enumerate(zip(fast.ticks, obvious.ticks, strict=True)):
        for p, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            where = f"tick {number}, pool {p}"
            assert (mine.counts, mine.levels) == (other.counts, other.levels), where
            assert mine.more == other.more, where
            assert_allclose(mine.slot_s, other.slot_s, 1e-9, 1e-9, err_msg=where)
            _assert_near(mine.of_sizes, other.of_sizes, 1e-9, where)
            assert mine.latencies == other.latencies == other.counts["finished"], where
            _assert_near(mine.integrals, other.integrals, 1e-9, where)
            _assert_near(mine.utilisation, other.utilisation, 1e-9, where)
            if other.p95_s > kernel.BUCKET_MIN_S or not other.latencies:
                assert_allclose(mine.p95_s, other.p95_s, rtol=0.01, err_msg=where)


def _assert_near(mine: dict, other: dict, tolerance: float, where: str) -> None:
    assert mine.keys() == other.keys(), where
    for name, value in other.items():
        assert_allclose(mine[name], value, tolerance, tolerance, err_msg=f"{where}: {name}")
