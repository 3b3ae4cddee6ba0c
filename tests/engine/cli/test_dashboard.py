"""`smartscale dashboard` checks what can be checked, then hands its process over to the pages."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.cli import dashboard

ROOT = Path(__file__).parents[3]


class HandedOver(BaseException):
    """Instead of becoming another program."""


@pytest.fixture
def handed_over(monkeypatch):
    """The command, environment and folder that the process would go on with."""
    seen = {}

    def execve(program, command, environment):
        seen.update(command=command, environment=environment, folder=Path.cwd())
        raise HandedOver

    monkeypatch.chdir(Path.cwd())
    monkeypatch.setattr(dashboard.os, "execve", execve)
    return seen


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def option(command, name):
    return command[command.index(name) + 1]


def test_the_pages_are_started_privately_with_the_chosen_store(smartscale, handed_over, tmp_path):
    store = tmp_path / "chosen.duckdb"
    with pytest.raises(HandedOver):
        smartscale("dashboard", "--store", store)
    command = handed_over["command"]
    assert command[1:4] == ["-m", "streamlit", "run"]
    assert Path(command[4]) == ROOT / "app" / "main.py"
    assert option(command, "--server.address") == "127.0.0.1"
    assert handed_over["environment"]["SMARTSCALE_STORE"] == str(store)
    assert handed_over["folder"] == ROOT
    assert (handed_over["folder"] / ".streamlit" / "config.toml").exists()


def test_a_free_port_is_used_as_asked(smartscale, handed_over):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    with pytest.raises(HandedOver):
        smartscale("dashboard", "--port", free)
    assert option(handed_over["command"], "--server.port") == str(free)


def test_a_taken_port_is_wrong_usage_when_it_was_asked_for(smartscale, handed_over, taken):
    ended = smartscale("dashboard", "--port", taken)
    assert ended.code == 2
    assert f"port {taken} is taken" in ended.err
    assert handed_over == {}


def test_without_a_wish_the_next_free_port_is_used(smartscale, handed_over, taken, monkeypatch):
    monkeypatch.setattr(dashboard, "FIRST_PORT", taken)
    with pytest.raises(HandedOver):
        smartscale("dashboard")
    assert int(option(handed_over["command"], "--server.port")) > taken


def test_no_free_port_at_all_is_explained(smartscale, handed_over, taken, monkeypatch):
    monkeypatch.setattr(dashboard, "FIRST_PORT", taken)
    monkeypatch.setattr(dashboard, "PORTS_TRIED", 1)
    ended = smartscale("dashboard")
    assert ended.code == 2
    assert "--port" in ended.err


def test_an_installation_without_pages_is_explained(smartscale, handed_over, monkeypatch):
    monkeypatch.setattr(dashboard, "find_spec", lambda _name: None)
    ended = smartscale("dashboard")
    assert ended.code == 2
    assert "pages are not installed" in ended.err


@pytest.mark.slow
def test_the_dashboard_answers_and_ends_with_ctrl_c(tmp_path, store_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run = "import sys; from engine.cli import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", run, "dashboard", "--port", str(port)],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert _answer(port, "/_stcore/health") == b"ok"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in (0, -signal.SIGINT, 130)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.wait()


def _answer(port, path):
    deadline = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.3)
        finally:
            connection.close()
