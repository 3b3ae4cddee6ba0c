"""What a sweep looks for: chosen for a new one, and said in words of one that was made."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import formats, phrases, planner_words
from engine.errors import UsageError
from engine.figures import FIGURES
from engine.scenario import Scenario
from engine.sweep.plan import Goal


def fields() -> tuple[str, float | None, float | None]:
    """Boxes of a form: the kind of goal, the least SLO attainment in percent, the budget."""
    with st.grid(3, min_column_width=160):
        kind = st.selectbox(
            planner_words.GOAL, list(planner_words.GOALS), key="sweep_goal",
            format_func=planner_words.GOALS.__getitem__, help=planner_words.GOAL_HELP,
        )  # fmt: skip
        percent = st.number_input(
            planner_words.GOAL_SLO,
            1.0,
            100.0,
            None,
            0.1,
            key="sweep_goal_slo",
            format="%g",
            placeholder=planner_words.GOAL_SLO_OWN,
        )
        budget_usd = st.number_input(
            planner_words.GOAL_BUDGET,
            0.0,
            None,
            None,
            1.0,
            key="sweep_goal_budget",
            format="%g",
            placeholder=planner_words.NONE,
        )
    return kind, percent, budget_usd


def goal_of(
    kind: str, percent: float | None, budget_usd: float | None, scenario: Scenario
) -> Goal:
    """The goal that the boxes say. Raises UsageError where a budget is needed and not given."""
    if kind == planner_words.GOAL_CHEAPEST:
        own = scenario.slo.attainment_frac
        return Goal(bound=own if percent is None else round(percent / 100, 8))
    if budget_usd is None:
        raise UsageError(
            "the cleanest setting within a budget needs a budget", planner_words.GOAL_BUDGET,
            "Say how many US dollars the window may cost",
        )  # fmt: skip
    return Goal(minimise="carbon_kg", figure="cost_usd", bound=budget_usd)


def kept_words(goal: Mapping[str, Any]) -> str:
    """What is promised: SLO attainment of at least 99 %."""
    figure = FIGURES[goal["figure"]]
    template = planner_words.GOAL_LEAST if figure.better == "higher" else planner_words.GOAL_MOST
    return template.format(
        figure=_inside(figure.label), bound=formats.figure(goal["bound"], figure.unit)
    )


def best_words(document: Mapping[str, Any]) -> str:
    """The best point for the goal of a sweep, or that there is none."""
    best, goal = document["best"], document["goal"]
    kept = kept_words(goal)
    figure = FIGURES[goal["minimise"]]
    if not goal["measured"]:
        return planner_words.SWEEP_UNMEASURED.format(figure=figure.label)
    if best is None:
        return planner_words.SWEEP_NO_BEST.format(kept=kept)
    settings = ", ".join(f"{path} = {value}" for path, value in best["settings"].items())
    return planner_words.SWEEP_BEST.format(
        end=planner_words.GOAL_ENDS[goal["end"]],
        figure=_inside(figure.label), kept=kept, policy=phrases.escaped(best["policy"]),
        settings=phrases.escaped(settings),
        value=formats.figure(best[goal["minimise"]], figure.unit),
    )  # fmt: skip


def _inside(label: str) -> str:
    """A label inside a sentence; SLO attainment and CO₂ stay as they are."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]
