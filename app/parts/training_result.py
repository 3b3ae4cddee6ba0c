"""One training: its curves while it learns, what it is worth, and whether smartscale uses it."""

from typing import Any

import pandas as pd
import streamlit as st

from app import load, phrases, problems, state
from app import training_words as words
from app.charts import training as charts
from app.parts import training_start
from engine.errors import CheckpointError, EngineError
from engine.learn.adapt_shelf import Shelved

EVERY_S = 2.0


def in_use() -> None:
    """Which allocator `smartscale` uses, and the way back."""
    try:
        name = load.planner().allocator_in_use()
    except CheckpointError as error:
        problems.show(error)
        _back()
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(words.USED_SHIPPED if name is None else words.used(phrases.escaped(name)))
        if name is not None:
            _back()


def _back() -> None:
    st.button(words.BACK, key="training_back", on_click=_use, args=(None,))


def card(found: list[Shelved]) -> None:
    """The chosen training of all that are known."""
    with st.container(border=True), problems.shown():
        st.subheader(words.LIST_TITLE)
        if not found:
            st.caption(words.NONE)
            return
        chosen = _pick(found)
        running = _running(chosen)
        st.caption(phrases.escaped(words.origin(chosen.plan)))
        _problem()
        if chosen.result is None and not running:
            st.info(words.UNFINISHED, icon=":material/pause_circle:")
            training_start.go_on(chosen)
        _live(chosen.name) if running else _curves(chosen)
        if chosen.result is not None:
            _worth(chosen, chosen.result)
        if not running:
            with st.popover(words.FORGET, icon=":material/delete:"):
                st.button(words.FORGET_SURE, key="training_forget", on_click=_forget,
                          args=(chosen.name,))  # fmt: skip


def _pick(found: list[Shelved]) -> Shelved:
    by_name = {each.name: each for each in found}
    wanted = state.in_address(state.TRAINING)
    names = list(by_name)
    labels = {
        name: f"{name} · {words.state_of(each.result, each.promoted, _running(each))}"
        for name, each in by_name.items()
    }
    picked = st.selectbox(
        words.PICK, names, index=names.index(wanted) if wanted in by_name else 0,
        format_func=labels.__getitem__,
    )  # fmt: skip
    if picked != wanted:
        state.into_address(training=picked)
    return by_name[picked]


def _running(chosen: Shelved) -> bool:
    """Whether it is the one under way: the newest that is not finished while a job runs."""
    if chosen.result is not None or not training_start.busy():
        return False
    newest = next((e for e in load.planner().allocators() if e.result is None), None)
    return newest is not None and newest.name == chosen.name


@st.fragment(run_every=EVERY_S)
@problems.guarded
def _live(name: str) -> None:
    """Curves that grow while it learns."""
    found = next((e for e in load.planner().allocators() if e.name == name), None)
    if found is not None:
        _curves(found)


def _curves(chosen: Shelved) -> None:
    if not chosen.curves:
        st.caption(words.LOOK_FIRST)
        return
    frame = charts.curves_frame(chosen.curves)
    panels = (
        (words.LOSS, charts.loss_chart),
        (words.REWARD, charts.reward_chart),
        (words.RANDOM if charts.at_random(frame) else words.SPREAD, charts.exploration_chart),
        (words.SERVED, charts.served_chart),
    )
    st.markdown(f"**{words.CURVES_TITLE}**")
    for pair in (panels[:2], panels[2:]):
        for column, (title, chart) in zip(st.columns(2), pair, strict=True):
            column.caption(title)
            column.altair_chart(chart(frame))
    with st.expander(words.CURVES_HELP):
        st.markdown(words.CURVES_MEANINGS)


def _worth(chosen: Shelved, result: dict[str, Any]) -> None:
    st.markdown(f"**{words.WORTH_TITLE}**")
    said = phrases.escaped(words.verdict(result["verdict"], result["days"]))
    show = st.success if result["better"] else st.warning
    show(said, icon=":material/verified:" if result["better"] else ":material/block:")
    if result["before"]:
        left, right = st.columns(2)
        left.altair_chart(charts.worth_chart(result))
        right.table(_rows(result), border="horizontal", alt=words.WORTH_ALT, hide_index=True)
        st.caption(words.WORTH_CAPTION)
    if chosen.promoted:
        st.caption(words.PROMOTED)
        return
    st.button(
        words.PROMOTE, key="training_promote", type="primary", icon=":material/trophy:",
        disabled=not (result["better"] and chosen.ready), on_click=_use, args=(chosen.name,),
        help=None if result["better"] else words.REFUSED,
    )  # fmt: skip


def _rows(result: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                words.WORTH_HEADS["cost_weight"]: f"{old['cost_weight']:g}",
                words.WORTH_HEADS["before"]: f"{old['cost']:.3f}",
                words.WORTH_HEADS["missed_before"]: f"{100 * old['missed_frac']:.2f} %",
                words.WORTH_HEADS["after"]: f"{new['cost']:.3f}",
                words.WORTH_HEADS["missed_after"]: f"{100 * new['missed_frac']:.2f} %",
            }
            for old, new in zip(result["before"], result["after"], strict=True)
        ]
    )


def _use(name: str | None) -> None:
    try:
        load.planner().use_allocator(name)
    except EngineError as error:
        state.put(state.TRAINING_PROBLEM, error)


def _forget(name: str) -> None:
    try:
        load.planner().forget_allocator(name)
    except EngineError as error:
        state.put(state.TRAINING_PROBLEM, error)
    state.into_address(training=None)


def _problem() -> None:
    problem = state.take(state.TRAINING_PROBLEM)
    if problem is not None:
        problems.show(problem)
