"""Oracles: plans made of the future, measures of what was missed, and the search for better."""

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import ReplayCancelled
from engine.oracle.measures import measures
from engine.oracle.play import run_out
from engine.oracle.prepare import policy_spec
from engine.oracle.search import improve
from engine.policies.oracle import in_service
from engine.policies.registry import parse_spec
from engine.replay import replay, set_up
from engine.scenario import AgentType, Pool, Scenario, Slo, Startup
from engine.scorecard import scorecard
from tests.engine.replays import demand, spec


def calm(**fields):
    kind = AgentType(
        name="small", slots=2, price_usd_per_hour=3.0, contention=0.0, queue_limit=None,
        startup=Startup(mean_s=40.0, spread_s=10.0), queue_timeout_s=60.0,
    )  # fmt: skip
    pool = Pool(name="own", agent_type="small", workers_max=60)
    return Scenario(agent_types=(kind,), pools=(pool,), slo=Slo(latency_s=9.0), **fields)


def judged(policy, table=None, chosen=None):
    chosen = calm() if chosen is None else chosen
    table = demand(number=2400) if table is None else table
    (run,) = set_up([policy_spec(spec("hpa", table, chosen), parse_spec(policy))])
    run_out(run)
    return run, measures(run, 60.0)


def test_mean_requests_in_service_are_integrals_over_each_tick():
    # One request from 5 to 25 s, one from 12 to 14 s.
    busy = in_service(np.array([5.0, 12.0]), np.array([20.0, 2.0]), 10.0, 4)
    assert busy == pytest.approx([0.5, 1.2, 0.5, 0.0])


def test_measures_agree_with_the_requests_one_by_one():
    table, chosen = demand(number=2400), calm(keep_requests=True)
    run, found = judged("hpa", table, chosen)
    kept = run.fleet.state.outcomes
    wait = kept["start_s"] - kept["arrived_s"]
    service = run.spec.workload.arrivals.requests["work_s"].mean()
    finished = kept["status"] == 3
    assert found.arrived.sum() == len(table)
    assert found.missed.sum() == (~finished | (wait > 0.5 * service)).sum()
    late = kept["end_s"] - kept["arrived_s"] > 9.0
    assert found.slo_missed.sum() == (~finished | late).sum()
    assert found.latency.sum() == len(table)
    assert (
        found.missed[:3].sum()
        == ((~finished | (wait > 0.5 * service)) & (kept["arrived_s"] < 180.0)).sum()
    )


def test_measures_agree_with_the_scorecard():
    table, chosen = demand(number=2400), calm()
    _, found = judged("hpa", table, chosen)
    card = scorecard(replay([spec("hpa", table, chosen)])[0])
    assert 1.0 - found.slo_missed_frac == pytest.approx(card["slo_attainment_frac"])
    assert found.usd == pytest.approx(card["cost_usd"])


def test_knowing_the_future_misses_less_for_less_money_than_reacting():
    _, hpa = judged("hpa:target=0.5")
    _, oracle = judged("oracle:target=0.6")
    _, instant = judged("oracle-instant:target=0.6")
    assert oracle.missed_frac < 0.2 * hpa.missed_frac
    assert instant.cost < oracle.cost
    assert instant.missed_frac < 0.2 * hpa.missed_frac


@pytest.mark.slow
def test_local_search_lowers_its_own_objective():
    def objective(found, price):
        return found.cost + price * found.missed_frac

    for price in (2.0, 20.0):
        _, plain = judged(f"oracle:target=0.7:miss_price={price}")
        _, found = judged(f"oracle:target=0.7:rounds=25:miss_price={price}")
        assert objective(found, price) < 0.97 * objective(plain, price)


def test_a_search_can_be_stopped():
    window = replace(spec("hpa", demand(), calm()), window_s=900.0)
    plan = np.full((60, 1), 4)
    with pytest.raises(ReplayCancelled):
        improve(window, plan, rounds=2, miss_price=1.0, cancel=lambda: True)
