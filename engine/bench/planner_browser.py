"""The same questions in a real browser: a key on a slider, a box on the front, timed in the page.

Needs Playwright and a Chromium. What is timed is what somebody sees: from the event in the page
to the changed page.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import UsageError

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGS = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
)  # fmt: skip
PREVIEW, WHOLE = "preview", "every request replayed"
"""What the badges of an answer say."""
WEIGHT = "Latency"
"""Name of the slider that is turned."""
WAIT_MS = 120_000
REST_MS = 500
"""For what the browser draws after the last message."""
LOOK_MS = 100
"""How often it is asked whether the page has timed itself; each frame would keep it busy."""
DRAG_MS, DRAG_MOVES = 300, 10
"""A hand takes that long, at least, to draw a box over half a screen."""
BOXES = ((0.02, 0.45), (0.55, 0.98))
"""From where to where across the front, by turns. A box that began inside the last one would move
it."""
_WATCH = """([preview, whole]) => {
    const turn = window.turn = {began: null, seen: {}};
    const before = location.href;
    const look = () => {
        if (turn.began === null || whole in turn.seen) return;
        const badges = [...document.querySelectorAll('.stMarkdownBadge')]
            .map(each => each.textContent).join(' ');
        const passed = performance.now() - turn.began;
        if (badges.includes(preview)) turn.seen[preview] ??= passed;
        if (badges.includes(whole) && location.href !== before) {
            turn.seen[whole] = passed; turn.seen[preview] ??= passed;
            watcher.disconnect(); clearInterval(timer);
        }
    };
    const start = () => { turn.began = performance.now(); };
    document.addEventListener('keydown', start, {capture: true, once: true});
    const watcher = new MutationObserver(look);
    watcher.observe(document.body, {subtree: true, childList: true});
    const timer = setInterval(look, 50);
}"""
"""The badge of the answer before stays until the page reruns: only a new address is a new one."""
_BRUSH = """() => {
    const told = () => (document.body.textContent.match(/(\\d+) picked/) ?? [''])[0];
    window.took = null;
    const before = told();
    let began = null, cleared = before === '';
    document.addEventListener('mouseup', () => { began ??= performance.now(); }, true);
    const watcher = new MutationObserver(() => {
        if (told() === '') cleared = true;
        if (began === null || window.took !== null) return;
        if (told() === '' || (told() === before && !cleared)) return;
        window.took = performance.now() - began; watcher.disconnect();
    });
    watcher.observe(document.body, {subtree: true, childList: true, characterData: true});
}"""
"""A box that begins outside the last one clears it as the mouse first moves, and the server hears
of that, too: only a number of points that comes afterwards is an answer."""


def chromium() -> str:
    """Where the browser is. Raises UsageError without one."""
    names = (os.environ.get("SMARTSCALE_CHROMIUM", ""), *CHROMIUM_NAMES)
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        raise UsageError(
            "no Chromium is on the path", "bench planner",
            "Install it, or name one with SMARTSCALE_CHROMIUM",
        )  # fmt: skip
    return found


@contextmanager
def pages(store: Path) -> Iterator[tuple["Page", str]]:
    """A browser page, and the address of a dashboard on a store. Raises UsageError."""
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - for benchmarks only
    except ImportError:
        raise UsageError(
            "Playwright is not installed", "bench planner", "Install it: pip install playwright"
        ) from None
    path = chromium()
    with _dashboard(store) as url, sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path, headless=True, args=list(CHROMIUM_ARGS)
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(WAIT_MS)
        yield page, url
        browser.close()


@contextmanager
def _dashboard(store: Path) -> Iterator[str]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    code = "import sys; from engine.cli import main; sys.exit(main())"
    server = subprocess.Popen(  # noqa: S603 - the program is our own
        [sys.executable, "-c", code, "dashboard", "--port", str(port), "--store", str(store)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/_stcore/health")
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_for(url: str) -> None:
    ends = time.monotonic() + WAIT_MS / 1000
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own server
                return
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.1)


def slider_answers(page: "Page", turns: int) -> tuple[list[float], list[float]]:
    """Turns the first weight, by a tenth each time, on a Planner page that has come to rest.

    A hundredth would not do: weights go to the policy in whole percent of their sum, so it may
    change nothing.

    Returns:
        Seconds from each key to the preview, and to the replay of every request; where that was
        there at once, no preview was shown and both are the same.
    """
    slider = page.get_by_test_id("stSlider").filter(has_text=WEIGHT).get_by_role("slider").first
    previews, wholes = [], []
    for _ in range(turns):
        _rest(page)
        slider.focus()
        page.evaluate(_WATCH, [PREVIEW, WHOLE])
        page.keyboard.press("PageUp")
        page.wait_for_function("word => word in window.turn.seen", arg=WHOLE, polling=LOOK_MS)
        seen = page.evaluate("window.turn.seen")
        previews.append(seen[PREVIEW] / 1000)
        wholes.append(seen[WHOLE] / 1000)
    return previews, wholes


def _rest(page: "Page") -> None:
    """Waits until the page's script has ended and everything is drawn."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_selector('[data-testid="stSkeleton"]', state="detached")
    page.wait_for_timeout(REST_MS)


def brushes(page: "Page", times: int) -> list[float]:
    """Draws a box over each half of a front by turns, on a page that is at rest.

    Each takes DRAG_MS, as by hand.

    Returns:
        Seconds from letting go of the mouse to the points that were picked.
    """
    _rest(page)  # another chart may be drawn before the front, and be the first until then
    plot = page.locator(".js-plotly-plot .nsewdrag").first
    plot.evaluate("plot => plot.scrollIntoView({block: 'center'})")  # the whole of it
    _rest(page)
    took = []
    for number in range(times):
        box = plot.bounding_box()
        assert box is not None
        first, last = BOXES[number % 2]
        begin = box["x"] + first * box["width"], box["y"] + 4
        end = box["x"] + last * box["width"], box["y"] + box["height"] - 4
        page.evaluate(_BRUSH)
        page.mouse.move(*begin)
        page.mouse.down()
        for share in np.linspace(0.0, 1.0, DRAG_MOVES + 1)[1:]:
            page.wait_for_timeout(DRAG_MS / DRAG_MOVES)
            page.mouse.move(*(np.array(begin) + share * np.subtract(end, begin)))
        page.mouse.up()
        page.wait_for_function("window.took !== null", polling=LOOK_MS)
        took.append(page.evaluate("window.took") / 1000)
    return took


def measured(store: Path, trace: str, sweep_id: str, turns: int, times: int) -> dict[str, Any]:
    """A day's slider and a sweep's front, in a browser of its own; seconds.

    Args:
        store: with the trace and the sweep; nobody else has it open.
        trace: its id.
        sweep_id: of a sweep with many points.
        turns: of the slider.
        times: boxes drawn.
    """
    with pages(store) as (page, url):
        page.goto(f"{url}/planner?trace={trace}")
        page.locator(".stMarkdownBadge", has_text=WHOLE).wait_for()
        previews, wholes = slider_answers(page, turns)
        page.goto(f"{url}/tradeoffs?sweep={sweep_id}")
        redrawn = brushes(page, times)
    return {
        "browser_preview_s": max(previews), "browser_full_s": max(wholes),
        "browser_brush_p95_s": float(np.percentile(redrawn, 95)), "browser_brushes": times,
    }  # fmt: skip
