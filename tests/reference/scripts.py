"""Random small scripts: every feature, alone or together with the others, with many ties."""

import dataclasses
import math
import random
from itertools import accumulate

from hypothesis import strategies as st

from engine.sim.state import PoolParameters, Size
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
        router=maybe("routers", st.integers(0, 4), 0),
        size=maybe("sizes", st.integers(0, 1), 0),
        other_sizes=maybe("sizes", st.just((Size(4, 2.0),)), ()),
    )


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
        ]
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
        arrival_s=tuple(at * unit_s for at in accumulate(each(st.sampled_from([0, 1, 0, 2])))),
        work_s=tuple(time * unit_s for time in each(st.integers(0, 9))),
        pools=tuple(draw(pools(features, unit_s)) for _ in range(number)),
        pool=tuple(each(st.integers(0, number - 1))) if number > 1 else None,
        ticks=draw(_ticks(features, number, unit_s)),
        seed=draw(st.integers(0, 5)),
        horizon_s=draw(_seconds(unit_s, 0, 40)) if "horizon" in features else math.inf,
        abandon="abandon" in features,
    )
    if "sessions" not in features:
        return script
    return dataclasses.replace(
        script,
        after=(-1, *(draw(st.integers(-1, i - 1)) for i in range(1, n))),
        think_s=tuple(time * unit_s for time in each(st.integers(0, 5))),
    )


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
