"""Fine-tuning: cuts in time, windows of the trace, an alike start, and nothing worse is used."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from engine.errors import CheckpointError, ReplayCancelled, UsageError
from engine.evaluate.report import Pooled
from engine.learn import adapt_shelf as shelf
from engine.learn import checkpoint
from engine.learn.adapt import adapt, go_on, split_of
from engine.learn.adapt_cells import SPAN_S, Part, own_episode, own_pools
from engine.learn.adapt_judge import MARGIN, saving_of, setting, verdict_of
from engine.learn.adapt_likeness import Known, described, distance, mixture, nearest
from engine.learn.adapt_loop import BEST, Tuning, fine_tune
from engine.learn.cells import EPISODE_S, HISTORY_S
from engine.scenario import AgentType, Pool, QueueKind, Scenario
from engine.store.duck import Store
from engine.store.traces import store_requests
from engine.trace.schema import request_table
from tests.engine.learn.copies import copy_shipped

HOURS = 9
QUICK = Tuning(
    episodes=3, cells=2, own=2, updates=1, critics_first=1, judged=2, buffer=2000, patience=2
)
CLUSTER = Scenario(
    agent_types=(AgentType(name="worker", slots=4, queue_limit=None),),
    pools=(Pool(name="pool", agent_type="worker", workers_max=200, queue=QueueKind.POOL),),
)


def table(rate=0.6, seed=1):
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, HOURS * 3600.0, int(rate * HOURS * 3600)))
    return request_table(times, service_s=rng.lognormal(1.0, 0.7, len(times)))


def test_the_parts_follow_each_other_in_time_and_short_traces_are_refused():
    split = split_of(10 * 3600.0)
    assert 0 < split.learn_s < split.judge_s < split.end_s == 36_000.0
    assert split.judge_s - split.learn_s > EPISODE_S
    with pytest.raises(UsageError, match="hours long"):
        split_of(7 * 3600.0)


def test_windows_hold_what_arrived_there_and_their_hour_before():
    (pool,) = own_pools(table(), CLUSTER)
    part = Part(from_s=2 * 3600.0, to_s=6 * 3600.0)
    made = own_episode((pool,), part, seed=3, number=1, cells=3, own=2)
    assert made.counts.shape == (3, int(SPAN_S))
    requests = made.requests.requests
    for row in (1, 2):
        mine = requests[requests["pool"] == row]
        inside = made.counts[row, HISTORY_S : HISTORY_S + EPISODE_S]
        assert len(mine) == inside.sum() > 1000
        assert set(mine["work_s"]) <= set(pool.work_s)
    assert (np.diff(requests["arrival_s"]) >= 0).all()
    assert made.facts[1, 0] == 4
    assert made.facts[1, 1] == pytest.approx(75.0)
    faults = ("crashed", "failing", "slow")
    for number in range(8):
        upsets = own_episode((pool,), part, seed=3, number=number, cells=6, own=3).upsets
        assert (upsets.price[3:] == 1.0).all()
        assert not any(getattr(upsets, name)[3:].any() for name in faults)


def test_windows_are_simulated_inside_their_part_only():
    """Nothing but the history may lie before it, nothing at all after it."""
    rng = np.random.default_rng(1)
    times = np.sort(rng.uniform(3 * 3600.0, 6 * 3600.0, 20_000))
    quiet = request_table(times, service_s=np.full(20_000, 2.0))
    (pool,) = own_pools(quiet, CLUSTER)
    part = Part(from_s=3 * 3600.0, to_s=6 * 3600.0)
    for number in range(20):
        made = own_episode((pool,), part, seed=3, number=number, cells=1, own=1)
        assert made.counts[0, HISTORY_S:].reshape(-1, 60).sum(1).min() > 0


def test_every_window_keeps_the_same_share_of_a_busy_trace():
    """Else the mean of what is to come could be read from what was."""
    hours = 8
    rates = np.where(np.arange(hours * 3600) % 7200 < 3600, 150.0, 30.0)
    times = np.repeat(np.arange(hours * 3600), np.random.default_rng(5).poisson(rates)) * 1.0
    (pool,) = own_pools(request_table(times, service_s=np.ones(len(times))), CLUSTER)
    part = Part(from_s=3600.0, to_s=6 * 3600.0)
    shares = []
    for number in range(12):
        made = own_episode((pool,), part, seed=3, number=number, cells=1, own=1)
        busy = np.sort(made.counts[0].reshape(-1, 60).mean(1))[-20:].mean()
        shares.append(busy / 150.0)
    assert shares == pytest.approx([40.0 / 90.0] * 12, rel=0.05)


def test_a_window_begins_with_the_service_time_of_the_hour_before():
    times = np.arange(0.0, 8 * 3600.0, 0.5)
    work_s = np.where(times < 4 * 3600.0, 2.0, 6.0)
    (pool,) = own_pools(request_table(times, service_s=work_s), CLUSTER)
    before = Part(from_s=3 * 3600.0, to_s=3 * 3600.0 + EPISODE_S + 240.0)
    made = own_episode((pool,), before, seed=3, number=1, cells=1, own=1)
    assert made.service_s[0] == pytest.approx(2.0)
    assert set(made.requests.requests["work_s"]) == {2.0, 6.0}
    after = Part(from_s=5 * 3600.0, to_s=5 * 3600.0 + EPISODE_S + 240.0)
    made = own_episode((pool,), after, seed=3, number=1, cells=1, own=1)
    assert made.service_s[0] == pytest.approx(6.0)


def test_a_trace_with_too_few_requests_teaches_nothing():
    with pytest.raises(UsageError, match="1,000 requests"):
        own_pools(request_table(np.arange(10.0), service_s=np.ones(10)), CLUSTER)


def test_a_workload_is_most_like_itself():
    rng = np.random.default_rng(2)
    calm = rng.poisson(5.0, 7200).astype(float)
    wild = rng.poisson(5.0 * np.repeat(rng.gamma(0.3, 3.3, 240), 30)).astype(float)
    one, other = described(calm, 2.0, 4), described(wild, 2.0, 4)
    assert distance(one, one) == 0.0
    assert distance(one, other) > 0.5
    names = [Known(name=n, folder=n, workloads=(w,)) for n, w in (("calm", one), ("wild", other))]
    again = described(rng.poisson(5.0, 7200).astype(float), 2.0, 4)
    assert nearest([again], names)[0].name == "calm"
    assert nearest([other], names)[0].name == "wild"
    assert mixture().name == "shipped"


def points(*pairs):
    return [
        Pooled(policy=str(n), cost=cost, missed_frac=missed, slo_missed_frac=missed, p99=1.0,
               days=1)
        for n, (cost, missed) in enumerate(pairs)
    ]  # fmt: skip


OLD = points((2.0, 0.001), (1.8, 0.005), (1.6, 0.02), (1.5, 0.05))


def test_a_saving_is_taken_at_equal_misses():
    new = [replace(point, cost=0.9 * point.cost) for point in OLD]
    assert saving_of(OLD, new) == pytest.approx(0.1)
    assert saving_of(OLD, OLD) == pytest.approx(0.0)
    assert verdict_of(OLD, new).better
    assert not verdict_of(OLD, OLD).better


def test_cheaper_by_missing_more_is_no_saving():
    slid = points((1.8, 0.005), (1.6, 0.02), (1.5, 0.05), (1.45, 0.09))
    assert abs(saving_of(OLD, slid)) < MARGIN
    assert saving_of(OLD, points(*[(1.0, 0.5)] * 4)) is None
    assert "never misses as few" in verdict_of(OLD, points(*[(1.0, 0.5)] * 4)).verdict


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.duckdb") as opened:
        store_requests(opened, table(), name="mine", format="test", source="", recipe=None)
        yield opened


def finished(store_path, name, *, better):
    folder = shelf.folder_of(store_path, name)
    copy_shipped(folder)
    shelf.note_plan(folder, {"kind": "adapt"})
    shelf.note_result(folder, {"better": better, "verdict": "it is so"})
    return folder


def test_only_what_is_better_can_be_used(tmp_path):
    path = tmp_path / "s.duckdb"
    finished(path, "worse", better=False)
    good = finished(path, "good", better=True)
    with pytest.raises(UsageError, match="not better"):
        shelf.promote(path, "worse")
    with pytest.raises(UsageError, match="no training"):
        shelf.promote(path, "nobody")
    assert shelf.settled({"cost": 0.2}, path) == {"cost": 0.2}
    shelf.promote(path, "good")
    assert shelf.in_use(path) == good
    assert shelf.settled({"cost": 0.2}, path) == {"cost": 0.2, "checkpoint": str(good)}
    own = {"checkpoint": "/elsewhere"}
    assert shelf.settled(own, path) == own
    shelf.promote(path, None)
    assert shelf.in_use(path) is None


def test_a_training_that_is_not_finished_cannot_be_used_and_a_forgotten_one_is_gone(tmp_path):
    path = tmp_path / "s.duckdb"
    shelf.note_plan(shelf.folder_of(path, "begun"), {"kind": "train"})
    with pytest.raises(UsageError, match="not finished"):
        shelf.promote(path, "begun")
    finished(path, "good", better=True)
    shelf.promote(path, "good")
    shelf.forget(path, "good")
    assert shelf.in_use(path) is None
    assert [each.name for each in shelf.all_of(path)] == ["begun"]


@pytest.mark.parametrize("name", ["", "../up", "a/b", "A", ".hidden", "x" * 65])
def test_names_that_could_lead_elsewhere_are_refused(tmp_path, name):
    with pytest.raises(UsageError, match="cannot be the name"):
        shelf.folder_of(tmp_path / "s.duckdb", name)


def test_settings_of_a_comparison_name_their_checkpoint():
    assert "checkpoint" not in setting(0.2, None)
    assert "checkpoint=/there" in setting(0.2, Path("/there"))


def tuned(folder, pools, episodes=3, **more):
    steps = []
    ending = fine_tune(
        replace(QUICK, episodes=episodes), pools, Part(from_s=0.0, to_s=5.4 * 3600),
        Part(from_s=5.4 * 3600, to_s=7.2 * 3600), start=None, folder=folder, facts={"trace": "x"},
        on_step=steps.append, **more,
    )  # fmt: skip
    return ending, steps


@pytest.mark.slow
def test_a_fine_tuning_that_was_stopped_ends_as_if_it_had_not_been(tmp_path):
    pools = own_pools(table(), CLUSTER)
    ending, steps = tuned(tmp_path / "whole", pools)
    asked = []

    def in_the_second_episode():
        asked.append(1)
        return (tmp_path / "parts" / "training.safetensors").is_file() and len(asked) % 50 == 0

    with pytest.raises(ReplayCancelled):
        tuned(tmp_path / "parts", pools, cancel=in_the_second_episode)
    again, more = tuned(tmp_path / "parts", pools)
    assert again == ending
    assert [step.validation for step in more] == [s.validation for s in steps[-len(more) :]]
    assert 0 < len(more) < len(steps)
    if ending.best_episode:
        one, other = (
            load_file(tmp_path / name / BEST / checkpoint.WEIGHTS) for name in ("whole", "parts")
        )
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[name], other[name]) for name in one)
    with pytest.raises(CheckpointError, match="another fine-tuning"):
        tuned(tmp_path / "parts", pools, episodes=2)


@pytest.mark.slow
def test_a_fine_tuning_stays_on_the_cpu_where_that_is_asked_for(tmp_path, monkeypatch):
    """Also when it goes on, and though the best device is another, which cannot be used here."""
    pools = own_pools(table(), CLUSTER)
    monkeypatch.setattr("models.device.best_device", lambda: "nowhere")
    for number in (1, 2):  # the second time it goes on, from its end
        ending, steps = tuned(tmp_path, pools, episodes=1, device="cpu")
        assert ending.episodes == 1
        assert len(steps) == (number == 1)


@pytest.mark.slow
def test_adapting_leaves_a_checkpoint_with_a_card_and_an_honest_verdict(store, monkeypatch):
    real = fine_tune

    def one_better(*args, **kwargs):
        """Whatever one episode found counts as better, so that the comparison is reached."""
        ending = real(*args, **kwargs)
        copy_shipped(kwargs["folder"] / BEST)
        return replace(ending, best_episode=1)

    monkeypatch.setattr("engine.learn.adapt.fine_tune", one_better)
    told = []
    made = adapt(
        store, "mine", scenario=CLUSTER, tuning=replace(QUICK, episodes=1),
        progress=lambda share, text: told.append(share),
    )  # fmt: skip
    assert made.start == "shipped"
    assert not made.result["better"]  # the same allocator on both sides
    assert made.result["saving_frac"] == pytest.approx(0.0)
    assert (made.folder / checkpoint.WEIGHTS).is_file()
    assert "held back" in (made.folder / "README.md").read_text("utf-8")
    assert json.loads((made.folder / shelf.RESULT).read_text("utf-8"))["days"] == ["mine"]
    assert told == sorted(told)
    assert told[-1] == 1.0
    again = go_on(store, made.name)
    assert again.result == made.result
