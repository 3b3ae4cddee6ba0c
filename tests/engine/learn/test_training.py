"""Trainings can be stopped and repeated; what comes out is a policy."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from app.parts.training_start import CELLS, EPISODES_TRAIN, LESSONS
from engine.cli.training import train as command
from engine.errors import CheckpointError, PolicyError, ReplayCancelled
from engine.learn import adapt_shelf as shelf
from engine.learn import checkpoint as files
from engine.learn import life, training
from engine.learn.actors import Transformer
from engine.learn.adapt_train import go_on, planned, train_here
from engine.learn.cells import FUTURES, USUAL
from engine.learn.checkpoint import SHIPPED, load, restored, save
from engine.learn.life import CARD, CURVES, train_allocator
from engine.learn.policy import SmartScale
from engine.learn.prioritised import STANDARD, UNIFORM
from engine.learn.training import Plan, described, train
from engine.replay import replay
from models.sac_options import STATE, Options
from tests.engine.replays import demand, scenario, spec

pytestmark = pytest.mark.slow

SMALL = Plan(
    episodes=2, cells=2, updates=1, buffer=3000, value_updates=20,
    options=Options(width=16, batch=32, token_width=8, heads=2),
)  # fmt: skip
ATTENDING = replace(SMALL, options=replace(SMALL.options, actor="transformer"))


@pytest.fixture(autouse=True)
def _short_episodes(monkeypatch):
    monkeypatch.setattr(training, "TICKS", 40)


def same(one, other):
    return all(
        torch.equal(a, b)
        for name in files.NETWORKS
        for a, b in zip(
            getattr(one, name).state_dict().values(),
            getattr(other, name).state_dict().values(),
            strict=True,
        )
    )


def test_the_same_plan_gives_the_same_network_and_another_seed_another():
    assert same(train(SMALL), train(SMALL))
    assert not same(train(SMALL), train(replace(SMALL, seed=1)))


@pytest.mark.parametrize(
    ("replay", "when"), [(UNIFORM, 90), (STANDARD, 90), (UNIFORM, 50), (UNIFORM, 5)]
)
def test_a_training_that_was_stopped_ends_as_if_it_had_not_been(tmp_path, replay, when):
    plan, asked = replace(SMALL, replay=replay), iter(range(10_000))
    with pytest.raises(ReplayCancelled):
        train(plan, folder=tmp_path, cancel=lambda: next(asked) > when)
    moments = []
    resumed = train(plan, folder=tmp_path, on_moment=moments.append)
    assert [moment.episode for moment in moments] == ([2] if when > 80 else [1, 2])
    assert same(resumed, train(plan))


def test_a_training_stays_on_the_cpu_where_that_is_asked_for(tmp_path, monkeypatch):
    """Also when it goes on, and though the best device is another, which cannot be used here."""
    monkeypatch.setattr("models.device.best_device", lambda: "nowhere")
    asked = iter(range(10_000))
    with pytest.raises(ReplayCancelled):
        train(SMALL, folder=tmp_path, cancel=lambda: next(asked) > 90, device="cpu")
    learner = train(SMALL, folder=tmp_path, device="cpu")
    assert learner.device.type == "cpu"
    with pytest.raises(RuntimeError, match="nowhere"):
        train(replace(SMALL, seed=1))


def test_what_was_learned_before_the_first_episode_is_kept(tmp_path, monkeypatch):
    asked = iter(range(10_000))
    with pytest.raises(ReplayCancelled):
        train(SMALL, folder=tmp_path, cancel=lambda: next(asked) >= 40)
    monkeypatch.setattr(training, "_warm", None)  # is not needed again
    train(SMALL, folder=tmp_path)


@pytest.mark.parametrize("at", [
    "Warming up", "Lesson 1 of 1", "Learning from lessons", "Critics learn first",
    "Learning what each score will come to",
])  # fmt: skip
def test_a_training_is_stopped_in_all_that_it_does_and_ends_the_same_later(
    tmp_path, monkeypatch, at
):
    monkeypatch.setattr("engine.learn.lessons.TICKS", 60)
    plan = replace(SMALL, lessons=1, lesson_steps=4, critics_first=4)
    stages = []
    with pytest.raises(ReplayCancelled) as stopped:
        train(plan, folder=tmp_path, on_stage=stages.append, cancel=lambda: at in stages[-1:])
    assert stopped.value.where == stages[-1] == at
    assert same(train(plan, folder=tmp_path), train(plan))


def test_a_kill_while_curves_are_written_loses_no_episode(tmp_path, monkeypatch):
    """The state of an episode is kept, but its row is not written, or only half of it."""

    class Killed(BaseException):
        pass

    def killed(folder, curves):
        (folder / f"{CURVES}.part").write_text('[{"episode": 1, "ep', "utf-8")
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(life, "_write", killed)
        train_allocator(tmp_path, SMALL)
    curves = train_allocator(tmp_path, SMALL)
    assert [moment.episode for moment in curves] == [1, 2]
    written = json.loads((tmp_path / CURVES).read_text("utf-8"))
    assert [row["episode"] for row in written] == [1, 2]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"about": None}, "it holds no 'about'"),
        ({"about": "{"}, "header is damaged"),
        ({"about": "[1]"}, "do not fit"),
        ({"heads": "x"}, "header is damaged"),
        ({"heads": None}, "it holds no 'heads'"),
        ({"told_least": "x"}, "header is damaged"),
        ({"told_least": "nan"}, "told_least is nan"),
        ({"forecaster": None}, "does not say which"),
        ({"forecaster": "0123"}, "beside another forecaster than the one here, [0-9a-f]{16}"),
    ],
)
def test_a_checkpoint_whose_header_is_wrong_is_refused_with_what_where_and_a_fix(
    tmp_path, change, told
):
    with safe_open(SHIPPED / files.WEIGHTS, "np") as file:
        header = file.metadata() | change
    kept = {name: value for name, value in header.items() if value is not None}
    save_file(load_file(SHIPPED / files.WEIGHTS), tmp_path / files.WEIGHTS, kept)
    with pytest.raises(CheckpointError, match=told) as refused:
        load(tmp_path)
    assert refused.value.where == f"checkpoint {tmp_path.name}"
    assert "smartscale train allocator" in refused.value.fix


def test_all_shipped_allocators_were_trained_beside_the_shipped_forecaster():
    names = ("allocator", "allocator-1", "allocator-2", "allocator-transformer", "allocator-dqn")
    for name in names:
        folder = SHIPPED.with_name(name)
        assert load(folder)[1]["plan"]["episodes"] >= 1


def test_each_shipped_allocator_is_distilled_out_of_three_trainings_of_one_recipe():
    names = ("allocator", "allocator-1", "allocator-2")
    made = [load(SHIPPED.with_name(name))[1] for name in names]
    assert [about["distilled"]["from_seeds"] for about in made] == [
        [0, 1, 2],
        [3, 4, 5],
        [6, 7, 8],
    ]
    assert [about["distilled"]["seed"] for about in made] == [0, 1, 2]
    recipes = [{**about["plan"], "seed": None} for about in made]
    assert (
        recipes
        == [{**json.loads(json.dumps(described(planned(60, 48, 0, 10)))), "seed": None}] * 3
    )
    for about in made:
        assert about["distilled"]["gap"] < 0.3 * about["distilled"]["apart"]


def test_a_folder_with_a_training_of_other_settings_is_refused(tmp_path):
    train(replace(SMALL, episodes=1), folder=tmp_path)
    with pytest.raises(CheckpointError, match="other settings"):
        train(SMALL, folder=tmp_path)


def test_a_training_of_a_version_with_another_ground_does_not_go_on(tmp_path, monkeypatch):
    train(replace(SMALL, episodes=1), folder=tmp_path)
    monkeypatch.setattr("engine.learn.training.GROUND", 1)
    with pytest.raises(CheckpointError, match="older version") as refused:
        train(replace(SMALL, episodes=1), folder=tmp_path)
    assert "remove the folder" in refused.value.fix


def test_a_training_leaves_a_checkpoint_its_curves_and_a_card_that_a_replay_can_use(tmp_path):
    curves = train_allocator(tmp_path, SMALL)
    assert [moment.episode for moment in curves] == [1, 2]
    assert "smartscale train" in (tmp_path / CARD).read_text("utf-8")
    _, about = load(tmp_path)
    assert about["plan"]["episodes"] == 2
    policy = f"smartscale:checkpoint={tmp_path}"
    (record,) = replay([spec(policy, demand(), scenario())])
    assert "demand_up" in record.decisions.reason
    learner = restored(tmp_path, SMALL.options, FUTURES)
    learner.shift = np.full_like(learner.shift, np.inf)
    save(learner, tmp_path / "odd", {})
    with pytest.raises(CheckpointError, match="do not fit"):
        load(tmp_path / "odd")
    (tmp_path / "odd" / "model.safetensors").write_bytes(b"no")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(tmp_path / "odd")


def test_a_transformer_trains_the_same_way_and_a_replay_can_use_it(tmp_path):
    train_allocator(tmp_path, ATTENDING)
    assert isinstance(load(tmp_path)[0].actor, Transformer)
    (record,) = replay([spec(f"smartscale:checkpoint={tmp_path}", demand(), scenario())])
    assert "demand_up" in record.decisions.reason


def test_a_learner_goes_on_from_a_checkpoint_and_not_with_other_networks(tmp_path):
    learner = train(SMALL)
    save(learner, tmp_path, {})
    assert same(restored(tmp_path, SMALL.options, FUTURES), learner)
    with pytest.raises(CheckpointError, match="others than asked for"):
        restored(tmp_path, ATTENDING.options, FUTURES)


def test_weights_are_taken_from_a_profile_and_changed_one_by_one(make_context):
    usual = SmartScale(make_context())
    assert usual._weights == pytest.approx((0.35, 0.15, 0.20, 0.15, 0.15))
    own = SmartScale(make_context(), profile="smartscale", cost=1.0)
    assert own._weights == pytest.approx(np.array([0.4, 0.2, 1.0, 0.15, 0.0]) / 1.75)
    with pytest.raises(PolicyError):
        SmartScale(make_context(), latency=-1.0)
    with pytest.raises(PolicyError, match="all weights are 0"):
        SmartScale(make_context(), latency=0, utilisation=0, cost=0, reliability=0, carbon=0)


def test_what_pages_and_commands_offer_first_is_how_the_shipped_one_was_trained(tmp_path):
    with safe_open(SHIPPED / files.WEIGHTS, "np") as file:
        kept = json.loads(file.metadata()["about"])["plan"]
    offered = json.loads(
        json.dumps(training.described(planned(EPISODES_TRAIN, CELLS, 0, LESSONS)))
    )
    assert kept == offered
    told = {option.name: option.default for option in command.params}
    assert (told["episodes"], told["cells"], told["lessons"]) == (EPISODES_TRAIN, CELLS, LESSONS)
    shares = {"faults": USUAL.faults, "prices": USUAL.prices, "clients": USUAL.kinds[-1]}
    assert {name: told[name] for name in shares} == shares


@pytest.mark.parametrize(("kept", "plan"), [
    ({}, Plan(episodes=2, cells=3, seed=4)),
    ({"lessons": 5, "actor": "transformer"}, planned(2, 3, 4, 5, "transformer")),
])  # fmt: skip
def test_a_training_goes_on_by_its_own_plan_also_one_from_before_lessons_could_be_asked_for(
    tmp_path, monkeypatch, kept, plan
):
    store = SimpleNamespace(path=tmp_path / "store.duckdb")
    asked = {"kind": "train", "episodes": 2, "cells": 3, "seed": 4, "kinds": ["bursty"], **kept}
    shelf.note_plan(shelf.folder_of(store.path, "mine"), asked)
    given = []
    monkeypatch.setattr(
        "engine.learn.adapt_train.train_here", lambda store, name, plan, **more: given.append(plan)
    )
    go_on(store, "mine")
    assert given == [plan]


def test_a_dqn_takes_no_lessons_and_others_learn_more_gently_after_them():
    assert planned(1, 2, 0, 10, "dqn") == planned(1, 2, 0, 0, "dqn")
    assert planned(1, 2, 0, 10).options.rate < planned(1, 2, 0).options.rate


def test_the_curves_of_a_dqn_tell_its_chance_of_a_random_position_and_no_entropy(tmp_path):
    """From a half to a twentieth, evenly over the first half of the training."""
    plan = replace(SMALL, options=replace(SMALL.options, actor="dqn"))
    curves = train_allocator(tmp_path, plan)
    assert [moment.entropy for moment in curves] == [None, None]
    assert [moment.alpha for moment in curves] == [None, None]
    assert curves[0].explored == pytest.approx((0.5 + 0.05) / 2, abs=0.01)
    assert curves[1].explored == pytest.approx(0.05)
    others = train_allocator(tmp_path / "sac", SMALL)
    assert all(m.explored is None and m.entropy is not None for m in others)


def test_the_shipped_curves_can_be_read_and_say_how_each_explored():
    for name in ("allocator", "allocator-1", "allocator-2", "allocator-transformer"):
        rows = json.loads((SHIPPED.with_name(name) / CURVES).read_text("utf-8"))
        assert all(training.Moment(**row).entropy is not None for row in rows)
    rows = json.loads((SHIPPED.with_name("allocator-dqn") / CURVES).read_text("utf-8"))
    assert all(training.Moment(**row).entropy is None for row in rows)
    assert rows[0]["explored"] > rows[-1]["explored"] == pytest.approx(0.05)


def test_another_checkpoint_is_another_version(tmp_path):
    train_allocator(tmp_path, replace(SMALL, episodes=1))
    assert SmartScale.version({}) != SmartScale.version({"checkpoint": str(tmp_path)})


def test_a_second_start_that_is_refused_leaves_the_plan_of_the_first(tmp_path, monkeypatch):
    store = SimpleNamespace(path=tmp_path / "store.duckdb")
    folder = shelf.folder_of(store.path, "mine")
    first = {"kind": "train", "episodes": 1, "cells": 2, "seed": 0, "kinds": ["bursty"]}
    shelf.note_plan(folder, first)
    asked = iter(range(10_000))
    with pytest.raises(ReplayCancelled):
        train(replace(SMALL, episodes=1), folder=folder, cancel=lambda: next(asked) >= 40)
    with pytest.raises(CheckpointError, match="other settings"):
        train_here(store, "mine", SMALL)
    assert shelf.find(store.path, "mine").plan == first


def test_a_training_whose_state_was_cut_off_says_which_file_and_begins_anew_without_it(tmp_path):
    train(replace(SMALL, episodes=1), folder=tmp_path)
    state = tmp_path / STATE
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="cannot be read") as refused:
        train_allocator(tmp_path, replace(SMALL, episodes=1))
    assert refused.value.where == str(state)
    save_file({"a": np.zeros(1)}, state)
    with pytest.raises(CheckpointError, match="cannot be read"):
        train_allocator(tmp_path, replace(SMALL, episodes=1))
    state.unlink()
    assert len(train_allocator(tmp_path, replace(SMALL, episodes=1))) == 1
