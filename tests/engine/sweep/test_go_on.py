"""Sweeps that were stopped, extended, or made by an older version of the code."""

import pytest

from engine.errors import ReplayCancelled, StoreError
from engine.planner import Planner
from engine.store.duck import Store
from engine.store.traces import store_requests
from engine.sweep import work
from engine.sweep.axes import parse_axis
from engine.tune.tuning import Wish
from tests.engine.replays import demand, scenario

pytestmark = pytest.mark.slow


@pytest.fixture
def planner(store_path):
    with Store(store_path) as store:
        store_requests(
            store, demand(number=100, duration_s=300.0), name="demand", format="test",
            source="test", recipe={},
        )  # fmt: skip
    with Planner(store_path) as opened:
        yield opened


def swept(planner, *axes, policy="hpa", **options):
    return planner.sweep(
        "demand", policy, [parse_axis(axis) for axis in axes],
        **({"scenario": scenario(), "workers": 1} | options),
    )  # fmt: skip


def test_going_on_replays_whatever_the_sweep_was_ever_asked_for(planner):
    asked = iter([False] * 3)
    with pytest.raises(ReplayCancelled):
        swept(planner, "policy.target=0.2..0.9/6", cancel=lambda: next(asked, True))
    made = swept(planner, "policy.target=0.95")
    (row,) = planner.sweeps()
    assert (row.points, row.done < 6) == (7, True)
    shares = []
    whole = planner.go_on(
        made["sweep_id"], workers=1, progress=lambda share, _: shares.append(share)
    )
    (row,) = planner.sweeps()
    assert (row.points, row.done, len(whole["points"])) == (7, 7, 7)
    assert shares[-1] == 1.0
    assert planner.go_on(made["sweep_id"], workers=1)["replayed"] == 0


def test_going_on_with_a_tuning_goes_on_with_that_one(planner):
    wish = Wish(trace="demand", policy="hpa", scenario=scenario(), slo=0.9, samples=2)
    tuned = planner.tune(wish, workers=1)
    before = {row.sweep_id for row in planner.sweeps()}
    again = planner.go_on(tuned["sweep_id"], workers=1)
    assert (again["sweep_id"], again["replayed"]) == (tuned["sweep_id"], 0)
    assert {row.sweep_id for row in planner.sweeps()} == before


def test_figures_of_two_versions_never_stand_in_one_sweep(planner, monkeypatch):
    old = swept(planner, "policy.target=0.3,0.6")
    assert not old["older_version"]
    kept = planner.open_point(old["sweep_id"], old["points"][0]["run_id"])
    monkeypatch.setattr("engine.runner.code_version", lambda: "another")
    monkeypatch.setattr(work, "code_version", lambda: "another")
    shown = planner.sweep_report(old["sweep_id"])
    assert shown["older_version"]
    assert planner.open_point(old["sweep_id"], kept) == kept  # the very figures of the sweep
    with pytest.raises(StoreError, match="older version"):
        planner.open_point(old["sweep_id"], old["points"][1]["run_id"])
    new = planner.go_on(old["sweep_id"], workers=1)
    assert not new["older_version"]
    assert (new["replayed"], len(new["points"])) == (2, 2)
    assert new["sweep_id"] != old["sweep_id"]
    assert planner.sweep_report(old["sweep_id"])["points"] == shown["points"]


def test_a_run_that_was_stopped_is_no_point_that_was_kept_whole(planner, monkeypatch):
    made = swept(planner, "policy.target=0.3")
    (point,) = made["points"]
    asked = iter([False])
    with pytest.raises(ReplayCancelled):
        planner.open_point(made["sweep_id"], point["run_id"], cancel=lambda: next(asked, True))
    assert planner.run(point["run_id"]).status == "cancelled"
    monkeypatch.setattr("engine.runner.code_version", lambda: "another")
    with pytest.raises(StoreError, match="older version"):
        planner.open_point(made["sweep_id"], point["run_id"])


def test_a_setting_whose_checkpoint_was_replaced_is_there_once(planner, monkeypatch):
    made = swept(planner, "policy=hpa,static")
    version = {"of": "one"}
    monkeypatch.setattr(
        "engine.runner.policy_version",
        lambda policy: [version["of"]] if policy.name == "static" else [],
    )
    again = swept(planner, "policy=hpa,static")
    assert (again["sweep_id"], again["replayed"]) == (made["sweep_id"], 1)
    assert len(again["points"]) == 2
    assert len(planner.sweep_report(made["sweep_id"])["points"]) == 2
