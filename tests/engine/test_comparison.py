"""Runs side by side: differences, and which of them are better."""

import math

import pandas as pd
import pytest

from engine.comparison import COLUMNS, compare
from engine.figures import FIGURES

POLICIES = {"a": "static", "b": "hpa"}


def card(**figures):
    return dict.fromkeys(FIGURES) | figures


def row_of(frame, figure, run_id):
    (row,) = frame[(frame["figure"] == figure) & (frame["run_id"] == run_id)].to_dict("records")
    return row


def compared(one, other, baseline="a"):
    return compare({"a": card(**one), "b": card(**other)}, POLICIES, baseline)


def test_there_is_a_row_for_each_figure_and_run_in_their_order():
    frame = compared({}, {})
    assert tuple(frame.columns) == COLUMNS
    assert list(zip(frame["figure"], frame["run_id"], strict=True)) == [
        (figure, run_id) for figure in FIGURES for run_id in ("a", "b")
    ]
    assert frame["policy"].tolist() == ["static", "hpa"] * len(FIGURES)


@pytest.mark.parametrize(
    ("figure", "value", "better"),
    [
        ("cost_usd", 6.0, True),
        ("cost_usd", 10.0, False),
        ("cost_usd", 8.0, None),
        ("slo_attainment_frac", 9.0, True),
        ("slo_attainment_frac", 7.0, False),
        ("requests_arrived", 9.0, None),
    ],
)
def test_a_difference_is_better_in_the_direction_of_its_figure(figure, value, better):
    row = row_of(compared({figure: 8.0}, {figure: value}), figure, "b")
    assert row["value"] == value
    assert row["baseline_value"] == 8.0
    assert row["difference"] == value - 8.0
    assert row["difference_frac"] == (value - 8.0) / 8.0
    assert row["better"] is better


def test_the_baseline_differs_in_nothing_from_itself():
    frame = compared({"cost_usd": 5.0}, {"cost_usd": 7.0}, baseline="b")
    row = row_of(frame, "cost_usd", "b")
    assert (row["difference"], row["difference_frac"], row["better"]) == (0.0, 0.0, None)
    assert row_of(frame, "cost_usd", "a")["difference"] == -2.0


@pytest.mark.parametrize(
    ("one", "other"), [({}, {"reaction_s": 3.0}), ({"reaction_s": 3.0}, {}), ({}, {})]
)
def test_what_was_not_measured_on_one_side_is_not_compared(one, other):
    row = row_of(compared(one, other), "reaction_s", "b")
    assert math.isnan(row["difference"])
    assert math.isnan(row["difference_frac"])
    assert row["better"] is None
    assert math.isnan(row["value"]) == (not other)


def test_a_difference_to_nothing_has_no_share():
    row = row_of(compared({"failure_frac": 0.0}, {"failure_frac": 0.25}), "failure_frac", "b")
    assert row["difference"] == 0.25
    assert math.isnan(row["difference_frac"])
    assert row["better"] is False


def test_figures_of_older_runs_that_lack_one_are_not_measured():
    frame = compare({"a": {"cost_usd": 1.0}, "b": {}}, POLICIES, "a")
    assert pd.isna(row_of(frame, "p95_s", "a")["value"])
    assert len(frame) == 2 * len(FIGURES)
