"""Whether the differences of a comparison exceed what another seed would do to them."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import formats, load, phrases, planner_words, problems
from app.parts import idle
from app.parts.comparison_view import View
from engine.figures import FIGURES
from engine.sweep.noise import Paired

SHOWN = ("cost_usd", "slo_attainment_frac", "p95_s", "p99_s", "utilisation_frac", "carbon_kg")

Noise = Mapping[str, Mapping[str, Paired]]
"""By run id and figure."""


@problems.guarded
def card(view: View) -> None:
    """Paired intervals over several seeds; by themselves where demand is drawn, else asked for."""
    base, others = view.baseline, [run for run in view.runs if run is not view.baseline]
    places = {(run.trace_id, run.from_s, run.to_s) for run in view.runs}
    if not others or len(places) > 1:
        return
    planner, ids = load.planner(), [run.run_id for run in others]
    told = planner.drawn(base.run_id)
    task = idle.Task(
        kind="noise", key=",".join([base.run_id, *ids]), title=planner_words.NOISE_WORKING,
        go=planner_words.NOISE_GO, help=planner_words.NOISE_HELP, by_itself=told.sampled,
        work=lambda report, stop: _measured(ids, base.run_id, report, stop),
    )  # fmt: skip
    found = idle.result(task) or _known(ids, base.run_id)
    with st.container(border=True):
        st.subheader(planner_words.NOISE)
        if found is None:
            st.caption(planner_words.NOISE_UNKNOWN)
        else:
            _intervals(view, found)
        kept = planner_words.NOISE_SAMPLED if told.sampled else planner_words.NOISE_RECORDED
        st.caption(kept.format(varies=", ".join(told.varies) or planner_words.NOISE_NOTHING))
        if found is None:
            idle.show(task)


def _known(run_ids: list[str], baseline: str) -> Noise | None:
    found = {run_id: load.planner().known_noise(run_id, baseline) for run_id in run_ids}
    return None if None in found.values() else {k: v for k, v in found.items() if v is not None}


def _measured(
    run_ids: list[str], baseline: str, report: Callable[[float, str], None],
    stop: Callable[[], bool],
) -> Noise:  # fmt: skip
    found: dict[str, Mapping[str, Paired]] = {}
    for number, run_id in enumerate(run_ids):
        report(number / len(run_ids), f"run {number + 1} of {len(run_ids)}")
        found[run_id] = load.planner().noise(run_id, baseline, cancel=stop, workers=1)
    return found


def _intervals(view: View, found: Noise) -> None:
    rows = [
        _row(view.labels[run_id], one)
        for run_id, figures in found.items()
        for one in (figures[key] for key in SHOWN if key in figures)
    ]
    if not rows:
        return
    pairs = next(one.pairs for figures in found.values() for one in figures.values())
    frame = pd.DataFrame(rows, columns=list(planner_words.NOISE_COLUMNS)).map(phrases.escaped)
    st.table(frame, border="horizontal", alt=planner_words.NOISE_ALT)
    base = phrases.escaped(view.labels[view.baseline.run_id])
    st.caption(planner_words.NOISE_TITLE.format(pairs=pairs, baseline=base))


def _row(run: str, one: Paired) -> tuple[Any, ...]:
    unit = FIGURES[one.figure].unit
    ends = (formats.difference(end, None, unit) for end in (one.low, one.high))
    return (
        run, FIGURES[one.figure].label, formats.difference(one.mean, None, unit),
        " to ".join(ends),
        planner_words.NOISE_MORE if one.exceeds else planner_words.NOISE_LESS,
    )  # fmt: skip
