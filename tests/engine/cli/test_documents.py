import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli.document import as_json, plain
from engine.cli.settings import pairs
from engine.cli.times import parse_time
from engine.errors import UsageError

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.datetimes()
    | st.floats().map(np.float64)
    | st.integers(-100, 100).map(np.int32),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@pytest.mark.slow
@given(anything)
def test_whatever_is_answered_becomes_strict_json(value):
    assert json.loads(as_json(value), parse_constant=lambda _: pytest.fail("no JSON")) == plain(
        value
    )


class Colour(StrEnum):
    RED = "red"


@dataclass
class Thing:
    colour: Colour
    values: tuple


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, None),
        (math.inf, None),
        (np.float64("nan"), None),
        (np.array([1.0, np.nan]), [1.0, None]),
        (np.bool_(True), True),
        (pd.NaT, None),
        (pd.Timestamp("2024-01-01 12:00"), "2024-01-01T12:00:00+00:00"),
        (datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2024-01-01T00:00:00+02:00"),
        (Colour.RED, "red"),
        (Path("a/b"), "a/b"),
        (Thing(Colour.RED, (1, math.nan)), {"colour": "red", "values": [1, None]}),
        (pd.DataFrame({"a": [1], "b": [np.nan]}), [{"a": 1, "b": None}]),
        ({Colour.RED: 1, 2: 3}, {"red": 1, "2": 3}),
    ],
)  # fmt: skip
def test_values_of_the_engine_become_plain_ones(value, expected):
    assert plain(value) == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("90", 90.0),
        ("1e3", 1000.0),
        ("-5", -5.0),
        ("0:30", 1800.0),
        ("1:30:00", 5400.0),
        ("27:00:00.5", 97200.5),
        ("2023-11-16T18:20:00", 254.0),
        ("2023-11-16 18:20", 254.0),
        ("2023-11-16T19:20:00+01:00", 254.0),
        ("2023-11-17", 20654.0),
    ],
)
def test_times_are_read_as_people_write_them(text, seconds):
    epoch_s = datetime(2023, 11, 16, 18, 15, 46, tzinfo=UTC).timestamp()
    assert parse_time(text, "--from", epoch_s) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "1:99", "nan", "inf", "1:2:3:4", "2023-13-01"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UsageError) as refused:
        parse_time(text, "--to", 0.0)
    assert refused.value.where == "--to"


def test_a_date_needs_a_trace_with_dates():
    with pytest.raises(UsageError, match="no dates"):
        parse_time("2023-11-16", "--from", None)


def test_settings_keep_further_equal_signs_and_the_last_one_wins():
    assert pairs(["a=1", "b = x=y", "a=2"], "--set") == {"a": "2", "b": "x=y"}


@pytest.mark.parametrize("text", ["", "a", "=1"])
def test_a_setting_without_name_or_equal_sign_is_refused(text):
    with pytest.raises(UsageError, match="name=value"):
        pairs([text], "--set")
