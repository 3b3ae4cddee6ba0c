from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from engine.desk import STRETCHES, stretches
from engine.errors import ScenarioError, UsageError
from engine.planner import Planner
from engine.scenario import Guard, Priorities, Region, Slo
from engine.store.duck import Store
from engine.store.importing import import_path
from engine.store.traces import store_requests
from engine.sweep.noise import drawn, paired
from engine.trace.schema import request_table
from tests.engine.replays import demand, scenario

pytestmark = pytest.mark.slow


@pytest.fixture
def planner(store_path):
    with Store(store_path) as store:
        store_requests(
            store, demand(number=400), name="demand", format="test", source="test", recipe={}
        )
    with Planner(store_path) as opened:
        yield opened


@pytest.mark.parametrize("window_s", [10_800.0, 86_400.0, 7 * 86_400.0])
def test_stretches_are_alike_in_order_apart_and_inside_the_window(window_s):
    found = stretches(window_s, 15.0)
    assert len(found) == STRETCHES
    assert len({length for _, length in found}) == 1
    ends = [(start, start + length) for start, length in found]
    assert ends[0][0] >= 0
    assert ends[-1][1] <= window_s
    assert all(one[1] <= two[0] for one, two in pairwise(ends))
    assert all(start % 15.0 == 0 for start, _ in found)


def test_a_short_window_is_replayed_whole():
    assert stretches(900.0, 15.0) == [(0.0, 900.0)]


def test_a_preview_of_a_short_window_says_what_its_replay_says(planner):
    glimpse = planner.glimpse("demand", "hpa", scenario=scenario())
    run_id = planner.replay_again("demand", "hpa", scenario=scenario())
    card = planner.run(run_id).scorecard
    assert glimpse.covered_frac == 1.0
    for key in ("cost_usd", "slo_attainment_frac", "p95_s", "utilisation_frac", "peak_workers"):
        assert glimpse.scorecard[key] == pytest.approx(card[key]), key
    assert planner.replay("demand", ["hpa"], scenario=scenario()) == [run_id]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """Four hours: `bursts` has its peak between two stretches and then nothing, `gaps` hardly
    anything at all."""
    path = tmp_path_factory.mktemp("quiet") / "store.duckdb"
    rng = np.random.default_rng(3)
    arrivals = {
        "bursts": [rng.uniform(0, 3000, 200), rng.uniform(3000, 3060, 200), [14_399.0]],
        "gaps": [[1.0, 14_399.0]],
    }
    with Store(path) as store:
        for name, parts in arrivals.items():
            at = np.sort(np.concatenate(parts))
            table = request_table(at, service_s=np.full(len(at), 3.0))
            store_requests(store, table, name=name, format="test", source="test", recipe={})
    with Planner(path) as opened:
        yield opened


@pytest.mark.parametrize("policy", ["static:workers=4", "static", "hpa"])
def test_a_preview_pays_for_stretches_without_a_request(quiet, policy):
    glimpse = quiet.glimpse("bursts", policy, scenario=scenario())
    run_id = quiet.replay_again("bursts", policy, scenario=scenario())
    cost_usd = quiet.run(run_id).scorecard["cost_usd"]
    assert glimpse.requests > 0
    assert glimpse.scorecard["cost_usd"] == pytest.approx(cost_usd, rel=0.05)


@pytest.mark.parametrize("policy", ["hpa", "oracle"])
def test_a_preview_whose_stretches_are_all_empty_says_what_that_costs(quiet, policy):
    glimpse = quiet.glimpse("gaps", policy, scenario=scenario())
    assert glimpse.requests == 0
    assert glimpse.scorecard["slo_attainment_frac"] is None
    run_id = quiet.replay_again("gaps", policy, scenario=scenario())
    cost_usd = quiet.run(run_id).scorecard["cost_usd"]
    assert glimpse.scorecard["cost_usd"] == pytest.approx(cost_usd)


def test_peers_share_the_window_and_say_who_cannot_stand_on_the_same_front(planner):
    ours = planner.replay_again("demand", "hpa", scenario=scenario())
    weighed = scenario(priorities=Priorities(w_cost=1.0), guard=Guard(budget_usd_per_hour=900.0))
    same = planner.replay_again("demand", "hpa", scenario=weighed)
    laxer = planner.replay_again("demand", "hpa", scenario=scenario(slo=Slo(latency_s=90.0)))
    oracle = planner.replay_again("demand", "oracle", scenario=scenario())
    part = planner.replay_again("demand", "hpa", scenario=scenario(), to_s=300.0)
    found = planner.peers(ours).set_index("run_id")
    assert part not in found.index
    assert found["same_cluster"].to_dict() == {ours: True, same: True, laxer: False, oracle: True}
    assert found.index[found["sees_future"]].to_list() == [oracle]
    assert (found["cost_usd"] > 0).all()


def test_noise_is_measured_pair_by_pair_over_seeds(planner):
    ours = planner.replay_again("demand", "hpa:target=0.4", scenario=scenario())
    base = planner.replay_again("demand", "hpa:target=0.8", scenario=scenario())
    found = planner.noise(ours, base, seeds=2, workers=1)
    assert found["cost_usd"].pairs == 3
    assert found["cost_usd"].low <= found["cost_usd"].mean <= found["cost_usd"].high
    assert found["cost_usd"].mean > 0
    assert planner.known_noise(ours, base, seeds=2) == found
    assert planner.known_noise(ours, base, seeds=3) is None
    same = planner.noise(ours, ours, seeds=2, workers=1)
    assert not same["cost_usd"].exceeds


def test_a_steady_difference_exceeds_the_noise_and_a_wild_one_does_not():
    assert paired("cost_usd", [1.0, 1.1, 0.9, 1.05]).exceeds
    assert not paired("cost_usd", [5.0, -4.0, 3.0, -3.5]).exceeds


def test_priorities_are_saved_scaled_and_presets_keep_their_names(planner):
    planner.save_priorities("mine", Priorities(w_latency=3.0, w_cost=1.0, w_carbon=0.0,
                                               w_reliability=0.0, w_utilisation=0.0))  # fmt: skip
    assert planner.priorities()["mine"].w_latency == 0.75
    with pytest.raises(UsageError):
        planner.save_priorities("green", Priorities())
    planner.delete_priorities("mine")
    assert "mine" not in planner.priorities()


def test_the_carbon_curve_holds_every_region_over_the_window(planner):
    curve = planner.carbon_curve("demand", scenario(), 0.0, 900.0)
    assert set(curve["region"]) == {region.name for region in scenario().regions}
    assert curve["t_s"].min() == 0.0
    assert (curve["g_per_kwh"] > 0).all()


def test_each_region_with_pools_has_the_percentile_of_its_own_stored_grid(planner, tmp_path):
    hours = np.linspace(100.0, 500.0, 48)
    path = tmp_path / "west.csv"
    rows = [f"2022-01-{1 + n // 24:02d}T{n % 24:02d}:00Z,{g}" for n, g in enumerate(hours)]
    path.write_text("\n".join(["timestamp,carbon_intensity", *rows, ""]))
    import_path(planner._store, path, name="west")
    west = Region(name="region-a", carbon_trace="west")
    found = planner.carbon_thresholds(scenario(regions=(west, Region(name="empty"))), 90.0)
    assert found == {"region-a": pytest.approx(np.percentile(hours, 90.0))}
    with pytest.raises(ScenarioError, match="never changes"):
        planner.carbon_thresholds(scenario(), 90.0)


def test_another_seed_draws_what_the_scenario_leaves_open_and_no_recorded_arrivals(planner):
    run_id = planner.replay_again("demand", "hpa", scenario=scenario())
    told = planner.drawn(run_id)
    assert not told.sampled
    assert "random faults" not in told.varies
    shaky = replace(scenario(), random_faults_per_day=4.0)
    assert "random faults" in drawn(shaky, sampled=False).varies
    assert any("arrivals" in text for text in drawn(shaky, sampled=True).varies)
