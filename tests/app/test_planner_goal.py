import pytest

from app import planner_words as said
from app.parts.planner_goal import best_words, goal_of
from engine.errors import UsageError
from engine.presets import PRESETS

SCENARIO = next(iter(PRESETS.values()))


def document(minimise, figure, bound, best=7.5):
    point = {"policy": "hpa", "settings": {"policy.target": "0.5"}, minimise: best, figure: bound}
    end = "highest" if minimise == "slo_attainment_frac" else "lowest"
    goal = {"minimise": minimise, "figure": figure, "bound": bound, "end": end, "measured": True}
    return {"goal": goal, "best": None if best is None else point}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("cost_usd", "slo_attainment_frac", 0.99), "Lowest cost with SLO attainment of at least"),
        (("carbon_kg", "cost_usd", 40.0), "Lowest carbon with cost of at most"),
        (("slo_attainment_frac", "cost_usd", 40.0), "Highest SLO attainment with cost of at most"),
    ],
)
def test_the_best_point_is_named_for_what_was_looked_for(asked, words):
    assert best_words(document(*asked)).startswith(words)
    assert "hpa" in best_words(document(*asked))
    assert words.partition(" with ")[2] in best_words(document(*asked, best=None))


def test_what_is_not_measured_is_not_said_to_be_broken():
    asked = document("carbon_kg", "cost_usd", 40.0, best=None)
    asked["goal"]["measured"] = False
    assert best_words(asked).startswith("Carbon is not measured")


def test_the_boxes_say_what_the_command_line_can():
    own = goal_of(said.GOAL_CHEAPEST, None, None, SCENARIO)
    assert (own.minimise, own.bound) == ("cost_usd", SCENARIO.slo.attainment_frac)
    assert goal_of(said.GOAL_CHEAPEST, 97.3, None, SCENARIO).bound == 0.973
    clean = goal_of(said.GOAL_CLEANEST, None, 5.0, SCENARIO)
    assert (clean.minimise, clean.figure, clean.bound) == ("carbon_kg", "cost_usd", 5.0)
    with pytest.raises(UsageError):
        goal_of(said.GOAL_CLEANEST, None, None, SCENARIO)


@pytest.mark.parametrize("kind", [said.GOAL_CHEAPEST, said.GOAL_CLEANEST])
def test_a_box_that_would_be_ignored_is_told(kind):
    with pytest.raises(UsageError, match="does not heed"):
        goal_of(kind, 97.3, 5.0, SCENARIO)
