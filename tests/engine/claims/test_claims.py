"""Verdicts follow from figures, figures from stored runs, and rows without a run say so."""

from dataclasses import replace

import pytest

from engine.claims import report
from engine.claims.arithmetic import arithmetic
from engine.claims.experiments import (
    BALANCED,
    COST_FIRST,
    CROWD,
    DAY,
    EXPERIMENTS,
    GUIDE_HPA,
    LATENCY_FIRST,
    OWN,
    SEEDS,
    STATIC,
    STATIC_ABOVE_RULES,
    judged,
    scenario,
    verdict,
)
from engine.claims.model import Basis, Verdict
from engine.claims.unanswered import unanswered
from engine.planner import Planner

EFFECT = replace(EXPERIMENTS[2], claimed=45.0, claimed_high=None, stronger="more", no_effect=0.0)
SAVING = replace(EFFECT, claimed=-37.0, stronger="less")
SPEED = replace(EFFECT, claimed=90.0, stronger="less")
BAND = replace(EFFECT, claimed=70.0, claimed_high=85.0, stronger="more")


@pytest.mark.parametrize(
    ("found", "ours", "spread", "expected"),
    [
        (SPEED, 85.0, 15.0, Verdict.MATCHED),
        (SPEED, 95.0, 0.0, Verdict.MATCHED),  # within a tenth
        (SPEED, 60.0, 5.0, Verdict.STRONGER),  # faster than claimed
        (SPEED, 130.0, 5.0, Verdict.WEAKER),
        (SPEED, 85.0, 60.0, Verdict.UNDECIDED),  # an interval from 25 to 145 s says nothing
        (SAVING, -60.0, 1.0, Verdict.STRONGER),
        (SAVING, -20.0, 1.0, Verdict.WEAKER),
        (SAVING, -20.0, 25.0, Verdict.UNDECIDED),  # holds the claim and no effect
        (SAVING, -5.0, 10.0, Verdict.NOT_REPRODUCIBLE),  # holds no effect, not the claim
        (SAVING, 8.0, 1.0, Verdict.NOT_REPRODUCIBLE),  # the opposite
        (EFFECT, -8.0, 1.0, Verdict.NOT_REPRODUCIBLE),
        (EFFECT, None, 0.0, Verdict.NO_RUN),
        (BAND, 84.0, 0.5, Verdict.MATCHED),
        (BAND, 77.0, 2.0, Verdict.MATCHED),
        (BAND, 95.0, 0.5, Verdict.STRONGER),
        (BAND, 50.0, 2.0, Verdict.WEAKER),
        (BAND, 75.0, 80.0, Verdict.UNDECIDED),
    ],
)
def test_the_verdict_follows_from_claim_figure_and_interval(found, ours, spread, expected):
    ends = (None, None) if ours is None else (ours - spread, ours + spread)
    assert verdict(found, ours, *ends) is expected


def test_an_interval_is_no_narrower_than_what_the_figure_can_tell():
    made = judged(replace(EFFECT, resolution=2.0), [45.0, 45.0, 45.0], ["a"])
    assert (made.low, made.high) == (43.0, 47.0)


def test_one_seed_has_no_interval():
    made = judged(EFFECT, [45.0], ["a", "b"])
    assert (made.low, made.high, made.verdict) == (None, None, Verdict.MATCHED)


def test_what_follows_from_two_published_figures_is_computed():
    assert pytest.approx(44.7368, abs=1e-4) == STATIC_ABOVE_RULES


def test_our_figure_is_the_mean_over_seeds_with_a_t_interval():
    made = judged(EXPERIMENTS[0], [30.0, 34.0, 38.0], ["a", "b", "c"])
    assert made.ours == pytest.approx(34.0)
    assert made.high - made.ours == pytest.approx(2.9199856 * 4 / 3**0.5)
    assert made.low == pytest.approx(2 * made.ours - made.high)
    assert made.runs == ("a", "b", "c")


def _cards():
    """By policy: costs and P99s that no two share, so that a mix-up shows."""
    names = (OWN, GUIDE_HPA, STATIC, BALANCED, LATENCY_FIRST, COST_FIRST)
    return {
        name: {"cost_usd": 100.0 + 10 * n, "p99_s": 20.0 + n, "utilisation_frac": 0.5 + n / 100,
               "reaction_s": 30.0 + n, "failure_frac": 0.001 * n**2}
        for n, name in enumerate(names)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("SmartScale's P99 against rule-based scaling, a crowd", 100 * (20 / 21 - 1)),
        ("SmartScale's P99 against rule-based scaling, a day", 100 * (20 / 21 - 1)),
        ("SmartScale's cost against static capacity", 100 * (100 / 120 - 1)),
        ("SmartScale's mean utilisation", 50.0),
        ("SmartScale's failures beyond static's, a crowd", -0.4),
        ("SmartScale's failures beyond static's, a day", -0.4),
        ("SmartScale scales out in a flash crowd within", 30.0),
        ("Latency first: cost against balanced", 100 * (140 / 130 - 1)),
        ("Latency first: latency against balanced", 100 * (24 / 23 - 1)),
        ("Cost first: cost against balanced", 100 * (150 / 130 - 1)),
        ("Cost first: latency against balanced", 100 * (25 / 23 - 1)),
    ],
)
def test_what_is_claimed_for_the_allocator_is_read_from_the_runs_it_names(text, ours):
    (found,) = (each for each in EXPERIMENTS if each.text == text)
    cards = {name: card for name, card in _cards().items() if name in found.policies}
    assert found.read(cards) == pytest.approx(ours)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ((0.0, 0.0, 0.0), Verdict.MATCHED),
        ((-2.1, -2.0, -1.9), Verdict.STRONGER),
        ((0.39, 0.4, 0.41), Verdict.WEAKER),
        ((-1.0, 0.0, 1.0), Verdict.UNDECIDED),
        ((1.9, 2.0, 2.1), Verdict.NOT_REPRODUCIBLE),
    ],
)
def test_as_reliable_as_static_capacity_is_refuted_by_a_percentage_point(points, expected):
    tried = [each for each in EXPERIMENTS if each.key == "S0-R51"]
    assert {each.demand for each in tried} == {CROWD, DAY}
    assert {judged(found, points, []).verdict for found in tried} == {expected}


def test_only_where_failures_are_counted_do_requests_give_up():
    for found in EXPERIMENTS:
        (kind,) = scenario(1, found.patience_s).agent_types
        assert (kind.queue_timeout_s is None) == (found.key != "S0-R51")


def test_without_runs_every_row_says_so(tmp_path):
    with Planner(tmp_path / "store.duckdb") as planner:
        found = planner.claims()
    tried = found[: len(EXPERIMENTS)]
    assert all(claim.verdict is Verdict.NO_RUN and claim.ours is None for claim in tried)
    assert len({(claim.key, claim.text) for claim in found}) == len(found)


def test_arithmetic_contradicts_or_confirms_with_both_numbers():
    found = arithmetic()
    assert all(claim.ours is not None and claim.conditions for claim in found)
    assert {claim.basis for claim in found} == {Basis.ARITHMETIC}
    for claim in found:
        agrees = claim.claimed is not None and claim.ours == pytest.approx(claim.claimed, rel=0.02)
        assert (claim.verdict is Verdict.MATCHED) == agrees, claim.text
    opex = next(claim for claim in found if claim.key == "CL-20")
    assert opex.ours == pytest.approx(2_803_200)


def test_rows_without_a_figure_say_what_is_missing():
    found = unanswered()
    assert all(claim.ours is None and claim.conditions for claim in found)
    elsewhere = [claim for claim in found if claim.verdict is Verdict.ELSEWHERE]
    assert elsewhere
    assert all("`smartscale " in claim.conditions for claim in elsewhere)
    assert {"S0-R53", "S0-R57"} <= {claim.key for claim in elsewhere}


@pytest.mark.parametrize(
    "key", [f"CL-{number}" for number in (*range(1, 7), 9, *range(13, 25), 26, 30)]
)
def test_every_headline_of_the_ledger_has_a_row(key):
    keys = {claim.key for claim in (*arithmetic(), *unanswered())}
    assert key in keys | {found.key for found in EXPERIMENTS}


def test_a_figure_that_was_never_published_is_never_matched():
    (found,) = (claim for claim in arithmetic() if claim.key == "CL-24")
    assert found.claimed is None
    assert found.ours == pytest.approx(2.195e6, rel=1e-3)
    assert found.verdict is Verdict.NOT_REPRODUCIBLE


@pytest.fixture
def small(monkeypatch):
    """The same experiments on less demand."""
    fewer = tuple(
        replace(
            found,
            demand=replace(
                found.demand, duration_s=min(found.demand.duration_s, 3600.0), mean_rate_per_s=2.0
            ),
        )
        for found in EXPERIMENTS
    )
    monkeypatch.setattr(report, "EXPERIMENTS", fewer)
    return fewer


@pytest.mark.slow
def test_the_suite_answers_what_it_can_and_keeps_what_is_there(tmp_path, small):
    with Planner(tmp_path / "store.duckdb") as planner:
        seen = []
        planner.run_claims(lambda fraction, text: seen.append(fraction))
        assert (seen[0], seen[-1]) == (0.0, 1.0)
        first = planner.claims()
        made = set(planner.runs()["run_id"])
        answered = [claim for claim in first[: len(small)] if claim.ours is not None]
        assert len(answered) >= 2
        for claim in answered:
            assert set(claim.runs) <= made
            assert 1 <= len(claim.runs) <= 2 * len(SEEDS)  # a seed without a figure adds none
        planner.run_claims()
        assert set(planner.runs()["run_id"]) == made
        assert planner.claims() == first
