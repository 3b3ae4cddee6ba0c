"""What a first-time visitor gets: samples and a finished comparison, made once."""

import pytest

from engine import runner, samples
from engine.errors import StoreError, UsageError
from engine.figures import FIGURES
from engine.planner import Planner
from engine.presets import DEFAULT, PRESETS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def planner(tmp_path_factory):
    """A store on its first start, with the demo's trace only."""
    with Planner(tmp_path_factory.mktemp("demo") / "store.duckdb") as opened:
        opened.import_path(samples.sample_files()[samples.DEMO_TRACE], name=samples.DEMO_TRACE)
        opened.demo()
        yield opened


def test_samples_are_loaded_once_and_named_by_their_files():
    steps = []
    with Planner() as planner:
        names = planner.ensure_samples(lambda share, text: steps.append((share, text)))
        stored = planner.traces()
        assert set(stored["name"]) == set(names) == set(samples.sample_files())
        assert names[0] == samples.DEMO_TRACE
        assert [share for share, _ in steps] == sorted({share for share, _ in steps})
        planner.delete_trace(names[1])
        assert planner.ensure_samples() == names
        again = planner.traces().set_index("name")
        before = stored.set_index("name")
        kept = [name for name in names if name != names[1]]
        assert (again.loc[kept, "imported_at"] == before.loc[kept, "imported_at"]).all()
        assert set(again.index) == set(names)


def test_a_sample_that_is_there_under_another_name_is_used_under_that_one():
    with Planner() as planner:
        own = planner.import_path(samples.sample_files()[samples.DEMO_TRACE], name="own")
        assert planner.ensure_samples()[0] == "own"
        assert len(planner.traces()) == len(samples.sample_files())
        ids, _ = planner.demo()
        assert planner.run(ids[0]).trace_id == own.trace_id


def test_the_demo_is_four_finished_runs_of_which_the_first_is_the_baseline(planner):
    ids, baseline = planner.demo()
    assert len(ids) == 4
    assert baseline == ids[0]
    found = [planner.run(run_id) for run_id in ids]
    assert {run.status for run in found} == {"done"}
    assert tuple(run.policy for run in found) == samples.DEMO_POLICIES
    assert found[0].scenario == PRESETS[DEFAULT]


def test_the_demo_is_not_replayed_a_second_time(planner, monkeypatch):
    before = planner.runs()

    def refuse(*_, **__):
        raise AssertionError("replayed again")

    monkeypatch.setattr(runner, "play", refuse)
    planner.demo()
    assert planner.runs().equals(before)


def test_the_baseline_need_not_be_among_the_runs_and_ids_may_be_shortened(planner):
    ids, baseline = planner.demo()
    others = planner.compare([run_id[:8] for run_id in ids[1:]], baseline[:8])
    assert list(dict.fromkeys(others["run_id"])) == [*ids[1:], baseline]
    everything = planner.compare(ids, baseline)
    assert list(dict.fromkeys(everything["run_id"])) == ids
    order = ["figure", "run_id"]
    assert (
        others.sort_values(order)
        .reset_index(drop=True)
        .equals(everything.sort_values(order).reset_index(drop=True))
    )
    assert len(everything) == 4 * len(FIGURES)


def test_every_request_of_the_demo_is_accounted_for(planner):
    arrived = {
        run_id: planner.run(run_id).scorecard["requests_arrived"] for run_id in planner.demo()[0]
    }
    rows = planner.trace(samples.DEMO_TRACE).row_count
    assert set(arrived.values()) == {rows}
    for run_id in arrived:
        card = planner.run(run_id).scorecard
        kinds = ("queue_timeout_frac", "exec_timeout_frac", "rejected_frac", "lost_frac")
        failed = sum(card[kind] for kind in kinds)
        assert failed == pytest.approx(card["failure_frac"], abs=1e-12)
        assert card["requests_finished"] / rows == pytest.approx(1 - failed, abs=1e-12)


def test_figures_over_time_name_the_run_and_its_policy(planner):
    ids, _ = planner.demo()
    frame = planner.timeline(ids[:2], pool="chat", max_points=50)
    assert frame.groupby("run_id")["policy"].first().to_dict() == dict(
        zip(ids[:2], samples.DEMO_POLICIES[:2], strict=True)
    )
    with pytest.raises(UsageError, match="has no pool 'chit'"):
        planner.latency(ids, pool="chit")
    with pytest.raises(UsageError, match="no run was named"):
        planner.timeline([])


def test_a_trace_is_renamed_and_its_runs_stay_what_they_were(planner):
    before = planner.runs()["run_id"].tolist()
    planner.rename_trace(samples.DEMO_TRACE, "crowds")
    assert planner.trace("crowds").row_count > 0
    with pytest.raises(StoreError, match="there is no trace"):
        planner.trace(samples.DEMO_TRACE)
    wanted = planner.replay("crowds", samples.DEMO_POLICIES, scenario=PRESETS[DEFAULT])
    planner.rename_trace("crowds", samples.DEMO_TRACE)
    assert sorted(wanted) == sorted(before)  # an id does not cover names
