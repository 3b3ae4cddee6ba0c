"""The tuned HPA: found once for a window, a scenario and its SLO, of a large one on a sample."""

from functools import partial

import pytest

from engine.errors import PolicyError, ReplayCancelled
from engine.planner import Planner
from engine.store.duck import Store
from engine.store.traces import store_requests
from engine.sweep import work
from engine.tune import line
from engine.tune.tuning import Wish
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


@pytest.fixture
def few(monkeypatch):
    """A search of three replays, which asks Optuna once."""
    monkeypatch.setattr("engine.sweep_runs.Wish", partial(Wish, samples=3))


@pytest.mark.parametrize("easy", [10**9, 0], ids=["whole", "sample"])
@pytest.mark.usefixtures("few")
def test_the_line_is_a_run_of_the_same_window_and_is_made_once(planner, run_id, monkeypatch, easy):
    monkeypatch.setattr(line, "EASY", easy)
    assert planner.known_tuned_hpa(run_id) is None
    with pytest.raises(ReplayCancelled):
        planner.tuned_hpa(run_id, cancel=lambda: True)
    told = []
    found = planner.tuned_hpa(run_id, progress=lambda share, _: told.append(share))
    assert told == sorted(told)
    assert told[-1] > line.SEARCHED  # the whole run is told of, too
    run, static = planner.run(found.run_id), planner.run(run_id)
    assert (run.from_s, run.to_s) == (static.from_s, static.to_s)
    assert run.scenario_hash == static.scenario_hash
    assert run.policy == found.policy
    assert found.keeps_slo == (run.scorecard["slo_attainment_frac"] >= found.slo)
    assert (found.sampled_frac == 1.0) == (easy > 0)
    assert found.replays == 3
    assert planner.known_tuned_hpa(run_id) == found
    assert planner.sweeps() == []  # nobody asked for one
    planner.delete_run(found.run_id)
    assert planner.known_tuned_hpa(run_id) is None
    assert planner.tuned_hpa(run_id) == found  # from what is known


@pytest.mark.parametrize("easy", [10**9, 0], ids=["whole", "sample"])
@pytest.mark.usefixtures("few")
def test_a_setting_that_cannot_be_replayed_does_not_end_the_search(
    planner, run_id, monkeypatch, easy
):
    monkeypatch.setattr(line, "EASY", easy)
    made = work.applied

    def refused(scenario, policy, settings):
        if settings["policy.target"] == "0.15":
            raise PolicyError("it cannot be", "policy 'hpa'", "Choose another one")
        return made(scenario, policy, settings)

    monkeypatch.setattr(work, "applied", refused)
    found = planner.tuned_hpa(run_id)
    assert found.replays == 2
    assert planner.known_tuned_hpa(run_id) == found  # the search has ended
