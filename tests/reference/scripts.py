"""Random small scripts: every feature, alone or together with the others, with many ties."""

import dataclasses
import math
import random
from itertools import accumulate

from hypothesis import strategies as st

from engine.scenario import Backoff, Breaker, Cache, Degradation, DegradeKind, Retry
from engine.sim import kernel
from engine.sim.parameters import PoolParameters, Size, TenantParameters
from tests.reference.play import STARTUP_DRAWS, Script, Tick, pool_of

FEATURES = frozenset(
    {
        "contention",
        "queue timeout",
        "exec timeout",
        "bounded queue",
        "shared queue",
        "several pools",
        "start-up",
        "scaling",
        "grace",
        "sessions",
        "abandon",
        "horizon",
        "routers",
        "sizes",
        "faults",
        "nodes",
        "memory",
        "resize",
        "tools",
        "failing starts",
        "retries",
        "breaker",
        "priorities",
        "partitions",
        "affinity",
        "cache",
        "degradation",
        "hierarchy",
        "weights",
        "groups",
    }
)
UNITS_S = st.sampled_from([1.0, 0.1, math.pi])
"""Times are small integers times a unit: 1.0 makes exact ties, the others nearly exact ones."""
CHANGES = st.sampled_from([0, -1, 1, -2, 2, -3, -1, 4, -9, 12])
"""12 is more workers than a state has room for at first, so numbers have to be added."""


def _seconds(unit_s: float, least: int, most: int) -> st.SearchStrategy[float]:
    return st.integers(least, most).map(lambda n: n * unit_s)


@st.composite
def pools(draw: st.DrawFn, features: frozenset[str], unit_s: float) -> PoolParameters:
    """One pool with the wanted features."""

    def maybe(feature: str, strategy: st.SearchStrategy, otherwise: object):
        return draw(strategy) if feature in features else otherwise

    return pool_of(
        slots=draw(st.integers(1, 3)),
        workers=draw(st.integers(0 if "scaling" in features else 1, 3)),
        startup_s=maybe("start-up", st.tuples(*[_seconds(unit_s, 0, 8)] * STARTUP_DRAWS), (0.0,)),
        contention=maybe("contention", st.sampled_from([0.5, 1.0, 0.3]), 0.0),
        queue_timeout_s=maybe("queue timeout", _seconds(unit_s, 0, 12), math.inf),
        exec_timeout_s=maybe("exec timeout", _seconds(unit_s, 4, 10), math.inf),
        drain_grace_s=maybe("grace", _seconds(unit_s, 0, 6), math.inf),
        queue_limit=maybe("bounded queue", st.integers(0, 6), None),
        shared_queue=maybe("shared queue", st.booleans(), False),
        router=_router(draw, features),
        kind=maybe("hierarchy", st.integers(0, 1), 0),
        appeal=maybe("hierarchy", st.sampled_from([0.5, 0.2]), 0.0),
        delay_s=maybe("hierarchy", st.sampled_from([0.0, 0.25]), 0.0),
        cpu_share=maybe("routers", st.sampled_from([None, 0.3]), None),
        size=maybe("sizes", st.integers(0, 1), 0),
        other_sizes=((Size(4, 2.0, 9),) if {"sizes", "resize"} & features else ()),
        room_kib=6,
        over_memory=maybe("memory", st.integers(1, 2), kernel.NO_LIMIT),
        resize_in_place=maybe("resize", st.booleans(), False),
        resize_s=maybe("resize", _seconds(unit_s, 0, 3), 0.0),
        zone=maybe("cache", st.integers(0, 1), 0),
        region=draw(st.integers(0, 1)) if {"cache", "hierarchy"} & features else 0,
    )


def _router(draw: st.DrawFn, features: frozenset[str]) -> int:
    """The hierarchical router is that of all pools or of none."""
    if "hierarchy" in features:
        return kernel.HIERARCHICAL
    return draw(st.integers(0, kernel.HIERARCHICAL - 1)) if "routers" in features else 0


@st.composite
def acts(
    draw: st.DrawFn, features: frozenset[str], unit_s: float, pools: int
) -> tuple[tuple, ...]:
    """What happens at the start of a tick besides scaling."""
    p = draw(st.integers(0, pools - 1))
    possible: list[st.SearchStrategy[tuple]] = []
    if "faults" in features:
        possible += [
            st.tuples(st.just("crash_workers"), st.just(p), st.integers(1, 3)),
            st.tuples(
                st.just("set_speed"), st.just(p), st.integers(1, 3), st.sampled_from([0.5, 0.3])
            ),
            st.just(("restore_speed", p)),
            st.tuples(st.just("set_reachable"), st.just(p), st.booleans()),
        ]
    if "nodes" in features:
        order = st.tuples(st.integers(0, 2), _seconds(unit_s, 0, 3), st.sampled_from([1.0, 0.8]))
        possible += [
            st.lists(order, min_size=1, max_size=2).map(lambda o: ("order_workers", p, *o)),
            st.tuples(st.just("drain_node"), st.integers(0, 2)),
            st.tuples(st.just("crash_node"), st.integers(0, 2)),
            st.tuples(st.just("give_notice"), st.integers(0, 2), _seconds(unit_s, 0, 4)),
        ]
    if "resize" in features:
        possible.append(st.tuples(st.just("resize"), st.just(p), st.integers(0, 1)))
    if "weights" in features:
        some = st.sampled_from([1.0, 0.3, 4.0])
        possible.append(st.tuples(st.just("set_weights"), st.just(p), some, st.tuples(some, some)))
    if "failing starts" in features:
        chance = st.sampled_from([0.0, 0.4, 1.0])
        possible.append(st.tuples(st.just("fail_starts"), st.just(p), chance))
    if "tools" in features:
        possible.append(st.tuples(st.just("hold_tools"), _seconds(unit_s, 0, 60)))
    if "partitions" in features:
        shares = st.sampled_from([(0.5, 0.3, 0.2), (0.2, 0.7, 0.1), (1.0, 1.0, 1.0)])
        possible.append(st.tuples(st.just("share_slots"), st.just(p), shares))
    return tuple(draw(st.lists(st.one_of(possible), max_size=2))) if possible else ()


@st.composite
def scripts(draw: st.DrawFn, features: frozenset[str]) -> Script:
    """A script with the wanted features, of up to 40 requests and 10 ticks."""
    unit_s = draw(UNITS_S)
    number = draw(st.integers(1, 3)) if "several pools" in features else 1
    n = draw(st.integers(1, 40))

    def each(strategy: st.SearchStrategy) -> list:
        return draw(st.lists(strategy, min_size=n, max_size=n))

    script = Script(
        **draw(_of_callers(features, n, unit_s)),
        arrival_s=tuple(at * unit_s for at in accumulate(each(st.sampled_from([0, 1, 0, 2])))),
        work_s=tuple(time * unit_s for time in each(st.integers(0, 9))),
        pools=tuple(draw(pools(features, unit_s)) for _ in range(number)),
        pool=tuple(each(st.integers(0, number - 1))) if number > 1 else None,
        ticks=draw(_ticks(features, number, unit_s)),
        seed=draw(st.integers(0, 5)),
        horizon_s=draw(_seconds(unit_s, 0, 40)) if "horizon" in features else math.inf,
        abandon="abandon" in features,
    )
    if script.chain:  # each belongs to one pool, or to one agent type
        mine = script.pool or (0,) * n
        if "hierarchy" in features:
            mine = tuple(script.pools[p].kind for p in mine)
        own = (c * number + p if c >= 0 else -1 for c, p in zip(script.chain, mine, strict=True))
        script = dataclasses.replace(script, chain=tuple(own))
    if "groups" in features:
        script = dataclasses.replace(script, group=draw(_groups(script)))
    if "sessions" not in features:
        return script
    alone = [i for i in range(n) if not script.group or script.group[i] < 0]
    after = [draw(st.integers(-1, i - 1)) if i and i in alone else -1 for i in range(n)]
    return dataclasses.replace(
        script,
        after=tuple(after),
        think_s=tuple(time * unit_s for time in each(st.integers(0, 5))),
    )


@st.composite
def _of_callers(
    draw: st.DrawFn, features: frozenset[str], n: int, unit_s: float
) -> dict[str, object]:
    """Tenants, memory, retries and breakers."""
    more: dict[str, object] = {}

    def each(most: int) -> tuple[int, ...]:
        return tuple(draw(st.lists(st.integers(0, most), min_size=n, max_size=n)))

    if "memory" in features:
        more["memory_kib"] = each(7)
    if {"priorities", "partitions"} & features:
        more["tenant"], more["tenants"] = each(2), tuple(draw(_tenants(features, unit_s)))
    if "retries" in features:
        more["retry"] = Retry(
            attempts=draw(st.integers(2, 4)),
            backoff_s=draw(_seconds(unit_s, 0, 3)),
            backoff_max_s=draw(st.sampled_from([1.0, 60.0])),
            jitter=draw(st.sampled_from(Backoff)),
            budget_frac=draw(st.sampled_from([None, 0.3])),
        )
    if {"affinity", "cache"} & features:
        more["chain"] = tuple(c - 1 for c in each(4))
        more["prefix_s"] = tuple(time * unit_s for time in each(5))
    if "affinity" in features:
        more["affinity_slack"] = draw(st.integers(0, 2))
    if "cache" in features:
        more["cache"] = Cache(
            worker_sessions=draw(st.integers(0, 2)),
            worker_ttl_s=draw(_seconds(unit_s, 1, 8)),
            zone_sessions=draw(st.integers(0, 2)),
            zone_ttl_s=draw(_seconds(unit_s, 1, 15)),
            zone_fetch_s=draw(_seconds(unit_s, 0, 2)),
            store_sessions=draw(st.integers(0, 3)),
            store_fetch_s=draw(_seconds(unit_s, 0, 3)),
        )
    if "degradation" in features:
        levels = st.builds(
            Degradation,
            kind=st.sampled_from(DegradeKind),
            above=st.sampled_from([1.0, 1.5]),
            below=st.sampled_from([0.5, 1.0]),
            amount=st.sampled_from([0.3, 1.0, 0.7]),
            rank=st.integers(0, 1),
        )
        unlike = st.lists(levels, min_size=1, max_size=3, unique=True)
        more["degradation"] = tuple(draw(unlike))
    if "breaker" in features:
        more["breaker"] = Breaker(
            failure_threshold=draw(st.integers(1, 2)),
            open_s=draw(_seconds(unit_s, 1, 6)),
            half_open_probes=draw(st.integers(1, 2)),
            success_threshold=draw(st.integers(1, 2)),
        )
    return more


@st.composite
def _groups(draw: st.DrawFn, script: Script) -> tuple[int, ...]:
    """Of one tenant and one pool each; some requests are in none."""
    n, free = len(script.arrival_s), draw(st.sampled_from([2, 3, 4]))
    numbers: dict[tuple[int, int], list[int]] = {}
    for i in range(n):
        owner = (script.tenant or (0,) * n)[i], (script.pool or (0,) * n)[i]
        if draw(st.booleans()):
            numbers.setdefault(owner, []).append(i)
    group, number = [-1] * n, 0
    for mine in numbers.values():
        for k, i in enumerate(mine):
            group[i] = number + k // free
        number += -(-len(mine) // free)
    return tuple(group)


def _tenants(features: frozenset[str], unit_s: float) -> st.SearchStrategy[list[TenantParameters]]:
    ranks = st.integers(-1, 2) if "priorities" in features else st.just(0)
    aging_s = st.sampled_from([math.inf, 3 * unit_s, 7.7])
    floors = st.sampled_from([0.0, 0.3, 0.5]) if "partitions" in features else st.just(0.0)
    shares = st.sampled_from([1.0, 0.4]) if "partitions" in features else st.just(1.0)
    barred = st.sampled_from([(), (0,)]) if "hierarchy" in features else st.just(())
    liked = st.sampled_from([(), (0,)])
    tenant = st.builds(
        TenantParameters,
        rank=ranks,
        aging_s=aging_s,
        floor=floors,
        share=shares,
        barred=barred,
        liked=liked,
    )
    return st.lists(tenant, min_size=3, max_size=3)


@st.composite
def _ticks(
    draw: st.DrawFn, features: frozenset[str], pools: int, unit_s: float
) -> tuple[Tick, ...]:
    """Ticks of different lengths, and a last one in which everything comes to its end."""
    changes = st.tuples(*[CHANGES if "scaling" in features else st.just(0)] * pools)
    happens = acts(features, unit_s, pools)
    ends = accumulate(draw(st.lists(st.integers(1, 5), max_size=9)))
    return (
        *(Tick(until_s=t * unit_s, changes=draw(changes), acts=draw(happens)) for t in ends),
        Tick(until_s=1e4, changes=draw(changes), acts=draw(happens)),
    )


def busy_script(seed: int) -> Script:
    """300 requests at two crowded pools that are scaled all the time, with every feature."""
    rng = random.Random(seed)
    n, unit_s = 300, rng.choice([1.0, 0.1, math.pi])

    def seconds(least: int, most: int) -> float:
        return rng.randint(least, most) * unit_s

    def pool() -> PoolParameters:
        return pool_of(
            slots=rng.randint(1, 3),
            workers=rng.randint(2, 4),
            startup_s=tuple(seconds(0, 9) for _ in range(STARTUP_DRAWS)),
            contention=rng.choice([0.0, 0.5]),
            queue_timeout_s=rng.choice([math.inf, seconds(4, 20)]),
            exec_timeout_s=rng.choice([math.inf, seconds(12, 18)]),
            drain_grace_s=rng.choice([math.inf, seconds(0, 12)]),
            queue_limit=rng.choice([None, rng.randint(2, 9)]),
            shared_queue=rng.random() < 0.5,
        )

    arrivals = accumulate(rng.choice([0, 0, 1, 1, 2]) for _ in range(n))
    changes = rng.choice([(0, 0, 1, -1), (0, 0, 0, 0, 1, -1, 1, -1, 2, -2, 12, -12)])
    return Script(
        arrival_s=tuple(time * unit_s for time in arrivals),
        work_s=tuple(seconds(0, 14) for _ in range(n)),
        pools=(pool(), pool()),
        pool=tuple(rng.randint(0, 1) for _ in range(n)),
        after=tuple(rng.randint(max(0, i - 40), i - 1) if i % 3 else -1 for i in range(n)),
        think_s=tuple(seconds(0, 20) for _ in range(n)),
        ticks=(
            *(
                Tick(until_s=k * 4 * unit_s, changes=(rng.choice(changes), rng.choice(changes)))
                for k in range(1, 60)
            ),
            Tick(until_s=1e4, changes=(-2, 2)),
        ),
        horizon_s=seconds(150, 400),
        abandon=rng.random() < 0.3,
    )
