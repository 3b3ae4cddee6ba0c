"""The forecast at one moment, beside what came; dragging the moment reruns this card only."""

import math

import pandas as pd
import streamlit as st

from app import forecast_drift, forecast_waits, load, phrases, problems, state, trust
from app import forecast_words as words
from app.charts.base import Window
from app.charts.forecast import (
    attention_chart,
    fan_chart,
    feature_weights,
    overview_chart,
    overview_frame,
    step_weights,
)
from app.parts.forecast_view import View
from app.parts.window_picker import position, seconds_at
from engine.forecast.base import HORIZONS_S
from engine.forecast.evaluation import CHOICE
from engine.forecast.fan import Fan
from engine.forecast.features import NAMES
from engine.forecast.series import LEAST_STEPS
from engine.forecast_runs import SHIPPED

START_AT = 0.9
"""Share of the trace: in the part that no forecaster was fitted to."""
PLACES = 1000
"""Positions of the slider, at most."""


@st.fragment
@problems.guarded
def card(view: View) -> None:
    """The slider, the fan, its numbers, and what the network looked at."""
    with st.container(border=True):
        step_s = view.series.step_s
        at_s = cut_off(state.exact_seconds(state.in_address(state.AT)), step_s, view.length_s)
        _title(view, at_s)
        _moment(view, at_s)
        name = view.labels[view.model]
        fan = _fan(view, at_s)
        told = trust.fan_sentence(fan, name, view.trace.epoch_s)
        clock = view.clock(float(fan.times_s[-1] - fan.history_s[0]))
        st.altair_chart(fan_chart(fan, clock), key="forecast_fan", alt=told)
        st.caption(phrases.escaped(told))
        if view.model == CHOICE:
            st.caption(words.CHOICE_WEIGHTS)
        elif fan.sees_later_demand:
            st.warning(words.SEES_LATER, icon=":material/warning:")
        if fan.learned:
            st.caption(phrases.escaped(forecast_drift.told(fan, view.trace.epoch_s)))
        if not view.quick:
            st.caption(words.FITTED_FIRST)
        if not fan.calibrated_on:
            st.caption(words.UNCALIBRATED)
        st.table(trust.fan_table(fan, HORIZONS_S), border="horizontal", hide_index=True, alt=told)
        _attention(view, fan)


def _fan(view: View, at_s: float) -> Fan:
    """The forecast; with the time that passes where a fit comes first."""
    if view.quick:
        with st.spinner(words.FORECASTING):
            return load.fan(view.of, at_s, view.model)
    stored = None if view.stored is None else view.stored.evaluation
    with st.spinner(forecast_waits.waiting(view.model, stored, view.labels), show_time=True):
        return load.fan(view.of, at_s, view.model)


def cut_off(at_s: float | None, step_s: float, length_s: float) -> float:
    """The moment in whole steps, where a forecast can be made; without one, near the end."""
    wanted = START_AT * length_s if at_s is None else at_s
    steps = min(max(math.floor(wanted / step_s + 1e-6), LEAST_STEPS), round(length_s / step_s))
    return steps * step_s


def _title(view: View, at_s: float) -> None:
    step_s = view.series.step_s
    before, after = at_s - step_s, at_s + step_s
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(words.FAN_TITLE)
        too_early = before < LEAST_STEPS * step_s
        _by_one(words.EARLIER, before, too_early, ":material/chevron_left:")
        _by_one(words.LATER, after, after > view.length_s, ":material/chevron_right:")


def _moment(view: View, at_s: float) -> None:
    step_s, length_s = view.series.step_s, view.length_s
    clock, first_s = view.clock(), LEAST_STEPS * step_s
    frame = overview_frame(view.series.values, step_s)
    whole = Window(from_s=0.0, to_s=length_s)
    st.altair_chart(
        overview_chart(frame, clock, whole, at_s),
        key="forecast_overview",
        alt=words.OVERVIEW,
    )
    if length_s <= first_s:
        return
    low, high = position(clock, first_s), position(clock, length_s)
    coarse_s = max(step_s, (length_s - first_s) / PLACES)
    state.put(state.FORECAST_AT, position(clock, at_s))
    st.slider(
        words.AT,
        min_value=low,
        max_value=high,
        step=position(clock, first_s + coarse_s) - low,
        format="D MMM HH:mm:ss" if clock.epoch_s is not None else f"%.2f {clock.unit[0]}",
        key=state.FORECAST_AT,
        help=words.AT_HELP,
        on_change=_slid,
        args=(view,),
    )


def _by_one(label: str, at_s: float, disabled: bool, icon: str) -> None:
    st.button(
        label,
        key=f"forecast_{label.lower()}",
        icon=icon,
        disabled=disabled,
        help=words.STEP_HELP,
        on_click=_go,
        args=(at_s,),
    )


def _slid(view: View) -> None:
    at_s = seconds_at(view.clock(), state.get(state.FORECAST_AT))
    _go(cut_off(at_s, view.series.step_s, view.length_s))


def _go(at_s: float) -> None:
    state.into_address(at=state.exact(at_s))


def _attention(view: View, fan: Fan) -> None:
    """The heat maps, made when somebody opens them."""
    box = st.expander(words.ATTENTION_TITLE, icon=":material/grid_on:", key="forecast_attention",
                      on_change="rerun")  # fmt: skip
    if not box.open:
        return
    with box:
        if fan.feature_attention is None or fan.step_attention is None:
            st.caption(words.ATTENTION_NONE.format(model=view.labels[SHIPPED]))
            return
        left, right = st.columns([3, 2])
        with left:
            weights = feature_weights(fan.feature_attention, NAMES)
            _heat_map(weights, words.ATTENTION_FEATURES, "features")
            st.caption(trust.features_present(weights["row"].nunique(), len(NAMES)))
        with right:
            _heat_map(step_weights(fan.step_attention), words.ATTENTION_STEPS, "steps")
            st.caption(words.ATTENTION_CAPTION)
        if view.model == SHIPPED:
            st.markdown(f"**{words.FAITHFUL_TITLE}**")
            with problems.shown():
                for of, found in load.faithfulness(view.of).items():
                    st.write(trust.faithful(of, found.gain, found.low, found.high))


def _heat_map(weights: pd.DataFrame, title: str, key: str) -> None:
    st.markdown(f"**{title}**")
    st.altair_chart(
        attention_chart(weights),
        key=f"forecast_attention_{key}",
        alt=trust.attention_told(weights, title),
    )
