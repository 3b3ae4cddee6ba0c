"""What the page *Forecast* is about: trace, demand, forecaster; all of it in the address."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from app import choices, forecast_words, load, state, trust, words
from app.charts.base import Clock
from app.leaderboard import labels_of
from app.state import Demand
from engine.forecast.evaluation import CHOICE
from engine.forecast.registry import MODELS
from engine.forecast.series import DemandSeries
from engine.forecast_runs import FITTED, SHIPPED, StoredEvaluation
from engine.planner import TraceInfo
from engine.trace.schema import Kind

QUICK_S = 3.0
"""Forecasters that are fitted within this are asked without being chosen."""
RATE_KEY, SLOTS_KEY = forecast_words.UNITS


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A trace's demand as it is forecast."""

    trace: TraceInfo
    of: Demand
    series: DemandSeries
    stored: StoredEvaluation | None
    """The evaluation of this demand, if there is one."""
    labels: Mapping[str, str]
    """Names of forecasters and mixtures."""
    baselines: tuple[str, ...]
    use: str
    """The recommended forecaster; the shipped one where nothing was evaluated."""
    model: str
    """The one that is looked at."""

    @property
    def length_s(self) -> float:
        """Of the demand, in whole steps."""
        return len(self.series.values) * self.series.step_s

    @property
    def quick(self) -> bool:
        """Whether the forecaster that is looked at needs no long fit."""
        return quick(self.model, self.stored)

    def clock(self, span_s: float | None = None) -> Clock:
        """Of charts over the whole trace, or over a part of `span_s`."""
        return Clock(epoch_s=self.trace.epoch_s, span_s=span_s or self.length_s)


def quick(model: str, stored: StoredEvaluation | None) -> bool:
    """Whether a forecaster needs no long fit, as far as is known."""
    took_s = {} if stored is None else stored.evaluation.fit_s
    ready = model == FITTED or (model in MODELS and MODELS[model].ready)  # that one is kept
    return ready or took_s.get(model, QUICK_S) < QUICK_S


def pick(traces: pd.DataFrame) -> View:
    """The row of choosers on top of the page."""
    labels = choices.trace_options(traces)
    wanted = choices.starting_with(labels, state.in_address(state.TRACE))
    if wanted is None and state.in_address(state.TRACE):
        st.warning(words.TRACE_UNKNOWN, icon=":material/search_off:")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        trace = _trace(labels, wanted)
        beside = st.container(width=250)
        of = _options(trace)
    series = load.demand(of)
    stored = load.evaluation(of)
    infos = load.planner().forecasters()
    names = [info.name for info in infos]
    labels = labels_of({info.name: info.label for info in infos})
    if stored is not None:
        names = [name for name in names if name not in stored.evaluation.left_out]
    if stored is not None and stored.evaluation.weights:
        names.insert(0, CHOICE)
    use = SHIPPED if stored is None else trust.recommended(stored.evaluation, names)
    names = list(dict.fromkeys([use, SHIPPED, FITTED, *names]))
    with beside:
        model = _model(names, labels, use if quick(use, stored) else SHIPPED)
    return View(
        trace=trace, of=of, series=series, stored=stored, labels=labels, use=use, model=model,
        baselines=tuple(info.name for info in infos if info.baseline),
    )  # fmt: skip


def _trace(labels: Mapping[str, str], wanted: str | None) -> TraceInfo:
    if wanted is None:
        kept = state.get(state.FORECAST_TRACE)
        wanted = kept if kept in labels else next(iter(labels))
    state.put(state.FORECAST_TRACE, wanted)
    st.selectbox(
        forecast_words.TRACE,
        list(labels),
        key=state.FORECAST_TRACE,
        format_func=labels.__getitem__,
        on_change=_trace_chosen,
        persist_state="session",
    )
    return load.planner().trace(wanted)


def _trace_chosen() -> None:
    state.into_address(trace=state.get(state.FORECAST_TRACE), at=None, pool=None)


def _model(names: list[str], labels: Mapping[str, str], otherwise: str) -> str:
    wanted = state.in_address(state.MODEL)
    state.put(state.FORECAST_MODEL, wanted if wanted in names else otherwise)
    chosen: str = st.selectbox(
        forecast_words.MODEL,
        names,
        key=state.FORECAST_MODEL,
        format_func=dict(labels).__getitem__,
        help=forecast_words.MODEL_HELP,
        on_change=_model_chosen,
    )
    return chosen


def _model_chosen() -> None:
    state.into_address(model=state.get(state.FORECAST_MODEL))


def _options(trace: TraceInfo) -> Demand:
    presets = {
        name: [pool.name for pool in scenario.pools]
        for name, scenario in load.planner().presets().items()
    }
    with st.popover(forecast_words.OPTIONS, icon=":material/tune:"):
        if trace.kind is Kind.SERIES:
            st.caption(forecast_words.SERIES_ONLY)
            return Demand(trace_id=trace.trace_id)
        slots = state.in_address(state.UNIT) == SLOTS_KEY
        of = state.demand_of(
            trace.trace_id,
            slots,
            state.in_address(state.PRESET),
            state.in_address(state.POOL),
            presets,
        )
        preset = of.preset or state.in_address(state.PRESET)
        preset = preset if preset in presets else next(iter(presets))
        _option_fields(slots, preset, of.pool, presets)
    return of


def _option_fields(
    slots: bool, preset: str, pool: str | None, presets: Mapping[str, list[str]]
) -> None:
    state.put(state.FORECAST_UNIT, SLOTS_KEY if slots else RATE_KEY)
    state.put(state.FORECAST_PRESET, preset)
    state.put(state.FORECAST_POOL, pool or "")
    st.segmented_control(
        forecast_words.UNIT,
        list(forecast_words.UNITS),
        format_func=dict(forecast_words.UNITS).__getitem__,
        key=state.FORECAST_UNIT,
        help=forecast_words.UNIT_HELP,
        required=True,
        on_change=_options_chosen,
    )
    st.selectbox(
        forecast_words.PRESET, list(presets), key=state.FORECAST_PRESET, on_change=_options_chosen
    )
    pools = {"": forecast_words.ALL_POOLS, **{name: name for name in presets[preset]}}
    st.selectbox(
        forecast_words.POOL,
        list(pools),
        format_func=pools.__getitem__,
        key=state.FORECAST_POOL,
        on_change=_options_chosen,
    )


def _options_chosen() -> None:
    unit = state.get(state.FORECAST_UNIT)
    state.into_address(
        unit=SLOTS_KEY if unit == SLOTS_KEY else None,
        preset=state.get(state.FORECAST_PRESET),
        pool=state.get(state.FORECAST_POOL) or None,
    )
