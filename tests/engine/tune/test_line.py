"""The tuned HPA: found once for a window, a scenario and its SLO, of a large one on a sample."""

import pytest

from engine.errors import ReplayCancelled
from engine.planner import Planner
from engine.store.duck import Store
from engine.store.traces import store_requests
from engine.tune import line
from tests.engine.replays import demand, scenario

LONG_S = 12_000.0
"""Of this a preview replays less than a third."""


@pytest.fixture
def planner(store_path):
    table = demand(number=400, duration_s=LONG_S)
    with Store(store_path) as store:
        store_requests(store, table, name="demand", format="test", source="test", recipe={})
    with Planner(store_path) as opened:
        yield opened


@pytest.fixture
def run_id(planner):
    (made,) = planner.replay("demand", ["static"], scenario=scenario())
    return made


@pytest.mark.slow
@pytest.mark.parametrize("easy", [10**9, 0], ids=["whole", "sample"])
def test_the_line_is_a_run_of_the_same_window_and_is_made_once(planner, run_id, monkeypatch, easy):
    monkeypatch.setattr(line, "EASY", easy)
    assert planner.known_tuned_hpa(run_id) is None
    with pytest.raises(ReplayCancelled):
        planner.tuned_hpa(run_id, cancel=lambda: True)
    found = planner.tuned_hpa(run_id)
    run, static = planner.run(found.run_id), planner.run(run_id)
    assert (run.from_s, run.to_s) == (static.from_s, static.to_s)
    assert run.scenario_hash == static.scenario_hash
    assert run.policy == found.policy
    assert found.keeps_slo == (run.scorecard["slo_attainment_frac"] >= found.slo)
    assert (found.sampled_frac == 1.0) == (easy > 0)
    assert planner.known_tuned_hpa(run_id) == found
    assert planner.sweeps() == []  # nobody asked for one
