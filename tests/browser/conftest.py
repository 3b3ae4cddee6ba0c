"""A dashboard of its own, and a real browser that notices what goes wrong without being asked.

A page fails its test for a script error, an error on the console, or a request that leaves this
machine; a server fails it for a stack trace in its log.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGS = (
    "--no-sandbox",  # root in a container has no sandbox to use
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
VIEWPORT = {"width": 1440, "height": 900}
START_S = 120.0
"""The first start on an empty store loads the sample traces."""
WAIT_MS = 90_000
"""For two browsers and their dashboards on two cores."""
PROBES = ("/_stcore/health", "/_stcore/host-config")
"""Opened at `/compare`, Streamlit first asks `/compare/_stcore/…` in case that is its base."""

expect.set_options(timeout=WAIT_MS)

Serve = Callable[[Path], "Server"]
OpenPage = Callable[..., Page]
Settle = Callable[[Page], None]
Shot = Callable[[Page, str], Path]


@dataclass(kw_only=True)
class Server:
    """A running `smartscale dashboard` on a free port of 127.0.0.1."""

    url: str
    store: Path
    log: Path
    process: subprocess.Popen[bytes]

    def stop(self, signal_number: int = signal.SIGTERM) -> None:
        """Ends the server and everything it started; SIGKILL gives it no chance to clean up."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal_number)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def log_text(self) -> str:
        """What the server has printed so far."""
        return self.log.read_text("utf-8", "replace")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser, also where nobody wrote the marker."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where the browser is. `make test` installs it where it may."""
    names = (os.environ.get("SMARTSCALE_CHROMIUM", ""), *CHROMIUM_NAMES)
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        missing = (
            "no Chromium on the path: install it (apt-get install chromium) or name one with "
            "SMARTSCALE_CHROMIUM"
        )
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url + "/_stcore/health", timeout=2) as answer:  # noqa: S310 — our own http URL
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def start(store: Path, log: Path) -> Server:
    """Starts a dashboard on `store` and waits until it answers."""
    port = free_port()
    code = "import sys; from engine.cli import main; sys.exit(main())"
    arguments = ["dashboard", "--port", str(port), "--store", str(store)]
    environment = os.environ | {"SMARTSCALE_STORE": str(store), "PYTHONPATH": str(ROOT)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(url=f"http://127.0.0.1:{port}", store=store, log=log, process=process)
    deadline = time.monotonic() + START_S
    while not is_up(server.url):
        if process.poll() is not None or time.monotonic() > deadline:
            server.stop()
            pytest.fail(f"the dashboard did not start:\n{server.log_text()}")
        time.sleep(0.1)
    return server


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Starts dashboards on stores of the test's choice; no log may hold a stack trace."""
    servers: list[Server] = []

    def serve_store(store: Path) -> Server:
        log = tmp_path_factory.mktemp("dashboard") / "log.txt"
        servers.append(start(store, log))
        return servers[-1]

    yield serve_store
    for server in servers:
        server.stop()
    logs = [server.log_text() for server in servers]
    assert [log for log in logs if "Traceback (most recent call last)" in log] == []


@pytest.fixture(scope="session")
def server(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """One dashboard for all tests that only look, on a fresh store with the sample traces."""
    return serve(tmp_path_factory.mktemp("store") / "store.duckdb")


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """Per module: while Playwright runs, no other test in this thread can use asyncio."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=chromium_path, headless=True, args=list(CHROMIUM_ARGS)
        )
        yield chromium
        chromium.close()


def watch(page: Page) -> list[str]:
    """Everything that goes wrong in the page from now on; the list grows while it is used."""
    problems: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        url = message.location.get("url", "")
        if message.type == "error" and not url.endswith(PROBES):
            problems.append(f"console: {message.text} ({url})")

    def on_url(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname != "127.0.0.1":
            problems.append(f"request to another machine: {url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: problems.append(f"script: {error}"))
    page.on("request", lambda request: on_url(request.url))
    page.on("websocket", lambda websocket: on_url(websocket.url))
    return problems


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens watched pages: `open_page(url, color_scheme="dark")`. Closed after the test."""
    opened: list[tuple[Page, list[str]]] = []

    def open_url(url: str, **options: object) -> Page:
        page = browser.new_page(**({"viewport": VIEWPORT} | options))
        page.set_default_timeout(WAIT_MS)
        opened.append((page, watch(page)))
        page.goto(url)
        return page

    yield open_url
    for page, _ in opened:
        page.close()
    assert [problem for _, problems in opened for problem in problems] == []


@pytest.fixture
def page(server: Server, open_page: OpenPage) -> Page:
    """The dashboard's first page, in the light theme."""
    return open_page(server.url, color_scheme="light")


@pytest.fixture
def settle() -> Settle:
    """Waits until the page's script has run and nothing is being computed: `settle(page)`."""

    def wait(page: Page) -> None:
        page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
        page.wait_for_selector('[data-testid="stSkeleton"]', state="detached")

    return wait


@pytest.fixture
def shot(tmp_path: Path, settle: Settle) -> Shot:
    """Saves a screenshot: `shot(page, name)`, into SMARTSCALE_SHOTS or the test's folder."""
    folder = Path(os.environ.get("SMARTSCALE_SHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)

    def save(page: Page, name: str) -> Path:
        settle(page)
        path = folder / f"{name}.png"
        page.screenshot(path=path)
        return path

    return save
