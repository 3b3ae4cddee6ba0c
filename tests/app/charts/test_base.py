"""The time axis, what a brush means, and how many marks there may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.charts.base import (
    MARKS_MAX,
    TICKS_MAX,
    Clock,
    Window,
    points_per_line,
    selected_window,
    snapped,
)

EPOCH_S = 1_700_158_526.25
WHOLE = Window(from_s=0.0, to_s=7200.0)
CLOCKS = [
    Clock(epoch_s=None, span_s=7200.0),
    Clock(epoch_s=None, span_s=90_000.0),
    Clock(epoch_s=EPOCH_S, span_s=7200.0),
]


def brushed(*positions: float) -> dict:
    return {"selection": {"window": {"time": list(positions)}}}


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_brush_gives_the_window_it_was_drawn_over(clock):
    event = brushed(clock.position(1203.0), clock.position(2398.0))
    assert selected_window(event, clock, 15.0, WHOLE) == Window(from_s=1200.0, to_s=2400.0)


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_brush_drawn_backwards_and_beyond_the_ends_stays_inside(clock):
    event = brushed(clock.position(9000.0), clock.position(-500.0))
    assert selected_window(event, clock, 15.0, WHOLE) == WHOLE


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"selection": {}},
        {"selection": {"window": {}}},
        {"selection": {"window": {"time": []}}},
        brushed(10.0, 10.01),
    ],
)
def test_a_click_is_no_window(event):
    assert selected_window(event, CLOCKS[0], 15.0, WHOLE) is None


@given(
    st.floats(0, 7200, allow_nan=False),
    st.floats(0, 7200, allow_nan=False),
    st.sampled_from([1.0, 15.0, 60.0]),
)
def test_a_snapped_window_is_inside_and_in_whole_steps(start, end, step_s):
    window = snapped(min(start, end), max(start, end), step_s, WHOLE)
    if window is None:
        assert abs(end - start) <= 2 * step_s
    else:
        assert 0 <= window.from_s < window.to_s <= 7200
        assert window.from_s % step_s == pytest.approx(0, abs=1e-6)


@given(st.integers(1, 30))
def test_lines_and_their_hover_strip_stay_below_the_limit(lines):
    assert points_per_line(lines) * (lines + 1) <= max(MARKS_MAX, 10 * (lines + 1))


@given(st.floats(2, 4e7), st.sampled_from([None, EPOCH_S]))
def test_ticks_are_few_round_and_inside(span_s, epoch_s):
    clock = Clock(epoch_s=epoch_s, span_s=span_s)
    axis = clock.axis(0.0, span_s).to_dict()
    low, high = axis["scale"]["domain"]
    ticks = axis["axis"]["values"]
    assert 1 <= len(ticks) <= TICKS_MAX + 1
    assert all(low - 1e-6 <= tick <= high + 1e-6 for tick in ticks)


def test_the_axis_says_unit_or_zone_and_date():
    assert CLOCKS[0].axis(0, 7200).to_dict()["axis"]["title"] == "Time since start (minutes)"
    assert CLOCKS[1].axis(0, 90_000).to_dict()["axis"]["title"] == "Time since start (hours)"
    title = CLOCKS[2].axis(0, 90_000).to_dict()["axis"]["title"]
    assert title == "Time (UTC), 16 Nov 2023 to 17 Nov 2023"
