"""Claims: all of them with a verdict, filtered by it."""

from app import words
from engine.claims.experiments import EXPERIMENTS
from engine.claims.model import Verdict
from tests.app.conftest import text_of


def test_every_claim_is_listed_with_its_verdict(store, open_page):
    page = open_page("claims")
    assert words.CLAIMS_INTRO in text_of(page)
    shown = page.table[0].value
    assert len(shown) > 20
    assert list(shown.columns)[:2] == ["Claim", "Verdict"]
    assert set(shown["Verdict"]) <= {f"**{verdict.value}**" for verdict in Verdict}
    assert (
        shown.loc[shown["Verdict"] == f"**{Verdict.NO_RUN.value}**", "Ours (90 % interval)"] == ""
    ).all()


def test_rows_that_a_command_measures_are_told_from_those_that_wait(store, open_page):
    page = open_page("claims")
    said = text_of(page)
    assert f"{len(EXPERIMENTS)} rows have no run yet" in said
    assert "measured by a command that keeps nothing here; each names it" in said
    shown = page.table[0].value
    elsewhere = shown[shown["Verdict"] == f"**{Verdict.ELSEWHERE.value}**"]
    assert len(elsewhere)
    assert elsewhere["Conditions"].str.contains("smartscale").all()


def test_claims_are_filtered_by_verdict(store, open_page):
    page = open_page("claims")
    page.button_group(key="claims_verdicts").set_value([Verdict.INCONSISTENT.value]).run()
    assert not page.exception
    assert set(page.table[0].value["Verdict"]) == {f"**{Verdict.INCONSISTENT.value}**"}
