"""Wishes that a training cannot grant are refused before it begins."""

import pytest


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
