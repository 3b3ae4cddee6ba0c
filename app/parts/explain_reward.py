"""What a decision earned until the next one, component by component."""

import pandas as pd
import streamlit as st

from app import explain_words as words
from app import formats
from app.charts.explain_parts import waterfall_chart
from engine.explain.decision import Decision
from engine.explain.reward import Reward


def card(decision: Decision) -> None:
    """The waterfall, and how it is computed."""
    with st.container(border=True):
        st.subheader(words.REWARD_TITLE, help=words.REWARD_HELP)
        found = decision.reward
        if found is None:
            st.caption(words.REWARD_NONE)
            return
        st.write(words.earned(found.total, found.usual, found.to_s - found.from_s))
        left, right = st.columns(2)
        with left:
            st.altair_chart(
                waterfall_chart(_steps(found)), key="explain_reward", alt=words.REWARD_ALT
            )
        with right:
            st.table(_table(found), hide_index=True, border="horizontal", alt=words.REWARD_ALT)
        with st.expander(words.REWARD_FORMULA, icon=":material/function:"):
            st.caption(f"{found.formula[:1].upper()}{found.formula[1:]}; {found.unit}.")
            for part in found.parts:
                st.caption(f"**{part.name}** = `{part.formula}`")


def _steps(found: Reward) -> pd.DataFrame:
    rows, at = [], 0.0
    for part in found.parts:
        adds = part.weighted
        if adds is None:
            continue
        rows.append((part.name, at, at + adds, adds, "adds" if adds >= 0 else "takes"))
        at += adds
    rows.append(("together", 0.0, found.total, found.total, "together"))
    frame = pd.DataFrame(rows, columns=["name", "start", "end", "points", "kind"])
    top = frame[["start", "end"]].max(axis=1)
    shown = [f"{formats.MINUS if value < 0 else '+'}{abs(value):.2f}" for value in frame["points"]]
    return frame.assign(top=top, shown=shown)


def _table(found: Reward) -> pd.DataFrame:
    return pd.DataFrame({
        words.COMPONENT: [part.name for part in found.parts],
        "Score": [_points(part.score) for part in found.parts],
        "Weight": [formats.percent(part.weight) for part in found.parts],
        "Usual": [_points(part.usual) for part in found.parts],
    })  # fmt: skip


def _points(value: float | None) -> str:
    return "not measured" if value is None else formats.amount(round(value, 2))
