"""Histories of prices as step functions, and as stored traces name them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cluster.prices import PriceSeries, price_over
from engine.cluster.series import find_prices, load_histories
from engine.errors import ScenarioError
from engine.planner import Planner
from engine.scenario import Pool, Purchase, Region, Zone
from engine.store.reward_queries import reward_ticks
from engine.store.runs import find_run
from tests.engine.cluster.clusters import machine, on_nodes

HISTORY = """machine_type,region,commit_date,usd_hour,usd_hour_spot,usd_month_1y
box-8,region-a,2024-01-01,4.0,,1825
box-8,region-a,2024-01-11,4.0,1.5,1825
box-8,region-b,2024-01-01,5.0,2.0,
other,region-a,2024-01-01,9.0,9.0,
"""
DAY_S = 86400.0
JANUARY_S = 1704067200.0  # 2024-01-01


def history(since_s, spot):
    values = np.asarray(spot, np.float64)
    return PriceSeries(
        since_s=np.asarray(since_s, np.float64),
        usd_per_hour=dict.fromkeys(Purchase, values),
    )


@pytest.mark.slow
@given(
    st.lists(st.floats(0.1, 100.0), min_size=1, max_size=6),
    st.lists(st.floats(0.5, 50.0), min_size=1, max_size=8),
)
def test_the_mean_price_of_a_tick_is_the_integral_over_its_length(gaps, widths):
    since_s = np.cumsum(gaps)
    prices = np.arange(1.0, len(gaps) + 1)
    edges_s = np.concatenate(([0.0], np.cumsum(widths)))
    mean = price_over(history(since_s, prices), Purchase.SPOT, 7.0, edges_s)
    for tick, (begin, end) in enumerate(pairwise(edges_s)):
        cuts = [begin, *[t for t in since_s if begin < t < end], end]
        areas = [
            (b - a) * (7.0 if a < since_s[0] else prices[np.searchsorted(since_s, a, "right") - 1])
            for a, b in pairwise(cuts)
        ]
        assert mean[tick] == pytest.approx(sum(areas) / (end - begin), rel=1e-9)


def test_without_a_history_the_price_is_that_of_the_scenario():
    edges_s = np.array([0.0, 15.0, 30.0])
    assert price_over(None, Purchase.SPOT, 3.0, edges_s).tolist() == [3.0, 3.0]


@pytest.fixture
def planner(tmp_path):
    (tmp_path / "prices.csv").write_text(HISTORY)
    with Planner(tmp_path / "s.duckdb") as found:
        found.import_path(tmp_path / "prices.csv", name="prices")
        yield found


def named(**changes):
    kind = {
        "name": "box", "usd_per_hour_spot": 1.0, "usd_per_hour_reserved": 3.0,
        "price_trace": "prices", "price_name": "box-8",
    }  # fmt: skip
    return on_nodes({"purchase": Purchase.SPOT}, {**kind, **changes.pop("kind", {})}, **changes)


def test_a_stored_history_is_matched_by_date_machine_and_region(planner):
    chosen = named()
    found = find_prices(planner._store, chosen)
    (series,) = load_histories(planner._store, found, chosen, JANUARY_S).values()
    assert series.since_s.tolist() == [JANUARY_S, JANUARY_S + 10 * DAY_S]
    assert np.isnan(series.usd_per_hour[Purchase.SPOT][0])
    assert series.usd_per_hour[Purchase.SPOT][1] == 1.5
    assert series.usd_per_hour[Purchase.RESERVED][0] == pytest.approx(2.5)  # 730 h a month
    (dateless,) = load_histories(planner._store, found, chosen, None).values()
    assert dateless.since_s[0] == 0.0


def test_what_a_history_does_not_hold_is_refused_with_the_nearest_name(planner):
    def load(chosen):
        return load_histories(
            planner._store, find_prices(planner._store, chosen), chosen, JANUARY_S
        )

    with pytest.raises(ScenarioError, match="no prices of 'box-9'") as refused:
        load(named(kind={"price_name": "box-9"}))
    assert "box-8" in refused.value.fix
    elsewhere = named(regions=(Region(name="region-c"),), zones=(Zone(region="region-c"),))
    with pytest.raises(ScenarioError, match="2 regions, none of this name"):
        load(elsewhere)


@pytest.mark.slow
def test_a_replay_pays_the_prices_of_the_history(planner, tmp_path):
    """An hour at 1 $/h by the scenario, as spot is not offered yet, then one at 1.5 $/h."""
    at = [f"2024-01-10 23:00:{k:02}" for k in range(10)] + ["2024-01-11 00:59:59"]
    rows = "".join(f"{time},1\n" for time in at)
    (tmp_path / "demand.csv").write_text("timestamp,service_s\n" + rows)
    planner.import_path(tmp_path / "demand.csv", name="demand")
    pool = Pool(agent_type="small", workers_initial=1, workers_min=1, workers_max=1,
                node_group="boxes")  # fmt: skip
    chosen = named(pools=(pool,))
    (run_id,) = planner.replay("demand", ["static:workers=1"], scenario=chosen)
    card = planner.run(run_id).scorecard
    hours = card["node_hours"]
    assert hours == pytest.approx(2.0, abs=0.01)
    assert card["cost_spot_usd"] == pytest.approx(1.0 * 1 + 1.5 * (hours - 1), rel=1e-6)
    run = find_run(planner._store, run_id)
    told = reward_ticks(planner._store, run, 0, "none", "boxes", 0, 10_000)
    mean = card["cost_spot_usd"] / hours
    assert told["price"].iloc[1] == pytest.approx(1.0 / mean, rel=1e-6)
    assert told["price"].iloc[-2] == pytest.approx(1.5 / mean, rel=1e-6)
    part = reward_ticks(planner._store, run, 0, "none", "boxes", 1, 2)
    assert part["price"].tolist() == [told["price"].iloc[1]]
    assert (reward_ticks(planner._store, run, 0, "none", None, 0, 10_000)["price"] == 1.0).all()


def test_only_traces_of_prices_are_histories(planner, tmp_path):
    (tmp_path / "demand.csv").write_text("arrival_s,service_s\n1,1\n2,1\n")
    planner.import_path(tmp_path / "demand.csv", name="demand")
    with pytest.raises(ScenarioError, match="holds requests, not prices"):
        find_prices(planner._store, named(kind={"price_trace": "demand"}))
    unused = on_nodes(node_types=(machine(), machine(name="spare", price_trace="none there")))
    assert find_prices(planner._store, unused) == ()
