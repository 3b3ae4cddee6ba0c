import pytest

from engine.cli.scorecards import bounds_table
from engine.planner import Planner
from engine.store import sweeps
from engine.store.duck import Store
from engine.store.traces import store_requests
from tests.engine.replays import demand, scenario


@pytest.fixture
def held(store_path, monkeypatch):
    """One run beside plans of known cost; gives what is said of it."""
    with Store(store_path) as store:
        store_requests(
            store, demand(number=100), name="demand", format="test", source="test", recipe={}
        )
    with Planner(store_path) as planner:
        (run_id,) = planner.replay("demand", ["static:workers=1"], scenario=scenario())
        met = planner.run(run_id).scorecard["slo_attainment_frac"]
        assert 0.1 < met < 0.99

        def against(*plans):
            cards = {
                str(number): {"cost_usd": cost, "slo_attainment_frac": met + more}
                for number, (cost, more) in enumerate(plans)
            }
            monkeypatch.setattr(sweeps, "find_trials", lambda *_: cards)
            return planner.bounds([run_id])

        yield against


@pytest.mark.slow
def test_a_run_below_every_plan_is_held_against_the_cheapest_and_says_so(held):
    frame = held((0.2, 0.005), (0.5, 0.01))
    row = frame.iloc[0]
    assert (row["plan_usd"], row["plan_serves_more"]) == (0.2, 1.0)
    (cost,) = bounds_table(frame).columns[4].cells
    assert str(cost).startswith("≤")


@pytest.mark.slow
def test_a_run_between_two_plans_is_read_off_at_its_own_attainment(held):
    frame = held((0.2, -0.05), (0.5, 0.005))
    row = frame.iloc[0]
    assert 0.2 < row["plan_usd"] < 0.5
    assert row["plan_serves_more"] == 0.0
    (cost,) = bounds_table(frame).columns[4].cells
    assert "≤" not in str(cost)


def test_where_no_plan_is_as_good_nothing_is_said_of_one(held):
    row = held((0.2, -0.05)).iloc[0]
    assert row[["plan_usd", "plan_serves_more"]].isna().all()
