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
            "Claim": [claim.text for claim in shown],
            "Claimed": [number(claim.claimed) for claim in shown],
            "Ours": [number(claim.ours) for claim in shown],
            "90 % interval": [interval(claim) for claim in shown],
            "Unit": [claim.unit for claim in shown],
            "Verdict": [claim.verdict.value for claim in shown],
            "Conditions": [claim.conditions for claim in shown],
            "Source": [f"{claim.source}, {claim.key}" for claim in shown],
            "Runs": [", ".join(claim.runs) for claim in shown],
        }
    )
    st.dataframe(frame, hide_index=True, height="content", alt=words.CLAIMS_ALT)
    st.caption(words.CLAIMS_RUNS)
    st.code("smartscale claims --run-suite", language="sh")
