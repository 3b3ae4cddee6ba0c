"""What an address says of a report's assumptions, there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.parts.report_terms import CELLS, applied, parsed, spelled, without_defaults
from engine.economics.assumptions import Assumptions
from engine.planner import Planner

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Assumptions:
    """The defaults."""
    with Planner(tmp_path_factory.mktemp("terms") / "store.duckdb") as planner:
        planner.ensure_samples()
        ids, _ = planner.demo()
        return planner.assumptions(ids)


KEYS = st.from_regex(r"[a-z_]{1,20}", fullmatch=True)
CHANGED = st.dictionaries(
    st.sampled_from(CELLS), st.floats(allow_nan=False, allow_infinity=False), min_size=1
)


@given(st.dictionaries(KEYS, CHANGED, max_size=5))
def test_what_is_spelled_is_read_again(edits):
    assert parsed(spelled(edits)) == edits


@pytest.mark.parametrize("text", ["", ",", "growth", "growth:", "growth:x", "growth.mid:1", ":1",
                                  "growth:nan", "growth:inf"])  # fmt: skip
def test_what_makes_no_sense_is_left_out(text):
    assert parsed(text) == {}


@given(st.text(max_size=60))
def test_no_address_is_too_odd(text):
    assert parsed(spelled(parsed(text))) == parsed(text)


def test_edits_that_change_nothing_are_no_edits(base):
    growth = base.find("growth")
    edits = {"growth": {"value": growth.value, "high": 0.5}, "pue": {"value": base["pue"]}}
    assert without_defaults(edits, base) == {"growth": {"high": 0.5}}


def test_a_wrong_edit_spoils_no_other(base):
    made, wrong = applied(base, {"nothing": {"value": 1.0}, "growth": {"value": 0.2}})
    assert made["growth"] == 0.2
    assert len(wrong) == 1
