"""Where nobody watches, long work says on stderr how far it is; what is quick says nothing."""

import json

import pytest

from engine.cli import session


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until it is moved."""
    now = [1000.0]
    monkeypatch.setattr(session, "monotonic", lambda: now[0])

    def move(seconds):
        now[0] += seconds

    return move


def test_a_line_is_printed_at_most_every_half_minute_and_on_stderr(capfd, clock):
    with session.progress_bar() as report:
        for second in range(200):
            report(second / 200, f"Day {second}")
            clock(1.0)
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"0:0{s // 60}:{s % 60:02}  {s // 2} %  Day {s}" for s in range(30, 200, 30)
    ]


def test_quick_work_says_nothing(capfd, clock):
    with session.progress_bar() as report:
        for share in (0.0, 0.5, 1.0):
            clock(9.0)
            report(share, "Replaying")
    assert capfd.readouterr() == ("", "")


def test_json_on_stdout_stays_one_document(stocked, scenario_file, monkeypatch):
    monkeypatch.setattr(session, "LINE_S", 0.0)
    ended = stocked(
        "replay", "--trace", "demand", "--policy", "static", "--scenario", scenario_file, "--json"
    )
    assert len(json.loads(ended.out)["runs"]) == 1
    assert "%  Replaying" in ended.err
