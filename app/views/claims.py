"""What do the papers behind this product claim, and what became of it here?"""

import pandas as pd
import streamlit as st

from app import load, phrases, problems, state, words
from engine.claims.model import Claim, Verdict

st.title(words.NAV_CLAIMS[0])
st.write(words.CLAIMS_INTRO)


def number(value: float | None) -> str:
    """A figure of a claim, empty where there is none."""
    if value is None:
        return ""
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def interval(claim: Claim) -> str:
    """Of ours, where several seeds were run."""
    if claim.low is None or claim.high is None:
        return ""
    return f"{number(claim.low)} to {number(claim.high)}"


def with_unit(figure: str, unit: str) -> str:
    """A figure and what it is of; words instead of a unit in brackets."""
    if not figure:
        return ""
    return phrases.escaped(f"{figure} ({unit})" if unit.startswith("its") else f"{figure} {unit}")


def claimed(claim: Claim) -> str:
    """The published figure or band; what was never printed has none."""
    high = "" if claim.claimed_high is None else f" to {number(claim.claimed_high)}"
    return with_unit(number(claim.claimed) + high, claim.unit)


def source(claim: Claim) -> str:
    """Document and row of the requirements; how many runs are behind it."""
    runs = f", {len(claim.runs)} runs" if claim.runs else ""
    return phrases.escaped(f"{claim.source}, {claim.key}{runs}")


with problems.shown():
    found = load.planner().claims()
    counts = {str(v): sum(c.verdict is v for c in found) for v in Verdict}
    with st.container(horizontal=True):
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
            "Ours": [with_unit(number(claim.ours), claim.unit) for claim in shown],
            "90 % interval": [interval(claim) for claim in shown],
            "From": [claim.basis.value for claim in shown],
            "Conditions": [phrases.escaped(phrases.sentence(c.conditions)) for c in shown],
            "Source": [source(claim) for claim in shown],
        }
    )
    st.table(frame, hide_index=True, alt=words.CLAIMS_ALT)
    st.caption(phrases.claims_open(counts[Verdict.NO_RUN], counts[Verdict.NOT_YET]))
    if counts[Verdict.NO_RUN]:
        st.caption(words.CLAIMS_RUNS)
        st.code("smartscale claims --run-suite", language="sh")
    behind = {claim.text: claim.runs for claim in found if claim.runs}
    if behind:
        with st.expander(words.CLAIMS_BEHIND, icon=":material/list:"):
            for text, runs in behind.items():
                st.markdown(f"{phrases.escaped(text)}: {', '.join(runs)}")
