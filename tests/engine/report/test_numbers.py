"""Numbers in words: enough digits to tell two of them apart, and no noise."""

import pytest

from engine.report.glyphs import printable
from engine.report.numbers import percent, plain


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.7e-10, "0"),
        (-1.7e-10, "0"),
        (0.0034, "0.00340"),
        (0.0097, "0.00970"),
        (0.0078, "0.00780"),
        (0.412, "0.412"),
        (0.0000123, "0.0000123"),
        (12.34, "12.3"),
        (1234.5, "1,234"),
        (-0.0034, "−0.00340"),
        (None, "not measured"),
    ],
)
def test_three_digits_that_matter_at_any_size(value, text):
    assert plain(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100 %"),
        (0.99999, "above 99.99 %"),
        (0.9999, "99.99 %"),
        (-1.0, "−100 %"),
        (-0.99999, "−100.00 %"),
        (0.0, "0 %"),
        (0.00003, "0.003 %"),
        (-0.00003, "−0.003 %"),
        (0.5, "50 %"),
        (1.5, "150 %"),
        (0.123, "12.3 %"),
    ],
)
def test_a_share_never_says_all_or_nothing_where_it_is_neither(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("static:target=0.5", "static:target=0.5"),
        ("café – Ωμέγα", "café – Ωμέγα"),
        ("a\u200bb", "a\u200bb"),
        ("日本", "[U+65E5 U+672C]"),
        ("x🚀y", "x[U+1F680]y"),
    ],
)
def test_letters_without_a_glyph_are_told_by_number(text, printed):
    assert printable(text) == printed
