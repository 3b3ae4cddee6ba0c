"""The scenario as a form: presets, fields, and the file behind them.

The session holds the scenario as TOML text and one value a field. A preset sets both in a
callback, before the widgets of that run exist: a keyed widget ignores a changed default.
"""

from typing import Any

import streamlit as st

from app import load, phrases, problems, scenario_fields, state, words
from app.scenario_fields import FIELDS, GROUPS, Field
from engine.errors import EngineError
from engine.scenario import Pool, Scenario
from engine.scenario_file import from_toml, to_toml

OWN = "/cluster"
"""Stands for the scenario of the page *Cluster* among the presets; none has such a name."""


def prepare() -> None:
    """Fills the session with the default preset the first time."""
    if state.get(state.REPLAY_BASE) is None:
        name, scenario = next(iter(load.planner().presets().items()))
        state.put(state.REPLAY_PRESET, name)
        _take_over(scenario)


def start_from(scenario: Scenario, preset: str | None = None) -> None:
    """The fields start from a scenario, which is no preset unless one is named."""
    state.put(state.REPLAY_PRESET, preset)
    _take_over(scenario)


def _take_over(scenario: Scenario) -> None:
    text = to_toml(scenario)
    state.put(state.REPLAY_BASE, text)
    state.put(state.REPLAY_TOML, text)
    state.forget(state.REPLAY_PROBLEM)
    for pool in scenario.pools:
        for field in FIELDS:
            state.put(_key(pool, field), scenario_fields.value_of(scenario, pool, field))


def _key(pool: Pool, field: Field) -> str:
    owner = "" if field.shared else f"{pool.name}_"
    return f"replay_{owner}{field.path}"


def base() -> Scenario:
    """The scenario that the fields started from."""
    return from_toml(state.get(state.REPLAY_BASE))


def current() -> Scenario:
    """The scenario with what the fields say now. Raises ScenarioError."""
    scenario = base()
    values = {
        ("" if field.shared else pool.name, field.path): state.get(_key(pool, field))
        for pool in scenario.pools
        for field in scenario_fields.fields_of(scenario, pool)
    }
    return scenario_fields.with_values(scenario, values)


def presets() -> None:
    """Buttons that fill in everything."""
    names = {name: name for name in load.planner().presets()}
    made = state.get(state.CLUSTER_BASE)
    if made is not None:
        names[OWN] = phrases.own_cluster(from_toml(made).name)
    st.segmented_control(
        words.PRESET,
        list(names),
        format_func=names.__getitem__,
        key=state.REPLAY_PRESET,
        help=words.PRESET_HELP,
        on_change=_preset_chosen,
        persist_state="session",
    )
    st.caption(phrases.escaped(scenario_fields.summary(base())))


def _preset_chosen() -> None:
    name = state.get(state.REPLAY_PRESET)
    if name == OWN:
        _take_over(from_toml(state.get(state.CLUSTER_BASE)))
    elif name is not None:
        _take_over(load.planner().presets()[name])


def fields() -> None:
    """All inputs; for use inside a form."""
    scenario = base()
    for pool in scenario.pools:
        if len(scenario.pools) > 1:
            st.markdown(f"**{phrases.pool_title(pool.name, pool.agent_type)}**")
        shown = scenario_fields.fields_of(scenario, pool)
        groups = {
            name: kept
            for name, group in GROUPS.items()
            if (kept := [field for field in group if field in shown])
        }
        for tab, group in zip(st.tabs(list(groups)), groups.values(), strict=True):
            with tab, st.grid(4, min_column_width=170, vertical_alignment="bottom"):
                for field in group:
                    _input(pool, field)


def _input(pool: Pool, field: Field) -> None:
    key = _key(pool, field)
    shared: dict[str, Any] = {"key": key, "help": field.help, "persist_state": "session"}
    if field.optional:
        shared |= {"value": None, "placeholder": field.empty}  # an emptied box stays empty
    if field.choices:
        st.selectbox(field.label, field.choices, **shared)
        return
    number = int if field.whole else float
    st.number_input(
        field.label,
        min_value=number(field.least),
        step=number(field.step),
        format=None if field.whole else "%g",
        **shared,
    )


def advanced() -> None:
    """The scenario file: edit, load, save."""
    with st.expander(words.ADVANCED, icon=":material/code:"):
        with st.form("replay_file", border=False):
            st.text_area(words.ADVANCED_LABEL, key=state.REPLAY_TOML, height=360)
            st.form_submit_button(words.ADVANCED_USE, key="replay_use", on_click=_use_text)
        uploaded = st.file_uploader(
            words.ADVANCED_UPLOAD, type=["toml"], key="replay_upload", max_upload_size=1
        )
        if uploaded is not None:
            st.button(
                words.ADVANCED_USE_FILE,
                key="replay_use_file",
                on_click=_use,
                args=(uploaded.getvalue().decode("utf-8", "replace"),),
            )
        st.download_button(
            words.ADVANCED_SAVE,
            state.get(state.REPLAY_BASE),
            file_name="scenario.toml",
            mime="application/toml",
            icon=":material/download:",
            on_click="ignore",
            key="replay_save",
        )


def _use_text() -> None:
    _use(state.get(state.REPLAY_TOML))


def _use(text: str) -> None:
    try:
        scenario = from_toml(text, words.ADVANCED)
    except EngineError as error:
        problem(error)
        return
    start_from(scenario)


def problem(error: EngineError) -> None:
    """Keeps an error, to be shown beside the form by `show_problem`."""
    state.put(state.REPLAY_PROBLEM, (error.what, error.where, error.fix))


def show_problem() -> None:
    """What was wrong with the last try; the fields keep their values."""
    kept = state.get(state.REPLAY_PROBLEM)
    if kept is not None:
        problems.show(EngineError(*kept))


def accept() -> Scenario | None:
    """The scenario as entered, now also the one that the file shows; None if it is refused."""
    try:
        scenario = current()
    except EngineError as error:
        problem(error)
        return None
    state.put(state.REPLAY_BASE, to_toml(scenario))
    state.forget(state.REPLAY_PROBLEM)
    return scenario
