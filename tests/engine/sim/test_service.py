"""From a trace to work, pools and start-up times: the rules, and what chance may not decide."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.replay import replay
from engine.scenario import AgentType, Pool, Scenario, Startup, StartupKind
from engine.sim.parameters import STARTUP_DRAWS
from engine.sim.routing import assign_pools
from engine.sim.service import (
    INITIAL_BUSY_FRAC,
    lognormal,
    prepare,
    startup_seconds,
    work_seconds,
)
from engine.trace.schema import request_table
from tests.engine.replays import POLICIES, demand, scenario, spec

CHAT = AgentType(
    name="chat", overhead_s=0.1, prefill_tokens_per_s=1000.0, decode_tokens_per_s=50.0
)
FAST = AgentType(
    name="fast", overhead_s=0.0, prefill_tokens_per_s=2000.0, decode_tokens_per_s=100.0
)


def rng(seed=0):
    return np.random.default_rng(seed)


def work_of(kind=CHAT, number=1, **columns):
    table = request_table(np.arange(number, dtype=float), **columns)
    chosen = Scenario(agent_types=(kind,), pools=(Pool(agent_type=kind.name),))
    return work_seconds(table, np.zeros(number, np.int32), chosen, rng())


def pools_of(table, *pools, kinds=(CHAT, FAST), seed=0):
    return assign_pools(table, Scenario(agent_types=kinds, pools=pools), rng(seed))


# Work


@pytest.mark.parametrize(
    ("tokens_in", "tokens_out", "work_s"),
    [(500, 100, 0.1 + 0.5 + 2.0), (500, -1, 0.6), (-1, 100, 2.1), (0, 0, 0.1)],
)
def test_work_follows_from_tokens_and_an_absent_count_adds_nothing(tokens_in, tokens_out, work_s):
    got = work_of(input_tokens=np.array([tokens_in]), output_tokens=np.array([tokens_out]))
    assert got[0] == pytest.approx(work_s, rel=1e-12)


@pytest.mark.parametrize("service_s", [0.0, 7.25])
def test_work_that_the_trace_gives_comes_before_tokens(service_s):
    given_s = np.array([service_s])
    got = work_of(input_tokens=np.array([500]), output_tokens=np.array([100]), service_s=given_s)
    assert got[0] == service_s


@pytest.mark.parametrize(("mean_s", "cv"), [(0.5, 0.3), (3.0, 1.0), (20.0, 2.0)])
def test_work_without_tokens_is_drawn_with_the_agent_types_mean_and_variation(mean_s, cv):
    number = 200_000
    work_s = work_of(dataclasses.replace(CHAT, service_mean_s=mean_s, service_cv=cv), number)
    assert work_s.mean() == pytest.approx(mean_s, rel=5 * cv / np.sqrt(number))
    assert work_s.std() / work_s.mean() == pytest.approx(cv, rel=0.1)
    assert work_s.min() > 0


def test_work_without_variation_is_the_mean():
    assert (
        work_of(dataclasses.replace(CHAT, service_mean_s=3.0, service_cv=0.0), 5).tolist()
        == [pytest.approx(3.0, rel=1e-12)] * 5
    )


@given(mean=st.floats(1e-3, 1e3), cv=st.floats(0, 5))
def test_the_median_of_a_lognormal_is_its_mean_over_the_root_of_one_plus_cv_squared(mean, cv):
    assert lognormal(mean, cv, np.zeros(1))[0] == pytest.approx(mean / np.sqrt(1 + cv**2))


def test_the_speed_is_that_of_the_pool_a_request_goes_to():
    table = request_table(np.zeros(2), output_tokens=np.array([100, 100]))
    pools = (Pool(name="a", agent_type="chat"), Pool(name="b", agent_type="fast"))
    chosen = Scenario(agent_types=(CHAT, FAST), pools=pools)
    work_s = work_seconds(table, np.array([0, 1], np.int32), chosen, rng())
    assert work_s == pytest.approx([2.1, 1.0])


# Pools


def test_a_request_goes_to_a_pool_of_the_agent_type_it_names():
    table = request_table(
        np.arange(600.0), agent_type=np.tile([0, 1], 300), agent_types=("fast", "chat")
    )
    pools = (
        Pool(name="a", agent_type="chat", share=5.0),
        Pool(name="b", agent_type="fast"),
        Pool(name="c", agent_type="chat"),
    )
    got = pools_of(table, *pools)
    assert set(got[0::2]) == {1}
    assert set(got[1::2]) == {0, 2}


@pytest.mark.parametrize("codes", [-1, 0])
def test_a_request_of_no_known_agent_type_goes_anywhere_by_share(codes):
    number = 40_000
    table = request_table(
        np.arange(float(number)), agent_type=np.full(number, codes), agent_types=("other",)
    )
    pools = (
        Pool(name="a", agent_type="chat", share=1.0),
        Pool(name="b", agent_type="fast", share=0.0),
        Pool(name="c", agent_type="fast", share=3.0),
    )
    shares = np.bincount(pools_of(table, *pools), minlength=3) / number
    assert shares == pytest.approx([0.25, 0.0, 0.75], abs=5 * np.sqrt(0.25 * 0.75 / number))
    assert shares[1] == 0


def test_a_session_stays_in_one_pool_unless_it_names_several_agent_types():
    number, turns = 300, 5
    session = np.tile(np.arange(number), turns)
    code = np.where(np.arange(number * turns) % 2 == 0, 0, -1)
    columns = {"session": session, "agent_types": ("chat",)}
    pools = (
        Pool(name="a", agent_type="chat"),
        Pool(name="b", agent_type="chat"),
        Pool(name="c", agent_type="fast"),
    )
    arrival_s = np.arange(float(number * turns))
    for codes in (np.full(number * turns, -1), code):
        got = pools_of(request_table(arrival_s, agent_type=codes, **columns), *pools)
        for named in set(codes):
            mine = codes == named
            places = set(zip(session[mine], got[mine], strict=True))
            assert len(places) == len(set(session[mine]))
        assert len(set(got)) > 1


def test_requests_outside_sessions_are_spread_one_by_one():
    table = request_table(np.arange(200.0))
    pools = (Pool(name="a", agent_type="chat"), Pool(name="b", agent_type="chat"))
    assert set(pools_of(table, *pools)) == {0, 1}


# Start-up


@pytest.mark.parametrize("seed", range(3))
def test_constant_start_up_is_constant_and_uniform_stays_within_its_bounds(seed):
    constant = startup_seconds(Startup(kind=StartupKind.CONSTANT, mean_s=40.0), rng(seed))
    assert set(constant) == {40.0}
    uniform = startup_seconds(
        Startup(kind=StartupKind.UNIFORM, mean_s=40.0, spread_s=15.0), rng(seed)
    )
    assert len(uniform) == STARTUP_DRAWS
    assert 25.0 <= uniform.min() < 26.0
    assert 54.0 < uniform.max() <= 55.0
    error = 15.0 / np.sqrt(3 * STARTUP_DRAWS)
    assert uniform.mean() == pytest.approx(40.0, abs=5 * error)


def test_lognormal_start_up_has_its_mean_and_standard_deviation():
    startup = Startup(kind=StartupKind.LOGNORMAL, mean_s=130.0, spread_s=30.0)
    drawn = np.concatenate([startup_seconds(startup, rng(seed)) for seed in range(50)])
    assert drawn.mean() == pytest.approx(130.0, abs=5 * 30 / np.sqrt(len(drawn)))
    assert drawn.std() == pytest.approx(30.0, rel=0.05)


@pytest.mark.parametrize("kind", list(StartupKind))
def test_start_up_of_no_time_at_all_is_possible(kind):
    startup = Startup(kind=kind, mean_s=0.0, spread_s=0.0)
    assert set(startup_seconds(startup, rng())) == {0.0}


def test_the_kth_worker_a_pool_starts_takes_the_same_time_under_every_policy():
    """Whenever it is ordered: seconds from its order to its readiness, by number of the order."""
    chosen = scenario()
    draws = [pool.startup_draws_s for pool in prepare(demand(), chosen).pools]
    most = []
    for record in replay([spec(policy, demand(), chosen) for policy in POLICIES]):
        ordered = [0] * len(draws)
        for order in record.orders:
            mine = draws[order.pool][ordered[order.pool] :][: order.number]
            if order.first_ready_s is not None:  # the quickest of those not cancelled since
                took_s = order.first_ready_s - order.t_s
                assert np.any(np.isclose(mine, took_s, rtol=1e-9, atol=0))
            ordered[order.pool] += order.number
        most.append(max(ordered))
    assert max(most) > 10


# What everything starts from


@pytest.mark.parametrize(
    ("limits", "workers"),
    [
        ({}, 5),
        ({"workers_min": 7}, 7),
        ({"workers_max": 2}, 2),
        ({"workers_min": 2, "workers_initial": 0}, 0),
        ({"workers_initial": 9}, 9),
    ],
)
def test_the_first_minute_decides_the_initial_workers_unless_they_are_given(limits, workers):
    """210 slot-seconds in the first minute are 3.5 busy slots: 5 workers of one slot at 70 %."""
    arrival_s = np.array([0.0, 20.0, 59.9, 60.0])
    table = request_table(arrival_s, service_s=np.array([70.0, 70.0, 70.0, 1e4]))
    kind = dataclasses.replace(CHAT, slots=1)
    workload = prepare(table, Scenario(agent_types=(kind,), pools=(Pool(**limits),)))
    assert INITIAL_BUSY_FRAC == 0.7
    assert workload.pools[0].workers_initial == workers
    assert workload.peak_busy_slots == pytest.approx([1e4 / 60])


def test_a_seed_decides_everything_that_is_drawn_and_each_purpose_draws_for_itself():
    """Prolonging the trace or changing the start-up leaves the work of the others as it is."""
    kind = dataclasses.replace(CHAT, startup=Startup(kind=StartupKind.LOGNORMAL))
    pools = (Pool(name="a"), Pool(name="b"))
    chosen = Scenario(agent_types=(kind,), pools=pools)
    one = prepare(request_table(np.arange(50.0)), chosen)
    longer = prepare(request_table(np.arange(80.0)), dataclasses.replace(chosen, name="other"))
    for name in ("work_s", "pool"):
        values = longer.arrivals.requests[name][:50]
        assert values.tolist() == one.arrivals.requests[name].tolist()
    assert one.pools[0].startup_draws_s.tolist() == longer.pools[0].startup_draws_s.tolist()
    assert one.pools[0].startup_draws_s.tolist() != one.pools[1].startup_draws_s.tolist()
    other = prepare(request_table(np.arange(50.0)), dataclasses.replace(chosen, seed=2))
    assert other.arrivals.requests["work_s"].tolist() != one.arrivals.requests["work_s"].tolist()
