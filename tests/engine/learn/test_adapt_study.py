"""The study of fine-tuning: paired starts on every day, kept as it goes, said in two tables."""

from dataclasses import replace

import pytest

from engine.errors import ReplayCancelled, UsageError
from engine.evaluate.cases import heldout
from engine.learn import adapt_loop, adapt_study, training
from engine.learn.adapt_loop import Tuning
from engine.learn.adapt_study import ALIKE, ARMS, FRESH, SHIPPED

QUICK = Tuning(
    episodes=1, cells=2, own=2, updates=1, critics_first=0, judged=2, buffer=2000, patience=2
)
HOURS = 8


@pytest.fixture
def _short(monkeypatch):
    """Shorter episodes, and days with less demand."""

    def quiet(case):
        recipe = {**case.demand(), "mean_rate_per_s": 1.0}
        return replace(case, demand=lambda: recipe)

    monkeypatch.setattr(adapt_study, "heldout", lambda *given: map(quiet, heldout(*given)))
    monkeypatch.setattr(adapt_loop, "TICKS", 30)
    monkeypatch.setattr(training, "TICKS", 30)


def studied(folder, tuning=QUICK, cancel=None):
    return adapt_study.adapt_study(
        folder, tuning, seeds=1, kinds=("growth", "flash-crowd"), duration_s=HOURS * 3600.0,
        cancel=cancel,
    )  # fmt: skip


@pytest.mark.slow
def test_every_day_is_learned_from_every_start_and_what_is_finished_is_kept(
    tmp_path, monkeypatch, _short
):
    first = studied(tmp_path)
    starts = [(row["day"], row["arm"], row["start"]) for row in first["rows"]]
    assert starts == [
        ("growth-1", FRESH, FRESH), ("flash-crowd-1", FRESH, FRESH),
        ("growth-1", ALIKE, "flash-crowd-1"), ("flash-crowd-1", ALIKE, "growth-1"),
        ("growth-1", SHIPPED, "shipped"), ("flash-crowd-1", SHIPPED, "shipped"),
    ]  # fmt: skip
    for row in first["rows"]:
        assert [episode for episode, _ in row["curve"]] == [0, 1]
        assert row["curve"][0][1] == row["ending"]["before"]
    assert first["episode_h"] == 3.0
    monkeypatch.setattr(adapt_study, "fine_tune", lambda *_, **__: pytest.fail("it was kept"))
    monkeypatch.setattr(adapt_study, "adapt", lambda *_, **__: pytest.fail("it was kept"))
    assert studied(tmp_path)["markdown"] == first["markdown"]
    with pytest.raises(UsageError, match="other settings"):
        studied(tmp_path, replace(QUICK, episodes=2))
    monkeypatch.setattr(adapt_study.checkpoint, "dial_print", lambda: "of another")
    with pytest.raises(UsageError, match="other settings"):
        studied(tmp_path)


@pytest.mark.slow
def test_a_study_that_was_stopped_ends_as_if_it_had_not_been(tmp_path, _short):
    tuning = replace(QUICK, episodes=2)
    whole = studied(tmp_path / "whole", tuning)

    def in_the_second_episode():
        return (tmp_path / "parts" / "growth-1-0" / "curves.json").is_file()

    with pytest.raises(ReplayCancelled):
        studied(tmp_path / "parts", tuning, in_the_second_episode)
    again = studied(tmp_path / "parts", tuning)
    assert again["markdown"] == whole["markdown"]
    assert again["days"] == whole["days"]


def row(arm, curve, start="shipped", **more):
    return {"day": "growth-1", "kind": "growth", "arm": arm, "start": start,
            "curve": list(enumerate(curve)), **more}  # fmt: skip


def test_a_start_has_arrived_at_95_percent_of_the_way_from_random_to_the_best_of_all():
    made = adapt_study._compared(
        [
            row(FRESH, [-1.0, 0.5, 0.89, 0.91], random=-1.0),
            row(ALIKE, [0.0, 0.8, 0.89], start="bursty-1"),
            row(SHIPPED, [0.95, 0.9, 1.0]),
        ]
    )
    assert made["best"] == 1.0
    assert made["arms"] == {
        FRESH: {"start": "shipped", "share": 0.0, "episodes": 3},
        ALIKE: {"start": "bursty-1", "share": 0.5, "episodes": None},
        SHIPPED: {"start": "shipped", "share": 0.975, "episodes": 0},
    }


def day(kind, *found):
    arms = zip(ARMS, found, strict=True)
    return {
        "kind": kind,
        "arms": {arm: {"start": "x-1", "share": s, "episodes": n} for arm, (s, n) in arms},
    }


def test_the_tables_tell_every_seed_and_a_start_that_never_arrives():
    days = [
        day("growth", (0.2, 2), (0.9, 1), (1.0, 0)),
        day("bursty", (0.1, 3), (0.5, None), (0.97, 0)),
        day("growth", (0.3, 1), (0.8, None), (0.9, 4)),
    ]
    assert adapt_study._starts(days, ("growth", "bursty"), 18.0).splitlines()[2:] == [
        "| growth | 0.20, 2 / 0.30, 1 | 0.90, 1 (x-1) / 0.80, never (x-1) | 1.00, 0 / 0.90, 4 |",
        "| bursty | 0.10, 3 | 0.50, never (x-1) | 0.97, 0 |",
        "| of its own traffic, median | 36 h | never | 0 h |",
    ]


def test_where_no_episode_was_better_nothing_changed_and_one_that_misses_more_is_not_counted():
    def changed(kind, best, number, saving):
        ending = {"before": 0.5, "best": best, "best_episode": number}
        return {"kind": kind, "ending": ending, "held_back": {"saving_frac": saving}}

    rows = [changed("growth", 0.5, 0, None), changed("bursty", 0.6, 3, None),
            changed("growth", 0.52, 2, 0.04)]  # fmt: skip
    assert adapt_study._changes(rows, ("growth", "bursty")).splitlines()[2:] == [
        "| growth | 0.500, none better / 0.500, 0.520 | +0.0 % / +4.0 % |",
        "| bursty | 0.500, 0.600 | - |",
        "| all, mean and standard error | | +2.0 ± 2.0 % (2 of 3) |",
    ]
