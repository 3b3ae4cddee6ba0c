"""`smartscale import`, `traces` and `synth`."""

import json
import re
import shlex
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[3] / "sample_traces"
RECIPES = re.findall(
    r"^smartscale (synth .* --out sample_traces/(\S+))$",
    (SAMPLES / "README.md").read_text("utf-8"),
    re.M,
)


def test_an_import_says_what_was_stored_and_what_was_found(smartscale, tmp_path):
    path = tmp_path / "unsorted.csv"
    path.write_text("arrival_s,output_tokens\n5,10\n1,20\n3,30\n")
    ended = smartscale("import", path, "--json")
    assert ended.code == 0
    (made,) = ended.document["imported"]
    assert (made["name"], made["kind"], made["rows"], made["existed"]) == (
        "unsorted", "requests", 3, False,
    )  # fmt: skip
    assert made["path"] == str(path)
    assert {finding["rule"] for finding in made["findings"]} >= {"unsorted_times"}
    assert ended.document["failed"] == []
    (again,) = smartscale("import", path, "--json").document["imported"]
    assert (again["trace_id"], again["existed"]) == (made["trace_id"], True)


def test_people_are_shown_findings_with_their_fix(smartscale, tmp_path):
    path = tmp_path / "unsorted.csv"
    path.write_text("arrival_s,output_tokens\n5,10\n1,20\n3,30\n")
    ended = smartscale("import", path)
    assert ended.code == 0
    assert "unsorted" in ended.out
    assert "repaired" in ended.out
    assert "stored" in ended.out
    assert ended.err == ""


def test_a_bad_file_among_good_ones_is_reported_and_the_others_are_stored(
    smartscale, demand_file, tmp_path
):
    bad = tmp_path / "empty.csv"
    bad.touch()
    ended = smartscale("import", bad, demand_file, "--json")
    assert ended.code == 3
    assert [made["name"] for made in ended.document["imported"]] == ["demand"]
    (failed,) = ended.document["failed"]
    assert failed["path"] == str(bad)
    assert all(failed[key] for key in ("what", "where", "fix"))
    assert failed["what"] in ended.err
    listed = smartscale("traces", "--json").document["traces"]
    assert [row["name"] for row in listed] == ["demand"]


def test_columns_are_named_with_map_and_what_the_file_leaves_open_with_option(
    smartscale, tmp_path
):
    path = tmp_path / "odd.csv"
    path.write_text("moment,words\n1000,5\n2500,6\n4000,7\n")
    ended = smartscale(
        "import", path, "--map", "arrival=moment,unit=ms", "--map", "output_tokens=words",
        "--name", "mine", "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    shown = smartscale("traces", "show", "mine", "--json").document
    assert shown["duration_s"] == 3.0
    assert shown["profile"]["tokens"]["output_tokens"]["max"] == 7
    series = tmp_path / "cpu.csv"
    series.write_text("timestamp,value\n0,1\n60,2\n120,3\n")
    assert smartscale("import", series, "--option", "unit=mhz").code == 0
    assert smartscale("traces", "show", "cpu", "--json").document["unit"] == "mhz"


def test_traces_are_listed_shown_renamed_and_deleted(stocked):
    assert "demand" in stocked("traces").out
    shown = stocked("traces", "show", "demand")
    assert "1,200" in shown.out
    assert "only relative times" in shown.out
    assert stocked("traces", "rename", "demand", "mine").code == 0
    assert stocked("traces", "delete", "mine").code == 0
    empty = stocked("traces")
    assert (empty.code, empty.out) == (0, "")
    assert "smartscale import FILE" in empty.err
    assert stocked("traces", "--json").document == {"traces": []}


def test_names_are_printed_as_they_are(stocked):
    """Brackets are markup to the library that prints tables."""
    name = "[bold]demand[/bold] :tada:"
    stocked("traces", "rename", "demand", name)
    assert name in stocked("traces").out


def test_a_trace_with_runs_is_deleted_only_by_force(stocked, scenario_file):
    replay = ["replay", "--trace", "demand", "--policy", "static", "--scenario", scenario_file]
    assert stocked(*replay).code == 0
    refused = stocked("traces", "delete", "demand")
    assert refused.code == 3
    assert "force" in refused.err
    assert stocked("traces", "delete", "demand", "--force").code == 0


def test_the_readme_makes_every_sample():
    assert {name for _, name in RECIPES} == {path.name for path in SAMPLES.glob("*.csv.gz")}


@pytest.mark.parametrize(("command", "name"), RECIPES, ids=lambda text: text.split("/")[-1])
def test_the_commands_of_the_readme_make_the_shipped_samples(
    smartscale, tmp_path, monkeypatch, command, name
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sample_traces").mkdir()
    ended = smartscale(*shlex.split(command))
    assert ended.code == 0, ended.err
    made = tmp_path / "sample_traces" / name
    assert made.read_bytes() == (SAMPLES / name).read_bytes()
    recipe = name.replace(".csv.gz", ".recipe.json")
    assert json.loads((made.parent / recipe).read_text("utf-8")) == json.loads(
        (SAMPLES / recipe).read_text("utf-8")
    )


def test_a_synthetic_trace_can_be_stored_at_once(smartscale):
    args = ["synth", "bursty", "--duration", 300, "--rate", 2, "--seed", 3, "--import"]
    made = smartscale(*args, "--name", "bursts", "--json").document
    assert (made["name"], made["out"]) == ("bursts", None)
    shown = smartscale("traces", "show", "bursts", "--json").document
    assert shown["trace_id"] == made["trace_id"]
    assert shown["row_count"] == made["rows"]
    assert shown["recipe"] == made["recipe"]
    assert "was there already" in smartscale(*args).out
