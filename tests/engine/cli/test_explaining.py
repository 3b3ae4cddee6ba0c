"""`smartscale explain` says what it can where a run cannot be made again."""

import pytest

from engine.cli.explaining import LEAST, _plan
from engine.planner import Planner


def test_a_plan_is_told_step_by_step():
    now = {"in_s": 0.0, "from": 3, "to": 5, "usd_per_hour": 4.0}
    later = {"in_s": 225.0, "from": 5, "to": 6, "usd_per_hour": 2.0}
    assert _plan([now, later]) == "now 3 → 5 (+4.00 USD/h); in 3.75 min 5 → 6 (+2.00 USD/h)"
    assert _plan([later | {"from": 6, "to": 5, "usd_per_hour": -2.0}]).endswith("(-2.00 USD/h)")
    assert _plan([]) == "no step"


@pytest.mark.slow
def test_only_a_rule_that_was_asked_to_plan_tells_a_plan(stocked, scenario_file):
    made = stocked(
        "replay", "--trace", "demand", "--policy", "predictive:plan=true,predictive",
        "--scenario", scenario_file, "--json",
    )  # fmt: skip
    asked, plain = (run["run_id"] for run in made.document["runs"])
    with Planner() as planner:
        number = next(n for n in range(120) if planner.decision(asked, number=n).plan)
        assert planner.decision(plain, number=number).plan is None
    told = {run: stocked("explain", run, "--decision", number).out for run in (asked, plain)}
    assert "USD/h)" in told[asked]
    assert "USD/h)" not in told[plain]


@pytest.mark.slow
def test_a_learned_runs_record_is_told_though_its_trace_is_gone(stocked, scenario_file):
    replayed = stocked(
        "replay", "--trace", "demand", "--policy", "smartscale", "--scenario", scenario_file,
        "--json",
    )  # fmt: skip
    run_id = replayed.document["runs"][0]["run_id"]
    made = stocked("explain", run_id, "--decision", 60, "--json").document
    assert made["checked"]["same"]
    assert made["not_made_again"] is None
    assert stocked("traces", "delete", "demand", "--force").code == 0
    left = stocked("explain", run_id, "--decision", 60, "--json")
    assert (left.code, left.document["checked"]) == (0, None)
    assert left.document["sentence"] == made["sentence"]
    assert "cannot be played again" in left.document["not_made_again"]
    assert "What moved the policy is not shown" in stocked("explain", run_id, "--decision", 60).out
    refused = stocked("explain", run_id, "--decision", 60, "--check")
    assert (refused.code != 0, "cannot be played again" in refused.err) == (True, True)


@pytest.mark.slow
@pytest.mark.parametrize("attends", [False, True])
def test_what_moved_a_learned_policy_is_told_in_text_as_in_json(stocked, scenario_file, attends):
    policy = "smartscale" + (":checkpoint=allocator-transformer" if attends else "")
    replayed = stocked(
        "replay", "--trace", "demand", "--policy", policy, "--scenario", scenario_file, "--json"
    )
    run_id = replayed.document["runs"][0]["run_id"]
    found = stocked("explain", run_id, "--at", "480", "--json").document["checked"]["explanation"]
    said = stocked("explain", run_id, "--at", "480").out
    counts = dict(zip(found["groups"], found["attribution"][0], strict=True))
    ranked = sorted(counts, key=lambda name: -abs(counts[name]))
    assert abs(counts[ranked[0]]) >= LEAST
    assert _rest(said, "moved by, workers") == ", ".join(
        f"{name} {counts[name]:+.2f}" for name in ranked if abs(counts[name]) >= LEAST
    )
    assert ("attended to, share" in said) == attends
    expected = _rest(said, "expected, points")
    assert ("as chosen" in expected, "1 more" in expected) == (True, True)
    early = stocked("explain", run_id, "--decision", 0).out
    assert "Nothing moved the policy: it was not due" in early


def _rest(said, name):
    """What stands after a name in a table of facts."""
    (line,) = [line for line in said.splitlines() if line.startswith(name)]
    return line.removeprefix(name).strip()


@pytest.mark.slow
def test_a_champions_decision_says_who_decided_and_why(stocked, scenario_file):
    replayed = stocked(
        "replay", "--trace", "demand", "--policy", "champion", "--scenario", scenario_file,
        "--json",
    )  # fmt: skip
    run_id = replayed.document["runs"][0]["run_id"]
    made = stocked("explain", run_id, "--at", "480", "--json").document
    by, why = (made["record"]["rationale"][key] for key in ("decided_by", "why"))
    assert f"{by} decides ({why}): " in stocked("explain", run_id, "--at", "480").out
    assert by == "predictive:quantile=0.95:target=0.8"
