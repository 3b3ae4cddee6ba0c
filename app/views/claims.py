"""What do the papers behind this product claim, and what became of it here?"""

import pandas as pd
import streamlit as st

from app import load, phrases, problems, state, words
from engine.claims.model import Claim, Verdict
from engine.claims.report import OF_ALL
from engine.report.numbers import MINUS

st.title(words.NAV_CLAIMS[0])
st.write(words.CLAIMS_INTRO)


def number(value: float | None, digits: int = 3) -> str:
    """A figure of a claim, empty where there is none; published ones keep all their digits."""
    if value is None:
        return ""
    text = f"{value:,.{digits}g}" if abs(value) < 1000 else f"{value:,.0f}"
    return text.replace("-", MINUS)


def with_unit(figure: str, unit: str) -> str:
    """A figure and what it is of; words instead of a unit in brackets."""
    if not figure:
        return ""
    return phrases.escaped(f"{figure} ({unit})" if unit.startswith("its") else f"{figure} {unit}")


def claimed(claim: Claim) -> str:
    """The published figure or band; what was never printed has none."""
    high = "" if claim.claimed_high is None else f" to {number(claim.claimed_high, 4)}"
    return with_unit(number(claim.claimed, 4) + high, claim.unit)


def ours(claim: Claim) -> str:
    """Our figure, with its interval where several seeds were run."""
    figure = with_unit(number(claim.ours), claim.unit)
    if claim.low is None or claim.high is None:
        return figure
    return f"{figure} ({number(claim.low)} to {number(claim.high)})"


def conditions(claim: Claim) -> str:
    """Where ours is from, and under which conditions; or why there is none."""
    text = phrases.escaped(claim.conditions)
    return (
        f"{phrases.sentence(claim.basis.value)}: {text}" if claim.basis else phrases.sentence(text)
    )


def source(claim: Claim) -> str:
    """Document and row of the requirements; how many runs are behind it."""
    runs = f", {len(claim.runs)} runs" if claim.runs else ""
    return phrases.escaped(f"{claim.source}, {claim.key}{runs}")


with problems.shown():
    found = load.planner().claims()
    counts = {str(v): sum(c.verdict is v for c in found) for v in Verdict}
    wanted = st.pills(
        words.CLAIMS_VERDICT,
        [verdict.value for verdict in Verdict if counts[verdict]],
        format_func=phrases.counted(counts).__getitem__,
        selection_mode="multi",
        key=state.CLAIMS_VERDICTS,
    )
    shown = [claim for claim in found if not wanted or claim.verdict in wanted]
    frame = pd.DataFrame(
        {
            "Claim": [phrases.escaped(claim.text) for claim in shown],
            "Verdict": [f"**{claim.verdict.value}**" for claim in shown],
            "Claimed": [claimed(claim) for claim in shown],
            "Ours (90 % interval)": [ours(claim) for claim in shown],
            "Conditions": [conditions(claim) for claim in shown],
            "Source": [source(claim) for claim in shown],
        }
    )
    st.table(frame, hide_index=True, alt=words.CLAIMS_ALT)
    st.caption(phrases.claims_open(counts[Verdict.NO_RUN], counts[Verdict.ELSEWHERE]))
    st.caption(f"{OF_ALL}.")
    if counts[Verdict.NO_RUN]:
        st.caption(words.CLAIMS_RUNS)
        st.code("smartscale claims --run-suite", language="sh")
    behind = {claim.text: claim.runs for claim in found if claim.runs}
    if behind:
        with st.expander(words.CLAIMS_BEHIND, icon=":material/list:"):
            for text, runs in behind.items():
                st.markdown(f"{phrases.escaped(text)}: {', '.join(runs)}")
