"""`smartscale dashboard`: hands this process over to the pages."""

import os
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from engine.cli.session import Session, with_session
from engine.errors import UsageError

ADDRESS = "127.0.0.1"
FIRST_PORT = 8501
PORTS_TRIED = 100


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help=f"Port to listen on. Default: the first free one from {FIRST_PORT}.",
)
@with_session
def dashboard(port: int | None, session: Session) -> None:
    """Start the dashboard in this terminal; Ctrl-C ends it.

    It listens on 127.0.0.1 only. The first start loads the sample traces.
    """
    page = _page()
    chosen = _free_port(port)
    with session.planner(new=True) as planner:  # refuses now rather than on a page
        store = planner.path
    session.note(f"SmartScale on http://{ADDRESS}:{chosen}, store {store}")
    command = [
        sys.executable, "-m", "streamlit", "run", str(page),
        "--server.port", str(chosen), "--server.address", ADDRESS,
    ]  # fmt: skip
    os.chdir(page.parent.parent)  # .streamlit/config.toml is read from there
    sys.stdout.flush()
    environment = {**os.environ, "SMARTSCALE_STORE": str(store)}
    os.execve(sys.executable, command, environment)  # noqa: S606 - the program is our own


def _page() -> Path:
    """The installed app's first script; found without importing it."""
    found = find_spec("app")
    places = list(found.submodule_search_locations or ()) if found is not None else []
    for place in places:
        page = Path(place).resolve() / "main.py"
        if page.exists():
            return page
    raise UsageError(
        "the pages are not installed", "package app", "Install SmartScale again: make run"
    )


def _free_port(wanted: int | None) -> int:
    if wanted is not None:
        if _is_free(wanted):
            return wanted
        raise UsageError(
            f"port {wanted} is taken",
            "--port",
            "Choose another one, or leave it out to get the next free one",
        )
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if _is_free(port):
            return port
    raise UsageError(
        f"no port from {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1} is free",
        "dashboard",
        "Name a free one with --port",
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
    return True
