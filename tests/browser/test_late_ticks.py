"""A page stays when a timer of the page before it asks late, as happens on a busy machine.

The browser is not slowed down for it: what its timers asked the server last is asked once more as
soon as the server has begun another page.
"""

from playwright.sync_api import Page, WebSocketRoute, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from engine.planner import Planner

WAIT_MS = 120_000


class LateTicks:
    """Between a page and its server."""

    def __init__(self, page: Page) -> None:
        self.late: list[str] = []
        """Fragments that were asked for too late."""
        self._last: dict[str, tuple[str, str | bytes]] = {}
        page.route_web_socket("**/_stcore/stream*", self._connect)

    def _connect(self, browser: WebSocketRoute) -> None:
        server = browser.connect_to_server()

        def asked(message: str | bytes) -> None:
            request = BackMsg.FromString(message).rerun_script
            if request.is_auto_rerun:
                self._last[request.fragment_id] = request.page_script_hash, message
            server.send(message)

        def told(message: str | bytes) -> None:
            browser.send(message)
            started = ForwardMsg.FromString(message)
            if started.WhichOneof("type") != "new_session":
                return
            for fragment, (page, tick) in list(self._last.items()):
                if page != started.new_session.page_script_hash:
                    del self._last[fragment]
                    self.late.append(fragment)
                    server.send(tick)

        browser.on_message(asked)
        server.on_message(told)


def stays(page: Page, settle, title: str, content: str) -> None:
    """The page with this title is whole, also after everything was answered."""
    heading = page.get_by_role("heading", name=title, exact=True, level=1)
    expect(heading).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_role("heading", name=content)).to_be_visible()
    settle(page)
    page.wait_for_timeout(1500)
    settle(page)
    expect(heading).to_be_visible()
    expect(page.get_by_role("heading", name=content)).to_be_visible()


def test_a_comparison_stays_when_the_progress_of_its_replay_asks_late(
    serve, open_page, settle, tmp_path
):
    server = serve(tmp_path / "store.duckdb")
    page = open_page("about:blank")
    ticks = LateTicks(page)
    page.goto(server.url + "/replay")
    page.get_by_role("button", name="Replay and compare").wait_for(timeout=WAIT_MS)
    settle(page)
    page.locator(".st-key-replay_fresh label").click()
    ticks.late.clear()
    page.get_by_role("button", name="Replay and compare").click()
    stays(page, settle, "Compare", "Scorecard")
    assert ticks.late


def test_a_page_stays_when_the_sidebar_of_the_page_before_asks_late(
    serve, open_page, settle, tmp_path
):
    store = tmp_path / "store.duckdb"
    with Planner(store) as planner:
        made = planner.synthesize(
            "bursty", duration_s=86400.0, mean_rate_per_s=8.0, seed=6, name="long"
        )
    server = serve(store)
    page = open_page("about:blank")
    ticks = LateTicks(page)
    page.goto(f"{server.url}/replay?trace={made.trace_id}")
    page.get_by_role("button", name="Replay and compare").click(timeout=WAIT_MS)
    page.get_by_role("button", name="Cancel").wait_for()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Start").click()
    open_demo = page.locator(".st-key-start_demo button")
    open_demo.wait_for()
    page.wait_for_timeout(2500)  # the sidebar looks once a second
    ticks.late.clear()
    open_demo.click()
    stays(page, settle, "Compare", "Scorecard")
    assert ticks.late
