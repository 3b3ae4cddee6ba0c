"""Long work runs beside the pages: in order, one at a time, with progress, and can be stopped."""

import subprocess
import sys
import threading

import pytest

from app.jobs import WAITING_MAX, Board, Job, State
from engine.errors import ReplayCancelled, TraceError, UsageError

PATIENCE_S = 20.0


@pytest.fixture
def board():
    opened = Board()
    yield opened
    opened.close()


def finished(job: Job) -> Job:
    assert job.wait(PATIENCE_S), "the job did not end"
    return job


def test_the_result_of_the_work_is_kept_for_whoever_asks_later(board):
    job = finished(board.submit("replay", "a replay", lambda _: ["run"]))
    assert (job.state, job.result, job.fraction) == (State.DONE, ["run"], 1.0)
    assert board.find(job.id) is job
    assert board.active() == []


def test_progress_is_seen_while_the_work_goes_on(board):
    seen, go_on = threading.Event(), threading.Event()

    def work(job: Job) -> None:
        job.report(0.4, "reading")
        seen.set()
        assert go_on.wait(PATIENCE_S)

    job = board.submit("import", "an import", work)
    assert seen.wait(PATIENCE_S)
    assert (job.fraction, job.text, job.ended) == (0.4, "reading", False)
    assert board.active("import") == [job]
    assert board.active("replay") == []
    go_on.set()
    finished(job)


def test_work_that_is_asked_to_stop_ends_as_cancelled(board):
    started = threading.Event()

    def work(job: Job) -> None:
        started.set()
        while not job.cancelled():
            pass
        raise ReplayCancelled("stopped", "here", "Start it again")

    job = board.submit("replay", "a replay", work)
    assert started.wait(PATIENCE_S)
    job.cancel()
    assert finished(job).state is State.CANCELLED
    assert job.problem is None


def test_a_job_that_waits_is_cancelled_at_once_and_never_runs(board):
    go_on, ran = threading.Event(), []
    first = board.submit("replay", "first", lambda _: go_on.wait(PATIENCE_S))
    second = board.submit("replay", "second", lambda _: ran.append(2))
    second.cancel()
    assert second.state is State.CANCELLED
    go_on.set()
    finished(first)
    finished(board.submit("replay", "third", lambda _: ran.append(3)))
    assert ran == [3]


def test_an_error_for_the_operator_is_kept_as_it_is(board):
    error = TraceError("no rows", "file.csv", "Export it again")

    def work(_: Job) -> None:
        raise error

    job = finished(board.submit("import", "an import", work))
    assert (job.state, job.problem) == (State.FAILED, error)


def test_a_bug_is_logged_told_without_its_trace_and_does_not_stop_the_next_job(board, caplog):
    job = finished(board.submit("import", "an import", lambda _: 1 / 0))
    assert job.state is State.FAILED
    assert "fault of ours" in str(job.problem)
    assert "ZeroDivisionError" not in str(job.problem)
    assert "ZeroDivisionError" in caplog.text
    assert finished(board.submit("import", "another", lambda _: 7)).result == 7


def test_jobs_run_one_at_a_time_in_the_order_of_submission(board):
    order: list[int] = []
    jobs = [board.submit("replay", str(n), lambda _, n=n: order.append(n)) for n in range(5)]
    for job in jobs:
        finished(job)
    assert order == list(range(5))


def test_a_full_queue_refuses_more_and_says_why(board):
    go_on, started = threading.Event(), threading.Event()

    def hold(_: Job) -> None:
        started.set()
        assert go_on.wait(PATIENCE_S)

    board.submit("replay", "running", hold)
    assert started.wait(PATIENCE_S)
    waiting = [board.submit("replay", "waiting", lambda _: None) for _ in range(WAITING_MAX)]
    with pytest.raises(UsageError, match="jobs are waiting already"):
        board.submit("replay", "one too many", lambda _: None)
    go_on.set()
    finished(waiting[-1])


def test_old_jobs_are_forgotten_but_never_one_that_runs(board):
    go_on, started = threading.Event(), threading.Event()
    first = finished(board.submit("import", "old", lambda _: None))
    for _ in range(40):
        finished(board.submit("import", "short", lambda _: None))

    def hold(_: Job) -> None:
        started.set()
        assert go_on.wait(PATIENCE_S)

    running = board.submit("replay", "running", hold)
    assert started.wait(PATIENCE_S)
    assert board.find(first.id) is None
    assert board.find(running.id) is running
    go_on.set()
    finished(running)


def test_closing_stops_what_runs():
    board, started = Board(), threading.Event()

    def work(job: Job) -> None:
        started.set()
        while not job.cancelled():
            pass
        raise ReplayCancelled("stopped", "here", "Start it again")

    job = board.submit("replay", "a replay", work)
    assert started.wait(PATIENCE_S)
    board.close()
    assert job.state is State.CANCELLED


def test_nobody_is_found_under_an_unknown_id(board):
    assert board.find("ffff") is None
    assert board.find(None) is None


ENDING = """
import atexit, threading, time
from concurrent.futures import ThreadPoolExecutor
from app.jobs import Board

began = threading.Event()

def work(job):
    began.set()
    while True:
        with ThreadPoolExecutor(1) as threads:
            threads.submit(time.sleep, 0.01).result()

board = Board()
atexit.register(lambda: (board.close(), print(job.state)))
job = board.submit("replay", "a replay", work)
began.wait()
"""


def test_a_job_that_finds_no_threads_because_the_dashboard_ends_has_not_failed():
    done = subprocess.run(
        [sys.executable, "-c", ENDING], capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout.strip(), done.stderr) == (str(State.CANCELLED), "")
