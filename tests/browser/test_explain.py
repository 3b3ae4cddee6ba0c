"""Why it scaled, as an operator asks: timeline, filter, click, what if, review, export."""

import pytest
from playwright.sync_api import expect

from engine.planner import Planner

FIRST_MS = 90_000
"""The first page of a fresh server imports what it needs."""
SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 1024, "height": 768}}


@pytest.fixture(scope="module")
def explained(serve, tmp_path_factory):
    """A dashboard with the prepared comparison, and the address of an HPA's decisions."""
    store = tmp_path_factory.mktemp("explain") / "store.duckdb"
    with Planner(store) as planner:
        planner.ensure_samples()
        ids, _ = planner.demo()
        hpa = next(run for run in ids if planner.run(run).policy.startswith("hpa"))
    return f"{serve(store).url}/explain?run={hpa}"


def test_the_whole_path_from_the_timeline_to_the_file(explained, open_page, settle, shot):
    page = open_page(explained)
    chart = page.get_by_test_id("stVegaLiteChart").first
    expect(chart.locator("canvas, svg").first).to_be_visible(timeout=FIRST_MS)
    settle(page)

    page.get_by_role("button", name="Kept (").click()
    expect(page).not_to_have_url(explained)
    settle(page)
    page.get_by_role("textbox", name="Search the sentences").fill("scaled out")
    page.keyboard.press("Enter")
    row = page.locator('[class*="st-key-explain_row_"] button').first
    expect(row).to_contain_text("Scaled chat out")
    settle(page)
    said = row.inner_text()
    row.click()
    expect(page.get_by_role("heading", name="The decision")).to_be_visible()
    settle(page)
    assert "decision=" in page.url
    assert said.split("\n")[-1] in page.get_by_test_id("stAlert").first.inner_text()
    expect(page.get_by_text("until the next decision; over the run usually")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="One worker more").click()
    expect(page.get_by_text("One worker more for")).to_be_visible()
    differences = page.get_by_test_id("stTable").filter(has_text="As it was")
    for figure in ("95 % of latencies below", "Requests failed", "Cost", "Carbon"):
        expect(differences.get_by_role("cell", name=figure)).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Check this decision").click()
    expect(page.get_by_text("Made again, the decision is the same")).to_be_visible()

    settle(page)
    page.get_by_role("textbox", name="Your name").fill("Ada")
    page.get_by_role("radio", name="Disagree").click()
    page.get_by_role("textbox", name="Note").fill("too late")
    page.get_by_role("button", name="Save the review").click()
    expect(page.get_by_role("cell", name="too late")).to_be_visible()
    settle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    text = download.value.path().read_text("utf-8")
    assert "Ada,disagree" in text
    assert "too late" in text
    shot(page, "explain-path")


def test_a_click_on_a_mark_opens_its_decision(explained, open_page, settle):
    page = open_page(explained)
    chart = page.get_by_test_id("stVegaLiteChart").first
    expect(chart.locator("canvas, svg").first).to_be_visible(timeout=FIRST_MS)
    settle(page)
    box = chart.locator("svg g.mark-symbol.role-mark path").nth(200).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_role("heading", name="The decision")).to_be_visible()
    assert "decision=" in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_fits_its_window(explained, open_page, settle, shot, size, scheme):
    page = open_page(f"{explained}&decision=100", viewport=SIZES[size], color_scheme=scheme)
    expect(page.get_by_role("heading", name="The decision")).to_be_visible(timeout=FIRST_MS)
    shot(page, f"explain-{size}-{scheme}")
    assert page.get_by_test_id("stMain").evaluate("e => e.scrollWidth - e.clientWidth") <= 0
