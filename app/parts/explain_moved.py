"""What moved a learned policy: attention beside attribution, and what other sizes would earn."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from app import explain_words as words
from app import formats, load_decisions, problems, state
from app.charts.explain_parts import attention_chart, attribution_chart
from app.parts import explain_again
from app.parts.explain_view import View
from engine.explain.decision import Decision
from engine.explain.regard import agreement, expected
from engine.policies.base import Explanation
from engine.units import FloatArray


def card(view: View, decision: Decision) -> None:
    """Made again to be asked; nothing for policies that are rules."""
    if not load_decisions.tells_more(view.run.run_id):
        return
    with st.container(border=True):
        st.subheader(words.MOVED_TITLE, help=words.MOVED_HELP)
        asked = explain_again.ready(view.run.run_id, "explain_moved")
        if asked is not None:
            with problems.shown():
                found = load_decisions.checked(asked, decision).explanation
                _shown(view, decision, found)


def _shown(view: View, decision: Decision, found: Explanation | None) -> None:
    if found is None:
        st.caption(words.MOVED_LATER)
        return
    kind = 0 if len(found.attribution) == 1 else load_decisions.policy_pool(decision)
    left, right = st.columns([3, 2])
    with left:
        st.markdown(f"**{words.ATTENTION}**")
        _attention(view, found, kind)
    with right:
        st.markdown(f"**{words.ATTRIBUTION}**")
        moved = pd.DataFrame({"group": found.groups, "change": found.attribution[kind]})
        st.altair_chart(
            attribution_chart(moved, found.unit), key="explain_attribution",
            alt=words.ATTRIBUTION_ALT,
        )  # fmt: skip
        st.caption(words.ATTRIBUTION_NOTE)
    _values(decision, found, kind)


def _attention(view: View, found: Explanation, kind: int) -> None:
    if found.attention is None or found.heads is None:
        st.caption(words.ATTENTION_NONE)
        return
    options = _views(found.heads)
    chosen = st.selectbox(
        words.LAYERS, list(options), key=state.EXPLAIN_HEAD, format_func=options.__getitem__
    )
    names = load_decisions.policy_pools(view.run.run_id)
    st.altair_chart(
        attention_chart(_weights(found, chosen, names, kind), found.groups),
        key="explain_attention", alt=words.ATTENTION_ALT,
    )  # fmt: skip
    own = agreement(found.attention[kind : kind + 1], np.abs(found.attribution[kind : kind + 1]))
    st.caption(words.agrees(own))


def _views(heads: FloatArray) -> Mapping[str, str]:
    """What can be looked at, with its words."""
    _, layers, number, _ = heads.shape
    found = {"flow": words.HEADS_FLOW, "mean": words.HEADS_MEAN, "each": words.HEADS_EACH}
    for layer in range(layers):
        found[f"{layer}"] = words.layer(layer + 1)
        found |= {f"{layer} {head}": words.layer(layer + 1, head + 1) for head in range(number)}
    return found


def _weights(
    found: Explanation, chosen: str, names: tuple[str, ...], kind: int
) -> pd.DataFrame:  # fmt: skip
    """Rows are pools, or layers and heads of the decision's pool."""
    heads, attention = found.heads, found.attention
    assert heads is not None
    assert attention is not None
    if chosen == "each":
        _, layers, number, _ = heads.shape
        rows = {
            words.layer(layer + 1, head + 1): heads[kind, layer, head]
            for layer in range(layers)
            for head in range(number)
        }
    else:
        table = attention
        if chosen == "mean":
            table = heads.mean((1, 2))
        elif chosen != "flow":
            layer, _, head = chosen.partition(" ")
            table = heads[:, int(layer), int(head)] if head else heads[:, int(layer)].mean(1)
        rows = dict(zip(names, table, strict=True))
    return pd.DataFrame(
        [(row, group, float(share)) for row, shares in rows.items()
         for group, share in zip(found.groups, shares, strict=True)],
        columns=["row", "group", "weight"],
    )  # fmt: skip


def _values(decision: Decision, found: Explanation, kind: int) -> None:
    together = expected(found, kind, decision.priorities)
    if found.values is None or together is None:
        return
    st.markdown(f"**{words.VALUES_TITLE}**", help=words.VALUES_HELP)
    best = None if np.isnan(together).all() else int(np.nanargmax(together))
    rows = [
        (_size(step), *(_cell(value) for value in values), _cell(whole, bold=place == best))
        for place, (step, values, whole) in enumerate(
            zip(found.neighbours, found.values[kind], together, strict=True)
        )
    ]
    heads = [words.VALUES_SIZE, *(name.capitalize() for name in found.scores), words.VALUES_ALL]
    frame = pd.DataFrame(rows, columns=heads)
    st.table(frame, hide_index=True, border="horizontal", alt=words.VALUES_ALT)
    if np.isnan(together).any():
        st.caption(words.VALUES_OUT)


def _size(step: int) -> str:
    if step == 0:
        return words.VALUES_CHOSEN
    sign = "+" if step > 0 else formats.MINUS
    return f"{sign}{formats.count(abs(step), 'worker')}"


def _cell(value: float, *, bold: bool = False) -> str:
    if np.isnan(value):
        return "–"
    text = f"{value:.2f}".replace("-", formats.MINUS)
    return f"**{text}**" if bold else text
