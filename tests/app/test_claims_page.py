"""Claims: all of them with a verdict, filtered by it."""

from app import words
from engine.claims.model import Verdict
from tests.app.conftest import text_of


def test_every_claim_is_listed_with_its_verdict(store, open_page):
    page = open_page("claims")
    assert words.CLAIMS_INTRO in text_of(page)
    shown = page.dataframe[0].value
    assert len(shown) > 20
    assert set(shown["Verdict"]) <= {verdict.value for verdict in Verdict}
    assert (shown.loc[shown["Verdict"] == Verdict.NO_RUN.value, "Ours"] == "").all()


def test_claims_are_filtered_by_verdict(store, open_page):
    page = open_page("claims")
    page.button_group(key="claims_verdicts").set_value([Verdict.INCONSISTENT.value]).run()
    assert not page.exception
    assert set(page.dataframe[0].value["Verdict"]) == {Verdict.INCONSISTENT.value}
