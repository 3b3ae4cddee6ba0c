"""`smartscale forecast`: tables, Markdown and JSON say the same; long work can be stopped."""

import re
import shutil

import pytest

from engine.cli.forecast_tables import horizon
from engine.cli.session import progress_bar
from engine.forecast.neural import SHIPPED
from engine.planner import Planner
from tests.engine.cli.test_stopping import interrupt  # noqa: F401 - a fixture

pytestmark = pytest.mark.slow

QUICK = ["--models", "persistence,ets,bilstm", "--seeds", "0", "--origins", "20"]


@pytest.fixture
def evaluated(stocked, tmp_path):
    """One evaluation, as a document and as Markdown."""
    out = tmp_path / "table.md"
    ended = stocked("forecast", "evaluate", "--trace", "demand", *QUICK, "--out", out, "--json")
    assert ended.code == 0, ended.err
    return ended, out.read_text("utf-8")


def test_an_evaluation_answers_with_scores_per_model_seed_and_horizon(evaluated):
    ended, _ = evaluated
    (found,) = ended.document["evaluations"]
    assert found["horizons_s"] == [30]
    assert {(row["model"], row["horizon_s"]) for row in found["rows"]} >= {
        (model, at) for model in ("persistence", "ets", "bilstm", "choice") for at in (30,)
    }
    for row in found["rows"]:
        assert row["used"].keys() == {"pinball", "mase", "wape", "coverage", "width"}
    assert found["forecast_ms"]["bilstm"] > 0
    cells = ended.document["cells"]
    assert [cell["horizon_s"] for cell in cells] == [30]
    assert all(0 <= cell["p_value"] <= 1 for cell in cells)
    assert ended.document["verdict"]["cells"] == 1
    assert "left out 120 s" in ended.err
    assert found["ends"] == [found["steps"]]
    assert "judged at" not in ended.err


def test_the_markdown_holds_a_row_per_cell_and_the_command_that_made_it(evaluated):
    ended, text = evaluated
    command = "smartscale forecast evaluate --trace demand --models persistence,ets,bilstm "
    assert text.startswith(f"Made by `{command}--seeds 0 --origins 20`.")
    lines = [line for line in text.splitlines() if line.startswith("| demand | ")]
    assert len(lines) == len(ended.document["cells"])
    for line, cell in zip(lines, ended.document["cells"], strict=True):
        parts = [part.strip() for part in line.strip("|").split("|")]
        assert parts[1:3] == [horizon(cell["horizon_s"]), cell["best_baseline"]]
        assert parts[6] == f"{cell['difference_frac']:+.1%}"
        assert parts[8] == f"{cell['coverage']:.0%}"
    assert "| persistence | " in text
    assert "Ours has less loss than the best baseline in " in text
    assert "900 s, 3600 s (demand): the test part" in text


def test_the_ends_that_a_short_trace_is_judged_at_are_told(stocked, tmp_path):
    stocked("synth", "bursty", "--duration", 1500, "--rate", 2, "--import", "--name", "short")
    out = tmp_path / "table.md"
    ended = stocked(
        "forecast", "evaluate", "--trace", "short", "--models", "persistence", "--horizons", "30",
        "--out", out, "--json",
    )  # fmt: skip
    (found,) = ended.document["evaluations"]
    ends = found["ends"]
    assert (len(ends), ends[-1]) == (4, found["steps"])
    assert f"short: judged at 4 ends, {', '.join(map(str, ends))} steps." in ended.err
    assert "short at 4 ends, all outcomes together" in out.read_text("utf-8")


def test_several_traces_make_one_table(stocked):
    stocked("synth", "bursty", "--duration", 900, "--rate", 2, "--import", "--name", "other")
    ended = stocked(
        "forecast", "evaluate", "--trace", "demand", "--trace", "other", "--trace", "demand",
        "--models", "persistence,ets", "--seeds", "0", "--origins", "20",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    heading = next(line for line in ended.out.splitlines() if "best baseline's" in line)
    assert heading.split()[-5:] == ["demand", "other", "MASE", "coverage", "ms"]
    assert "No baseline was compared" not in ended.out


def test_without_a_baseline_nothing_is_compared(stocked):
    ended = stocked(
        "forecast", "evaluate", "--trace", "demand", "--models", "bilstm", "--seeds", "0"
    )
    assert ended.code == 0, ended.err
    assert "No baseline was compared with ours." in ended.out


def test_a_forecast_shows_quantiles_beside_what_came(stocked):
    args = ["forecast", "show", "--trace", "demand", "--at", "600", "--model", "persistence"]
    document = stocked(*args, "--json").document
    assert document["cut_s"] == 600
    assert len(document["horizons_s"]) == len(document["quantiles"]) == len(document["came"])
    assert document["came"][0] is not None
    assert document["came"][-1] is None  # after the end of the trace
    shown = stocked(*args).out
    assert "known until" in shown
    soon = document["horizons_s"].index(30)
    assert f"{document['quantiles'][soon][1]:.4g}" in shown
    raw = stocked(*args, "--raw", "--json").document
    assert raw["calibrated_on"] == 0 < document["calibrated_on"]


def test_a_forecast_shows_the_usual_horizons(stocked):
    stocked("synth", "bursty", "--duration", 4 * 3600, "--rate", 1, "--import", "--name", "long")
    args = ["forecast", "show", "--trace", "long", "--at", "3:00:00", "--model", "persistence"]

    def ahead(*more):
        lines = stocked(*args, *more).out.splitlines()
        number, unit = r"^\W*(\d+(?:\.\d+)?)", r"(s|min|h)\b"
        found = [re.match(rf"{number} {unit}", line) for line in lines]
        return [f"{match[1]} {match[2]}" for match in found if match]

    assert ahead() == ["30 s", "1 min", "2 min", "5 min", "15 min", "1 h"]
    assert ahead("--step", 60) == ["1 min", "2 min", "5 min", "15 min", "1 h"]
    assert ahead("--step", 300) == ["5 min", "15 min", "1 h"]


def test_a_forecast_has_the_quantiles_that_are_asked_for(stocked):
    args = ["forecast", "show", "--trace", "demand", "--at", "600", "--model", "persistence"]
    asked = stocked(*args, "--levels", "0.95,0.05,0.5,0.2", "--json").document
    assert asked["levels"] == [0.05, 0.2, 0.5, 0.95]
    for row in asked["quantiles"]:
        assert row == sorted(row)
        assert len(row) == 4
    usual = stocked(*args, "--json").document
    assert usual["levels"] == [0.1, 0.5, 0.9]
    widths = [found["quantiles"][0][-1] - found["quantiles"][0][0] for found in (usual, asked)]
    assert widths[0] < widths[1]
    assert "0.95" in stocked(*args, "--levels", "0.05,0.95").out


@pytest.mark.parametrize("levels", ["0,0.5", "1", "nan", "", "low", "0.5,-0.1"])
def test_levels_that_are_none_are_refused(stocked, levels):
    ended = stocked(
        "forecast", "show", "--trace", "demand", "--at", "600", "--levels", levels
    )  # fmt: skip
    assert (ended.code, ended.out) == (2, "")
    assert "--levels" in ended.err


@pytest.mark.parametrize("seeds", ["nan", "inf", "99999999999999999999", "2147483648", "-1"])
def test_seeds_are_whole_numbers_that_libraries_take(stocked, seeds):
    ended = stocked(
        "forecast", "evaluate", "--trace", "demand", "--models", "persistence", f"--seeds={seeds}"
    )
    assert (ended.code, ended.out) == (2, "")
    assert "whole numbers of 0 to 2147483647" in ended.err


def test_an_evaluation_says_which_forecaster_to_use(stocked):
    args = ["forecast", "evaluate", "--trace", "demand", *QUICK]
    use = stocked(*args, "--json").document["evaluations"][0]["use"]
    said = stocked(*args).out
    assert f"demand: use {use}; it lost least" in said or (
        "demand: use choice, the mean of" in said and f"{use} alone lost least" in said
    )


def test_the_choice_is_drawn_with_the_last_weights_and_says_so(stocked):
    stocked("forecast", "evaluate", "--trace", "demand", *QUICK)
    shown = stocked("forecast", "show", "--trace", "demand", "--at", 600, "--model", "choice")
    assert "the weights are those that the evaluation ended with" in shown.err
    assert "members know what came before it only" in shown.err


def test_a_fitted_forecaster_is_used_and_its_hindsight_is_said(stocked):
    stocked("synth", "diurnal", "--duration", 7 * 86400, "--rate", 0.01, "--import",
            "--name", "week")  # fmt: skip
    fitted = stocked("forecast", "fit", "--trace", "week", "--step", 3600, "--epochs", 1)
    assert fitted.code == 0, fitted.err
    assert "loss on the last 15 %" in fitted.out
    args = ["--trace", "week", "--step", 3600, "--model", "bilstm-fitted"]
    early = stocked("forecast", "show", *args, "--at", "100:00")
    late = stocked("forecast", "show", *args, "--at", "150:00")
    assert (early.code, late.code) == (0, 0)
    assert "no fair test" in early.err
    assert late.err == ""


def test_ctrl_c_stops_an_evaluation_and_stores_nothing(stocked, interrupt):  # noqa: F811
    interrupt("forecasts", share=0.3)
    ended = stocked("forecast", "evaluate", "--trace", "demand", *QUICK, "--json")
    assert (ended.code, ended.out) == (130, "")
    assert "Stopped: the evaluation was cancelled" in ended.err
    with Planner() as planner:
        assert planner.evaluations("demand") == []


def test_a_training_that_is_stopped_goes_on_where_it_was(
    smartscale, tmp_path, interrupt, monkeypatch  # noqa: F811
):  # fmt: skip
    args = ["forecast", "train", "--out", tmp_path / "net", "--series", 20, "--epochs", 3]
    interrupt("forecast_training", share=0.3)
    ended = smartscale(*args)
    assert ended.code == 130
    assert "Give the same command again" in ended.err
    monkeypatch.setattr("engine.cli.forecast_training.progress_bar", progress_bar)
    done = smartscale(*args, "--json").document
    assert [epoch["epoch"] for epoch in done["curve"]][-1] == 3
    assert len(done["curve"]) < 3


def test_a_card_is_written_beside_the_checkpoint(smartscale, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.forecast.training_card.score_families", lambda _: [])
    folder = tmp_path / "net"
    shutil.copytree(SHIPPED, folder)
    (folder / "README.md").unlink(missing_ok=True)
    ended = smartscale("forecast", "card", "--checkpoint", folder, "--notes", "Made for a test.")
    assert ended.code == 0, ended.err
    card = (folder / "README.md").read_text("utf-8")
    assert card.startswith("# Forecaster: bilstm")
    assert card.endswith("Made for a test.\n")


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "5 s"), (60, "1 min"), (90, "1.5 min"), (3600, "1 h")]
)
def test_horizons_read_as_people_say_them(seconds, text):
    assert horizon(seconds) == text
