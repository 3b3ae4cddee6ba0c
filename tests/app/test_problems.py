"""What goes wrong is said in our words: what, where, how to fix it; never as a stack trace."""

import threading

from app import words
from engine.errors import StoreError
from engine.planner import Planner
from tests.app.conftest import text_of


def test_a_held_store_shows_its_panel(monkeypatch, open_main):
    def held(*_):
        raise StoreError("the store is open in process 4711", "store_*.duckdb", "End it")

    monkeypatch.setattr(Planner, "__init__", held)
    page = open_main()
    assert not page.exception
    assert page.error[0].proto.title == "The store is open in process 4711"
    assert page.error[0].value == "**Where:** store\\_\\*.duckdb\n\n**How to fix it:** End it."


def test_a_bug_is_logged_and_told_without_its_trace(store, open_page, monkeypatch, caplog):
    def broken(*_):
        raise ZeroDivisionError("secret detail")

    page = open_page("runs")
    monkeypatch.setattr(Planner, "runs", broken)
    page.run()
    assert not page.exception
    assert words.OUR_FAULT_TITLE in text_of(page)
    assert "secret detail" not in text_of(page)
    assert "secret detail" in caplog.text


def test_the_first_start_shows_what_it_is_doing(store_path, open_main, monkeypatch):
    go_on = threading.Event()

    def slow(self, progress=None):
        progress(0.5, "Loading sample trace chat")
        assert go_on.wait(60)
        return []

    monkeypatch.setattr(Planner, "ensure_samples", slow)
    monkeypatch.setattr(Planner, "demo", lambda *_: ([], ""))
    page = open_main()
    assert words.SETUP_TITLE in text_of(page)
    assert page.progress[0].text == "Loading sample trace chat"
    go_on.set()


def test_samples_that_cannot_be_loaded_do_not_hide_the_pages(store_path, open_page, monkeypatch):
    def broken(self, progress=None):
        raise StoreError("the samples are gone", "sample_traces", "Install SmartScale again")

    monkeypatch.setattr(Planner, "ensure_samples", broken)
    page = open_page("traces")
    assert "The samples are gone" in text_of(page)
    assert page.file_uploader(key="traces_upload")
