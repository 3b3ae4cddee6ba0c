"""The main job as an operator does it: load a trace, replay it, see which policy was better."""

import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

ROOT = Path(__file__).resolve().parents[2]
AZURE = ROOT.parent / "shared/traces/llm_azure_2023/AzureLLMInferenceTrace_conv.csv.gz"
SAMPLE = ROOT / "sample_traces" / "bursty.csv.gz"
REPLAY_MS = 240_000
ACCOUNT = re.compile(r"([\d,]+) finished \+ ([\d,]+) failed = ([\d,]+) arrived")


def go_to(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()


def import_by_path(page: Page, settle, path: Path) -> None:
    """From the page *Traces* to its page *Replay*, by the path of a file."""
    go_to(page, "Traces")
    page.get_by_role("tab", name="Add a trace").click()
    page.get_by_role("radio", name="File on this machine").click()
    page.get_by_role("textbox", name="Path of the file").fill(str(path))
    page.get_by_role("textbox", name="Path of the file").press("Enter")
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_role("button", name="Replay it").click(timeout=60_000)
    expect(page.get_by_role("heading", name="Replay", exact=True, level=1)).to_be_visible()
    settle(page)


def replay(page: Page) -> None:
    """With the default policies on the whole trace; ends on *Compare*."""
    page.get_by_role("button", name="Replay and compare").click()
    expect(page.get_by_role("heading", name="Compare", exact=True, level=1)).to_be_visible(
        timeout=REPLAY_MS
    )
    expect(page.get_by_role("heading", name="Scorecard")).to_be_visible()


def accounts(page: Page) -> list[tuple[int, int, int]]:
    """(finished, failed, arrived) of every run."""
    expect(page.get_by_text(ACCOUNT).first).to_be_visible()
    found = [ACCOUNT.search(text) for text in page.get_by_text(ACCOUNT).all_inner_texts()]
    return [tuple(int(g.replace(",", "")) for g in match.groups()) for match in found if match]


def scorecard(page: Page) -> str:
    """All text of the scorecard."""
    table = page.get_by_test_id("stTable").filter(has_text="SLO attainment")
    return table.inner_text()


@pytest.mark.parametrize(
    ("path", "requests"), [(AZURE, 19_366), (SAMPLE, 26_403)], ids=["azure", "sample"]
)
def test_a_trace_is_imported_replayed_and_compared(
    serve, open_page, settle, shot, tmp_path, path, requests
):
    if path == AZURE and not path.exists():
        pytest.skip(f"the recorded trace {path.name} is not beside the checkout")
    store = tmp_path / "store.duckdb"
    server = serve(store)
    page = open_page(server.url)
    settle(page)
    import_by_path(page, settle, path)
    replay(page)
    settle(page)
    figures = accounts(page)
    assert len(figures) == 4
    for finished, failed, arrived in figures:
        assert arrived == requests
        assert finished + failed == arrived
    shot(page, f"compare-{path.name.split('.')[0]}")

    # The address is all that somebody else needs, also after a restart
    numbers, address = scorecard(page), page.url
    again = open_page(address, color_scheme="dark")
    expect(again.get_by_role("heading", name="Scorecard")).to_be_visible()
    assert scorecard(again) == numbers
    page.close()
    again.close()
    server.stop(signal.SIGTERM)
    restarted = serve(store)
    later = open_page(address.replace(server.url, restarted.url))
    expect(later.get_by_role("heading", name="Scorecard")).to_be_visible()
    assert scorecard(later) == numbers
