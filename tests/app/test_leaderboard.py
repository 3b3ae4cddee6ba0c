"""The leaderboard: means over seeds, the best first, baselines and bad coverage marked."""

from dataclasses import replace

import pytest

from app import leaderboard
from tests.app.evaluations import LABELS, evaluation, row

BASELINES = ("persistence", "ets")


@pytest.fixture
def made():
    return evaluation(
        [row("bilstm", 60.0, 0.8, 1.0), row("bilstm", 60.0, 0.9, 3.0, seed=1),
         row("bilstm", 300.0, 0.8, 6.0), row("ets", 60.0, 0.7, 4.0), row("ets", 300.0, 0.8, 4.0),
         row("persistence", 60.0, 0.9, 9.0), row("persistence", 300.0, 0.9, 9.0)]
    )  # fmt: skip


def test_scores_are_means_over_seeds(made):
    mine = leaderboard.scores(made).set_index(["model", "horizon_s"])
    assert mine.loc[("bilstm", 60.0), "pinball"] == 2.0
    assert mine.loc[("bilstm", 60.0), "coverage"] == pytest.approx(0.85)
    assert mine.loc[("bilstm", 60.0), "raw_coverage"] == pytest.approx(0.6)


def test_the_order_is_that_of_the_chosen_horizon(made):
    one = leaderboard.ranked(made, BASELINES, 60.0)
    assert list(one["model"]) == ["bilstm", "ets", "persistence"]
    assert one["against"].iloc[0] == pytest.approx(2.0 / 4.0 - 1)
    assert leaderboard.ranked(made, BASELINES, 300.0)["model"].iloc[0] == "ets"
    assert leaderboard.ranked(made, BASELINES, None)["pinball"].iloc[0] == 4.0


def test_marks_tell_the_best_the_baselines_and_what_to_use(made):
    rows = leaderboard.ranked(made, BASELINES, 60.0)
    table = leaderboard.table(rows, LABELS, BASELINES, "ets", "requests/s")
    first, second, _ = table["Forecaster"]
    assert "BiLSTM" in first and "best" in first and "use this" not in first
    assert "use this" in second and "baseline" in second
    assert "too wide" in table["Coverage"][0]
    assert "too narrow" in table["Coverage"][1]
    assert table["Against baseline"][0].replace("\N{NO-BREAK SPACE}", " ") == "−50 %"
    assert table["Pinball loss (requests/s)"][0].startswith("**2")


@pytest.mark.parametrize(("fit_s", "said"), [(0.2, ""), (41.0, "(41 s)"), (72.0, "(1 min)")])
def test_a_fit_is_told_in_seconds_or_whole_minutes(made, fit_s, said):
    slow = replace(made, fit_s={**made.fit_s, "bilstm": fit_s})
    rows = leaderboard.ranked(slow, BASELINES, 60.0)
    table = leaderboard.table(rows, LABELS, BASELINES, "ets", "requests/s")
    told = table["Time (fit)"][0].replace("\N{NO-BREAK SPACE}", " ")
    assert told.endswith(f"ms {said}".strip())
