"""One decision: its sentence, what it saw and expected, what the guard did, all its numbers."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from app import explain_words as words
from app import formats, load_decisions, phrases
from app.charts.base import Window
from app.charts.explain import expected_chart
from app.parts.explain_view import View, open_decision
from engine.explain.decision import Decision
from engine.explain.sentences import sentence
from engine.explain.words import due

BEFORE_S, AFTER_S = 900.0, 600.0
"""Of the trace around a decision, in the chart of what was expected."""
LEVEL = re.compile(r"q([\d.]+)_per_s")
"""A quantile of the rate in a rationale, such as q95_per_s."""


def card(view: View, decision: Decision) -> None:
    """The sentence first, everything behind it after."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(words.DECISION)
            _step(view, words.EARLIER, -1, ":material/chevron_left:")
            _step(view, words.LATER, 1, ":material/chevron_right:")
        st.info(phrases.escaped(sentence(decision)), icon=":material/quick_reference_all:")
        left, right = st.columns(2)
        with left:
            _saw(decision)
        with right:
            _guard(decision)
        _expected(view, decision)
        if decision.plan is not None:
            _plan(decision.plan)
        with st.expander(words.RECORD_TITLE, icon=":material/data_object:"):
            st.json({**decision.document()}, expanded=1)


def _step(view: View, label: str, by: int, icon: str) -> None:
    found = load_decisions.neighbour(view.run.run_id, view.number or 0, by, **view.wanted)
    st.button(
        label, key=f"explain_step_{by}", icon=icon, disabled=found is None,
        on_click=open_decision, args=(found,),
    )  # fmt: skip


def _saw(decision: Decision) -> None:
    st.markdown(f"**{words.SAW_TITLE}**")
    if not decision.saw:
        st.caption(words.SAW_NONE)
        return
    rows = []
    for name, (label, when) in words.OBSERVED.items():
        if name not in decision.saw:
            continue
        value, usual = decision.saw[name], decision.usual.get(name)
        far = usual is not None and not usual[0] <= value <= usual[2]
        shown = formats.amount(value)
        rows.append(
            (f"{label}, {when}", f"**{shown}** (unusual)" if far else shown,
             "" if usual is None else words.usual(*usual))
        )  # fmt: skip
    frame = pd.DataFrame(rows, columns=["Observed", "Value", "Usually"])
    st.table(frame, hide_index=True, border="horizontal", alt=words.SAW_ALT)


def _guard(decision: Decision) -> None:
    st.markdown(f"**{words.GUARD_TITLE}**")
    rows = [
        (words.STAGES[line.stage], f"{line.before:g} {line.wanted}", f"{line.after:g} {line.kept}",
         f"**{words.reason(line.reason)}**" if line.reason else
         ("unchanged" if line.active else "off"))
        for line in decision.guard
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["Stage", "Before", "After", "Effect"])
    st.table(frame, hide_index=True, border="horizontal", alt=words.GUARD_ALT)


def _expected(view: View, decision: Decision) -> None:
    said = decision.rationale
    expected = said.get("expected_per_s")
    levels = {
        f"{found[1]} %": value
        for key, value in said.items()
        if value is not None and (found := LEVEL.fullmatch(key))
    }
    if not levels and expected is not None:
        levels = {"expected": expected}
    st.markdown(f"**{words.FORECAST_TITLE}**")
    if not levels:
        st.caption(words.FORECAST_NONE)
        return
    end_s = decision.t_s + float(said.get("horizon_s") or 120.0)
    window = Window(
        from_s=max(view.run.from_s, decision.t_s - BEFORE_S),
        to_s=min(view.run.to_s, decision.t_s + AFTER_S),
    )
    came = load_decisions.arrivals(view.run.run_id, decision.pool, window.from_s, window.to_s)
    fan = pd.DataFrame(
        [(at, value, name) for name, value in levels.items() for at in (decision.t_s, end_s)],
        columns=["t_s", "per_s", "quantile"],
    )
    chart = expected_chart(
        came, fan, decision.t_s, view.clock(window.to_s - window.from_s), window
    )
    st.altair_chart(chart, key="explain_expected", alt=words.FORECAST_ALT)
    st.caption(words.FORECAST_CAPTION)


def _plan(steps: Sequence[Mapping[str, float]]) -> None:
    st.markdown(f"**{words.PLAN_TITLE}**")
    if not steps:
        st.caption(words.PLAN_NONE)
        return
    rows = [
        (due(step["in_s"]), f"{step['from']:g}", f"{step['to']:g}",
         f"{step['usd_per_hour']:+.2f}")
        for step in steps
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["Due", "From", "To", "USD/h"])
    st.table(frame, hide_index=True, border="horizontal", alt=words.PLAN_ALT)
    st.caption(words.PLAN_CAPTION)
