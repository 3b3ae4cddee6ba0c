import random
import signal
import time
from multiprocessing import active_children, get_context

import pytest

from engine.errors import ReplayCancelled, StoreError, UsageError
from engine.planner import Planner
from engine.store import sweeps
from engine.store.duck import Store
from engine.store.traces import store_requests
from engine.sweep.axes import parse_axis
from engine.sweep.plan import Method
from tests.engine.replays import demand, scenario
from tests.engine.sweep.sweeper import POINTS, sweep_all

pytestmark = pytest.mark.slow

MEASURED = ("decision_p50_ms", "decision_p99_ms")


@pytest.fixture
def stocked(store_path):
    with Store(store_path) as store:
        store_requests(
            store, demand(number=400), name="demand", format="test", source="test", recipe={}
        )
    return store_path


def swept(path, *axes, policy="hpa", **options):
    with Planner(path) as planner:
        return planner.sweep(
            "demand", policy, [parse_axis(axis) for axis in axes],
            **({"scenario": scenario(), "workers": 1} | options),
        )  # fmt: skip


def test_values_that_come_to_the_same_are_one_and_the_sweep_is_done(stocked):
    told = []
    made = swept(
        stocked, "policy.target=0.5,0.50", "slo.latency_s=9,9.0",
        progress=lambda share, text: told.append((share, text)),
    )  # fmt: skip
    assert (made["asked"], len(made["points"]), made["replayed"]) == (1, 1, 1)
    assert told[-1] == (1.0, "1 of 1 replays")


def test_a_point_says_what_a_whole_run_of_it_says(stocked):
    made = swept(stocked, "policy.target=0.5,0.7", "slo.latency_s=5,9")
    with Planner(stocked) as planner:
        for point in made["points"]:
            run_id = planner.open_point(made["sweep_id"], point["run_id"])
            card = planner.run(run_id).scorecard
            assert run_id == point["run_id"]
            for key in card.keys() - set(MEASURED):
                assert card[key] == point["figures"][key], key


def test_a_sweep_in_lockstep_and_processes_gives_what_single_replays_give(stocked, tmp_path):
    alone = swept(stocked, "policy.target=0.4..0.8/5")
    other = tmp_path / "other.duckdb"
    with Store(other) as store:
        store_requests(
            store, demand(number=400), name="demand", format="test", source="test", recipe={}
        )
    together = swept(other, "policy.target=0.4..0.8/5", workers=2)
    figures = {
        point["run_id"]: {k: v for k, v in point["figures"].items() if k not in MEASURED}
        for point in alone["points"]
    }
    assert len(figures) == 5
    assert figures == {
        point["run_id"]: {k: v for k, v in point["figures"].items() if k not in MEASURED}
        for point in together["points"]
    }


def test_64_weights_of_the_allocator_side_by_side_give_what_single_replays_give(stocked):
    axes = ("policy.latency=0.1..0.9/8", "policy.cost=0.1..0.9/8")
    made = swept(stocked, *axes, policy="smartscale", workers=2)
    policies = [point["policy"] for point in made["points"]]
    with Planner(stocked) as planner:
        planner.replay("demand", policies, scenario=scenario())
        for point in made["points"]:
            card = planner.run(point["run_id"]).scorecard
            assert card["decision_p50_ms"] is not None
            assert point["figures"]["decision_p50_ms"] is None  # it ran in the compiled loop
            for key in card.keys() - set(MEASURED):
                assert card[key] == point["figures"][key], key
    assert len({point["figures"]["cost_usd"] for point in made["points"]}) > 8
    assert len(policies) == 64


def test_nothing_is_replayed_twice_and_more_values_extend_a_sweep(stocked):
    one = swept(stocked, "policy.target=0.5,0.7")
    assert (one["replayed"], len(one["points"])) == (2, 2)
    assert swept(stocked, "policy.target=0.5,0.7")["replayed"] == 0
    more = swept(stocked, "policy.target=0.7,0.9")
    assert (more["replayed"], len(more["points"])) == (1, 3)
    assert more["sweep_id"] == one["sweep_id"]
    assert swept(stocked, "policy.target=0.5", f"seed={scenario().seed}")["replayed"] == 0


def test_a_whole_run_counts_as_replayed(stocked):
    with Planner(stocked) as planner:
        planner.replay("demand", ["hpa:target=0.5"], scenario=scenario())
    assert swept(stocked, "policy.target=0.5,0.6")["replayed"] == 1


def test_a_search_goes_on_where_it_was(stocked):
    axes = ("policy.target=0.1..0.95", "policy.downscale_window_s=0..600")
    options = {"method": Method.SEARCH}
    short = swept(stocked, *axes, samples=5, **options)
    long = swept(stocked, *axes, samples=8, **options)
    again = swept(stocked, *axes, samples=8, **options)
    assert (short["replayed"], long["replayed"], again["replayed"]) == (5, 3, 0)
    assert {p["run_id"] for p in short["points"]} < {p["run_id"] for p in long["points"]}


def test_what_is_impossible_is_told_and_does_not_stop_the_others(stocked):
    made = swept(stocked, "pools.own.workers_min=1,50", "policy.target=0.5,7")
    assert len(made["points"]) == 1
    assert len(made["problems"]) == 3
    assert any("workers_m" in each["what"] for each in made["problems"])
    assert any("target" in each["what"] for each in made["problems"])


def test_a_stopped_sweep_keeps_what_was_done(stocked):
    asked = iter([False, False, True])
    with pytest.raises(ReplayCancelled):
        swept(stocked, "policy.target=0.5,0.6,0.7", cancel=lambda: next(asked, True))
    assert swept(stocked, "policy.target=0.5,0.6,0.7")["replayed"] in (2, 3)


def test_processes_stop_when_the_sweep_does_and_what_they_finished_is_kept(stocked):
    with Store(stocked) as store:
        long = demand(number=4000, duration_s=4 * 3600.0)
        store_requests(store, long, name="long", format="test", source="test", recipe={})
    told = [0.0]
    with Planner(stocked) as planner, pytest.raises(ReplayCancelled):
        planner.sweep(
            "long", "hpa", [parse_axis("policy.target=0.2..0.9/16")], scenario=scenario(),
            workers=2, cancel=lambda: told[-1] > 0.0, progress=lambda share, _: told.append(share),
        )  # fmt: skip
    for child in active_children():
        child.join(20)
    assert not active_children()
    kept = len(_trials(stocked))
    assert kept == round(told[-1] * 16)  # whatever was told is kept
    assert 1 <= kept <= 5  # a point at a time, and none begun after the stop


def test_sweeps_are_listed_shown_and_deleted(stocked):
    made = swept(stocked, "policy.target=0.5,0.7")
    with Planner(stocked) as planner:
        (row,) = planner.sweeps()
        assert (row.sweep_id, row.points, row.done) == (made["sweep_id"], 2, 2)
        shown = planner.sweep_report(made["sweep_id"][:6])
        assert shown["points"] == made["points"]
        with pytest.raises(StoreError):
            planner.open_point(made["sweep_id"], "nothing")
        planner.delete_sweep(made["sweep_id"])
        with pytest.raises(StoreError):
            planner.sweep_report(made["sweep_id"])
    assert swept(stocked, "policy.target=0.5,0.7")["replayed"] == 0


def test_objectives_must_be_figures_that_can_be_traded_off(stocked):
    for wrong in (("cost_usd",), ("cost_usd", "requests_arrived"), ("cost_usd", "p96_s")):
        with pytest.raises(UsageError):
            swept(stocked, "policy.target=0.5", objectives=wrong)


@pytest.mark.parametrize(("policy", "workers"), [("hpa", 1), ("smartscale", 2)])
def test_a_sweep_stopped_and_killed_at_random_moments_loses_nothing_and_replays_nothing_twice(
    stocked, policy, workers
):
    moments = random.Random(workers)
    processes = get_context("forkserver")  # imports once, not for every process
    processes.set_forkserver_preload(["tests.engine.sweep.sweeper"])
    kept = {}
    for _ in range(2):
        ours, theirs = processes.Pipe(duplex=False)
        child = processes.Process(target=sweep_all, args=(stocked, policy, workers, theirs))
        child.start()
        theirs.close()
        at = len(kept) + moments.randint(1, 40)
        while ours.recv() < at:
            pass
        time.sleep(moments.uniform(0.0, 0.05))
        child.kill()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        now = _trials(stocked)
        assert at - 1 <= len(now) < POINTS
        assert kept.items() <= now.items()  # the same ids, made at the same moment
        kept = now
    asked = iter([False] * moments.randint(5, 20))
    with pytest.raises(ReplayCancelled):
        sweep_all(stocked, policy, workers, cancel=lambda: next(asked, True))
    assert kept.items() <= _trials(stocked).items()
    kept = _trials(stocked)
    made = sweep_all(stocked, policy, workers)
    assert (len(made["points"]), made["replayed"]) == (POINTS, POINTS - len(kept))
    assert kept.items() <= _trials(stocked).items()
    assert sweep_all(stocked, policy, workers)["replayed"] == 0


def _trials(path):
    with Store(path) as store, store.transaction() as cursor:
        rows = cursor.execute("SELECT run_id, created_at FROM trials").fetchall()
    return dict(rows)


def test_points_are_kept_in_the_order_in_which_they_were_chosen(stocked):
    made = swept(stocked, "policy.target=0.9,0.5,0.7")
    with Store(stocked) as store:
        rows = sweeps.points_of(store, made["sweep_id"])
    assert [row.settings["policy.target"] for row in rows] == ["0.9", "0.5", "0.7"]
