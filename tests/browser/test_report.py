"""The report as its readers meet it: on the page, as files, and offline."""

import io
import json

import openpyxl
import pypdf
import pytest
from playwright.sync_api import expect

from engine.planner import Planner

SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 1024, "height": 768}}


@pytest.fixture(scope="module")
def reported(serve, tmp_path_factory):
    """A dashboard with the prepared comparison, and the address of its report."""
    store = tmp_path_factory.mktemp("report") / "store.duckdb"
    with Planner(store) as planner:
        planner.ensure_samples()
        ids, _ = planner.demo()
    return f"{serve(store).url}/report?runs={','.join(ids)}&baseline={ids[0]}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_report_fits_its_window(reported, open_page, settle, shot, size, scheme):
    page = open_page(reported, viewport=SIZES[size], color_scheme=scheme)
    expect(page.get_by_role("heading", name="What matters most")).to_be_visible()
    shot(page, f"report-{size}-{scheme}")
    main = page.get_by_test_id("stMain")
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 0


def taken(page, label):
    """What the button's file holds."""
    with page.expect_download() as download:
        page.get_by_test_id("stDownloadButton").get_by_role("button", name=label).click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def test_every_file_can_be_taken_away_and_says_what_the_page_says(reported, open_page, settle):
    page = open_page(reported)
    expect(page.get_by_role("heading", name="What matters most")).to_be_visible()
    settle(page)
    saving = page.get_by_test_id("stMetricValue").first.inner_text()
    verdict = page.get_by_test_id("stAlert").first.inner_text()

    name, pdf = taken(page, "PDF")
    assert name.endswith(".pdf")
    first = pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text().replace("\u200b", "")
    assert saving in first

    _, made = taken(page, "JSON")
    document = json.loads(made)
    assert document["verdict"] in verdict
    _, book = taken(page, "Excel")
    assert "Assumptions" in openpyxl.load_workbook(io.BytesIO(book)).sheetnames
    _, focus = taken(page, "FOCUS")
    assert b"BilledCost" in focus.splitlines()[0]


def test_the_html_report_opens_with_the_network_off(
    reported, open_page, browser, settle, tmp_path, shot
):
    page = open_page(reported)
    expect(page.get_by_role("heading", name="What matters most")).to_be_visible()
    settle(page)
    verdict = page.get_by_test_id("stAlert").first.inner_text().split("\n")[-1]
    name, made = taken(page, "HTML")
    file = tmp_path / name
    file.write_bytes(made)
    context = browser.new_context(offline=True, java_script_enabled=True)
    asked, wrong = [], []
    offline = context.new_page()
    offline.on("request", lambda request: asked.append(request.url))
    offline.on("pageerror", lambda error: wrong.append(str(error)))
    offline.goto(file.as_uri())
    expect(offline.get_by_text(verdict)).to_be_visible()
    expect(offline.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert wrong == []


def test_another_assumption_is_another_verdict(reported, open_page, settle):
    page = open_page(reported)
    expect(page.get_by_role("heading", name="What matters most")).to_be_visible()
    settle(page)
    before = page.get_by_test_id("stMetricValue").all_inner_texts()
    page.get_by_role("spinbutton", name="Horizon (years)").fill("7")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Net present value, 7 years")).to_be_visible()
    settle(page)
    assert page.get_by_test_id("stMetricValue").all_inner_texts() != before


def test_the_address_brings_the_same_report_back(reported, open_page, settle):
    page = open_page(reported)
    expect(page.get_by_role("heading", name="What matters most")).to_be_visible()
    settle(page)
    page.get_by_role("radio", name="hpa", exact=True).click()
    page.get_by_role("spinbutton", name="Horizon (years)").fill("7")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Net present value, 7 years")).to_be_visible()
    settle(page)
    before = page.get_by_test_id("stMetricValue").all_inner_texts()
    again = open_page(page.url)
    expect(again.get_by_text("Net present value, 7 years")).to_be_visible()
    settle(again)
    assert again.get_by_test_id("stMetricValue").all_inner_texts() == before
    expect(again.get_by_test_id("stAlert").first).to_contain_text("to hpa ")


def test_another_currency_asks_for_its_rate(reported, open_page, settle):
    page = open_page(f"{reported}&currency=EUR&assume=growth:0.2")
    expect(page.get_by_text("How many EUR is one US dollar?")).to_be_visible()
    expect(page.get_by_text("growth of demand 0.2 per year (default 0.1)")).to_be_visible()
    page.get_by_role("spinbutton", name="EUR for one US dollar").fill("0.9")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stMetricValue").first).to_contain_text("€")
    settle(page)
    assert "rate=0.9" in page.url


@pytest.mark.parametrize("size", SIZES)
def test_claims_are_read_without_scrolling_sideways(reported, open_page, settle, shot, size):
    page = open_page(reported.split("/report?")[0] + "/claims", viewport=SIZES[size])
    table = page.get_by_test_id("stTable")
    expect(table).to_be_visible()
    settle(page)
    shot(page, f"claims-{size}")
    heads = table.get_by_role("columnheader").all_inner_texts()
    assert heads[:2] == ["Claim", "Verdict"]
    for head in table.get_by_role("columnheader").all():
        box = head.bounding_box()
        assert box["x"] + box["width"] <= SIZES[size]["width"]
    assert page.get_by_test_id("stMain").evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    inside = table.evaluate(
        "e => [e, ...e.querySelectorAll('*')].every(n => n.scrollWidth - n.clientWidth <= 1)"
    )
    assert inside
