"""Verdicts follow from figures, figures from stored runs, and rows without a run say so."""

from dataclasses import replace

import pytest

from engine.claims import report
from engine.claims.arithmetic import arithmetic
from engine.claims.experiments import EXPERIMENTS, SEEDS, judged, verdict
from engine.claims.model import Verdict
from engine.claims.unanswered import unanswered
from engine.planner import Planner


@pytest.mark.parametrize(
    ("claimed", "ours", "spread", "expected"),
    [
        (90.0, 85.0, 15.0, Verdict.MATCHED),
        (90.0, 95.0, 0.0, Verdict.MATCHED),  # within a tenth
        (90.0, 60.0, 5.0, Verdict.WEAKER),
        (90.0, 130.0, 5.0, Verdict.STRONGER),
        (-45.0, -60.0, 1.0, Verdict.STRONGER),
        (-45.0, -20.0, 1.0, Verdict.WEAKER),
        (45.0, -8.0, 1.0, Verdict.NOT_REPRODUCIBLE),  # the opposite
        (45.0, None, 0.0, Verdict.NO_RUN),
    ],
)
def test_the_verdict_follows_from_claim_figure_and_interval(claimed, ours, spread, expected):
    assert verdict(claimed, ours, spread) is expected


def test_our_figure_is_the_mean_over_seeds_with_a_t_interval():
    made = judged(EXPERIMENTS[0], [30.0, 34.0, 38.0], ["a", "b", "c"])
    assert made.ours == pytest.approx(34.0)
    assert made.high - made.ours == pytest.approx(2.9199856 * 4 / 3**0.5)
    assert made.low == pytest.approx(2 * made.ours - made.high)
    assert made.runs == ("a", "b", "c")


def test_without_runs_every_row_says_so(tmp_path):
    with Planner(tmp_path / "store.duckdb") as planner:
        found = planner.claims()
    tried = found[: len(EXPERIMENTS)]
    assert all(claim.verdict is Verdict.NO_RUN and claim.ours is None for claim in tried)
    assert len({(claim.key, claim.text) for claim in found}) == len(found)


def test_arithmetic_contradicts_or_confirms_with_both_numbers():
    found = arithmetic()
    assert {claim.verdict for claim in found} == {Verdict.MATCHED, Verdict.INCONSISTENT}
    assert all(claim.ours is not None and claim.conditions for claim in found)
    opex = next(claim for claim in found if claim.key == "CL-20")
    assert opex.ours == pytest.approx(2_803_200)


def test_rows_without_a_figure_say_what_is_missing():
    assert all(claim.ours is None and claim.conditions for claim in unanswered())


@pytest.fixture
def small(monkeypatch):
    """The same experiments on less demand."""
    fewer = tuple(
        replace(found, duration_s=min(found.duration_s, 3600.0), mean_rate_per_s=2.0)
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
            assert len(claim.runs) in (2, 4, 2 * len(SEEDS))  # a seed without a figure adds none
        planner.run_claims()
        assert set(planner.runs()["run_id"]) == made
        assert planner.claims() == first
