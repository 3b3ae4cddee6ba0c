"""Ctrl-C: long work stops in order, says so, ends with 130, and prints no result."""

import signal
from contextlib import contextmanager

import pytest

from engine.cli.session import progress_bar, stoppable
from engine.planner import Planner


@pytest.fixture
def interrupt(monkeypatch):
    """Presses Ctrl-C as soon as the work of a command is under way."""

    def at(module, share):
        @contextmanager
        def pressing():
            pressed = []

            def report(done, _text):
                if done > share and not pressed:
                    pressed.append(done)
                    signal.raise_signal(signal.SIGINT)

            yield report
            assert pressed, "the work was over before"

        monkeypatch.setattr(f"engine.cli.{module}.progress_bar", pressing)

    return at


def test_ctrl_c_stops_an_import_and_leaves_the_store_as_it_was(smartscale, demand_file, interrupt):
    interrupt("traces", share=0.3)
    ended = smartscale("import", demand_file, "--json")
    assert (ended.code, ended.out) == (130, "")
    assert "Stopped: the import was cancelled" in ended.err
    with Planner() as planner:
        assert planner.traces().empty


def test_ctrl_c_stops_a_replay_and_marks_its_runs(stocked, scenario_file, interrupt):
    args = ["--trace", "demand", "--policy", "static,hpa", "--scenario", scenario_file, "--json"]
    interrupt("replays", share=0.5)
    ended = stocked("replay", *args)
    assert (ended.code, ended.out) == (130, "")
    assert "Stopped: the replay was cancelled" in ended.err
    listed = stocked("runs", "--json").document["runs"]
    assert [run["status"] for run in listed] == ["cancelled", "cancelled"]
    assert all("cancelled" in run["note"] for run in listed)


@pytest.mark.slow
def test_what_was_cancelled_can_be_replayed(stocked, scenario_file, interrupt, monkeypatch):
    args = ["replay", "--trace", "demand", "--policy", "hpa", "--scenario", scenario_file]
    interrupt("replays", share=0.5)
    assert stocked(*args).code == 130
    monkeypatch.setattr("engine.cli.replays.progress_bar", progress_bar)
    assert stocked(*args).code == 0


def test_the_first_ctrl_c_asks_and_the_second_does_not_wait(capfd):
    with stoppable() as asked:
        assert not asked()
        signal.raise_signal(signal.SIGINT)
        assert asked()
        assert "again" in capfd.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_means_what_it_meant_before_once_the_work_is_done():
    before = signal.getsignal(signal.SIGINT)
    with stoppable():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
