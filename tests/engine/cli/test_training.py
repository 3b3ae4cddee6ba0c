"""Wishes that a training cannot grant are refused before it begins."""

import pytest

from engine.learn.checkpoint import SHIPPED
from engine.learn.moments import Moment


@pytest.mark.parametrize("wish", [("--lessons", 5), ("--remind", 0.3)])
def test_a_dqn_refuses_lessons_that_are_asked_for(smartscale, tmp_path, wish):
    ended = smartscale("train", "allocator", "--actor", "dqn", "--out", tmp_path / "net", *wish)
    assert ended.code == 2
    assert "A DQN takes no lessons" in ended.err
    assert not (tmp_path / "net").exists()


def test_a_dqn_trains_where_no_lessons_are_asked_for(smartscale, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(
        "engine.learn.life.train_allocator", lambda _, plan, **more: given.append(plan) or []
    )
    ended = smartscale("train", "allocator", "--actor", "dqn", "--out", tmp_path / "net", "--json")
    assert ended.code == 0, ended.err
    assert given[0].lessons == 0


def test_a_training_learns_where_it_is_told_to(smartscale, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(
        "engine.learn.life.train_allocator", lambda *_, **more: given.append(more["device"]) or []
    )
    for wish, told in (((), "auto"), (("--device", "cpu"), "cpu")):
        ended = smartscale("train", "--out", tmp_path / "net", *wish, "--json")
        assert ended.code == 0, ended.err
        assert given.pop() == told


def test_a_gpu_that_is_not_there_is_refused_before_anything_is_written(
    smartscale, tmp_path, monkeypatch
):
    monkeypatch.setattr("models.device.best_device", lambda: "cpu")
    net = tmp_path / "net"
    for command in (("train", "--out", net), ("adapt", "--trace", "none")):
        ended = smartscale(*command, "--device", "cuda", "--json")
        assert ended.code == 2
        assert ended.out == ""
        assert "torch sees no GPU" in ended.err
        assert "Use cpu, or auto" in ended.err
    assert not net.exists()


@pytest.mark.parametrize(
    ("entropy", "explored", "head", "cell"),
    [(-0.5, None, "entropy", "-0.50"), (None, 0.45, "at random %", "45.00")],
)
def test_the_curves_say_how_it_explored(
    smartscale, tmp_path, monkeypatch, entropy, explored, head, cell
):
    moment = Moment(
        episode=1, episodes=1, seconds=1.0, reward=0.2, reward_std=0.1, critic_loss=3.0,
        entropy=entropy, alpha=None, explored=explored, cost=2.0, missed_frac=0.1,
    )  # fmt: skip
    monkeypatch.setattr("engine.learn.life.train_allocator", lambda *_, **__: [moment])
    ended = smartscale("train", "--out", tmp_path / "net")
    assert head in ended.out
    assert cell in ended.out


@pytest.mark.parametrize("part", ["lookahead", "sizer", "router"])
def test_parts_that_learn_on_the_cpu_refuse_a_gpu(smartscale, tmp_path, part):
    ended = smartscale("train", part, "--out", tmp_path / "net", "--device", "cuda")
    assert ended.code == 2
    assert f"The {part} learns on the CPU" in ended.err


def test_what_the_allocator_sees_does_and_is_rewarded_for_is_told_in_three_tables(smartscale):
    document = smartscale("allocators", "table", "--json").document
    assert list(document) == ["observation", "action", "reward"]
    text = smartscale("allocators", "table").out
    assert "log(p95 / service time)" in text
    assert "-29 to 1" in text


@pytest.mark.parametrize(
    ("part", "wish", "told"),
    [
        ("allocator", ("--episodes", 3), "--episodes has no effect"),
        ("allocator", ("--actor", "mlp"), "--actor has no effect"),
        ("allocator", ("--epochs", 3), "--epochs has no effect"),
        ("sizer", (), "The sizer is not distilled"),
    ],
)
def test_what_distilling_cannot_grant_is_refused(smartscale, tmp_path, part, wish, told):
    ended = smartscale("train", part, "--distil", tmp_path, "--out", tmp_path / "net", *wish)
    assert ended.code == 2
    assert told in ended.err
    assert not (tmp_path / "net").exists()


@pytest.mark.parametrize(
    ("part", "wish"),
    [
        ("router", ("--episodes", 4)), ("sizer", ("--rounds", 2)), ("lookahead", ("--cells", 8)),
        ("allocator", ("--epochs", 3)), ("allocator", ("--clusters", 3)),
    ],
)  # fmt: skip
def test_an_option_of_another_part_is_refused(smartscale, tmp_path, part, wish):
    ended = smartscale("train", part, "--out", tmp_path / "net", *wish)
    assert ended.code == 2
    assert f"The {part} is trained without it, so {wish[0]} has no effect" in ended.err
    assert not (tmp_path / "net").exists()


@pytest.mark.parametrize(
    ("what", "wish"),
    [
        ("clusters", ("--seeds", 1)), ("sizes", ("--pools", 9)), ("routing", ("--arm", "full")),
        ("ablation", ("--tuned", 2)), ("transfer", ("--arm", "full")),
    ],
)  # fmt: skip
def test_an_option_of_another_study_is_refused(smartscale, tmp_path, what, wish):
    ended = smartscale("study", what, "--out", tmp_path / "made", *wish)
    assert ended.code == 2
    assert f"The study of {what} is made without it, so {wish[0]} has no effect" in ended.err


def test_the_options_of_a_part_and_of_a_study_are_taken(smartscale, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(
        "engine.learn.route_life.train_router",
        lambda _, plan, **more: given.append(plan) or [{"round": 1}],
    )
    monkeypatch.setattr("engine.cli.training.asdict", dict)
    monkeypatch.setattr(
        "engine.learn.crowding.crowding", lambda _, **more: given.append(more) or {"markdown": ""}
    )
    wish = ("--rounds", 2, "--clusters", 7)
    assert smartscale("train", "router", "--out", tmp_path / "net", *wish).code == 0
    assert (given[0].rounds, given[0].clusters) == (2, 7)
    assert smartscale("study", "clusters", "--out", tmp_path, "--pools", 9).code == 0
    assert given[1]["pools"] == 9


def test_distilling_needs_trainings_and_says_so(smartscale, tmp_path):
    ended = smartscale(
        "train", "allocator", "--distil", SHIPPED, "--out", tmp_path / "net", "--json"
    )
    assert ended.code == 2
    assert "only one training to learn from" in ended.err
    assert "Name two or more with --distil" in ended.err
