"""Wishes that a training cannot grant are refused before it begins."""

import pytest

from engine.learn.checkpoint import SHIPPED


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
        ("sizer", (), "The sizer is not distilled"),
    ],
)
def test_what_distilling_cannot_grant_is_refused(smartscale, tmp_path, part, wish, told):
    ended = smartscale("train", part, "--distil", tmp_path, "--out", tmp_path / "net", *wish)
    assert ended.code == 2
    assert told in ended.err
    assert not (tmp_path / "net").exists()


def test_distilling_needs_trainings_and_says_so(smartscale, tmp_path):
    ended = smartscale(
        "train", "allocator", "--distil", SHIPPED, "--out", tmp_path / "net", "--json"
    )
    assert ended.code == 2
    assert "only one training to learn from" in ended.err
    assert "Name two or more with --distil" in ended.err
