"""The knobs of the page *Planner*: where they start, and what they say now."""

from collections.abc import Mapping
from functools import lru_cache

import pandas as pd
import streamlit as st

from app import formats, load, phrases, planner_words, problems, state
from app.charts.base import Clock, Window
from app.charts.rate import rate_chart
from app.planning import (
    SWITCHES,
    Knobs,
    above_frac,
    completed,
    grids_vary,
    knobs_of,
    percents,
    switched,
    turned,
)
from engine.briefing import has_sizes, weighs_pools
from engine.errors import EngineError
from engine.planner import TraceInfo
from engine.policies.registry import PolicyInfo
from engine.scenario import WEIGHT_FIELDS, Scenario
from engine.scenario_file import from_toml, to_toml
from engine.weights import WEIGHING

_read = lru_cache(maxsize=8)(from_toml)
"""Asked several times each run of the page."""
_SWITCHES = {"vertical": state.PLAN_VERTICAL, "routing": state.PLAN_ROUTING}
_BEFORE = "_before"
"""Behind the key of a box: what it said when the page was drawn last."""
FIRST_PRESET, FIRST_POLICY, FIRST_BASELINE = "balanced", WEIGHING, "hpa"


def prepare() -> None:
    """Where the knobs stand at first: as the address says, else as in the default preset.

    An address may name a run to start from at any time.
    """
    opened = state.in_address(state.START)
    if opened:
        found = _restore(opened, opened)
        state.into_address(start=None, **({"plan": opened, "baseline": opened} if found else {}))
        if found:
            return
    if state.get(state.PLAN_BASE) is not None:
        return
    linked = state.in_address(state.PLAN)
    if linked and _restore(linked, state.in_address(state.BASELINE)):
        return
    name, scenario = next(iter(load.planner().presets().items()))
    state.put(state.PLAN_START, name)
    state.put(state.PLAN_AGAINST, FIRST_BASELINE)
    take(scenario, FIRST_POLICY)
    _weigh(FIRST_PRESET)
    state.put(state.PLAN_BASE, to_toml(scenario))


def _restore(run_id: str, baseline: str) -> bool:
    """Puts everything back where it was when the address was copied."""
    try:
        run = load.planner().run(run_id)
        against = load.planner().run(baseline) if baseline else run
    except EngineError as error:
        problems.show(error)
        return False
    state.put(state.REPLAY_TRACE, run.trace_id)
    end_s = load.planner().trace(run.trace_id).duration_s
    if run.from_s <= 0 and run.to_s >= end_s:
        state.forget(state.REPLAY_WINDOW)
    else:
        state.put(state.REPLAY_WINDOW, (run.trace_id, run.from_s, min(run.to_s, end_s)))
    state.into_address(trace=run.trace_id)
    state.put(state.PLAN_START, None)
    state.put(state.PLAN_AGAINST, against.policy)
    take(run.scenario, run.policy)
    state.put(state.PLAN_BASE, to_toml(against.scenario))
    return True


def take(scenario: Scenario, policy: str) -> None:
    """Every knob goes to where it stands in a scenario and a policy.

    The scenario itself is put away by the caller and last: `prepare` asks whether it is there,
    and any look at the session's state may end this run of the page.
    """
    knobs = knobs_of(scenario, policy)
    state.put(state.PLAN_POLICY, knobs.policy)
    state.put(state.PLAN_PRESET, None)
    for field, weight in percents(dict(zip(WEIGHT_FIELDS, knobs.weights, strict=True))).items():
        state.put(_key(field), weight)
    state.put(state.PLAN_CARBON, knobs.carbon_g_per_kwh)
    state.put(state.PLAN_PERCENTILE, knobs.carbon_percentile)
    state.put(state.PLAN_BUDGET, knobs.budget_usd_per_hour)
    state.put(state.PLAN_SLO_S, knobs.slo_s)
    state.put(state.PLAN_SLO_FRAC, round(100 * knobs.slo_frac, 6))
    state.put(state.PLAN_STARTUP, knobs.startup_s)
    state.put(state.PLAN_WORKERS, knobs.workers_max)
    for name, key in _SWITCHES.items():
        state.put(key, getattr(knobs, name))


def base() -> Scenario:
    """The scenario that the knobs turn, and that the baseline is replayed under."""
    return _read(state.get(state.PLAN_BASE))


def knobs() -> Knobs:
    """What the knobs say now."""
    return Knobs(
        policy=state.get(state.PLAN_POLICY) or FIRST_POLICY,
        weights=tuple(float(share) for share in percents(_weights()).values()),
        carbon_g_per_kwh=state.get(state.PLAN_CARBON),
        carbon_percentile=state.get(state.PLAN_PERCENTILE),
        slo_s=state.get(state.PLAN_SLO_S),
        slo_frac=round(state.get(state.PLAN_SLO_FRAC) / 100, 8),
        startup_s=state.get(state.PLAN_STARTUP),
        budget_usd_per_hour=state.get(state.PLAN_BUDGET),
        workers_max=state.get(state.PLAN_WORKERS),
        **{name: bool(state.get(_SWITCHES[name])) for name in SWITCHES if _can(name)},
    )


def scenario() -> Scenario:
    """The scenario as turned. Raises ScenarioError."""
    return turned(base(), knobs())


def choices() -> None:
    """Cluster, policy and what it is compared with."""
    known = {**load.planner().presets(), **load.planner().saved_scenarios()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            planner_words.START_FROM, list(known), index=None, key=state.PLAN_START, width=210,
            help=planner_words.START_FROM_HELP, on_change=_started, persist_state="session",
        )  # fmt: skip
        installed = {info.name: info for info in load.policies() if info.problem is None}
        for label, key, tip in (
            (planner_words.POLICY, state.PLAN_POLICY, planner_words.POLICY_HELP),
            (planner_words.BASELINE, state.PLAN_AGAINST, planner_words.BASELINE_HELP),
        ):
            st.selectbox(
                label, list(dict.fromkeys([*installed, state.get(key)])), key=key,
                help=_meanings(tip, installed, str(state.get(key))),
                accept_new_options=True, width=230, persist_state="session",
                on_change=_policy_chosen, args=(key,),
            )  # fmt: skip
            state.put(f"{key}{_BEFORE}", state.get(key))


def _meanings(tip: str, installed: Mapping[str, PolicyInfo], chosen: str) -> str:
    """The tip, what each policy does, and the parameters of the one that is chosen."""
    does = [f"- `{name}`: {info.description}" for name, info in installed.items()]
    info = installed.get(chosen.partition(":")[0])
    if info is None or not info.parameters:
        return "\n".join([tip, "", *does])
    heading = planner_words.PARAMETERS_OF.format(policy=info.name)
    rows = [
        f"- `{each.name}{'' if each.default is None else f'={each.default}'}`: {each.meaning}"
        for each in info.parameters
    ]
    return "\n".join([tip, "", *does, "", f"{heading}:", "", *rows])


def _started() -> None:
    known = {**load.planner().presets(), **load.planner().saved_scenarios()}
    chosen = known.get(state.get(state.PLAN_START))
    if chosen is not None:
        stood = {key: state.get(key) for key in _SWITCHES.values()}
        take(chosen, state.get(state.PLAN_POLICY))
        for key, stands in stood.items():
            state.put(key, stands)
        state.put(state.PLAN_BASE, to_toml(chosen))


def _policy_chosen(key: str) -> None:
    """Parameters get the name they were typed behind; typed switches go to where they are seen."""
    state.put(key, completed(state.get(key) or "", state.get(f"{key}{_BEFORE}") or FIRST_POLICY))
    if key != state.PLAN_POLICY:
        return
    try:
        plain, found = switched(state.get(key) or FIRST_POLICY)
    except EngineError:
        return  # the result says what is wrong with it
    if found:
        state.put(key, plain)
        for name, stands in found.items():
            state.put(_SWITCHES[name], stands)


def priorities() -> None:
    """Weights with presets; own ones can be saved."""
    st.markdown(f"**{planner_words.PRIORITIES}**", help=planner_words.WEIGHTS_HELP)
    if state.take(state.PLAN_TURNED):  # only now: the browser may have sent the preset along
        state.put(state.PLAN_PRESET, None)
        state.forget(state.PLAN_WEIGHED)
    st.pills(
        planner_words.PRESET, list(load.planner().priorities()), key=state.PLAN_PRESET,
        label_visibility="collapsed", on_change=_preset_chosen,
    )  # fmt: skip
    normal = percents(_weights())
    for field in WEIGHT_FIELDS:
        st.slider(
            f"{planner_words.WEIGHTS[field]} · {normal[field] / 100:.2f}", 0, 100, key=_key(field),
            on_change=state.put, args=(state.PLAN_TURNED, True),
            persist_state="session",
        )  # fmt: skip
    if state.get(state.PLAN_POLICY, "").partition(":")[0] != WEIGHING:
        st.caption(
            planner_words.WEIGHTS_IDLE.format(policy=phrases.escaped(state.get(state.PLAN_POLICY)))
        )
    else:
        _switches()
    with st.popover(planner_words.SAVE_WEIGHTS, icon=":material/bookmark_add:"):
        st.text_input(planner_words.SAVE_NAME, key=state.PLAN_SAVE)
        st.button(planner_words.SAVE_GO, key="plan_save_go", on_click=_save)
    kept = state.take(state.PLAN_PROBLEM)
    if kept is not None:
        problems.show(EngineError(*kept))


def _switches() -> None:
    """What the policy may do beside choosing numbers of workers."""
    st.caption(planner_words.ACTIONS)
    with st.container(horizontal=True):
        for name, key in _SWITCHES.items():
            idle = not _can(name)
            st.toggle(
                planner_words.SWITCHES[name], key=key, disabled=idle, persist_state="session",
                help=(planner_words.SWITCHES_IDLE if idle else planner_words.SWITCHES_HELP)[name],
            )  # fmt: skip


def _can(switch: str) -> bool:
    """Whether it means anything in this scenario."""
    return has_sizes(base()) if switch == "vertical" else weighs_pools(base())


def _preset_chosen() -> None:
    chosen = state.get(state.PLAN_PRESET)
    if chosen is not None and chosen != state.get(state.PLAN_WEIGHED):
        _weigh(chosen)


def _weigh(preset: str) -> None:
    weights = load.planner().priorities()[preset]
    for field in WEIGHT_FIELDS:
        state.put(_key(field), round(100 * getattr(weights, field)))
    state.put(state.PLAN_PRESET, preset)
    state.put(state.PLAN_WEIGHED, preset)


def _save() -> None:
    try:
        load.planner().save_priorities(state.get(state.PLAN_SAVE, ""), knobs().priorities)
    except EngineError as error:
        state.put(state.PLAN_PROBLEM, (error.what, error.where, error.fix))


def limits() -> None:
    """Promises, start-up time, budget and the largest pool."""
    st.markdown(f"**{planner_words.LIMITS}**")
    with st.grid(2, min_column_width=120):
        st.number_input(
            planner_words.SLO_S, min_value=0.1, step=1.0, key=state.PLAN_SLO_S, format="%g",
            persist_state="session",
        )  # fmt: skip
        st.number_input(
            planner_words.SLO_FRAC, min_value=1.0, max_value=100.0, step=0.1, format="%g",
            key=state.PLAN_SLO_FRAC, persist_state="session",
        )  # fmt: skip
        st.number_input(
            planner_words.STARTUP, min_value=0.0, step=5.0, key=state.PLAN_STARTUP, format="%g",
            persist_state="session",
        )  # fmt: skip
        st.number_input(
            planner_words.WORKERS_MAX, min_value=1, step=1, key=state.PLAN_WORKERS,
            persist_state="session",
        )  # fmt: skip
        st.number_input(
            planner_words.BUDGET, min_value=0.0, step=1.0, value=None, key=state.PLAN_BUDGET,
            placeholder=planner_words.NONE, format="%g", persist_state="session",
        )  # fmt: skip
        st.number_input(
            planner_words.CARBON_THRESHOLD, min_value=1.0, step=10.0, value=None, format="%g",
            key=state.PLAN_CARBON, placeholder=planner_words.NONE,
            help=planner_words.CARBON_HELP, persist_state="session",
            on_change=state.put, args=(state.PLAN_PERCENTILE, None),
        )  # fmt: skip
        varies = grids_vary(base())
        st.number_input(
            planner_words.CARBON_PERCENTILE, min_value=1.0, max_value=99.0, step=1.0, value=None,
            format="%g", key=state.PLAN_PERCENTILE, placeholder=planner_words.NONE,
            disabled=not varies, persist_state="session",
            help=planner_words.CARBON_PERCENTILE_HELP if varies
            else planner_words.CARBON_PERCENTILE_IDLE,
            on_change=state.put, args=(state.PLAN_CARBON, None),
        )  # fmt: skip


def carbon(trace: TraceInfo, window: Window | None) -> None:
    """Each region's grid over the window, with its threshold and the time above it."""
    whole = window or Window(from_s=0.0, to_s=trace.duration_s)
    curve = load.carbon_curve(trace.trace_id, base(), whole.from_s, whole.to_s)
    clock = Clock(epoch_s=trace.epoch_s, span_s=whole.to_s - whole.from_s)
    grids = list(curve.groupby("region", sort=False))
    percentile, own = state.get(state.PLAN_PERCENTILE), {}
    try:
        own = {} if percentile is None else load.carbon_thresholds(base(), percentile)
    except EngineError as error:
        problems.show(error)
    for number, (region, grid) in enumerate(grids):
        several = f" of {phrases.escaped(str(region))}" if len(grids) > 1 else ""
        threshold = own.get(str(region), state.get(state.PLAN_CARBON))
        _grid(grid, threshold, clock, whole, number, several)


def _grid(
    grid: pd.DataFrame, threshold: float | None, clock: Clock, whole: Window, number: int,
    region: str,
) -> None:  # fmt: skip
    """One grid's curve and what its threshold means there.

    Args:
        grid: its rows of the carbon curve.
        threshold: g CO2e per kWh; None: there is none.
        clock: of the trace.
        whole: the window.
        number: of the region.
        region: its name after "of"; empty where there is only one.
    """
    low, high = (f"{value:.0f}" for value in (grid["g_per_kwh"].min(), grid["g_per_kwh"].max()))
    st.altair_chart(
        rate_chart(
            grid.rename(columns={"g_per_kwh": "per_s"}), clock, whole=whole,
            height=90 if region else 150, title=planner_words.CARBON_AXIS, limit=threshold,
        ),
        key=f"plan_carbon_curve_{number}",
        alt=planner_words.CARBON_ALT.format(region=region, low=low, high=high),
    )  # fmt: skip
    if threshold is None:
        st.caption(planner_words.CARBON_NEVER.format(region=region, low=low, high=high))
    else:
        share = formats.percent(above_frac(grid, threshold))
        st.caption(
            planner_words.CARBON_ABOVE.format(
                region=region, threshold=f"{threshold:.0f}", share=share
            )
        )


def _weights() -> dict[str, float]:
    found = {field: float(state.get(_key(field), 0)) for field in WEIGHT_FIELDS}
    return found if sum(found.values()) > 0 else dict.fromkeys(found, 1.0)


def _key(field: str) -> str:
    return f"plan_{field}"
