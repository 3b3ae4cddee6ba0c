"""Pages as visitors meet them: one click to a comparison, brushing, cancelling, bad files."""

import re

import pytest
from playwright.sync_api import Page, expect

from engine.planner import Planner
from engine.scenario_file import with_settings

MILLION = 1_000_000
MARKS_MAX = 2000
SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 1024, "height": 768}}
MARKS = """
() => Math.max(...[...document.querySelectorAll('[data-testid="stVegaLiteChart"]')].map(
    chart => chart.querySelectorAll('.mark-rule line, .mark-rect path, .mark-symbol path').length))
"""


def demo(page: Page) -> None:
    page.get_by_role("button", name="See a finished comparison").click()
    expect(page.get_by_role("heading", name="Scorecard")).to_be_visible()


def scorecard(page: Page) -> str:
    return page.get_by_test_id("stTable").filter(has_text="SLO attainment").inner_text()


def test_a_first_visitor_sees_a_finished_comparison_after_one_click(page, settle, shot):
    settle(page)
    demo(page)
    assert "runs=" in page.url
    assert "baseline=" in page.url
    charts = page.get_by_test_id("stVegaLiteChart")
    expect(charts.first).to_be_visible()
    settle(page)
    # capacity a run; arrivals, latency, queue, failures, cost, routing
    assert charts.count() == 4 + 6
    assert re.search(r"[▲▼] [+−].* (better|worse)", scorecard(page))
    shot(page, "first-comparison")


def test_brushing_the_timeline_changes_the_figures_and_the_address(page, settle, shot):
    settle(page)
    demo(page)
    settle(page)
    before = scorecard(page)
    chart = page.locator('[class*="st-key-compare_brush"]').get_by_test_id("stVegaLiteChart")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    left, right = (box["x"] + box["width"] * share for share in (0.2, 0.4))
    page.mouse.move(left, box["y"] + 40)
    page.mouse.down()
    page.mouse.move((left + right) / 2, box["y"] + 40)
    page.mouse.move(right, box["y"] + 40)
    page.mouse.up()
    page.wait_for_url(re.compile(r"t0=\d+&t1=\d+"))
    expect(page.get_by_text("Recomputed for the chosen window")).to_be_visible()
    settle(page)
    part = scorecard(page)
    assert part != before
    assert "not measured" in part
    shot(page, "brushed")

    page.reload()
    expect(page.get_by_text("Recomputed for the chosen window")).to_be_visible()
    settle(page)
    assert scorecard(page) == part
    page.get_by_role("button", name="Reset window").click()
    expect(page.get_by_text("Recomputed for the chosen window")).to_be_hidden()
    settle(page)
    assert scorecard(page) == before
    assert "t0=" not in page.url


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("empty.csv", b"", "The file is empty"),
        ("words.csv", b"\xff\xfe\x00broken", "Where:"),
        ("cut.csv.gz", b"\x1f\x8b\x08\x00\x00\x00", "How to fix it:"),
    ],
)
def test_a_malformed_upload_says_what_where_and_how_to_fix_it(
    server, open_page, settle, shot, name, content, told
):
    page = open_page(f"{server.url}/traces")
    settle(page)
    page.get_by_role("tab", name="Add a trace").click()
    settle(page)
    page.locator('input[type="file"]').first.set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content}
    )
    panel = page.get_by_test_id("stAlert")
    expect(panel).to_contain_text(told)
    expect(panel).to_contain_text("Where:")
    expect(panel).to_contain_text("How to fix it:")
    expect(page.get_by_text("Traceback")).to_have_count(0)
    shot(page, f"malformed-{name}")


@pytest.fixture(scope="module")
def million(serve, tmp_path_factory):
    """A dashboard whose store holds a day of a million requests, replayed twice."""
    store = tmp_path_factory.mktemp("million") / "store.duckdb"
    with Planner(store) as planner:
        planner.synthesize(
            "diurnal",
            duration_s=86_400.0,
            mean_rate_per_s=MILLION / 86_400,
            seed=3,
            name="a million",
        )
        scenario = with_settings(
            planner.presets()["llm-agents"], {"pools.chat.workers_max": "200"}
        )
        runs = planner.replay("a million", ["static", "hpa"], scenario=scenario)
    return serve(store), runs


@pytest.mark.slow
def test_a_million_requests_are_few_marks(million, open_page, settle, shot):
    server, runs = million
    page = open_page(f"{server.url}/compare?runs={','.join(runs)}")
    expect(page.get_by_role("heading", name="Scorecard")).to_be_visible()
    settle(page)
    assert re.search(r"Requests arrived\s+(9|1,0)\d\d,\d{3}|1,0\d\d,\d{3}", scorecard(page))
    assert 0 < page.evaluate(MARKS) <= MARKS_MAX
    expect(page.get_by_text("Down-sampled: each step covers").first).to_be_visible()
    shot(page, "million")


@pytest.mark.slow
def test_a_long_replay_is_cancelled_from_the_page(million, open_page, settle, shot):
    server, _ = million
    page = open_page(f"{server.url}/replay")
    settle(page)
    page.get_by_role("combobox", name="Trace").click()
    page.get_by_role("option", name=re.compile("a million")).click()
    settle(page)
    page.get_by_role("button", name="Replay and compare").click()
    expect(page.get_by_text(re.compile(r"of the trace replayed · \d+ %"))).to_be_visible()
    shot(page, "replaying")
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_text("Cancelled. What was stored before is untouched.")).to_be_visible()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Runs").click()
    expect(page.get_by_role("heading", name="Runs", exact=True, level=1)).to_be_visible()
    settle(page)
    shot(page, "cancelled-runs")


def test_an_unknown_run_in_the_address_leaves_a_way_out(server, open_page, settle, shot):
    page = open_page(f"{server.url}/compare?runs=ffffffffffff")
    expect(page.get_by_text("There is no run 'ffffffffffff'")).to_be_visible()
    settle(page)
    expect(page.get_by_role("combobox", name="Runs")).to_be_visible()
    shot(page, "unknown-run")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["", "traces", "cluster", "replay", "runs", "claims"])
def test_every_page_fits_its_window(server, open_page, settle, shot, name, size, scheme):
    page = open_page(f"{server.url}/{name}", viewport=SIZES[size], color_scheme=scheme)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    shot(page, f"{name or 'start'}-{size}-{scheme}")
    overflow = page.get_by_test_id("stMain").evaluate("e => e.scrollWidth - e.clientWidth")
    assert overflow <= 0
