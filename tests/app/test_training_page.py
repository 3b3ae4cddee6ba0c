"""Training: what is used, how one learned, what it is worth; only what is better is used."""

import pytest

from app import load
from app import training_words as words
from app.charts import training as charts
from engine.champion.choice import Choice, undecided
from engine.champion.stored import Election
from engine.errors import ReplayCancelled
from engine.learn import adapt_shelf as shelf
from engine.learn.checkpoint import WEIGHTS
from engine.planner import Planner
from tests.app.conftest import text_of
from tests.engine.learn.copies import copy_shipped

CURVE = {
    "episode": 1, "episodes": 4, "seconds": 1.0, "reward": 0.2, "reward_std": 0.1,
    "critic_loss": 3.0, "entropy": None, "alpha": None, "cost": 2.0, "missed_frac": 0.1,
    "validation": 0.1, "best": False,
}  # fmt: skip
PLAN = {
    "kind": "adapt", "trace": "mine", "trace_id": "x", "start": "shipped",
    "distances": {"shipped": 0.5},
}  # fmt: skip
ROW = {"cost_weight": 0.2, "cost": 2.0, "missed_frac": 0.01, "slo_missed_frac": 0.01, "p99": 2.0}


def put(store, name, *, result=True, better=True, episodes=3):
    folder = shelf.folder_of(store, name)
    shelf.note_plan(folder, PLAN)
    for number in range(episodes):
        entropy = None if number == 0 else -0.5
        shelf.add_curve(folder, CURVE | {"episode": number + 1, "entropy": entropy})
    if result:
        copy_shipped(folder)
        shelf.note_result(
            folder,
            {"better": better, "verdict": "costs 9.0% less at equal misses", "days": ["mine"],
             "before": [ROW], "after": [ROW | {"cost": 1.8}], "saving_frac": 0.09},
        )  # fmt: skip
    return folder


def wait(page):
    for job in load.board()._jobs.values():
        assert job.wait(60)
    page.run()
    assert not page.exception


def test_without_trainings_the_shipped_allocator_is_used(store, open_page):
    page = open_page("training")
    said = text_of(page)
    assert words.USED_SHIPPED in said
    assert words.NONE in said


def test_what_is_better_can_be_used_and_the_shipped_one_comes_back(store, open_page):
    put(store, "good")
    page = open_page("training", training="good")
    assert "Costs 9.0% less" in text_of(page)
    assert page.table[0].value["Cost after"].tolist() == ["1.800"]
    page.button(key="training_promote").click().run()
    assert words.used("good") in text_of(page)
    assert load.planner().allocator_in_use() == "good"
    page.button(key="training_back").click().run()
    assert words.USED_SHIPPED in text_of(page)


def test_what_is_not_better_cannot_be_used(store, open_page):
    put(store, "bad", better=False)
    page = open_page("training", training="bad")
    assert page.button(key="training_promote").disabled


def test_one_that_is_damaged_hides_no_other_and_one_that_is_gone_has_a_way_back(store, open_page):
    put(store, "good")
    shelf.promote(store, "good")
    (put(store, "bad") / shelf.RESULT).write_text("{", "utf-8")
    page = open_page("training", training="good")
    assert "The file result.json cannot be read" in text_of(page)
    assert "Costs 9.0% less" in text_of(page)
    (shelf.folder_of(store, "good") / WEIGHTS).unlink()
    page.run()
    assert "The allocator in use, 'good', is gone" in text_of(page)
    page.button(key="training_back").click().run()
    assert words.USED_SHIPPED in text_of(page)


def test_the_curves_are_four_panels(store, open_page):
    put(store, "good", result=False)
    page = open_page("training", training="good")
    captions = [caption.value for caption in page.caption]
    assert {words.LOSS, words.REWARD, words.SPREAD, words.SERVED} <= set(captions)


def axis_and_values(chart):
    """What the chart of the exploration says it draws, and its points."""
    drawn = chart.to_dict()
    (points,) = (rows for rows in drawn["datasets"].values() if rows)
    titles = {layer["encoding"]["y"]["title"] for layer in drawn["layer"]}
    return titles, [row["value"] for row in points], {row["line"] for row in points}


def test_what_a_dqn_draws_at_random_is_a_chance_and_no_entropy(store, open_page):
    folder = put(store, "rival", result=False, episodes=0)
    curves = [CURVE | {"episode": n, "explored": 0.5 / n} for n in (1, 2)]
    for row in curves:
        shelf.add_curve(folder, row)
    captions = [caption.value for caption in open_page("training", training="rival").caption]
    assert words.RANDOM in captions
    assert words.SPREAD not in captions
    found = axis_and_values(charts.exploration_chart(charts.curves_frame(curves)))
    assert found == ({"Chance (%)"}, [50.0, 25.0], {words.RANDOM})
    others = [CURVE | {"episode": n, "entropy": -0.5, "explored": None} for n in (1, 2)]
    found = axis_and_values(charts.exploration_chart(charts.curves_frame(others)))
    assert found == ({"Entropy (nats)"}, [-0.5, -0.5], {words.SPREAD})


def test_an_unfinished_training_can_go_on_and_be_cancelled(store, open_page, monkeypatch):
    put(store, "half", result=False)
    asked = []

    def resumed(self, name, progress=None, cancel=None):
        asked.append(name)
        raise ReplayCancelled("the fine-tuning was stopped", "episode 2", "Start it again")

    monkeypatch.setattr(Planner, "resume_training", resumed)
    page = open_page("training", training="half")
    assert words.UNFINISHED in text_of(page)
    page.button(key="training_on").click().run()
    wait(page)
    assert asked == ["half"]
    assert words.STOPPED_NOTE in text_of(page)


def test_starting_hands_over_what_was_chosen(store, open_page, monkeypatch):
    given = {}

    def trained(self, name, **asked):
        given.update(asked, name=name)
        put(self.path, name)
        return {}

    monkeypatch.setattr(Planner, "train", trained)
    page = open_page("training")
    page.button_group(key="training_how").set_value(words.TRAIN).run()
    page.text_input(key="training_name").set_value("own").run()
    page.button(key="training_go").click().run()
    wait(page)
    names = ("name", "episodes", "cells", "seed", "lessons", "actor")
    assert [given[name] for name in names] == ["own", 60, 48, 0, 10, "mlp"]
    assert "own" in text_of(page) or page.selectbox[0]


def test_only_traces_that_are_long_enough_are_offered(store, open_page):
    page = open_page("training")
    options = page.selectbox(key="training_trace").options
    assert options
    assert all("day" in option or "1 d" in option for option in options)


def test_a_forgotten_training_is_gone(store, open_page):
    put(store, "good")
    page = open_page("training", training="good")
    page.button(key="training_forget").click().run()
    assert words.NONE in text_of(page)


def test_who_should_decide_is_said_with_its_reason(store, open_page, monkeypatch):
    choice = Choice(
        pool="chat", chosen="smartscale", challenger=True, rival="predictive", saving_frac=0.1,
        missed_frac=0.01, rival_missed_frac=0.02, arrived=9000, reason="the learned policy wins",
    )  # fmt: skip
    made = Election(trace="t", from_s=0.0, at_s=1.0, choices=(choice,), candidates=(),
                    until_s=1.0, later=())  # fmt: skip
    monkeypatch.setattr(Planner, "elect", lambda *_, **__: made)
    page = open_page("training")
    page.button(key="champion_go").click().run()
    wait(page)
    table = next(t.value for t in page.table if "Decides" in t.value)
    assert table["Decides"].tolist() == [words.LEARNED]
    assert table["Missed"].tolist() == ["1 %"]
    assert table["Why"].tolist() == ["The learned policy wins"]


def test_a_pool_without_requests_has_no_share_of_misses(store, open_page, monkeypatch):
    (choice,) = undecided(["chat"], "predictive", "the rule: only 0 requests are known")
    made = Election(trace="t", from_s=0.0, at_s=1.0, choices=(choice,), candidates=(),
                    until_s=1.0, later=())  # fmt: skip
    monkeypatch.setattr(Planner, "elect", lambda *_, **__: made)
    page = open_page("training")
    page.button(key="champion_go").click().run()
    wait(page)
    table = next(t.value for t in page.table if "Decides" in t.value)
    assert table["Missed"].tolist() == ["not measured"]


@pytest.mark.parametrize("result", [None, {"better": True}, {"better": False}])
@pytest.mark.parametrize("running", [True, False])
def test_every_state_of_a_training_has_words(result, running):
    assert words.state_of(result, promoted=False, running=running) in words.STATES.values()
