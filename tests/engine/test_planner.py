"""The facade: from a trace to compared runs, and what stays behind when something goes wrong."""

import importlib.metadata
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine import runner
from engine.errors import (
    PolicyError,
    PolicyFailed,
    ReplayCancelled,
    ScenarioError,
    StoreError,
    UsageError,
)
from engine.figures import FIGURES
from engine.planner import Planner
from engine.policies import registry
from engine.store.runs import find_run
from tests.engine.replays import POLICIES, demand, keep, scenario, sessions

pytestmark = pytest.mark.slow

RUN_TABLES = ("ticks", "latency", "decisions", "run_requests")
MEASURED = ("decision_p50_ms", "decision_p99_ms")


@pytest.fixture
def planner():
    with Planner() as opened:
        keep(opened, demand())
        yield opened


def stored_rows(planner, run_id):
    """Everything a run recorded, by table."""
    number = find_run(planner._store, run_id).run_no
    with planner._store.cursor() as cursor:
        return {
            table: cursor.table(table)
            .filter(f"run_no = {number}")
            .project("* EXCLUDE (run_no)")
            .order("ALL")
            .fetchall()
            for table in RUN_TABLES
        }


def counted(planner):
    with planner._store.cursor() as cursor:
        return {name: len(cursor.table(name).fetchall()) for name in RUN_TABLES}


@pytest.fixture
def odd_policies(monkeypatch):
    """Policies that fail are installed beside ours."""
    real = importlib.metadata.entry_points(group=registry.GROUP)
    odd = [
        importlib.metadata.EntryPoint(name, f"tests.engine.replays:{kind}", registry.GROUP)
        for name, kind in (
            ("crashing", "Crashing"),
            ("broken", "Broken"),
            ("stillborn", "Stillborn"),
        )
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: [*real, *odd])


def test_a_replay_gives_finished_runs_in_the_order_of_the_policies(planner):
    ids = planner.replay("demand", POLICIES, scenario=scenario())
    assert [planner.run(run_id).policy for run_id in ids] == [
        str(registry.parse_spec(policy)) for policy in POLICIES
    ]
    for run_id in ids:
        run = planner.run(run_id)
        assert run.status == "done"
        assert list(run.scorecard) == list(FIGURES)
        assert run.scenario == scenario()
        assert run.pools == ("own", "shared")
        assert not run.closed_loop


@pytest.mark.parametrize("table", [demand(), sessions()], ids=["requests", "sessions"])
def test_stored_rows_do_not_depend_on_what_was_replayed_together(tmp_path, table):
    orders = {
        "together": [POLICIES],
        "reversed": [POLICIES[::-1]],
        "alone": [[p] for p in POLICIES],
    }
    found = {}
    for name, batches in orders.items():
        with Planner(tmp_path / f"{name}.duckdb") as planner:
            keep(planner, table)
            for batch in batches:
                planner.replay("demand", batch, scenario=scenario())
            found[name] = {
                row.policy: (
                    stored_rows(planner, row.run_id),
                    {
                        key: value
                        for key, value in planner.run(row.run_id).scorecard.items()
                        if key not in MEASURED
                    },
                )
                for row in planner.runs().itertuples()
            }
    assert found["alone"].keys() == {str(registry.parse_spec(policy)) for policy in POLICIES}
    assert all(rows["ticks"] and rows["decisions"] for rows, _ in found["alone"].values())
    assert found["together"] == found["reversed"] == found["alone"]


def test_a_finished_run_is_reused_and_replayed_again_only_when_asked(planner):
    ids = planner.replay("demand", ["static", "hpa"], scenario=scenario())
    made = {run_id: planner.run(run_id).created_at for run_id in ids}
    steps = []
    again = planner.replay("demand", ["hpa", "static"], scenario=scenario(), progress=steps.append)
    assert again == ids[::-1]
    assert steps == []
    assert {run_id: planner.run(run_id).created_at for run_id in ids} == made
    assert planner.replay("demand", ["hpa"], scenario=scenario(), fresh=True) == ids[1:]
    assert planner.run(ids[1]).created_at > made[ids[1]]
    assert planner.run(ids[0]).created_at == made[ids[0]]


@pytest.mark.parametrize(
    "changed",
    [
        {"scenario": scenario(seed=9)},
        {"from_s": 60.0},
        {"to_s": 600.0},
    ],
    ids=["scenario", "from", "to"],
)
def test_another_window_or_scenario_is_another_run(planner, changed):
    (one,) = planner.replay("demand", ["static"], scenario=scenario())
    (other,) = planner.replay("demand", ["static"], **{"scenario": scenario(), **changed})
    assert one != other


def test_a_scenario_of_another_name_is_the_same_run(planner):
    (one,) = planner.replay("demand", ["static"], scenario=scenario())
    (other,) = planner.replay("demand", ["static"], scenario=scenario(name="other"))
    assert one == other


def test_a_window_counts_what_arrives_in_it(planner):
    (run_id,) = planner.replay("demand", ["static"], scenario=scenario(), from_s=300.0, to_s=600.0)
    arrivals = demand().arrival_s
    inside = int(((arrivals >= 300) & (arrivals < 600)).sum())
    assert planner.run(run_id).scorecard["requests_arrived"] == inside
    timeline = planner.timeline([run_id])
    assert (timeline["t_s"].min(), timeline["t_s"].max()) == (300.0, 585.0)


def test_a_cancelled_replay_is_marked_and_stores_nothing_else(planner):
    (kept,) = planner.replay("demand", ["static"], scenario=scenario())
    before = counted(planner)
    asked = iter(range(100))
    with pytest.raises(ReplayCancelled):
        planner.replay(
            "demand", ["hpa", "threshold"], scenario=scenario(), cancel=lambda: next(asked) > 3
        )
    assert counted(planner) == before
    runs = planner.runs().set_index("policy")["status"].to_dict()
    assert runs == {"static": "done", "hpa": "cancelled", "threshold": "cancelled"}
    assert planner.run(kept).status == "done"


def test_a_cancelled_run_can_be_started_again(planner):
    with pytest.raises(ReplayCancelled):
        planner.replay("demand", ["hpa"], scenario=scenario(), cancel=lambda: True)
    (run_id,) = planner.replay("demand", ["hpa"], scenario=scenario())
    assert planner.run(run_id).status == "done"
    assert len(planner.runs()) == 1


def test_a_finished_run_survives_a_replay_of_it_that_is_cancelled(planner):
    (run_id,) = planner.replay("demand", ["hpa"], scenario=scenario())
    rows = stored_rows(planner, run_id)
    with pytest.raises(ReplayCancelled):
        planner.replay("demand", ["hpa"], scenario=scenario(), fresh=True, cancel=lambda: True)
    assert planner.run(run_id).status == "done"
    assert stored_rows(planner, run_id) == rows


@pytest.mark.parametrize(
    ("policy", "error", "note"),
    [
        ("crashing", PolicyError, "-3"),
        ("broken", PolicyFailed, "failed 120 s into the replay: RuntimeError: no idea"),
    ],
)
def test_a_policy_that_fails_leaves_runs_that_say_why(planner, odd_policies, policy, error, note):
    with pytest.raises(error):
        planner.replay("demand", ["static", policy], scenario=scenario())
    runs = planner.runs().set_index("policy")
    assert runs["status"].to_dict() == {"static": "cancelled", policy: "failed"}
    assert all(note in text for text in runs["note"])
    assert runs["note"]["static"].startswith("stopped with the others")
    assert set(counted(planner).values()) == {0}


def test_an_error_of_a_policy_says_where_in_its_code(planner, odd_policies):
    with pytest.raises(PolicyFailed) as caught:
        planner.replay("demand", ["broken"], scenario=scenario())
    assert "replays.py, line" in caught.value.where
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize("policy", ["hpa:target=7", "hpa:sync_s=7", "stillborn"])
def test_a_policy_that_cannot_be_made_is_refused_before_anything_is_noted(
    planner, odd_policies, policy
):
    with pytest.raises(PolicyError):
        planner.replay("demand", ["static", policy], scenario=scenario())
    assert planner.runs().empty


@pytest.mark.parametrize(
    ("policies", "error", "hint"),
    [
        (["hpaa"], PolicyError, "Did you mean 'hpa'"),
        (["hpa:targett=0.5"], PolicyError, "Did you mean 'target'"),
        (["static", "static"], UsageError, "once"),
        (["hpa:target=0.5:tolerance=0.2", "hpa:tolerance=0.2:target=0.5"], UsageError, "once"),
        ([], UsageError, "once"),
    ],
)
def test_policies_that_cannot_be_compared_are_refused_before_anything_is_noted(
    planner, policies, error, hint
):
    with pytest.raises(error, match=hint):
        planner.replay("demand", policies, scenario=scenario())
    assert planner.runs().empty


@pytest.mark.parametrize(("from_s", "to_s"), [(900.0, None), (-1.0, None), (300.0, 300.0)])
def test_an_empty_window_is_refused(planner, from_s, to_s):
    with pytest.raises(UsageError, match="window"):
        planner.replay("demand", ["static"], scenario=scenario(), from_s=from_s, to_s=to_s)


def test_a_tick_far_too_short_for_the_window_is_refused(planner, monkeypatch):
    monkeypatch.setattr(runner, "TICKS_MAX", 59)
    with pytest.raises(ScenarioError, match="over 59 ticks"):
        planner.replay("demand", ["static"], scenario=scenario())


def test_an_unknown_trace_names_the_nearest_known_one(planner):
    with pytest.raises(StoreError, match="Did you mean 'demand'"):
        planner.replay("demnd", ["static"], scenario=scenario())


@pytest.mark.parametrize("policy", POLICIES)
def test_the_whole_run_as_a_window_has_the_figures_of_the_scorecard(planner, policy):
    (run_id,) = planner.replay("demand", [policy], scenario=scenario())
    whole = planner.compare([run_id], run_id).set_index("figure")["value"]
    window = planner.compare([run_id], run_id, from_s=0.0, to_s=900.0)
    window = window.set_index("figure")["value"]
    windowed = [key for key, figure in FIGURES.items() if figure.windowed]
    for key in FIGURES:
        if key in windowed:
            assert window[key] == pytest.approx(whole[key], rel=1e-9, nan_ok=True), key
        else:
            assert window.isna()[key], key


def test_parts_of_a_run_add_up(planner):
    (run_id,) = planner.replay("demand", ["hpa"], scenario=scenario())
    parts = [
        planner.compare([run_id], run_id, from_s=start, to_s=start + 300.0).set_index("figure")[
            "value"
        ]
        for start in (0.0, 300.0, 600.0)
    ]
    card = planner.run(run_id).scorecard
    for key in ("requests_arrived", "requests_finished", "cost_usd", "worker_hours"):
        assert sum(part[key] for part in parts) == pytest.approx(card[key])
    assert max(part["peak_workers"] for part in parts) == card["peak_workers"]


def test_differences_are_to_the_baseline_and_say_which_way_is_better(planner):
    static, hpa = planner.replay("demand", ["static", "hpa"], scenario=scenario())
    rows = planner.compare([hpa], static).set_index(["figure", "policy"])
    for key, figure in FIGURES.items():
        row = rows.loc[key, "hpa"]
        one, other = (planner.run(run).scorecard[key] for run in (static, hpa))
        if one is None or other is None:
            continue
        assert row["difference"] == pytest.approx(other - one)
        if figure.better is None or one == other:
            assert row["better"] is None
        else:
            assert row["better"] == ((other > one) == (figure.better == "higher"))
        assert rows.loc[key, "static"]["better"] is None


def test_runs_that_are_not_done_cannot_be_compared(planner):
    with pytest.raises(ReplayCancelled):
        planner.replay("demand", ["hpa"], scenario=scenario(), cancel=lambda: True)
    (run_id,) = planner.runs()["run_id"]
    with pytest.raises(StoreError, match="is cancelled, not done"):
        planner.compare([run_id], run_id)


def test_lines_are_sampled_down_to_what_was_asked_for(planner):
    (run_id,) = planner.replay("demand", ["hpa"], scenario=scenario(tick_s=1.0))
    for points in (10, 100, 500):
        timeline = planner.timeline([run_id], max_points=points)
        latency = planner.latency([run_id], max_points=points)
        assert 0.5 * points < len(timeline) <= points
        assert len(latency) <= points
        assert timeline["bucket_s"].nunique() == 1
        assert int(latency["requests"].sum()) == planner.run(run_id).scorecard["requests_finished"]
        weighted = (timeline["arrived_per_s"] * timeline["bucket_s"]).sum()
        assert weighted == pytest.approx(
            planner.run(run_id).scorecard["requests_arrived"], rel=0.1
        )


def test_percentiles_of_a_merged_window_are_within_one_percent_of_its_request_rows(planner):
    (run_id,) = planner.replay("demand", ["hpa"], scenario=scenario())
    with planner._store.cursor() as cursor:
        exact = cursor.execute(
            "SELECT quantile_disc(end_s - arrival_s, [0.5, 0.95, 0.99]) FROM run_requests "
            "WHERE status = 3 AND arrival_s >= 300 AND arrival_s < 600"
        ).fetchone()[0]
    window = planner.compare([run_id], run_id, from_s=300.0, to_s=600.0).set_index("figure")
    for key, value in zip(("p50_s", "p95_s", "p99_s"), exact, strict=True):
        assert window.loc[key, "value"] == pytest.approx(value, rel=0.011)


def test_decisions_carry_the_numbers_and_the_reason(planner):
    (run_id,) = planner.replay("demand", ["hpa"], scenario=scenario())
    rows = planner.decisions(run_id)
    assert len(rows) == 60 * 2
    assert set(rows["pool"]) == {"own", "shared"}
    assert all(isinstance(rationale, dict) and rationale for rationale in rows["rationale"])
    assert rows["t_s"].is_monotonic_increasing
    changes = planner.decisions(run_id, changes_only=True)
    assert 0 < len(changes) < len(rows)
    assert (changes["current"] != changes["applied"]).all()
    assert set(planner.decisions(run_id, pool="own")["pool"]) == {"own"}
    with pytest.raises(UsageError, match="no pool"):
        planner.decisions(run_id, pool="gpu")


def test_a_deleted_run_takes_everything_with_it(planner):
    (run_id,) = planner.replay("demand", ["hpa"], scenario=scenario())
    planner.delete_run(run_id[:6])
    assert planner.runs().empty
    assert set(counted(planner).values()) == {0}


def test_a_trace_with_runs_is_deleted_only_by_force(planner):
    planner.replay("demand", ["static"], scenario=scenario())
    with pytest.raises(StoreError, match="1 run made with"):
        planner.delete_trace("demand")
    planner.delete_trace("demand", force=True)
    assert planner.traces().empty
    assert len(planner.runs()) == 1


def test_threads_may_share_a_planner(planner):
    """Pages do: one replays while others read."""

    def work(policy):
        (run_id,) = planner.replay("demand", [policy], scenario=scenario())
        return run_id, len(planner.timeline([run_id]))

    with ThreadPoolExecutor(len(POLICIES)) as threads:
        found = list(threads.map(work, POLICIES))
    assert {planner.run(run_id).status for run_id, _ in found} == {"done"}
    assert [points for _, points in found] == [60] * len(POLICIES)
