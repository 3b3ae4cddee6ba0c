"""What stands above the tables: presets, files, the idle cluster, and what is not used yet."""

import re
from collections.abc import Callable
from typing import Any

import streamlit as st

from app import cluster_draft, cluster_words, load, phrases, problems, state
from app.cluster_fields import SECTIONS
from app.parts import cluster_state, scenario_form
from engine.cluster.standing import standing
from engine.errors import EngineError
from engine.manifests import default_policy, read, to_yaml
from engine.scenario import Scenario
from engine.scenario_file import from_toml, to_dict, to_toml


def start() -> None:
    """Presets, import, export, and the way to a replay."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = {**dict.fromkeys(load.planner().presets()), **_saved()}
        st.selectbox(
            cluster_words.START_FROM,
            list(names),
            index=None,
            placeholder=cluster_words.OWN,
            key=state.CLUSTER_PRESET,
            help=cluster_words.START_FROM_HELP,
            on_change=_preset_chosen,
            width=240,
            persist_state="session",
        )
        with st.popover(cluster_words.SAVE, icon=":material/save:", help=cluster_words.SAVE_HELP):
            _save(cluster_state.current())
        with st.popover(cluster_words.IMPORT, icon=":material/upload:"):
            _import()
        with st.popover(
            cluster_words.EXPORT, icon=":material/download:", help=cluster_words.EXPORT_HELP
        ):
            _export(cluster_state.current())
        if st.button(
            cluster_words.REPLAY,
            key="cluster_replay",
            type="primary",
            icon=":material/play_circle:",
            help=cluster_words.REPLAY_HELP,
        ):
            scenario_form.start_from(cluster_state.current(), scenario_form.OWN)
            state.go_to(state.REPLAY_PAGE)
    kept = state.get(state.CLUSTER_PROBLEM)
    if kept is not None:
        problems.show(EngineError(*kept))
    for note in state.get(state.CLUSTER_NOTES, []):
        st.info(phrases.escaped(note), icon=":material/info:")


def _preset_chosen() -> None:
    name = state.get(state.CLUSTER_PRESET)
    found = {**_saved(), **load.planner().presets()}.get(name)
    if found is not None:
        cluster_state.take_over(found)


def _saved() -> dict[str, Scenario]:
    return load.planner().saved_scenarios()


def _save(scenario: Scenario) -> None:
    """Keeps the scenario under its name, and lists those that are kept."""
    st.button(
        phrases.escaped(cluster_words.save_as(scenario.name)),
        key="cluster_save",
        icon=":material/save:",
        on_click=_told,
        args=(load.planner().save_scenario, scenario, scenario.name),
    )
    saved = _saved()
    if saved:
        st.divider()
    for name in saved:
        st.button(
            phrases.escaped(cluster_words.forget(name)),
            key=f"cluster_forget_{name}",
            icon=":material/delete:",
            type="tertiary",
            on_click=_told,
            args=(load.planner().delete_scenario, name, None),
        )


def _told(act: Callable[[Any], None], what: Any, chosen: str | None) -> None:
    """Callback: does it, or keeps why not."""
    try:
        act(what)
    except EngineError as error:
        state.put(state.CLUSTER_PROBLEM, (error.what, error.where, error.fix))
        return
    state.forget(state.CLUSTER_PROBLEM)
    state.put(state.CLUSTER_PRESET, chosen)


def _import() -> None:
    uploaded = st.file_uploader(
        cluster_words.IMPORT_LABEL,
        type=["toml", "yaml", "yml"],
        key=state.CLUSTER_IMPORT,
        max_upload_size=1,
    )
    if uploaded is not None:
        st.button(
            cluster_words.IMPORT_USE,
            key="cluster_import_use",
            on_click=use_file,
            args=(uploaded.name, uploaded.getvalue().decode("utf-8", "replace")),
        )


def use_file(name: str, text: str) -> None:
    """Callback: an imported file in place of what was there; a wrong one changes nothing."""
    notes: list[str] = []
    try:
        if name.endswith(".toml"):
            scenario = from_toml(text, name)
        else:
            found = read(text, name)
            scenario, notes = found.scenario, cluster_words.imported(found)
            state.put(state.REPLAY_POLICIES, [found.policy])
    except EngineError as error:
        state.put(state.CLUSTER_PROBLEM, (error.what, error.where, error.fix))
        return
    state.put(state.CLUSTER_PRESET, None)
    cluster_state.take_over(scenario)
    state.put(state.CLUSTER_NOTES, notes)


def _export(scenario: Scenario) -> None:
    stem = file_stem(scenario.name)
    st.download_button(
        cluster_words.TOML,
        to_toml(scenario),
        file_name=f"{stem}.toml",
        mime="application/toml",
        icon=":material/description:",
        help=cluster_words.TOML_HELP,
        on_click="ignore",
        key="cluster_save_toml",
    )
    st.divider()
    usual = default_policy(scenario)
    if state.get(state.CLUSTER_POLICY) in (None, state.get(state.CLUSTER_POLICY_USUAL)):
        state.put(state.CLUSTER_POLICY, usual)  # nobody has typed another one
    state.put(state.CLUSTER_POLICY_USUAL, usual)
    policy = st.text_area(
        cluster_words.POLICY,
        height=110,
        key=state.CLUSTER_POLICY,
        help=cluster_words.POLICY_HELP,
        persist_state="session",
    )
    with problems.shown():
        st.download_button(
            cluster_words.YAML,
            to_yaml(scenario, policy or None),
            file_name=f"{stem}.yaml",
            mime="application/yaml",
            icon=":material/deployed_code:",
            help=cluster_words.YAML_HELP,
            on_click="ignore",
            key="cluster_save_yaml",
        )


def file_stem(name: str) -> str:
    """A scenario's name as the name of a file."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "scenario"


def idle(scenario: Scenario) -> None:
    """What the cluster costs, draws and emits with nothing to do."""
    with st.container(border=True):
        st.markdown(f"**{cluster_words.STANDING_TITLE}**", help=cluster_words.STANDING_HELP)
        with st.grid(5, min_column_width=98):
            for label, value, meaning in cluster_words.metrics(standing(scenario)):
                st.metric(label, phrases.escaped(value), help=meaning)


def unused(scenario: Scenario) -> None:
    """Edits that are not in the scenario, also those in other sections."""
    plain = to_dict(scenario)
    sections = {part.key: name for name, parts in SECTIONS.items() for part in parts}
    wrong = {}
    for path in state.get(state.CLUSTER_EDITS, {}):
        part, field = cluster_draft.spec(path)
        owner = cluster_draft.title_of(plain, cluster_draft.entry_of(path), part)
        wrong[cluster_words.labelled(field.label, owner)] = sections[part.key]
    if wrong:
        st.warning(cluster_words.unused(wrong), icon=":material/edit_off:")
