"""Pages stay whole when the browser is behind its server, as happens on a busy machine.

The browser is not slowed down for it: what the server tells is held back while somebody goes on.
"""

from playwright.sync_api import Page, WebSocketRoute, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

WRONG = "0.5"
BOX = "Power usage effectiveness of region 'europe-west4'"
FINISHED = "script_finished"
WAIT_MS = 100
MOST_WAITS = 600
FORGOTTEN_MS = 1_000
"""So long after a page is drawn the browser has forgotten the inputs that are not on it."""
START_MS = 300_000
"""The first start on an empty store loads the sample traces."""


class HeldBack:
    """Between a page and its server."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._holds = False
        self._held: list[str | bytes] = []
        self._browser: WebSocketRoute
        page.route_web_socket("**/_stcore/stream*", self._connect)

    def _connect(self, browser: WebSocketRoute) -> None:
        self._browser = browser
        server = browser.connect_to_server()
        browser.on_message(server.send)
        server.on_message(self._told)

    def _told(self, message: str | bytes) -> None:
        if self._holds:
            self._held.append(message)
        else:
            self._browser.send(message)

    def hold(self) -> None:
        """The browser hears nothing from now on."""
        self._holds = True

    def wait(self) -> int:
        """Waits until the server has finished a run that the browser knows nothing of.

        Returns:
            messages up to its end.
        """
        for _ in range(MOST_WAITS):
            kinds = [ForwardMsg.FromString(each).WhichOneof("type") for each in self._held]
            if FINISHED in kinds:
                return kinds.index(FINISHED) + 1
            self._page.wait_for_timeout(WAIT_MS)
        raise AssertionError("the server has finished no run")

    def release_run(self) -> None:
        """The browser hears of the run that the server has finished, and of no other."""
        end = self.wait()
        for message in self._held[:end]:
            self._browser.send(message)
        del self._held[:end]

    def release(self) -> None:
        """The browser hears everything, in order."""
        self._holds = False
        for message in self._held:
            self._browser.send(message)
        self._held.clear()


def section(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).click()


def opened(server, open_page, settle) -> tuple[Page, HeldBack]:
    """The page Cluster with a wrong value in one of its boxes."""
    page = open_page("about:blank")
    held = HeldBack(page)
    page.goto(server.url + "/cluster")
    page.get_by_role("combobox", name="Start from").first.click(timeout=START_MS)
    page.get_by_role("option", name="two-regions", exact=True).click()
    settle(page)
    section(page, "Regions")
    box = page.get_by_role("textbox", name=BOX, exact=True)
    box.fill(WRONG)
    box.press("Enter")
    expect(page.get_by_test_id("stAlert").filter(has_text="pue is 0.5")).to_be_visible()
    settle(page)
    return page, held


def left(page: Page, held: HeldBack) -> None:
    """The browser leaves what it shows, and only then hears that it has returned already."""
    held.release_run()
    expect(page.get_by_role("textbox", name=BOX, exact=True)).to_have_count(0)
    page.wait_for_timeout(FORGOTTEN_MS)
    held.release()


def test_what_was_typed_is_there_when_the_browser_returns_to_a_section_before_it_has_left(
    server, open_page, settle
):
    page, held = opened(server, open_page, settle)
    held.hold()
    section(page, "Workers")
    held.wait()
    section(page, "Regions")
    left(page, held)
    expect(page.get_by_role("textbox", name=BOX, exact=True)).to_have_value(WRONG)
    names = page.get_by_role("textbox", name="Name of region 'us-west1'", exact=True)
    expect(names).to_have_value("us-west1")
