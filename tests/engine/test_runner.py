"""From stored demand of every kind to runs: what is refused, and what the id of a run covers."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import engine
from engine import runner
from engine.errors import PolicyError, UsageError
from engine.policies.base import Action, Reason
from engine.replay import ReplaySpec, replay
from engine.scenario import Sampling, Slo
from engine.sim.service import prepare
from engine.store.duck import Store
from engine.store.runs import find_run, list_runs
from engine.store.traces import import_path, store_requests, store_series
from engine.trace.schema import SeriesTable, request_table
from tests.engine.replays import demand, scenario, sessions

pytestmark = pytest.mark.slow


@pytest.fixture
def store(store_path):
    with Store(store_path) as opened:
        yield opened


def keep(store, table, name="demand"):
    store_requests(store, table, name=name, format="test", source="test", recipe={})


def keep_series(store, unit="requests", value=(30.0, 60.0, 90.0, 15.0)):
    at = np.arange(len(value)) * 60.0
    series = SeriesTable(t_s=at, value=np.array(value), interval_s=60.0, unit=unit)
    store_series(store, series, name="series", format="test", source="test", recipe={})


def ran(store, name="demand", policies=("hpa",), chosen=None, from_s=0.0, to_s=None):
    wanted = runner.request(store, name, policies, chosen or scenario(), from_s, to_s)
    return [find_run(store, run_id) for run_id in runner.run(store, wanted)]


def test_a_series_is_replayed_as_the_requests_its_counts_say(store):
    keep_series(store)
    (run,) = ran(store, "series")
    assert run.status == "done"
    assert (run.from_s, run.to_s) == (0.0, 240.0)
    assert run.scorecard["requests_arrived"] == 30 + 60 + 90 + 15
    (part,) = ran(store, "series", from_s=60.0, to_s=180.0)
    assert part.scorecard["requests_arrived"] == 60 + 90
    (twice,) = ran(store, "series", chosen=scenario(sampling=Sampling(scale=2.0)))
    assert twice.scorecard["requests_arrived"] == 2 * (30 + 60 + 90 + 15)


def test_a_window_that_ends_within_an_interval_leaves_the_rest_of_it_out(store):
    keep_series(store)
    (run,) = ran(store, "series", from_s=120.0, to_s=150.0)
    with store.cursor() as cursor:
        last = cursor.execute("SELECT max(arrival_s), count(*) FROM run_requests").fetchone()
    assert 120.0 < last[0] < 150.0
    assert 0 < last[1] < 90
    assert run.scorecard["requests_arrived"] == last[1]


def test_utilisation_is_replayed_as_the_work_it_stands_for(store):
    """200 % of one core for four minutes is 480 slot-seconds, in service times of the scenario."""
    keep_series(store, "cpu_percent", (200.0,) * 4)
    kind = replace(scenario().agent_types[0], service_mean_s=0.5, service_cv=0.5)
    (run,) = ran(store, "series", chosen=scenario(agent_types=(kind,)))
    with store.cursor() as cursor:
        offered = cursor.execute("SELECT sum(offered_slot_s) FROM ticks").fetchone()[0]
    assert offered == pytest.approx(480.0, rel=0.2)
    assert run.scorecard["requests_arrived"] == pytest.approx(960, rel=0.2)


def test_sessions_are_replayed_in_a_closed_loop_and_the_run_says_so(store):
    keep(store, sessions(), "sessions")
    keep(store, demand())
    assert [ran(store, name)[0].closed_loop for name in ("sessions", "demand")] == [True, False]


def test_a_trace_without_demand_is_refused(store, tmp_path):
    path = tmp_path / "carbon.csv"
    hours = "".join(f"2024-01-01T{hour:02d}:00:00Z,{100 + hour}\n" for hour in range(24))
    path.write_text("timestamp,carbon_intensity\n" + hours)
    imported = import_path(store, path, name="carbon")
    assert imported.kind == "carbon"
    with pytest.raises(UsageError, match="holds carbon, not demand"):
        ran(store, "carbon")
    assert list_runs(store) == []


def test_a_window_in_which_nothing_arrives_is_refused_and_nothing_noted(store):
    keep(store, request_table(np.array([1.0, 500.0]), service_s=np.ones(2)))
    with pytest.raises(UsageError, match="no request arrives in this window"):
        ran(store, from_s=30.0, to_s=60.0)
    assert list_runs(store) == []


def test_the_whole_trace_includes_its_last_request(store):
    """Windows are half open, so the end lies beyond a request on the edge of a tick."""
    keep(store, request_table(np.array([0.0, 30.0]), service_s=np.ones(2)))
    (run,) = ran(store)
    assert run.to_s == 45.0
    assert run.scorecard["requests_arrived"] == 2


def ids(store, policy="hpa", chosen=None, from_s=0.0, to_s=None):
    return runner.request(store, "demand", [policy], chosen or scenario(), from_s, to_s).run_ids


def test_an_id_covers_scenario_policy_and_window_but_no_names(store, monkeypatch):
    keep(store, demand())
    one = ids(store)
    assert ids(store, chosen=scenario(name="other")) == one
    assert ids(store, from_s=0, to_s=900) == one  # whole numbers and an end beyond the trace
    assert ids(store, to_s=1e9) == one
    others = [
        ids(store, policy="hpa:target=0.5"),
        ids(store, policy="static"),
        ids(store, chosen=scenario(slo=Slo(latency_s=9.5))),
        ids(store, chosen=scenario(seed=2)),
        ids(store, from_s=15.0),
        ids(store, to_s=300.0),
    ]
    monkeypatch.setattr(runner, "code_version", lambda: "another")
    others.append(ids(store))
    assert len({one, *others}) == 1 + len(others)


@pytest.mark.parametrize(
    ("module", "counts"),
    [
        ("store/loading.py", True),
        ("sim/kernel.py", True),
        ("guard/chain.py", True),
        ("cli/entry.py", False),
    ],
)
def test_the_code_that_decides_a_replay_counts_and_other_code_does_not(
    tmp_path, monkeypatch, module, counts
):
    source = Path(engine.__file__).parent
    copy = tmp_path / "engine"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / module).open("a") as file:
        file.write("# edited\n")
    before = runner.code_version()
    monkeypatch.setattr(engine, "__file__", str(copy / "__init__.py"))
    assert (runner.code_version() != before) == counts


def test_the_id_of_a_policy_does_not_depend_on_how_its_parameters_are_typed(store):
    keep(store, demand())
    assert ids(store, "hpa:target=0.5:sync_s=15") == ids(store, " hpa:sync_s=15.0:target=.50")


def test_of_several_policies_only_the_missing_ones_are_replayed(store, monkeypatch):
    keep(store, demand())
    ran(store, policies=("static",))
    replayed = []
    real = runner.set_up

    def noting(specs):
        replayed.extend(spec.name for spec in specs)
        return real(specs)

    monkeypatch.setattr(runner, "set_up", noting)
    both = ran(store, policies=("hpa", "static"))
    assert replayed == ["hpa"]
    assert [run.policy for run in both] == ["hpa", "static"]


def test_progress_is_of_all_runs_together(store):
    keep(store, demand())
    seen = []
    wanted = runner.request(store, "demand", ["static", "hpa"], scenario())
    runner.run(store, wanted, progress=seen.append)
    shares = [step.fraction for step in seen]
    assert shares == sorted(shares)
    assert len(shares) == len(set(shares))


class _Explaining:
    """Gives the rationale it was made with."""

    def __init__(self, rationale, interval_s):
        self.interval_s, self._rationale = interval_s, rationale

    def propose(self, observation):
        reason = (Reason.FIXED,) * 2
        return Action(target=np.full(2, 3.0), reason=reason, rationale=self._rationale)


def explained(*rationale):
    chosen = scenario()
    odd = ReplaySpec(
        workload=prepare(demand(number=30), chosen),
        scenario=chosen,
        policy=lambda context: _Explaining(rationale, context.tick_s),
        name="odd",
        window_s=900.0,
    )
    return replay([odd])[0]


def test_a_rationale_may_hold_what_numpy_computes():
    numbers = {"mean": np.float64(0.5), "count": np.int64(3), "all": np.array([1.0, np.nan])}
    (first, second, *_) = explained(numbers, {}).decisions.rationale
    assert json.loads(first) == {"mean": 0.5, "count": 3, "all": [1.0, None]}
    assert second == "{}"


def test_a_rationale_is_given_for_every_pool_or_for_none():
    assert explained().decisions.rationale[0] is None
    with pytest.raises(PolicyError, match="2 targets, 2 reasons and 1 rationales"):
        explained({"mean": 0.5})
