"""The planner in a browser: two answers to a knob, a link that lasts, a front to pick from."""

import signal

import pytest
from playwright.sync_api import expect

from app import planner_words
from engine.bench.planner_browser import PREVIEW, WHOLE, brushes, slider_answers
from engine.planner import Planner
from engine.presets import PRESETS
from engine.sweep.axes import parse_axis

AXES = ("policy.target=0.3..0.9/4", "policy.downscale_window_s=0,120,300")
SLOW_MS = 120_000
"""Of a dashboard that has only just started."""


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A store as after a first start, with a short trace and a sweep; trace id and sweep id."""
    path = tmp_path_factory.mktemp("planner") / "store.duckdb"
    with Planner(path) as planner:
        planner.ensure_samples()
        planner.demo()
        made = planner.synthesize(
            "bursty", duration_s=8000.0, mean_rate_per_s=1.0, seed=5, name="short"
        )
        axes = [parse_axis(text) for text in AXES]
        document = planner.sweep(
            "short", "hpa", axes, scenario=PRESETS["llm-agents"], workers=1, to_s=1800.0
        )
    return path, made.trace_id, document["sweep_id"]


def headlines(page):
    return page.get_by_test_id("stMetric").all_inner_texts()


def click_a_mark(page):
    """On the front; the chart must have seen the mouse over it before."""
    mark = page.locator(".js-plotly-plot .points path").first
    box = mark.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 - 3, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".js-plotly-plot .hoverlayer .hovertext").first).to_be_attached()
    page.mouse.down()
    page.mouse.up()


@pytest.mark.slow
def test_a_slider_a_link_after_a_restart_a_brushed_front_and_its_run(
    swept, serve, open_page, settle
):
    store, trace_id, sweep_id = swept
    server = serve(store)
    page = open_page(f"{server.url}/planner?trace={trace_id}")
    page.set_default_timeout(SLOW_MS)
    page.locator(".stMarkdownBadge", has_text=WHOLE).wait_for(timeout=SLOW_MS)
    address = page.url
    (preview_s,), (whole_s,) = slider_answers(page, 1)
    assert 0 < preview_s <= whole_s
    settle(page)
    expect(page.locator(".stMarkdownBadge", has_text=PREVIEW)).to_have_count(0)
    turned = page.url
    assert turned != address
    shown = headlines(page)

    page.goto(f"{server.url}/tradeoffs?sweep={sweep_id}")
    settle(page)
    assert len(brushes(page, 2)) == 2
    page.get_by_role("radio", name=planner_words.SWEEP_CLICK).click()
    settle(page)
    click_a_mark(page)
    page.wait_for_url("**/compare?**")
    assert sweep_id not in page.url

    page.close()
    server.stop(signal.SIGTERM)
    later = open_page(turned.replace(server.url, serve(store).url))
    later.locator(".stMarkdownBadge", has_text=WHOLE).wait_for(timeout=SLOW_MS)
    settle(later)
    assert headlines(later) == shown
