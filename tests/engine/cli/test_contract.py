"""What scripts rely on: one JSON document on stdout, messages on stderr, four exit codes."""

import subprocess
import sys

import click
import pytest

from engine.cli import entry
from engine.cli.entry import smartscale as root
from engine.cli.studying import STUDIES
from engine.errors import (
    PolicyError,
    ReplayCancelled,
    ScenarioError,
    StoreError,
    TraceError,
    UsageError,
)
from engine.learn.adapt_loop import Ending
from engine.manifests import to_yaml
from engine.scenario import Scenario

pytestmark = pytest.mark.slow


def every_command(group=root, above=()):
    for name, command in group.commands.items():
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from every_command(command, (*above, name))


NO_BETTER = Ending(before=0.5, best=0.5, best_episode=0, episodes=1, stopped="episodes")
COMMANDS = dict(every_command())
SERVES = ("dashboard",)  # prints no results


def answers(demand_file, scenario_file, tmp_path, run_ids):
    """Arguments that make each command answer."""
    one, other, sweep_id = run_ids
    return {
        ("import",): [demand_file],
        ("traces",): [],
        ("traces", "show"): ["demand"],
        ("traces", "rename"): ["demand", "renamed"],
        ("traces", "delete"): ["renamed", "--force"],
        ("synth",): ["diurnal", "--duration", 60, "--rate", 2, "--out", tmp_path / "made.csv"],
        ("replay",): ["--trace", "demand", "--policy", "static,hpa", "--scenario", scenario_file],
        ("compare",): [one, other, "--no-tuned-hpa", "--no-known-future"],
        ("runs",): [],
        ("route",): [one, "--at", "60"],
        ("runs", "delete"): [one],
        ("explain",): [other, "--decision", 3, "--counterfactual", "one-more", "--horizon", 60],
        ("faithfulness",): [other],
        ("reviews",): [other, "--decision", 3, "--by", "Ada", "--verdict", "agree"],
        ("evaluate",): ["--trace", "demand", "--policy", "reactive:target=0.7", "--processes", 1],
        ("champion",): ["--trace", "demand", "--at", "600", "--lookback", "1:00:00"],
        ("sweep",): [
            "--trace",
            "demand",
            "--policy",
            "hpa",
            "--vary",
            "policy.target=0.5,0.7",
            "--scenario",
            scenario_file,
            "--processes",
            1,
        ],
        ("sweeps",): [],
        ("sweeps", "show"): [sweep_id],
        ("sweeps", "go-on"): [sweep_id, "--processes", 1],
        ("sweeps", "delete"): [sweep_id],
        ("tune",): [
            "hpa",
            "--trace",
            "demand",
            "--scenario",
            scenario_file,
            "--samples",
            5,
            "--processes",
            1,
        ],
        ("traces", "derive"): ["demand", "--step", "scale by=2", "--name", "twice"],
        ("report",): ["--baseline", one, other, "--out", tmp_path / "report.json"],
        ("claims",): [],
        ("forecast",): [],
        ("forecast", "models"): [],
        ("forecast", "evaluate"): ["--trace", "demand", "--models", "persistence", "--seeds", "0"],
        ("forecast", "show"): ["--trace", "demand", "--at", "600", "--model", "persistence"],
        ("forecast", "fit"): ["--trace", "week", "--step", 3600, "--epochs", 1],
        ("forecast", "train"): ["--out", tmp_path / "net", "--series", 20, "--epochs", 1],
        ("forecast", "card"): ["--checkpoint", tmp_path / "net"],
        ("train",): ["lookahead", "--out", tmp_path / "net2", "--paths", 10, "--epochs", 1],
        ("study",): ["ablation", "--out", tmp_path / "study"],
        ("adapt",): ["--trace", "half-day", "--episodes", 3, "--name", "mine"],
        ("allocators",): [],
        ("allocators", "table"): [],
        ("allocators", "use"): ["shipped"],
        ("policies",): [],
        ("scenario",): [],
        ("scenario", "show"): [scenario_file],
        ("scenario", "check"): [scenario_file],
        ("manifests",): [],
        ("manifests", "export"): [scenario_file],
        ("manifests", "import"): [manifest_file(tmp_path)],
        ("warm",): [],
    }


def manifest_file(folder):
    path = folder / "deployed.yaml"
    path.write_text(to_yaml(Scenario()), encoding="utf-8")
    return path


def test_every_command_that_prints_results_answers_with_one_json_document(
    stocked, demand_file, scenario_file, tmp_path, monkeypatch
):
    monkeypatch.setattr("engine.cli.warming.remove_stale_kernels", list)
    monkeypatch.setattr("engine.forecast.training_card.score_families", lambda _: [])
    monkeypatch.setattr("engine.learn.adapt.fine_tune", lambda *_, **__: NO_BETTER)
    monkeypatch.setattr("engine.learn.ablation.ablation", lambda *_, **__: {"markdown": ""})
    stocked("synth", "diurnal", "--duration", 7 * 86400, "--rate", 0.01, "--import",
            "--name", "week")  # fmt: skip
    stocked("synth", "diurnal", "--duration", 30_000, "--rate", 0.5, "--import",
            "--name", "half-day")  # fmt: skip
    replay = ["--trace", "demand", "--policy", "static,hpa", "--scenario", scenario_file]
    made = stocked("replay", *replay, "--json").document
    swept = stocked("sweep", "--trace", "demand", "--policy", "hpa", "--vary",
                    "policy.target=0.5,0.6", "--scenario", scenario_file, "--processes", 1,
                    "--json").document  # fmt: skip
    ids = [*(run["run_id"] for run in made["runs"]), swept["sweep_id"]]
    cases = answers(demand_file, scenario_file, tmp_path, ids)
    assert {*cases, SERVES, ("bench",)} == COMMANDS.keys()
    # Deleting comes last, renaming just before it, and a card after what it describes.
    last = ("card", "rename", "delete")
    order = sorted(
        cases, key=lambda name: (last.index(name[-1]) + 1 if name[-1] in last else 0, name)
    )
    for name in order:
        ended = stocked(*name, *cases[name], "--json")
        assert ended.code == 0, (name, ended.err)
        assert isinstance(ended.document, dict), name


@pytest.mark.parametrize("what", STUDIES)
def test_every_study_answers_with_its_own_document(smartscale, tmp_path, monkeypatch, what):
    makers = {
        "ablation": "ablation.ablation", "transfer": "transfer.transfer",
        "adapt": "adapt_study.adapt_study", "clusters": "crowding.crowding",
        "sizes": "size_study.size_study", "routing": "route_study.study",
    }  # fmt: skip
    for study, maker in makers.items():
        monkeypatch.setattr(f"engine.learn.{maker}", lambda *_, s=study, **__: {"markdown": s})
    ended = smartscale("study", what, "--out", tmp_path, "--json")
    assert (ended.code, ended.document) == (0, {"markdown": what})


@pytest.mark.parametrize("name", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_and_takes_json_and_store(smartscale, name):
    ended = smartscale(*name, "--help")
    assert ended.code == 0
    assert "--json" in ended.out
    assert "--store" in ended.out
    assert COMMANDS[name].get_short_help_str(100).endswith(".")


def test_the_first_page_lists_all_commands_without_cutting_a_sentence(smartscale):
    ended = smartscale("--help")
    listed = ended.out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == sorted(root.commands)
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError, 2),
        (TraceError, 3),
        (StoreError, 3),
        (ScenarioError, 3),
        (PolicyError, 3),
        (ReplayCancelled, 130),
        (KeyboardInterrupt, 130),
        (RuntimeError, 1),
        (BrokenPipeError, 0),
    ],
)
def test_each_kind_of_ending_has_its_exit_code(smartscale, monkeypatch, error, code):
    def fail(*_):
        raise error("what is wrong", "where it is", "How to fix it")

    monkeypatch.setattr("engine.policies.registry.available", fail)
    monkeypatch.setattr(entry.os, "dup2", lambda *_: None)
    for options in ([], ["--json"]):
        ended = smartscale("policies", *options)
        assert ended.code == code
        assert ended.out == ""
        assert "Traceback" not in ended.err


def test_a_fault_of_the_input_says_what_where_and_how_to_fix_it(smartscale, tmp_path):
    ended = smartscale("import", tmp_path / "nowhere.csv")
    assert ended.code == 3
    assert ended.out == ""
    first, where, fix = ended.err.splitlines()
    assert first.startswith("Error: ")
    assert "nowhere.csv" in where
    assert where.startswith("  where: ")
    assert fix.startswith("  fix:   ")


def test_a_bug_of_ours_says_so_and_how_to_get_the_stack_trace(smartscale, monkeypatch):
    monkeypatch.setattr("engine.policies.registry.available", {}.popitem)
    ended = smartscale("policies")
    assert ended.code == 1
    assert "bug in SmartScale" in ended.err
    assert "SMARTSCALE_DEBUG=1" in ended.err
    monkeypatch.setenv("SMARTSCALE_DEBUG", "1")
    assert "Traceback" in smartscale("policies").err


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["replai"],
        ["traces", "shwo"],
        ["replay", "--policy", "hpa"],
        ["replay", "--trace", "demand"],
        ["replay", "--trace", "demand", "--policy", "hpa", "--seed", "3"],
        ["replay", "--trace", "demand", "--policy", "hpa", "--set", "seed"],
        ["replay", "--trace", "demand", "--policy", "hpa,hpa"],
        ["replay", "--trace", "demand", "--policy", "hpa", "--from", "soon"],
        ["replay", "--trace", "demand", "--policy", "hpa", "--from", "2024-01-01"],
        ["replay", "--trace", "demand", "--policy", "hpa", "--from", "5000"],
        ["import"],
        ["import", "a.csv", "b.csv", "--name", "both"],
        ["import", "a.csv", "--map", "arrival"],
        ["import", "a.csv", "--option", "sead=3"],
        ["import", "a.csv", "--option", "seed=x"],
        ["import", "a.csv", "--option", "scale=-1"],
        ["synth", "diurnal", "--duration", "60", "--rate", "2"],
        ["synth", "weekly", "--duration", "60", "--rate", "2", "--import"],
        ["synth", "diurnal", "--duration", "60", "--rate", "2", "--import", "--set", "x=1"],
        ["synth", "diurnal", "--duration", "60", "--rate", "2", "--seed", "-1", "--import"],
        ["synth", "diurnal", "--duration", "60", "--rate", "2", "--out", "made.xls"],
        ["compare"],
        ["forecast", "evaluate"],
        ["forecast", "evaluate", "--trace", "demand", "--models", "bilstn"],
        ["forecast", "evaluate", "--trace", "demand", "--models", ","],
        ["forecast", "evaluate", "--trace", "demand", "--seeds", "0.5"],
        ["forecast", "evaluate", "--trace", "demand", "--horizons", "soon"],
        ["forecast", "evaluate", "--trace", "demand", "--unit", "busy slots"],
        ["forecast", "show", "--trace", "demand"],
        ["forecast", "show", "--trace", "demand", "--at", "5000"],
        ["forecast", "show", "--trace", "demand", "--at", "600", "--model", "bilstm-fitted"],
        ["forecast", "fit", "--trace", "demand", "--epochs", "0"],
        ["forecast", "train", "--out", "there", "--core", "gru"],
        ["forecast", "train", "--out", "there", "--series", "1"],
        ["forecast", "card"],
        ["sweep", "--trace", "demand", "--policy", "hpa", "--vary", "policy.target"],
        ["sweep", "--trace", "demand", "--policy", "hpa", "--vary", "policy.target=0.1..0.9"],
        ["sweep", "--trace", "demand", "--policy", "hpa", "--vary", "seed=1,2", "--keep", "p=1"],
        ["tune", "static", "--trace", "demand"],
        ["champion", "--trace", "demand", "--lookback", "0:59:59"],
        ["champion", "--trace", "demand", "--lead", "1.1"],
        ["traces", "derive", "demand", "--step", "double"],
        ["traces", "derive", "demand", "--step", "scale by=-1"],
        ["runs", "delete"],
        ["bench", "everything"],
        ["dashboard", "--port", "99999"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_prints_nothing_on_stdout(stocked, args):
    ended = stocked(*args)
    assert ended.code == 2, ended.err
    assert ended.out == ""
    assert ended.err


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["traces", "show", "demnad"], "Did you mean 'demand'"),
        (["traces", "delete", "other"], "demand"),
        (["replay", "--trace", "demnad", "--policy", "hpa"], "Did you mean 'demand'"),
        (["replay", "--trace", "demand", "--policy", "hap"], "Did you mean 'hpa'"),
        (["replay", "--trace", "demand", "--policy", "hpa:target=7"], "0 and up to 1"),
        (["replay", "--trace", "demand", "--policy", "hpa:target"], "hpa:target=0.6"),
        (["replay", "--trace", "demand", "--policy", "hpa", "--set", "sede=3"], "'seed'"),
        (["replay", "--trace", "demand", "--policy", "hpa", "--scenario", "lm"], "llm-agents, "),
        (["replay", "--trace", "demand", "--policy", "hpa", "--scenario", "no.toml"], "path"),
        (["compare", "abcdef"], "Replay a trace first"),
        (["forecast", "evaluate", "--trace", "demnad"], "Did you mean 'demand'"),
        (["forecast", "card", "--checkpoint", "nowhere"], "smartscale forecast train"),
        (["scenario", "show", "tools-workers"], "'tool-workers'"),
        (["scenario", "check", "no.toml"], "path"),
        (["synth", "diurnal", "--duration", "-1", "--rate", "2", "--import"], "366 days"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_faults_of_the_input_end_with_3_and_a_hint(stocked, args, hint):
    ended = stocked(*args, "--json")
    assert ended.code == 3, ended.err
    assert ended.out == ""
    assert hint in ended.err


@pytest.mark.parametrize("place", ["before", "between", "after"])
def test_store_and_json_may_stand_before_or_after_the_command(
    stocked, demand_file, tmp_path, place
):
    other = tmp_path / "other" / "place.duckdb"
    options = ["--store", other, "--json"]
    args = {
        "before": [*options, "traces", "show", "demand"],
        "between": ["traces", *options, "show", "demand"],
        "after": ["traces", "show", "demand", *options],
    }[place]
    assert stocked(*args).code == 3
    stocked("import", demand_file, "--store", other)
    assert stocked(*args).document["name"] == "demand"


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from engine.cli import main; code = main(['--help']); "
        "heavy = {'streamlit', 'numba', 'duckdb', 'pandas', 'numpy', 'pyarrow', 'rich'}; "
        "sys.exit(code or ', '.join(heavy & set(sys.modules)) or 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_pipe_that_is_closed_early_is_no_error():
    code = "import sys; from engine.cli import main; sys.exit(main(['scenario', 'show']))"
    ended = subprocess.run(
        ["bash", "-c", f'set -o pipefail; {sys.executable} -c "{code}" | true'],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stderr == ""


def test_output_to_a_file_has_no_colours_and_is_not_cut(stocked, scenario_file):
    ended = stocked(
        "replay", "--trace", "demand", "--policy", "static,threshold,hpa,hpa:metric=in_flight",
        "--scenario", scenario_file,
    )  # fmt: skip
    assert ended.code == 0
    assert "\x1b" not in ended.out + ended.err
    assert "…" not in ended.out
    assert "hpa:metric=in_flight" in ended.out
