"""The main job on a recorded trace, from file to compared scorecards, as an operator does it."""

import csv
import gzip
from pathlib import Path

import pytest

TRACE = (
    Path(__file__).parents[4]
    / "shared"
    / "traces"
    / "llm_azure_2023"
    / "AzureLLMInferenceTrace_conv.csv.gz"
)
POLICIES = "static,threshold,hpa"
FAILURES = ("queue_timeout_frac", "exec_timeout_frac", "rejected_frac", "lost_frac")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not TRACE.exists(), reason=f"no recorded trace at {TRACE.relative_to(TRACE.parents[4])}"
    ),
]


@pytest.fixture
def replayed(smartscale):
    ended = smartscale("import", TRACE, "--name", "conv", "--json")
    assert ended.code == 0, ended.err
    (imported,) = ended.document["imported"]
    ended = smartscale("replay", "--trace", "conv", "--policy", POLICIES, "--json")
    assert ended.code == 0, ended.err
    return imported, ended.document


def test_every_request_of_the_file_finishes_or_fails_under_every_policy(replayed):
    with gzip.open(TRACE, "rt", newline="") as file:
        rows = sum(1 for _ in csv.DictReader(file))
    imported, document = replayed
    assert rows == 19_366
    assert imported["rows"] == rows
    assert [run["policy"] for run in document["runs"]] == POLICIES.split(",")
    for run in document["runs"]:
        card = run["scorecard"]
        failed = round(sum(card[key] for key in FAILURES) * rows)
        assert card["requests_arrived"] == rows
        assert card["requests_finished"] + failed == rows
        assert card["cost_usd"] > 0
        assert 0 < card["p50_s"] <= card["p95_s"] <= card["p99_s"]


def test_another_process_replays_it_to_the_same_figures(replayed, smartscale, tmp_path):
    """In another store, one policy at a time, in another order."""
    _, document = replayed
    store = ["--store", tmp_path / "second.duckdb"]
    assert smartscale("import", TRACE, "--name", "again", *store).code == 0
    for run in document["runs"][::-1]:
        other = smartscale(
            "replay", "--trace", "again", "--policy", run["policy"], *store, "--json"
        ).document["runs"][0]
        assert other["run_id"] == run["run_id"]
        for key, value in run["scorecard"].items():
            assert key.startswith("decision") or other["scorecard"][key] == value, key


def test_policies_differ_on_it(replayed):
    """Else nothing would have been compared."""
    _, document = replayed
    for key in ("cost_usd", "p95_s", "slo_attainment_frac"):
        assert len({run["scorecard"][key] for run in document["runs"]}) == 3, key
