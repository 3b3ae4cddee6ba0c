"""The planner in a browser: two answers to a knob, a link that lasts, a front to pick from."""

import signal

import pytest
from playwright.sync_api import expect

from app import planner_words
from engine.bench.planner_browser import PREVIEW, WHOLE, brushes, slider_answers
from engine.planner import Planner
from engine.presets import PRESETS
from engine.sweep.axes import parse_axis

AXES = ("policy.target=0.3..0.9/3", "policy.downscale_window_s=0,300")
CHART = "document.querySelector('.js-plotly-plot')"
SLOW_MS = 120_000
"""Of a dashboard that has only just started, on a machine that others use."""


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A store as after a first start, with a short trace and a sweep; trace id and sweep id."""
    path = tmp_path_factory.mktemp("planner") / "store.duckdb"
    with Planner(path) as planner:
        planner.ensure_samples()
        planner.demo()
        made = planner.synthesize(
            "bursty", duration_s=7800.0, mean_rate_per_s=0.5, seed=5, name="short"
        )
        document = planner.sweep(
            "short", "hpa", [parse_axis(text) for text in AXES], scenario=PRESETS["llm-agents"],
            workers=1, to_s=900.0,
        )  # fmt: skip
    return path, made.trace_id, document["sweep_id"]


def is_answered(page):
    """Waits until every request is replayed and all of it is on screen."""
    expect(page.locator(".stMarkdownBadge", has_text=WHOLE)).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_role("link", name=planner_words.COMPARE_LINK)).to_be_visible()


def headlines(page):
    return page.get_by_test_id("stMetric").all_inner_texts()


def click_a_mark(page):
    """On the front, once it is drawn for clicks and has seen the mouse over the mark."""
    page.get_by_role("radio", name=planner_words.SWEEP_CLICK).click()
    page.wait_for_function(f"{CHART}?._fullLayout?.dragmode === 'zoom'")
    mark = page.locator(".js-plotly-plot .points path").first
    hovered = page.locator(".js-plotly-plot .hoverlayer .hovertext")
    for _ in range(50):
        mark.hover(force=True)
        page.wait_for_timeout(200)
        if hovered.count():
            break
    expect(hovered.first).to_be_attached()
    mark.click(force=True)


@pytest.mark.slow
def test_a_slider_a_brushed_front_its_run_and_a_link_after_a_restart(swept, serve, open_page):
    store, trace_id, sweep_id = swept
    server = serve(store)
    page = open_page(f"{server.url}/planner?trace={trace_id}")
    page.set_default_timeout(SLOW_MS)
    is_answered(page)
    address = page.url
    (preview_s,), (whole_s,) = slider_answers(page, 1)
    assert page.get_by_text(planner_words.PREVIEW_COMING).count() == 0  # at once, not in the end
    assert 0 < preview_s <= whole_s
    is_answered(page)
    expect(page.locator(".stMarkdownBadge", has_text=PREVIEW)).to_have_count(0)
    turned, shown = page.url, headlines(page)
    assert turned != address
    assert shown != []

    page.goto(f"{server.url}/tradeoffs?sweep={sweep_id}")
    assert len(brushes(page, 1)) == 1  # of so few points a second box may pick as many
    click_a_mark(page)
    page.wait_for_url("**/compare?**")
    assert sweep_id not in page.url

    page.close()
    server.stop(signal.SIGTERM)
    later = open_page(turned.replace(server.url, serve(store).url))
    is_answered(later)
    assert headlines(later) == shown


@pytest.mark.slow
def test_a_policy_typed_over_its_own_name_keeps_it_and_its_switch_is_turned(
    tmp_path, serve, open_page
):
    store = tmp_path / "store.duckdb"
    with Planner(store) as planner:
        trace = planner.synthesize(
            "bursty", duration_s=900.0, mean_rate_per_s=0.5, seed=5, name="short"
        )
    page = open_page(f"{serve(store).url}/planner?trace={trace.trace_id}")
    page.set_default_timeout(SLOW_MS)
    is_answered(page)
    box = page.get_by_role("combobox", name=planner_words.POLICY).first
    for typed, left in (
        ("smartscale:hold_s=30", "smartscale:hold_s=30"),
        ("smartscale:routing=false", "smartscale"),
        ("hpa:target=0.4", "hpa:target=0.4"),
    ):
        box.click()
        page.keyboard.press("Control+A")
        page.keyboard.type(typed, delay=15)
        page.keyboard.press("Enter")
        expect(box).to_have_value(left)
        is_answered(page)
