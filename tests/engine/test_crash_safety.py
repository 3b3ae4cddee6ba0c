"""Killed at any moment, the store opens again, keeps all that was committed, and carries on.

A child process imports or replays one thing after the other and reports each that is done; the
parent kills it without warning at a random moment and looks at what is left.
"""

import hashlib
import multiprocessing
import random
import signal
import time
from contextlib import suppress

import pytest

from engine.planner import Planner
from engine.store.duck import Store
from engine.store.runs import list_runs
from engine.store.traces import import_path
from engine.trace.synth import generate
from engine.trace.writer import write
from tests.engine.replays import demand, keep, scenario

KILLS, MIDDLE = 20, 3
"""At random moments, and besides in the middle of a replay."""
RUN_TABLES = ("ticks", "latency", "decisions", "run_requests")
POLICIES = ("static", "hpa")
SEEDS = range(6)

CHILDREN = multiprocessing.get_context("forkserver")
"""Processes of their own, made from one that has loaded all modules and opened nothing."""
CHILDREN.set_forkserver_preload(["engine.planner", "tests.engine.replays"])


def imports(said, store_path, paths):
    """A child's work: imports one file after the other, telling of each."""
    with Store(store_path) as store:
        said.send("open")
        for path in paths:
            said.send(import_path(store, path).trace_id)


def replays(said, store_path, seeds):
    """A child's work: replays both policies for one seed after the other, telling of each."""
    with Planner(store_path) as planner:
        said.send("open")
        for seed in seeds:
            made = planner.replay(
                "demand", POLICIES, scenario=scenario(seed=seed), fresh=True,
                progress=lambda _: said.send("going"),
            )  # fmt: skip
            for run_id in made:
                said.send(run_id)


def killed_after(delay_s, work, *arguments, line="open"):
    """What the child had told by `delay_s` after `line`, and whether it was cut off."""
    heard, said = CHILDREN.Pipe(duplex=False)
    child = CHILDREN.Process(target=work, args=(said, *arguments))
    child.start()
    said.close()
    assert line in iter(heard.recv, "")
    child.join(delay_s)
    child.kill()
    child.join()
    reported = set()
    with heard, suppress(EOFError):
        while True:
            reported.add(heard.recv())
    assert child.exitcode in (0, -signal.SIGKILL)
    return reported - {"open", "going"}, child.exitcode != 0


def digest(planner, table, key, number):
    """Of the rows that belong to one trace or run; None where there are none."""
    with planner._store.cursor() as cursor:
        rows = cursor.table(table).filter(f"{key} = {number}").project(f"* EXCLUDE ({key})")
        text = repr(rows.order("ALL").fetchall())
    return None if text == "[]" else hashlib.sha256(text.encode()).hexdigest()


def traces_of(planner):
    """Digest of the rows of each trace, by id."""
    return {
        trace_id: digest(planner, "requests", "trace_no", planner.trace(trace_id).trace_no)
        for trace_id in planner.traces()["trace_id"]
    }


def runs_of(planner):
    """Status and digests of the rows of each run, by id."""
    return {
        row.run_id: (
            row.status,
            [digest(planner, table, "run_no", row.run_no) for table in RUN_TABLES],
        )
        for row in list_runs(planner._store)
    }


def forget_runs():
    """Deletes all; what is left to be known of."""
    with Planner() as planner:
        for run_id in runs_of(planner):
            planner.delete_run(run_id)
        return set(runs_of(planner))


def strays(planner, table, key, owners):
    """Rows that belong to nothing."""
    with planner._store.cursor() as cursor:
        held = cursor.table(table).project(key).distinct().fetchall()
        owned = cursor.table(owners).project(key).fetchall()
    return set(held) - set(owned)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Traces that take a moment to import."""
    folder = tmp_path_factory.mktemp("files")
    for seed in range(3):
        made = generate("bursty", duration_s=3600, mean_rate_per_s=15, seed=seed)
        write(made.table, folder / f"trace{seed}.csv")
    return sorted(folder.iterdir())


@pytest.mark.slow
def test_killing_an_import_loses_no_committed_trace_and_leaves_no_half_one(
    files, tmp_path, store_path
):
    with Planner(tmp_path / "undisturbed.duckdb") as planner:
        started = time.monotonic()
        for path in files:
            planner.import_path(path)
        takes_s = time.monotonic() - started
        expected = traces_of(planner)
    rng, cut_off, stored = random.Random(1), 0, {}
    for _ in range(KILLS):
        reported, cut = killed_after(rng.uniform(0, takes_s), imports, store_path, files)
        cut_off += cut
        with Planner() as planner:
            before, stored = stored.keys(), traces_of(planner)
            assert before | reported <= stored.keys()
            assert stored.items() <= expected.items()
            assert strays(planner, "requests", "trace_no", "traces") == set()
            if stored == expected:
                for trace_id in expected:
                    planner.delete_trace(trace_id)
                stored = {}
    assert cut_off >= KILLS // 2
    with Planner() as planner:
        for path in files:
            planner.import_path(path)
        assert traces_of(planner) == expected


@pytest.mark.slow
def test_killing_a_replay_leaves_whole_runs_and_interrupted_ones_that_can_be_started_again(
    tmp_path, store_path
):
    with Planner(tmp_path / "undisturbed.duckdb") as planner:
        keep(planner, demand())
        planner.replay("demand", POLICIES, scenario=scenario(seed=99))  # the kernels are loaded
        planner.delete_run(planner.runs()["run_id"][0])
        planner.delete_run(planner.runs()["run_id"][0])
        started = time.monotonic()
        for seed in SEEDS:
            planner.replay("demand", POLICIES, scenario=scenario(seed=seed))
        takes_s = time.monotonic() - started
        expected = runs_of(planner)
    assert {status for status, _ in expected.values()} == {"done"}
    with Planner() as planner:
        keep(planner, demand())
    rng, cut_off, interrupted, done = random.Random(2), 0, 0, set()
    for kill in range(KILLS + MIDDLE):
        if kill < KILLS:
            reported, cut = killed_after(rng.uniform(0, takes_s), replays, store_path, SEEDS)
        else:  # for certain in the middle of a replay of which nothing is kept from before
            done = forget_runs()
            reported, cut = killed_after(0, replays, store_path, SEEDS, line="going")
        cut_off += cut
        with Planner() as planner:
            found = runs_of(planner)
            before, done = done, {key for key, (status, _) in found.items() if status == "done"}
            assert before | reported <= done
            for run_id, (status, rows) in found.items():
                if status == "done":
                    assert rows == expected[run_id][1]
                else:
                    interrupted += 1
                    assert (status, rows) == ("interrupted", [None] * len(RUN_TABLES))
            for table in RUN_TABLES:
                assert strays(planner, table, "run_no", "runs") == set()
            if done == expected.keys():  # something must be left to be begun
                for run_id in list(done)[::2]:
                    planner.delete_run(run_id)
                    done.discard(run_id)
    assert cut_off >= KILLS // 2
    assert interrupted > 0
    with Planner() as planner:
        for seed in SEEDS:
            planner.replay("demand", POLICIES, scenario=scenario(seed=seed))
        assert runs_of(planner) == expected
