"""Policies never see the future: another future, the same decisions until then."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from engine.errors import PolicyError
from engine.oracle.prepare import policy_spec
from engine.policies import registry
from engine.replay import replay
from engine.sim.service import prepare
from engine.trace.schema import request_table
from tests.engine.learn.sites import two_sites
from tests.engine.learn.test_whole_action import SIZES
from tests.engine.replays import POLICIES, demand, scenario, sessions, spec

pytestmark = pytest.mark.slow

ORACLES = ("oracle", "oracle-instant")
"""Bounds, which say that they see the future: `sees_future`."""
INSTALLED = [
    name
    for name, info in registry.available().items()
    if info.problem is None and name not in ORACLES
]
WINDOW_S = 900.0


def with_another_future(table, t_s, seed):
    """The same table, but other requests and sessions begin after `t_s`.

    A session under way stays whole: its later requests may well arrive before they were recorded.
    """
    begins_s = table.arrival_s.copy()
    for number, before in enumerate(table.after):
        if before >= 0:
            begins_s[number] = begins_s[before]
    rng = np.random.default_rng(seed)
    kept, new = np.flatnonzero(begins_s < t_s), int(rng.integers(0, 1500))
    arrival_s = np.concatenate([table.arrival_s[kept], rng.uniform(t_s, WINDOW_S, new)])
    order = np.argsort(arrival_s, kind="stable")
    place = np.full(len(table) + 1, -1)
    place[kept] = np.argsort(order)[: len(kept)]

    def column(name, added):
        return np.concatenate([getattr(table, name)[kept], added])[order]

    return request_table(
        arrival_s[order],
        service_s=column("service_s", rng.exponential(6.0, new)),
        session=column("session", np.full(new, -1)),
        after=place[column("after", np.full(new, -1))],
        think_s=column("think_s", np.zeros(new)),
    )


def decided_until(record, t_s):
    """All that is recorded of decisions up to `t_s`, that instant included."""
    log = record.decisions
    until = sum(tick * record.tick_s <= t_s for tick in log.tick)
    return [
        getattr(log, name)[:until]
        for name in (
            "tick", "pool", "current", "proposed", "applied", "reason", "rationale", "size",
            "routing",
        )
    ]  # fmt: skip


def on_sites():
    """Two sites with workers of three sizes."""
    made = two_sites()
    kind = replace(made.agent_types[0], sizes=SIZES, queue_limit=None)
    return replace(made, agent_types=(kind,))


CLUSTERS = {
    "smartscale:vertical=true": on_sites, "smartscale:routing=true": on_sites,
    "smartscale:vertical=true:routing=true:online=true": on_sites,
}  # fmt: skip
"""Of policies that need more than the usual one to do all that they can."""
LEARNING = "smartscale:online=true"


@pytest.mark.parametrize("policy", sorted({*INSTALLED, *POLICIES, *CLUSTERS, LEARNING}))
@given(
    t_s=st.floats(61.0, 880.0),
    seed=st.integers(0, 2**31),
    closed_loop=st.booleans(),
)
@limits(max_examples=12)
def test_decisions_do_not_depend_on_requests_that_arrive_later(policy, t_s, seed, closed_loop):
    chosen = CLUSTERS.get(policy, scenario)()
    table = sessions(seed=seed % 5) if closed_loop else demand(seed=seed % 5)
    workload = prepare(table, chosen)
    # One look at the whole trace is allowed, and said: the peak that fixed capacity is sized for.
    other = replace(
        prepare(with_another_future(table, t_s, seed), chosen),
        peak_busy_slots=workload.peak_busy_slots,
    )
    (one,) = replay([spec(policy, table, chosen, WINDOW_S, workload)])
    (changed,) = replay([spec(policy, table, chosen, WINDOW_S, other)])
    assert decided_until(one, t_s) == decided_until(changed, t_s)
    past = int(t_s // one.tick_s)
    assert np.array_equal(one.counters[:past], changed.counters[:past])
    assert np.array_equal(one.integrals[:past], changed.integrals[:past], equal_nan=True)


def test_only_oracles_are_given_the_future():
    for name in registry.available():
        factory = registry.find(registry.parse_spec(name))
        assert getattr(factory, "sees_future", False) == (name in ORACLES)
    seen = []

    def make(context):
        seen.append(context.future)
        return registry.create(registry.parse_spec("hpa"), context)

    table, chosen = demand(), scenario()
    replay([replace(spec("hpa", table, chosen), policy=make)])
    given = policy_spec(spec("hpa", table, chosen), registry.parse_spec("predictive"))
    assert (seen, given.future) == ([None], None)


@pytest.mark.parametrize("oracle", ORACLES)
def test_oracles_do_see_the_future(oracle):
    """Otherwise they would be no bounds."""
    chosen = scenario()
    table = demand()
    other = with_another_future(table, 455.0, seed=3)
    one, changed = (
        replay([policy_spec(spec("hpa", t, chosen), registry.parse_spec(oracle))])[0]
        for t in (table, other)
    )
    assert decided_until(one, 452.0) != decided_until(changed, 452.0)


def test_an_oracle_without_a_future_is_refused():
    with pytest.raises(PolicyError, match="needs the future"):
        replay([spec("oracle", demand(), scenario())])


def test_another_past_does_change_decisions():
    """Otherwise the test above could not fail."""
    chosen = scenario()
    one, other = (replay([spec("hpa", demand(seed), chosen)])[0] for seed in (1, 2))
    assert decided_until(one, 800.0) != decided_until(other, 800.0)
