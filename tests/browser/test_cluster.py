"""The page Cluster in a real browser: wrong values, the timeline of faults, files in and out."""

import re
from pathlib import Path

import yaml
from playwright.sync_api import Page, expect

from engine.manifests import to_yaml
from engine.presets import PRESETS
from engine.scenario_file import load

NEAR_PX = 40
"""An explanation is no farther below its input than this."""


def open_cluster(page: Page, settle) -> None:
    settle(page)
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Cluster").click()
    expect(page.get_by_role("heading", name="Cluster", exact=True, level=1)).to_be_visible()
    settle(page)


def choose(page: Page, settle, box: str, name: str) -> None:
    field = page.get_by_role("combobox", name=box).first
    field.scroll_into_view_if_needed()
    settle(page)  # a menu closes when its page scrolls
    field.click()
    page.get_by_role("option", name=name, exact=True).click()
    settle(page)


def section(page: Page, settle, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).click()
    settle(page)


def type_into(page: Page, settle, label: str, text: str) -> None:
    box = page.get_by_role("textbox", name=label, exact=True)
    box.fill(text)
    box.press("Enter")
    settle(page)


def idle(page: Page) -> list[str]:
    return page.get_by_test_id("stMetric").all_inner_texts()


def test_a_wrong_value_is_explained_beside_its_field_and_the_good_scenario_stays(
    page, settle, shot
):
    open_cluster(page, settle)
    choose(page, settle, "Start from", "two-regions")
    section(page, settle, "Regions")
    before = idle(page)
    assert len(before) == 5
    label = "Power usage effectiveness of region 'europe-west4'"
    type_into(page, settle, label, "0.5")
    told = page.get_by_test_id("stAlert").filter(has_text="pue is 0.5")
    expect(told).to_contain_text("Where: region 'europe-west4'")
    expect(told).to_contain_text("How to fix it: Use a finite number of 1 or more")
    box, alert = page.get_by_role("textbox", name=label).bounding_box(), told.bounding_box()
    assert 0 <= alert["y"] - (box["y"] + box["height"]) < NEAR_PX
    assert abs(alert["x"] - box["x"]) < NEAR_PX
    assert idle(page) == before
    shot(page, "cluster-wrong-value")

    section(page, settle, "Workers")
    expect(page.get_by_text(f"Not in the scenario yet: {label} (in Regions)")).to_be_visible()
    section(page, settle, "Regions")
    expect(page.get_by_role("textbox", name=label)).to_have_value("0.5")
    type_into(page, settle, label, "2")
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    assert idle(page) != before


def test_faults_are_planned_on_a_timeline(page, settle, shot):
    open_cluster(page, settle)
    choose(page, settle, "Start from", "gpu-nodes")
    section(page, settle, "Faults")
    expect(page.get_by_text("No fault is planned.")).to_be_visible()
    chart = page.get_by_test_id("stVegaLiteChart")
    planned = ((1, "slow-worker", "Slow workers"), (2, "node-loss", "Node loss"))
    for number, kind, told in planned:
        page.get_by_role("button", name="Add a fault").click()
        expect(page.get_by_role("combobox", name=f"What of fault {number}")).to_be_visible()
        choose(page, settle, f"What of fault {number}", kind)
        expect(chart).to_contain_text(told)  # what is below has moved by then
    type_into(page, settle, "At of fault 2", "1200")
    expect(page.get_by_role("textbox", name="For of fault 2")).to_be_disabled()
    expect(chart).to_contain_text(re.compile("Slow workers.*Node loss", re.S))
    expect(chart.locator(".mark-rect path")).to_have_count(1)
    expect(chart.locator(".mark-symbol path")).to_have_count(1)
    shot(page, "cluster-faults")


def saved(page: Page, settle, button: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_the_scenario_goes_out_and_comes_back_as_toml_and_as_manifests(
    page, settle, shot, tmp_path
):
    open_cluster(page, settle)
    choose(page, settle, "Start from", "kubernetes")
    page.get_by_role("button", name="Export").click()
    toml = saved(page, settle, "Scenario file (TOML)", tmp_path)
    assert load(toml) == PRESETS["kubernetes"]
    deployed = saved(page, settle, "Kubernetes manifests (YAML)", tmp_path)
    assert deployed.read_text(encoding="utf-8") == to_yaml(PRESETS["kubernetes"])
    page.keyboard.press("Escape")

    stream = list(yaml.safe_load_all(deployed.read_text(encoding="utf-8")))
    stream[2]["spec"]["maxReplicas"] = 77
    deployed.write_text(yaml.safe_dump_all(stream), encoding="utf-8")
    page.get_by_role("button", name="Import").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(deployed)
    page.get_by_role("button", name="Use this file").click()
    settle(page)
    expect(page.get_by_text("The page Replay compares their policy now")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("textbox", name="Most workers")).to_have_value("77")
    shot(page, "cluster-imported")

    page.get_by_role("button", name="Replay on this cluster").click()
    expect(page.get_by_role("heading", name="Replay", exact=True, level=1)).to_be_visible()
    settle(page)
    expect(page.get_by_role("spinbutton", name="Most workers")).to_have_value("77")
    expect(page.get_by_text(re.compile("hpa:downscale_window_s=300"))).to_be_visible()
