"""`smartscale report`: files that hold what the command prints, and wrong input told plainly."""

import json

import pytest

pytestmark = pytest.mark.slow

POLICIES = "static,hpa,threshold:breach_s=15"


@pytest.fixture
def replayed(stocked, scenario_file):
    """The command, and the ids of three finished runs."""
    made = stocked(
        "replay", "--trace", "demand", "--policy", POLICIES, "--scenario", scenario_file, "--json"
    )
    return stocked, [run["run_id"] for run in made.document["runs"]]


def test_a_report_is_printed_and_written_with_the_same_figures(replayed, tmp_path):
    smartscale, ids = replayed
    out = tmp_path / "report.json"
    made = smartscale("report", *ids, "--out", out, "--json")
    assert made.code == 0
    assert json.loads(out.read_text("utf-8")) == made.document
    assert made.document["identity"]["run_ids"] == ids
    assert made.document["switch"]["run_id"] == ids[1]


def test_people_read_the_verdict_and_its_warnings_first(replayed):
    smartscale, ids = replayed
    made = smartscale("report", *ids)
    assert made.out.index("Verdict") < made.out.index("Read first") < made.out.index("Payback")


def test_the_baseline_can_be_any_of_the_runs(replayed):
    smartscale, ids = replayed
    made = smartscale("report", *ids, "--baseline", ids[2][:8], "--json").document
    assert [run["run_id"] for run in made["runs"]] == [ids[2], ids[0], ids[1]]
    assert made["runs"][0]["role"] == "baseline"


def test_every_kind_of_file_is_written(replayed, tmp_path):
    smartscale, ids = replayed
    names = ["r.pdf", "r.html", "r.xlsx", "r.csv", "r.json", "r.focus.csv"]
    outs = [part for name in names for part in ("--out", tmp_path / name)]
    assert smartscale("report", *ids, *outs).code == 0
    starts = {"r.pdf": b"%PDF", "r.html": b"<!doctype html>", "r.xlsx": b"PK"}
    for name in names:
        assert (tmp_path / name).read_bytes().startswith(starts.get(name, b""))
        assert (tmp_path / name).stat().st_size > 500


def test_assumptions_come_from_a_file_and_from_the_command(replayed, tmp_path):
    smartscale, ids = replayed
    given = tmp_path / "ours.toml"
    given.write_text('mode = "owned"\ngrowth = {value = 0.2, high = 0.5, source = "plan"}\n')
    made = smartscale(
        "report", *ids, "--assumptions", given, "--assume", "years=5", "--json"
    ).document
    numbers = {entry["key"]: entry for entry in made["assumptions"]}
    assert made["mode"] == "owned"
    assert (numbers["growth"]["value"], numbers["growth"]["source"]) == (0.2, "plan")
    assert len(made["switch"]["years"]) == 6


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--assume", "grwth=2"], 3, "Did you mean 'growth'"),
        (["--assume", "growth"], 2, "growth=0.2"),
        (["--assume", "years=2.5"], 3, "Use whole years"),
        (["--assume", "pue=0.2"], 3, "Use 1 to 5"),
        (["--assume", "pue=nan"], 3, "Use 1 to 5"),
        (["--assume", "mode=leased"], 3, "Use rented or owned"),
        (["--assume", "currency=EURO"], 3, "Did you mean EUR"),
        (["--assume", "reserved_frac=0.8", "--assume", "spot_frac=0.5"], 3, "at most"),
        (["--out", "report.docx"], 2, "Known: csv"),
        (["--assumptions", "absent.toml"], 3, "readable TOML"),
    ],
)
def test_what_is_wrong_is_told_with_what_where_and_fix(replayed, options, code, told):
    smartscale, ids = replayed
    made = smartscale("report", *ids, *options)
    assert made.code == code
    assert told in made.err
    assert made.out == ""


@pytest.mark.parametrize("text", ["growth =", "growth = 'much'", "[growth]\nvalu = 1", "x = 1"])
def test_a_file_of_assumptions_that_cannot_be_read_is_refused(replayed, tmp_path, text):
    smartscale, ids = replayed
    given = tmp_path / "bad.toml"
    given.write_text(text)
    made = smartscale("report", *ids, "--assumptions", given)
    assert made.code == 3
    assert "bad.toml" in made.err


def test_runs_that_cannot_be_compared_are_refused(replayed, scenario_file):
    smartscale, ids = replayed
    assert smartscale("report", ids[0]).code == 2
    assert smartscale("report").code == 2
    other = smartscale(
        "replay", "--trace", "demand", "--policy", "hpa", "--scenario", scenario_file,
        "--to", "600", "--json",
    ).document["runs"][0]["run_id"]  # fmt: skip
    made = smartscale("report", ids[0], other)
    assert made.code == 2
    assert "different windows" in made.err


def test_the_schema_is_published(smartscale):
    made = smartscale("report", "--schema", "--json").document
    assert made["$ref"] == "#/$defs/Report"
    assert "switch" in made["$defs"]["Report"]["properties"]


def test_reviews_stand_in_the_report(replayed):
    smartscale, ids = replayed
    made = smartscale("report", *ids, "--review", "Ada: watch the season: it matters", "--json")
    assert made.document["reviews"] == [{"by": "Ada", "text": "watch the season: it matters"}]
    wrong = smartscale("report", *ids, "--review", "no name")
    assert wrong.code == 2
    assert "Ada" in wrong.err
