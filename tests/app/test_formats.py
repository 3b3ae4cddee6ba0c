"""Numbers are read as they were meant: unit, sign, and no rounding to a lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import formats


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "s", "not measured"),
        (float("nan"), "USD", "not measured"),
        (0.0, "%", "0 %"),
        (1.0, "%", "100 %"),
        (0.9731, "%", "97.3 %"),
        (0.99954, "%", "99.95 %"),
        (0.999999, "%", "above 99.99 %"),
        (0.0049, "%", "0.49 %"),
        (0.41234, "s", "0.412 s"),
        (12.345, "s", "12.3 s"),
        (1234.5, "s", "1,234 s"),
        (1238.86, "USD", "$1,238.86"),
        (0.0123, "USD", "$0.0123"),
        (19366, "requests", "19,366"),
        (1.5, "1/h", "1.50 per h"),
        (56.0, "h", "56 h"),
    ],
)
def test_a_figure_has_its_unit(value, unit, text):
    assert formats.figure(value, unit) == text


@pytest.mark.parametrize(
    ("change", "share", "unit", "text"),
    [
        (-876.32, -0.7074, "USD", "−$876.32 (−71 %)"),
        (-0.021, -0.03, "%", "−2.1 points"),
        (0.0012, None, "%", "+0.12 points"),
        (3.1, 0.12, "s", "+3.10 s (+12 %)"),
        (0.045, 55.5, "ms", "+0.045 ms (56.5 ×)"),
        (3.0, None, "1/h", "+3 per h"),
        (3.0, float("inf"), "1/h", "+3 per h"),
    ],
)
def test_a_difference_has_sign_and_unit(change, share, unit, text):
    assert formats.difference(change, share, unit) == text


@given(share=st.floats(0, 1))
def test_a_share_below_all_is_never_shown_as_all(share):
    assert (formats.percent(share) == "100 %") == (share == 1.0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.25, "0.250 s"),
        (9, "9 s"),
        (59.7, "1 min"),
        (90, "1 min 30 s"),
        (3502, "58 min 22 s"),
        (10_799.6, "3 h"),
        (5400, "1 h 30 min"),
        (86_400, "1 d"),
        (187_200, "2 d 4 h"),
        (172_799, "2 d"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds, text):
    assert formats.duration(seconds) == text


AZURE_S = 1_700_158_526.0  # 16 Nov 2023 18:15:26 UTC


@pytest.mark.parametrize(
    ("epoch_s", "from_s", "to_s", "text"),
    [
        (AZURE_S, 0, 3510, "16 Nov 2023 18:15–19:13 UTC"),
        (AZURE_S, 0, 90_000, "16 Nov 2023 18:15 – 17 Nov 2023 19:15 UTC"),
        (None, 0, 7200, "2 h from the start"),
        (None, 1200, 2400, "20 min to 40 min after the start"),
    ],
)
def test_a_window_is_a_wall_clock_where_that_is_known(epoch_s, from_s, to_s, text):
    assert formats.span(epoch_s, from_s, to_s) == text


def test_lists_and_counts_read_like_sentences():
    assert formats.listed(["a", "b", "c"]) == "a, b and c"
    assert formats.listed(["a"]) == "a"
    assert formats.count(1, "run") == "1 run"
    assert formats.count(1200, "policy", "policies") == "1,200 policies"
