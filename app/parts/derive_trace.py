"""A trace made from a stored one: steps that are put together, then made."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import derive_words, load, phrases, state, words
from app.parts import demand
from engine.planner import Imported, Planner
from engine.scenario import Scenario
from engine.trace.derive import STEPS
from engine.trace.schema import Kind

REGION = "region"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be made."""

    trace_id: str
    steps: tuple[dict[str, Any], ...]
    scenario: Scenario | None
    name: str | None
    seed: int

    def made(self, planner: Planner) -> Imported:
        """Makes it."""
        return planner.derive(
            self.trace_id, self.steps, name=self.name, seed=self.seed, scenario=self.scenario
        )


def form() -> Wish | None:
    """The boxes; what is to be made once somebody asks for it."""
    traces = demand.replayable(load.planner().traces())
    traces = traces[traces["kind"] != Kind.SERIES.value]
    if traces.empty:
        st.info(derive_words.NONE)
        return None
    names = dict(zip(traces["trace_id"], traces["name"], strict=True))
    trace_id = st.selectbox(
        derive_words.FROM, list(names), format_func=names.__getitem__, key="derive_from"
    )
    with st.container(border=True):
        step = _step(names)
        st.button(
            derive_words.ADD_STEP, key="derive_add", icon=":material/add:", on_click=_add,
            args=(step,),
        )  # fmt: skip
    steps = _so_far(names)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(words.ADD_NAME, key="derive_name")
        seed = st.number_input(derive_words.SEED, 0, value=1, key="derive_seed", width=120)
        bound = _residency() if any(REGION in step for step in steps) else None
        asked = st.button(
            derive_words.GO, type="primary", icon=":material/auto_awesome:", key="derive_go",
            disabled=not steps, help=derive_words.RECIPE_HELP,
        )  # fmt: skip
    if not asked:
        return None
    return Wish(
        trace_id=trace_id, steps=steps, scenario=bound, seed=int(seed),
        name=(name or "").strip() or None,
    )  # fmt: skip


def _residency() -> Scenario:
    """The box for the scenario that says which tenants are bound to a region."""
    known = {**load.planner().presets(), **load.planner().saved_scenarios()}
    chosen: str = st.selectbox(
        derive_words.SCENARIO, list(known), key="derive_scenario", help=derive_words.SCENARIO_HELP
    )
    return known[chosen]


def _step(names: dict[str, str]) -> dict[str, Any]:
    """One step as the boxes say it."""
    do = st.selectbox(
        derive_words.STEP, list(STEPS), format_func=derive_words.STEPS.__getitem__,
        key="derive_step",
    )  # fmt: skip
    options = {**STEPS[do][1], **({REGION: None} if do == "drop" else {})}
    given = {"do": do}
    with st.grid(min(len(options), 4), min_column_width=150):
        for option, usual in options.items():
            value = _field(do, option, usual, names)
            if value is not None and value != "":
                given[option] = value
    return given


def _field(do: str, option: str, usual: Any, names: dict[str, str]) -> Any:
    label, key = derive_words.FIELDS[option], f"derive_{do}_{option}"
    if option == "trace":
        return st.selectbox(label, list(names), format_func=names.__getitem__, key=key)
    begin = derive_words.BEGIN.get(option, usual)
    if isinstance(begin, float):
        return st.number_input(label, value=begin, key=key)
    return (st.text_input(label, value=begin or "", key=key) or "").strip()


def _so_far(names: dict[str, str]) -> tuple[dict[str, Any], ...]:
    """The steps that were added, with a way back."""
    steps: tuple[dict[str, Any], ...] = state.get(state.DERIVE_STEPS) or ()
    if not steps:
        return steps
    lines = [
        f"{number}. {derive_words.STEPS[step['do']]}: " + ", ".join(_told(step, names))
        for number, step in enumerate(steps, start=1)
    ]
    st.markdown(f"**{derive_words.SO_FAR}**\n\n" + "\n".join(lines))
    st.button(derive_words.UNDO, key="derive_undo", icon=":material/undo:", on_click=_undo)
    return steps


def _told(step: dict[str, Any], names: dict[str, str]) -> list[str]:
    return [
        f"{derive_words.FIELDS[option].lower()} "
        + phrases.escaped(names.get(str(value), f"{value}"))
        for option, value in step.items()
        if option != "do"
    ]


def _add(step: dict[str, Any]) -> None:
    state.put(state.DERIVE_STEPS, (*(state.get(state.DERIVE_STEPS) or ()), step))


def _undo() -> None:
    state.put(state.DERIVE_STEPS, (state.get(state.DERIVE_STEPS) or ())[:-1])
