"""Every policy's decisions earn what the learned allocator is rewarded with."""

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from engine.errors import StoreError
from engine.explain import reward
from engine.explain.reward import Meter
from engine.scenario import AgentType, Pool, Priorities, Region, Scenario

WEIGHTS = {
    "w_latency": 0.4, "w_utilisation": 0.1, "w_cost": 0.2, "w_reliability": 0.2, "w_carbon": 0.1,
}  # fmt: skip


RUN = SimpleNamespace(tick_s=15.0, from_s=30.0, to_s=1530.0, epoch_s=None)


class _Ticks:
    """A hundred ticks of 15 s with 30 requests of 4 s each: eight slots are needed."""

    def usual_demand(self, store, run, pool):
        return 3000.0, 12_000.0, 100

    def next_tick(self, store, run, pool, tick):
        return tick + 2

    def reward_ticks(self, store, run, pool, region, group, first, last, every=1):
        """First a bad tick, then one without any demand; the grid is known of the first one."""
        rows = [(0, 60, 6, 3, 16, 105.0, 150.0, 15.0, 600.0, 1.2),
                (1, 0, 0, 0, 0, 0.0, 120.0, 15.0, None, 1.0)]  # fmt: skip
        names = ("tick", "arrived", "missed", "failed", "queued", "busy_slot_s", "billed_slot_s",
                 "seconds", "g_per_kwh", "price")  # fmt: skip
        return pd.DataFrame(rows, columns=names).astype(float).iloc[: last - first]


SCENARIO = Scenario(
    agent_types=(AgentType(name="chat", slots=8),), pools=(Pool(name="p", agent_type="chat"),),
    priorities=Priorities(carbon_threshold_g_per_kwh=500.0),
)  # fmt: skip


@pytest.fixture
def meter(monkeypatch):
    monkeypatch.setattr(reward, "queries", _Ticks())
    return Meter(None, RUN, SCENARIO, 0)


def test_the_scores_of_a_tick_are_those_worked_out_by_hand(meter):
    """Twice the mean demand (share 2); queue 16 at 4 requests/s: a wait of 4 s, one service time.

    Seven of ten billed slots in use; 10 % missed, 5 % failed; grid 1.5 times the usual 400 and 1.2
    times the threshold, so it counts double; prices 1.2 times the usual ones.
    """
    (scores,) = meter.scores(0, 1)
    assert scores == pytest.approx([
        1 - 2 * 1 * 2, 1.0, 1.5 - 0.5 * 10 / 8 * 1.2, 1 - 8 * 0.1 * 2 - 2 * 0.05 * 2,
        1.5 - 0.5 * 10 / 8 * 3.0,
    ])  # fmt: skip


def test_a_decision_earns_the_weighted_mean_until_the_next_one(meter):
    """The second tick: nothing to do for eight slots at the scenario's grid, 400 g/kWh."""
    found = meter.earned(4, WEIGHTS)
    assert (found.from_s, found.to_s, found.ticks) == (90.0, 120.0, 2)
    second = [1.0, 0.0, 1.0, 1.0, 1.0]
    first = [-3.0, 1.0, 0.75, -0.8, -0.375]
    mean = [(a + b) / 2 for a, b in zip(first, second, strict=True)]
    assert [part.score for part in found.parts] == pytest.approx(mean)
    assert [part.weighted for part in found.parts] == pytest.approx(
        [0.4 * -1.0, 0.1 * 0.5, 0.2 * 0.875, 0.2 * 0.1, 0.1 * 0.3125]
    )
    assert found.total == pytest.approx(-0.4 + 0.05 + 0.175 + 0.02 + 0.03125)
    assert found.parts[0].formula.startswith("1 - 2 * mean wait")


@pytest.mark.parametrize(("g_per_kwh", "score"), [(200.0, 1.25), (500.0, 0.5625), (900.0, -0.75)])
def test_where_no_energy_was_accounted_for_the_grid_is_the_scenarios(
    monkeypatch, g_per_kwh, score
):
    """Eight slots are billed of eight that are needed, so cost is 0.5 · dirt off the 1.5.

    Dirt is g / 400, once far below the threshold of 500, 1.5 times at it, twice far above.
    """
    monkeypatch.setattr(reward, "queries", _Ticks())
    clean = replace(SCENARIO, regions=(Region(grid_g_per_kwh=g_per_kwh),))
    scores = Meter(None, RUN, clean, 0).scores(0, 2)
    assert scores[1, 4] == pytest.approx(score)


def test_a_grid_whose_series_is_gone_is_not_measured(monkeypatch):
    monkeypatch.setattr(reward, "queries", _Ticks())
    monkeypatch.setattr(reward, "find_carbon", _gone)
    found = Meter(None, RUN, SCENARIO, 0).earned(0, WEIGHTS)
    carbon = found.parts[4]
    assert (carbon.score, carbon.weighted, carbon.usual) == (None, None, None)
    assert found.total == pytest.approx(sum(part.weighted for part in found.parts[:4]))


def test_a_percentile_counts_as_the_threshold_of_the_pools_own_grid(monkeypatch):
    """At the mean of a typical day: far below its 99th percentile, far above its first."""
    monkeypatch.setattr(reward, "queries", _Ticks())
    west = (Region(grid_profile="california", grid_g_per_kwh=600.0),)
    scores = {
        percentile: Meter(
            None, RUN,
            replace(SCENARIO, regions=west,
                    priorities=Priorities(carbon_threshold_percentile=percentile)), 0,
        ).scores(0, 1)[0, 4]
        for percentile in (1.0, 99.0)
    }  # fmt: skip
    assert scores[99.0] == pytest.approx(1.5 - 0.5 * 10 / 8 * 1.5)
    assert scores[1.0] == pytest.approx(1.5 - 0.5 * 10 / 8 * 3.0)


def test_a_percentile_of_a_series_that_is_gone_is_not_measured(monkeypatch):
    monkeypatch.setattr(reward, "queries", _Ticks())
    monkeypatch.setattr(reward, "find_carbon", _gone)
    lost = replace(
        SCENARIO, regions=(Region(carbon_trace="west"),),
        priorities=Priorities(carbon_threshold_percentile=90.0),
    )  # fmt: skip
    found = Meter(None, RUN, lost, 0).earned(0, WEIGHTS)
    assert found.parts[4].score is None
    assert found.parts[2].score is not None


def _gone(store, scenario):
    raise StoreError("there is no such trace", "region west", "Add it again")


def test_decisions_of_every_policy_say_what_they_earned(explained):
    planner, ids = explained
    for run_id in ids.values():
        one = planner.decision(run_id, number=63)
        found = one.document()["reward"]
        assert found["to_s"] > found["from_s"] == one.t_s
        weights = [part["weight"] for part in found["parts"]]
        assert sum(weights) == pytest.approx(1.0)
        assert found["total"] == pytest.approx(sum(part["weighted"] for part in found["parts"]))
        assert found["unit"].startswith("points")


def test_the_oracle_is_regretted_where_it_earned_more(explained):
    """The queue names it with its size; without an oracle there is nothing to regret."""
    planner, ids = explained
    guarded = planner.run(ids["hpa"]).scenario
    assert not any("oracle" in each.cause for each in planner.review_queue(ids["hpa"]))
    planner.replay("demand", ["oracle"], scenario=guarded)
    causes = [each.cause for each in planner.review_queue(ids["hpa"])]
    assert any("the oracle earned" in cause for cause in causes)
