"""The search is as good as a grid that somebody would try by hand, at a quarter of its replays."""

import pytest

from engine.planner import Planner
from engine.presets import PRESETS
from engine.tune.tuning import Wish


@pytest.mark.slow
def test_a_tuned_hpa_is_as_good_as_the_grid_at_a_quarter_of_its_replays(store_path):
    with Planner(store_path) as planner:
        planner.synthesize(
            "flash-crowd", duration_s=3600.0, mean_rate_per_s=1.0, seed=5, name="crowd"
        )
        wish = Wish(trace="crowd", policy="hpa", scenario=PRESETS["llm-agents"], slo=0.95)
        found = planner.tune(wish, grid=True, workers=1)
    grid = found["grid"]
    assert 4 * found["replays"] <= grid["replays"] == 45
    assert found["best"]["keeps_slo"] and grid["best"]["keeps_slo"]
    assert found["best"]["figures"]["cost_usd"] <= grid["best"]["figures"]["cost_usd"]
    assert grid["search_as_good"]
