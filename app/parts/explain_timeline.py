"""The timeline of decisions with its filters, and the sentences of those that pass."""

from typing import Any

import pandas as pd
import streamlit as st

from app import explain_words as words
from app import load_decisions, phrases, state
from app.charts.explain import clicked, decision_chart
from app.parts.explain_view import View, open_decision
from engine.explain.decision import Kind

ROWS = 25


def card(view: View) -> None:
    """Filters, marks and sentences."""
    with st.container(border=True):
        st.subheader(words.SUMMARY)
        _filters(view)
        wanted = {key: value for key, value in view.wanted.items() if key != "after"}
        marks = load_decisions.decision_marks(view.run.run_id, **wanted)
        if marks.empty:
            st.info(words.LIST_NONE)
            return
        key = f"explain_chart_{view.number}"
        st.altair_chart(
            decision_chart(marks, view.clock(), view.window, view.number, _reviewed(view, wanted)),
            key=key, on_select=lambda: _clicked(key), selection_mode="mark",
            alt=words.TIMELINE_ALT,
        )  # fmt: skip
        st.caption(words.shown(len(marks), int(marks["decisions"].sum())))
        _sentences(view)


def _reviewed(view: View, wanted: dict[str, Any]) -> pd.DataFrame:
    """Reviews of the decisions that are shown."""
    frame = load_decisions.reviews(view.run.run_id)
    if frame.empty:
        return frame
    found = load_decisions.found_decisions(
        view.run.run_id, "", len(frame), **(wanted | {"reviewed": True})
    )
    return frame[frame["number"].isin([decision.number for decision, _ in found.hits])]


def _clicked(key: str) -> None:
    number = clicked(state.get(key))
    if number is not None:
        open_decision(number)


def _filters(view: View) -> None:
    counts = load_decisions.decision_counts(view.run.run_id, pool=view.wanted["pool"])
    by_kind = counts.groupby("kind")["decisions"].sum().to_dict()
    present = [str(kind) for kind in Kind if kind in by_kind]
    labels = {str(kind): words.kind_label(kind, by_kind.get(kind, 0)) for kind in Kind}
    state.put(state.EXPLAIN_KINDS, [k for k in present if Kind(k) in view.wanted["kinds"]])
    st.pills(
        words.KIND, present, format_func=labels.__getitem__, selection_mode="multi",
        key=state.EXPLAIN_KINDS, on_change=_filtered,
    )  # fmt: skip
    reasons = {code: words.reason(code) for code in dict.fromkeys(counts["reason"])}
    state.put(state.EXPLAIN_REASONS, [r for r in view.wanted["reasons"] if r in reasons])
    pools = {"": words.ALL_POOLS, **{name: name for name in view.run.pools}}
    state.put(state.EXPLAIN_POOL, view.wanted["pool"] or "")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.multiselect(
            words.REASON, list(reasons), format_func=reasons.__getitem__,
            key=state.EXPLAIN_REASONS, on_change=_filtered,
        )  # fmt: skip
        if len(pools) > 2:
            st.selectbox(
                words.POOL, list(pools), format_func=pools.__getitem__, key=state.EXPLAIN_POOL,
                on_change=_filtered, width=180,
            )  # fmt: skip
        _flag(words.WORST, words.WORST_HELP, state.EXPLAIN_WORST, view.wanted["worst_minutes"])
        _flag(
            words.REVERSALS, words.REVERSALS_HELP, state.EXPLAIN_REVERSED, view.wanted["reversals"]
        )
        _flag(words.REVIEWED, words.REVIEWED_HELP, state.EXPLAIN_REVIEWED, view.wanted["reviewed"])


def _flag(label: str, told: str, key: str, on: Any) -> None:
    state.put(key, bool(on))
    st.toggle(label, key=key, help=told, on_change=_filtered)


def _filtered() -> None:
    state.into_address(
        kinds=",".join(state.get(state.EXPLAIN_KINDS) or []) or None,
        reason=",".join(state.get(state.EXPLAIN_REASONS) or []) or None,
        pool=state.get(state.EXPLAIN_POOL) or None,
        worst="1" if state.get(state.EXPLAIN_WORST) else None,
        reversed="1" if state.get(state.EXPLAIN_REVERSED) else None,
        reviewed="1" if state.get(state.EXPLAIN_REVIEWED) else None,
        after=None,
    )


def _sentences(view: View) -> None:
    state.put(state.EXPLAIN_TEXT, view.text)
    st.text_input(
        words.SEARCH, key=state.EXPLAIN_TEXT, help=words.SEARCH_HELP, icon=":material/search:",
        placeholder=words.SEARCH_EXAMPLE, on_change=_searched,
    )  # fmt: skip
    found = load_decisions.found_decisions(view.run.run_id, view.text, ROWS, **view.wanted)
    with st.container(height=260, border=False, gap=None, key="explain_sentences"):
        for decision, text in found.hits:
            st.button(
                phrases.escaped(text), key=f"explain_row_{decision.number}", type="tertiary",
                icon=_ICONS[decision.kind], on_click=open_decision, args=(decision.number,),
                wrap=False,
            )  # fmt: skip
        if not found.hits:
            st.caption(words.SEARCH_NONE if view.text.strip() else words.LIST_NONE)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            words.searched(len(found.hits), found.read, found.more is not None), width="content"
        )
        if found.more is not None:
            st.button(words.MORE, key="explain_more", on_click=_after, args=(found.more,))
        if view.wanted["after"] != -1:
            st.button(words.FIRST, key="explain_first", on_click=_after, args=(None,))


_ICONS = {
    Kind.OUT: ":material/arrow_upward:", Kind.IN: ":material/arrow_downward:",
    Kind.KEPT: ":material/remove:", Kind.CLAMPED: ":material/compress:",
    Kind.MASKED: ":material/eco:", Kind.OVERRIDDEN: ":material/back_hand:",
    Kind.SILENT: ":material/schedule:",
}  # fmt: skip


def _after(number: int | None) -> None:
    state.into_address(after=None if number is None else str(number))


def _searched() -> None:
    state.into_address(q=state.get(state.EXPLAIN_TEXT) or None, after=None)
