"""`smartscale explain` says what it can where a run cannot be made again."""

import pytest


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
