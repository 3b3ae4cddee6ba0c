"""Forecast in a browser: it fits its window, and dragging the moment changes the fan at once."""

import re
import time

import pytest
from playwright.sync_api import expect

from engine.planner import Planner

SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 1024, "height": 768}}
AT_ONCE_S = 5.0
"""Of a loaded machine; half a second is what it takes on an idle one."""


@pytest.fixture(scope="module")
def made(serve, tmp_path_factory):
    """A dashboard with a trace of an hour that two quick forecasters were evaluated on."""
    store = tmp_path_factory.mktemp("forecast") / "store.duckdb"
    with Planner(store) as planner:
        trace_id = planner.synthesize(
            "bursty", duration_s=3600.0, mean_rate_per_s=4.0, seed=3, name="an hour"
        ).trace_id
        planner.evaluate_forecasts(trace_id, models=["persistence", "ets"], seeds=(0,), origins=60)
    return serve(store), trace_id


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_fits_its_window(made, open_page, settle, shot, size, scheme):
    server, trace_id = made
    page = open_page(f"{server.url}/forecast?trace={trace_id}&model=persistence",
                     viewport=SIZES[size], color_scheme=scheme)  # fmt: skip
    expect(page.get_by_role("heading", name="Leaderboard on this trace")).to_be_visible()
    shot(page, f"forecast-{size}-{scheme}")
    overflow = page.get_by_test_id("stMain").evaluate("e => e.scrollWidth - e.clientWidth")
    assert overflow <= 0
    for table in page.get_by_test_id("stTable").all():
        assert table.evaluate("e => e.scrollWidth - e.clientWidth") <= 1


def test_dragging_the_moment_changes_the_fan(made, open_page, settle, shot):
    server, trace_id = made
    page = open_page(f"{server.url}/forecast?trace={trace_id}&model=persistence")
    said = page.get_by_text(re.compile("Persistence says")).first
    expect(said).to_be_visible()
    settle(page)
    before = said.inner_text()
    box = page.get_by_role("slider").first.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 100, middle[1])
    page.mouse.move(middle[0] - 200, middle[1])
    page.mouse.up()
    began = time.monotonic()
    expect(said).not_to_have_text(before)
    assert time.monotonic() - began < AT_ONCE_S
    page.wait_for_url(re.compile(r"at=\d+"))
    after = said.inner_text()
    shot(page, "forecast-dragged")

    page.reload()
    expect(said).to_have_text(after)  # the moment is part of the address
