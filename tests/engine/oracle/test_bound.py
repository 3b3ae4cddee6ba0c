"""No policy is ever below the bound at its own SLO attainment, and the bound can be reached."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from engine.oracle.bound import is_bounded, needs
from engine.oracle.play import run_out
from engine.oracle.prepare import policy_spec
from engine.oracle.search import Planned
from engine.policies.registry import parse_spec
from engine.replay import set_up
from engine.scenario import AgentType, Cache, Pool, Scenario, Slo, Startup
from engine.scorecard import cost_usd, provisioned_worker_s
from engine.trace.schema import request_table
from tests.engine.replays import demand, scenario, sessions, spec

POLICIES = (
    "static:target=0.3", "static:target=1", "hpa:target=0.2", "hpa:target=0.9", "threshold",
    "reactive:target=0.5", "predictive", "smartscale", "smartscale:cost=0.9:latency=0.01",
    "oracle:target=0.9", "oracle:target=1.5", "oracle-instant:target=0.6",
    "oracle-instant:target=1.5",
)  # fmt: skip


def played(run):
    """The run, to its end."""
    run_out(run)
    return run


def judged(run):
    """Requests within the SLO, dollars and slot-hours of a run, and the bound for as many."""
    record = run.record()
    found = needs(run.spec.workload, run.spec.scenario, run.spec.window_s)
    met = int(record.slo_met.sum())
    slot_hours = float((provisioned_worker_s(record) * record.slots).sum()) / 3600.0
    return met, float(cost_usd(record).sum()), slot_hours, found.bound(met)


def whole(workers_max, startup_s, slo_s, contention, price, workers_min, initial):
    kind = AgentType(
        name="small", slots=3, price_usd_per_hour=price, contention=contention, queue_limit=None,
        startup=Startup(mean_s=startup_s, spread_s=startup_s / 4), queue_timeout_s=None,
    )  # fmt: skip
    dear = AgentType(name="dear", slots=1, price_usd_per_hour=9.0, startup=Startup(mean_s=20.0))
    pools = (
        Pool(
            name="own",
            agent_type="small",
            workers_min=workers_min,
            workers_max=workers_max,
            workers_initial=initial,
        ),
        Pool(name="other", agent_type="dear", workers_max=30, share=0.4),
    )
    return Scenario(agent_types=(kind, dear), pools=pools, slo=Slo(latency_s=slo_s))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    policy=some.sampled_from(POLICIES),
    seed=some.integers(0, 10_000),
    number=some.integers(5, 1500),
    chain=some.booleans(),
    chosen=some.builds(
        whole, workers_max=some.integers(4, 60), startup_s=some.floats(1.0, 120.0),
        slo_s=some.floats(2.0, 60.0), contention=some.floats(0.0, 1.0),
        price=some.floats(0.1, 30.0), workers_min=some.integers(0, 4),
        initial=some.none() | some.integers(0, 4),
    ),
)  # fmt: skip
def test_no_policy_is_below_the_bound_at_its_own_slo_attainment(
    policy, seed, number, chain, chosen
):
    table = sessions(seed, number=20) if chain else demand(seed, number=number)
    (run,) = set_up([policy_spec(spec("hpa", table, chosen), parse_spec(policy))])
    run_out(run)
    _, usd, slot_hours, bound = judged(run)
    assert usd >= bound.usd * (1 - 1e-9)
    assert slot_hours >= bound.slot_hours * (1 - 1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=some.integers(0, 10_000), highest=some.integers(1, 12))
def test_no_plan_drawn_at_random_is_below_the_bound(seed, highest):
    rng = np.random.default_rng(seed)
    made = spec("hpa", demand(seed), scenario())
    plan = np.repeat(rng.integers(1, highest + 1, (10, 2)), 6, axis=0)
    made = policy_spec(made, parse_spec("hpa"))
    made = type(made)(**{
        **{name: getattr(made, name) for name in made.__dataclass_fields__},
        "policy": lambda context: Planned(plan, context.tick_s),
    })  # fmt: skip
    (run,) = set_up([made])
    run_out(run)
    _, usd, slot_hours, bound = judged(run)
    assert usd >= bound.usd * (1 - 1e-9)
    assert slot_hours >= bound.slot_hours * (1 - 1e-9)


def test_a_worker_that_is_always_busy_pays_the_bound_itself():
    kind = AgentType(
        name="one", slots=1, price_usd_per_hour=6.0, startup=Startup(mean_s=1.0, spread_s=0.0)
    )
    pool = Pool(name="own", agent_type="one", workers_min=1, workers_max=1)
    chosen = Scenario(agent_types=(kind,), pools=(pool,), slo=Slo(latency_s=10.0))
    table = request_table(np.arange(0.0, 900.0, 10.0), service_s=np.full(90, 10.0))
    (run,) = set_up([spec("static:target=1", table, chosen)])
    run_out(run)
    met, usd, slot_hours, bound = judged(run)
    assert met == 90
    assert (usd, slot_hours) == pytest.approx((1.5, 0.25))
    assert (bound.usd, bound.slot_hours) == pytest.approx((1.5, 0.25))


def test_more_requests_within_the_slo_take_more_and_none_take_the_smallest_sizes():
    made = spec("hpa", demand(number=4800), scenario())
    found = needs(made.workload, made.scenario, made.window_s)
    usd = [found.bound(met).usd for met in (0, 3600, 4800)]
    assert usd == sorted(usd)
    smallest = sum(pool.workers_min for pool in made.scenario.pools)
    assert usd[0] == pytest.approx(smallest * 3.0 * 900.0 / 3600.0)
    assert usd[2] > usd[1] > usd[0]


def test_a_pool_that_begins_below_its_smallest_size_may_stay_there():
    base = scenario()
    own, shared = base.pools
    low = replace(base, pools=(replace(own, workers_min=10, workers_initial=0), shared))
    (run,) = set_up([policy_spec(spec("hpa", demand(number=30), low), parse_spec("predictive"))])
    run_out(run)
    _, usd, slot_hours, bound = judged(run)
    assert usd >= bound.usd * (1 - 1e-9)
    assert slot_hours >= bound.slot_hours * (1 - 1e-9)
    assert bound.usd > 0.0


def test_what_spares_work_has_no_bound():
    assert is_bounded(scenario())
    assert not is_bounded(scenario(cache=Cache()))
