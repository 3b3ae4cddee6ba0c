"""The window's slider, where a browser is behind what the page has drawn."""

import pytest

from app import state
from app.charts.base import Clock, Window
from app.parts.window_picker import _slid

WHOLE, PART = Window(from_s=0.0, to_s=7200.0), Window(from_s=1200.0, to_s=2400.0)
CLOCK = Clock(epoch_s=None, span_s=7200.0)


@pytest.mark.parametrize(("turn", "asked"), [(0, []), (1, [PART])])
def test_only_the_slider_that_is_on_the_page_moves_the_window(monkeypatch, turn, asked):
    session = {"it_shown": (1, WHOLE), "it_0": (0.0, 120.0), "it_1": (20.0, 40.0)}
    monkeypatch.setattr(state, "get", session.get)
    told = []
    _slid("it", turn, CLOCK, WHOLE, 60.0, told.append)
    assert told == asked
