"""The card of the carbon threshold, alone."""

from types import SimpleNamespace

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import load
from app.parts import planner_knobs

TRACE = SimpleNamespace(trace_id="t", duration_s=200.0, epoch_s=None)


def script():
    from app.parts import planner_knobs  # noqa: PLC0415 - runs as a page of its own
    from tests.app.test_planner_carbon import TRACE  # noqa: PLC0415

    planner_knobs.carbon(TRACE, None)


@pytest.fixture
def regions(monkeypatch):
    grids = {"clean": [100.0, 200.0], "dirty": [250.0, 500.0]}
    frames = [
        pd.DataFrame({"region": name, "t_s": [0.0, 100.0], "bucket_s": 100.0, "g_per_kwh": grid})
        for name, grid in grids.items()
    ]
    monkeypatch.setattr(planner_knobs, "base", lambda: None)
    monkeypatch.setattr(load, "carbon_curve", lambda *_: pd.concat(frames, ignore_index=True))


def test_a_percentile_is_shown_as_each_regions_own_threshold(regions, monkeypatch):
    own = {"clean": 150.0, "dirty": 600.0}
    monkeypatch.setattr(load, "carbon_thresholds", lambda _, percentile: own)
    page = AppTest.from_function(script)
    page.session_state["plan_percentile"] = 90.0
    page.run()
    assert not page.exception
    clean, dirty = (caption.value for caption in page.caption)
    assert ("150 g/kWh" in clean, "50 %" in clean) == (True, True)
    assert ("600 g/kWh" in dirty, "for 0 %" in dirty) == (True, True)


def test_each_region_has_its_curve_and_its_own_share_above_the_threshold(regions):
    page = AppTest.from_function(script)
    page.session_state["plan_carbon"] = 300.0
    page.run()
    assert not page.exception
    assert len(page.get("vega_lite_chart")) == 2
    clean, dirty = (caption.value for caption in page.caption)
    assert ("of clean" in clean, "0 %" in clean) == (True, True)
    assert ("of dirty" in dirty, "50 %" in dirty) == (True, True)
