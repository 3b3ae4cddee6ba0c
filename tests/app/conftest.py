"""A small store with samples and the first comparison, copied for each test; pages run in it."""

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from streamlit import config
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from app import load
from engine.planner import Planner

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60.0
"""The first page compiles kernels and imports everything."""

OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="session")
def prepared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the dashboard's first start makes: the samples and a finished comparison."""
    path = tmp_path_factory.mktemp("prepared") / "store.duckdb"
    with Planner(path) as planner:
        planner.ensure_samples()
        planner.demo()
    return path


@pytest.fixture(scope="session", autouse=True)
def looked_for_components_once() -> Iterator[None]:
    """AppTest asks at every run of a page which installed packages bring components."""
    with pytest.MonkeyPatch.context() as patch:
        scan = manifest_scanner.scan_component_manifests
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(scan))
        yield


@pytest.fixture(autouse=True)
def plain_state() -> Iterator[None]:
    """What pages put into the session can be pickled, or the page fails its test."""
    name = "runner.enforceSerializableSessionState"
    before = config.get_option(name)
    config.set_option(name, True)
    yield
    config.set_option(name, before)


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Nothing is kept from one test to the next: every test has a store of its own."""
    clear()
    yield
    clear()


def clear() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def store(store_path: Path, prepared_store: Path) -> Path:
    """This test's copy of the prepared store."""
    shutil.copy(prepared_store, store_path)
    return store_path


@pytest.fixture
def no_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first start that brings nothing."""
    monkeypatch.setattr(Planner, "ensure_samples", lambda *_: [])
    monkeypatch.setattr(Planner, "demo", lambda *_: ([], ""))


@pytest.fixture
def open_main() -> Callable[[], AppTest]:
    """Opens the dashboard as a browser first does, ready or not."""
    script = str(ROOT / "app" / "main.py")
    return lambda: AppTest.from_file(script, default_timeout=TIMEOUT_S).run()


@pytest.fixture
def open_page(open_main: Callable[[], AppTest]) -> OpenPage:
    """Opens the dashboard at a page: `open_page("compare", runs="a,b")`."""

    def opened(name: str = "start", **query: str) -> AppTest:
        page = open_main()
        load.setup().wait(TIMEOUT_S)
        for key, value in query.items():
            page.query_params[key] = value
        page.switch_page(f"views/{name}.py").run()
        assert not page.exception
        return page

    return opened


def text_of(page: AppTest) -> str:
    """Everything the page says, one element a line."""
    kinds = (
        page.title, page.header, page.subheader, page.markdown, page.caption, page.info,
        page.success, page.warning, page.error,
    )  # fmt: skip
    parts = [str(element.value) for kind in kinds for element in kind]
    alerts = [element for kind in (page.success, page.warning, page.error) for element in kind]
    return "\n".join([*parts, *(element.proto.title for element in alerts)])
