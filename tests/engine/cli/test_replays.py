"""`smartscale replay`, `compare`, `runs`, `policies` and `scenario`."""

from functools import partial, partialmethod

import pytest

from engine.errors import AccountingError, ReplayCancelled, StoreError, UsageError
from engine.figures import FIGURES
from engine.planner import Planner
from engine.presets import PRESETS
from engine.scenario_file import from_dict, from_toml
from engine.tune.line import Line
from tests.engine.replays import scenario

pytestmark = pytest.mark.slow


@pytest.fixture
def replay(stocked, scenario_file):
    """Replays the small trace; arguments are added."""

    def run(*args):
        return stocked("replay", "--trace", "demand", "--scenario", scenario_file, *args)

    return run


def test_a_replay_prints_run_ids_and_scorecards(replay):
    document = replay("--policy", "static,threshold", "--policy", "hpa", "--json").document
    runs = document["runs"]
    assert [run["policy"] for run in runs] == ["static", "threshold", "hpa"]
    assert document["baseline"] == runs[0]["run_id"]
    for run in runs:
        assert run["status"] == "done"
        assert list(run["scorecard"]) == list(FIGURES)
        assert run["scorecard"]["requests_arrived"] == 1200
    rows = document["comparison"]
    assert len(rows) == 3 * len(FIGURES)
    assert {row["figure"] for row in rows} == set(FIGURES)


def test_people_see_a_column_per_policy_with_differences_beside_them(replay):
    ended = replay("--policy", "static,hpa")
    card = replay("--policy", "static,hpa", "--json").document["runs"][1]["scorecard"]
    header = next(line for line in ended.out.splitlines() if line.strip().startswith("figure"))
    assert header.split() == ["figure", "unit", "static", "hpa", "difference"]
    lines = {figure.label: "" for figure in FIGURES.values()}
    for line in ended.out.splitlines():
        for label in lines:
            if line.strip().startswith(label):
                lines[label] = line
    measured = {FIGURES[key].label for key, value in card.items() if value is not None}
    assert {label for label, line in lines.items() if line} == measured
    left_out = f"{len(FIGURES) - len(measured)} figures that none of these runs measures"
    assert left_out in ended.out
    assert "=" in lines["Requests arrived"]
    assert "points" in lines["SLO attainment"]
    assert "✗" in lines["Request latency p95"] or "✓" in lines["Request latency p95"]
    assert "not measured" not in lines["Cost"]


def test_a_finished_run_is_reused_and_said_to_be(replay):
    first = replay("--policy", "hpa", "--json")
    assert first.err == ""
    again = replay("--policy", "hpa,static", "--json")
    assert "Already in the store: hpa (" in again.err
    assert again.document["runs"][0]["created_at"] == first.document["runs"][0]["created_at"]
    fresh = replay("--policy", "hpa", "--fresh", "--json")
    assert fresh.err == ""
    assert fresh.document["runs"][0]["created_at"] > first.document["runs"][0]["created_at"]


def test_settings_change_the_scenario(replay):
    document = replay("--policy", "static", "--set", "slo.latency_s=1", "--json").document
    (run,) = document["runs"]
    plain = replay("--policy", "static", "--json").document["runs"][0]
    assert run["scenario_hash"] != plain["scenario_hash"]
    assert run["scorecard"]["slo_attainment_frac"] < plain["scorecard"]["slo_attainment_frac"]
    assert run["scorecard"]["p95_s"] == plain["scorecard"]["p95_s"]


def test_a_preset_is_named_like_a_file(stocked):
    ended = stocked(
        "replay", "--trace", "demand", "--policy", "static", "--scenario", "tool-workers", "--json"
    )
    assert ended.document["runs"][0]["scenario_name"] == "tool-workers"


def test_a_part_of_the_trace_is_replayed(replay):
    ended = replay("--policy", "static", "--from", "0:05:00", "--to", "600", "--json")
    (run,) = ended.document["runs"]
    assert (run["from_s"], run["to_s"]) == (300.0, 600.0)
    assert 0 < run["scorecard"]["requests_arrived"] < 1200


def test_dates_choose_a_part_of_a_trace_that_has_them(stocked, scenario_file, tmp_path):
    path = tmp_path / "dated.csv"
    rows = [f"2024-05-01T10:{minute:02}:30Z,10" for minute in range(30)]
    path.write_text("\n".join(["TIMESTAMP,GeneratedTokens", *rows]) + "\n")
    assert stocked("import", path, "--map", "arrival=TIMESTAMP").code == 0
    ended = stocked(
        "replay", "--trace", "dated", "--policy", "static", "--scenario", scenario_file,
        "--from", "2024-05-01T10:10:30", "--to", "2024-05-01 12:20:30+02:00", "--json",
    )  # fmt: skip
    (run,) = ended.document["runs"]
    assert (run["from_s"], run["to_s"]) == (600.0, 1200.0)
    assert run["scorecard"]["requests_arrived"] == 10


@pytest.fixture
def compared(stocked):
    """Compares without the tuned HPA and the plans, which take some replays."""
    return partial(stocked, "compare", "--no-tuned-hpa", "--no-known-future")


def test_the_tuned_hpa_is_a_line_of_a_comparison(replay, stocked, monkeypatch):
    made = replay("--policy", "static,hpa", "--json").document["runs"]
    static, hpa = (run["run_id"] for run in made)
    line = Line(run_id=hpa, policy="hpa", replays=11, sampled_frac=0.25, slo=0.95, keeps_slo=False)
    monkeypatch.setattr(Planner, "tuned_hpa", lambda *_, **__: line)
    ended = stocked("compare", static, "--json")
    assert [run["run_id"] for run in ended.document["runs"]] == [static, hpa]
    assert ended.document["tuned_hpa"]["sampled_frac"] == 0.25
    assert ended.document["no_tuned_hpa"] is None
    assert "Tuned HPA: the cheapest of 11 replays of 25 % of this window" in ended.err
    assert "misses 95 %" in ended.err


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError, 0), (StoreError, 0), (AccountingError, 3), (ReplayCancelled, 130)],
)
def test_a_comparison_goes_on_without_the_tuned_hpa_only_where_there_can_be_none(
    replay, stocked, monkeypatch, error, code
):
    run_id = replay("--policy", "static", "--json").document["baseline"]

    def fails(*_, **__):
        raise error("what happened", "where it did", "Do this")

    monkeypatch.setattr(Planner, "tuned_hpa", fails)
    ended = stocked("compare", run_id, "--json")
    assert ended.code == code
    assert "what happened" in ended.err
    if code == 0:
        assert ended.document["tuned_hpa"] is None
        assert ended.document["no_tuned_hpa"] == {
            "what": "what happened", "where": "where it did", "fix": "Do this",
        }  # fmt: skip


def test_compare_holds_differences_against_the_noise_and_says_what_seeds_change(
    replay, compared, monkeypatch
):
    here = partialmethod(Planner.noise, workers=1)  # starting processes takes longer
    monkeypatch.setattr(Planner, "noise", here)
    made = replay("--policy", "static,hpa", "--json").document["runs"]
    one, other = (run["run_id"] for run in made)
    told = compared(one, other, "--json").document["noise"]
    assert (told["demand"], told["runs"]) == ("recorded", {})
    assert not any("arrivals" in text for text in told["seeds_change"])
    measured = compared(one, other, "--noise", "--json").document["noise"]["runs"]
    cost = measured[other]["cost_usd"]
    assert cost["low"] <= cost["mean"] <= cost["high"]
    assert cost["pairs"] == 5
    assert "the noise" in compared(one, other, "--noise").out


def test_compare_takes_any_run_as_baseline_and_parts_of_ids(replay, compared):
    made = replay("--policy", "static,hpa", "--json").document["runs"]
    static, hpa = (run["run_id"] for run in made)
    document = compared(static[:5], hpa[:5], "--baseline", hpa[:5], "--json").document
    assert document["baseline"] == hpa
    costs = {row["run_id"]: row for row in document["comparison"] if row["figure"] == "cost_usd"}
    assert costs[hpa]["difference"] == 0
    assert costs[static]["difference"] == pytest.approx(
        made[0]["scorecard"]["cost_usd"] - made[1]["scorecard"]["cost_usd"]
    )
    alone = compared(static, "--baseline", hpa, "--json").document
    assert [run["run_id"] for run in alone["runs"]] == [hpa, static]


def test_a_part_of_a_comparison_has_fewer_figures_and_says_so(replay, compared):
    made = replay("--policy", "static,hpa", "--json").document["runs"]
    ids = [run["run_id"] for run in made]
    whole = made[0]["scorecard"]
    ended = compared(*ids, "--from", "300", "--to", "0:10:00", "--json")
    assert ended.document["window"] == {"from_s": 300.0, "to_s": 600.0}
    for row in ended.document["comparison"]:
        key = row["figure"]
        measured = FIGURES[key].windowed and whole[key] is not None
        assert (row["value"] is not None) == measured
    shown = compared(*ids, "--from", "300", "--to", "0:10:00").out
    assert "300 s to 600 s" in shown
    assert f"{sum(whole[key] is None or not f.windowed for key, f in FIGURES.items())} " in shown


def test_runs_that_cannot_be_compared_fairly_are_pointed_out(replay, compared):
    one = replay("--policy", "static", "--json").document["baseline"]
    other = replay("--policy", "hpa", "--to", "600", "--set", "seed=4", "--json").document
    ended = compared(one, other["baseline"], "--json")
    assert ended.code == 0
    assert "different windows" in ended.err
    assert "different scenarios" in ended.err
    assert "different traces" not in ended.err


def test_runs_are_listed_newest_first_and_deleted(replay, stocked):
    made = replay("--policy", "static,hpa", "--json").document["runs"]
    listed = stocked("runs", "--json").document["runs"]
    assert [row["run_id"] for row in listed] == [run["run_id"] for run in made[::-1]]
    assert listed[0]["cost_usd"] == made[1]["scorecard"]["cost_usd"]
    assert made[0]["run_id"] in stocked("runs").out
    ended = stocked("runs", "delete", *(run["run_id"][:6] for run in made), "--json")
    assert ended.document == {"deleted": [run["run_id"] for run in made]}
    empty = stocked("runs")
    assert (empty.code, empty.out) == (0, "")
    assert "smartscale replay" in empty.err


def test_one_unknown_run_keeps_the_others_from_being_deleted(replay, stocked):
    made = replay("--policy", "static", "--json").document["baseline"]
    assert stocked("runs", "delete", made, "nonsense").code == 3
    assert len(stocked("runs", "--json").document["runs"]) == 1


def test_policies_are_listed_with_their_parameters(smartscale):
    listed = {one["name"]: one for one in smartscale("policies", "--json").document["policies"]}
    assert {"static", "threshold", "hpa"} <= listed.keys()
    assert listed["static"]["parameters"][0] == {
        "name": "target", "required": False, "default": 0.75,
        "meaning": "share of slots in use at the peak, above 0 and up to 1.",
    }  # fmt: skip
    shown = smartscale("policies").out
    assert all(one["description"] in shown for one in listed.values())
    upper = next(line for line in shown.splitlines() if " upper " in line)
    assert upper.split()[:5] == ["threshold", "upper", "0.75", "share", "of"]


def test_presets_are_listed(smartscale):
    document = smartscale("scenario", "--json").document
    assert {name: from_dict(values) for name, values in document["presets"].items()} == PRESETS
    assert all(name in smartscale("scenario").out for name in PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_shown_as_a_file_that_can_be_checked(smartscale, tmp_path, name):
    shown = smartscale("scenario", "show", name)
    assert from_toml(shown.out) == PRESETS[name]
    path = tmp_path / "saved.toml"
    path.write_text(shown.out, encoding="utf-8")
    ended = smartscale("scenario", "check", path)
    assert ended.code == 0
    assert name in ended.out


def test_a_scenario_is_shown_with_its_settings_applied(smartscale, scenario_file):
    default = from_toml(smartscale("scenario", "show").out)
    assert default == next(iter(PRESETS.values()))
    set_options = ["--set", "pools.own.workers_max=33", "--set", "slo.latency_s=4"]
    shown = from_toml(smartscale("scenario", "show", scenario_file, *set_options).out)
    assert shown.pools[0].workers_max == 33
    assert shown.slo.latency_s == 4
    assert shown.pools[1] == scenario().pools[1]
    document = smartscale("scenario", "show", scenario_file, *set_options, "--json").document
    assert from_dict(document["scenario"]) == shown


def test_a_wrong_scenario_file_is_refused_with_the_nearest_key(smartscale, tmp_path):
    path = tmp_path / "typo.toml"
    path.write_text("[slo]\nlatency = 3\n")
    ended = smartscale("scenario", "check", path)
    assert (ended.code, ended.out) == (3, "")
    assert "Did you mean 'latency_s'" in ended.err
    assert "typo.toml" in ended.err
