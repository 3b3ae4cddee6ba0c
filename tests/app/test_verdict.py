"""The sentence says what the figures say: who keeps the SLO, who is cheaper, by how much."""

import pandas as pd
import pytest

from app.verdict import figures_of, verdict
from engine.scenario import Slo

SLO = Slo(latency_s=30.0, attainment_frac=0.99)


def said(cards: dict[str, tuple[float | None, float | None]], baseline="a", **more):
    """The verdict on runs given as {name: (attainment, cost)}."""
    figures = {
        run: {"slo_attainment_frac": met, "cost_usd": cost} for run, (met, cost) in cards.items()
    }
    return verdict(figures, list(cards), {run: run for run in cards}, baseline, SLO, **more)


def test_the_cheapest_that_keeps_the_promise_is_named():
    result = said({"a": (0.999, 100.0), "b": (0.992, 69.0), "c": (0.9, 10.0)})
    assert result.kept
    assert result.headline == (
        "b is the cheapest that keeps the promise of 99 % within 30 s: "
        "99.20 % for $69.00, 31 % less than a."
    )


def test_each_other_run_is_measured_against_the_baseline():
    result = said({"a": (0.999, 100.0), "b": (0.978, 69.0), "c": (0.9995, 320.0)})
    assert result.details == (
        "b cost 31 % less than a and missed the SLO 2.1 points more often.",
        "c cost 3.20 times as much as a and missed the SLO 0.05 points less often.",
    )


def test_what_is_alike_is_called_alike():
    result = said({"a": (0.999, 100.0), "b": (0.99902, 100.2)})
    assert result.details == ("b cost as much as a and met the SLO equally often.",)


def test_a_broken_promise_names_who_came_closest():
    result = said({"a": (0.5, 100.0), "b": (0.98, 300.0)})
    assert not result.kept
    assert result.headline == (
        "No run keeps the promise of 99 % within 30 s; b comes closest: 98 %."
    )


@pytest.mark.parametrize(
    ("met", "headline"),
    [
        (0.995, "a keeps the promise of 99 % within 30 s: 99.50 % for $100.00."),
        (0.9, "a does not keep the promise of 99 % within 30 s: 90 %."),
    ],
)
def test_one_run_alone_is_not_compared(met, headline):
    result = said({"a": (met, 100.0)})
    assert result.headline == headline
    assert result.details == ()


def test_a_window_is_said_to_be_one():
    assert said({"a": (0.999, 1.0)}, part=True).headline.startswith("In this window: a keeps")


def test_nothing_is_claimed_where_nothing_was_measured():
    result = said({"a": (None, 0.0), "b": (None, 0.0)})
    assert not result.kept
    assert "No request arrived" in result.headline
    assert result.details == ()


def test_a_missing_value_is_none_and_not_zero():
    frame = pd.DataFrame(
        {"run_id": ["a", "a"], "figure": ["p95_s", "cost_usd"], "value": [None, 3.0]}
    )
    assert figures_of(frame) == {"a": {"p95_s": None, "cost_usd": 3.0}}
