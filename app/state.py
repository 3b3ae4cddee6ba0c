"""The only place that spells session keys and query parameters.

The address of a page holds ids, a window, and what a report assumes: it can be sent to a
colleague and still works after a restart.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.charts.base import Window
from engine.demand import RATE as REQUESTS_PER_S
from engine.demand import SLOTS

START_PAGE = "views/start.py"
TRACES_PAGE = "views/traces.py"
FORECAST_PAGE = "views/forecast.py"
CLUSTER_PAGE = "views/cluster.py"
REPLAY_PAGE = "views/replay.py"
COMPARE_PAGE = "views/compare.py"
PLANNER_PAGE = "views/planner.py"
TRADEOFFS_PAGE = "views/tradeoffs.py"
RUNS_PAGE = "views/runs.py"
TRAINING_PAGE = "views/training.py"
REPORT_PAGE = "views/report.py"
CLAIMS_PAGE = "views/claims.py"
EXPLAIN_PAGE = "views/explain.py"

# Query parameters
RUNS, BASELINE, FROM, TO = "runs", "baseline", "t0", "t1"
TRACE = "trace"
TRAINING = "training"
AT, MODEL, UNIT, PRESET, POOL = "at", "model", "unit", "preset", "pool"
RUN, DECISION, KINDS, REASON, TEXT = "run", "decision", "kinds", "reason", "q"
WORST, REVERSED, REVIEWED = "worst", "reversed", "reviewed"
AFTER, BESIDE = "after", "beside"
CANDIDATE, MODE, CURRENCY, RATE = "candidate", "mode", "currency", "rate"
YEARS, ASSUME = "years", "assume"
PLAN, SWEEP, START = "plan", "sweep", "start"
REPORT_TERMS = (CANDIDATE, MODE, CURRENCY, RATE, YEARS, ASSUME)
"""What the address of a report says beside its runs."""

# Session keys, prefixed by the page that owns them
TRACES_PICK = "traces_pick"
TRACES_TAB = "traces_tab"
TRACES_JOB = "traces_job"
TRACES_FILE = "traces_file"
TRACES_ROWS = "traces_rows"
FORECAST_TRACE = "forecast_trace"
FORECAST_MODEL = "forecast_model"
FORECAST_UNIT = "forecast_unit"
FORECAST_PRESET = "forecast_preset"
FORECAST_POOL = "forecast_pool"
FORECAST_AT = "forecast_at"
FORECAST_SCORED = "forecast_scored"
FORECAST_HORIZON = "forecast_horizon"
FORECAST_COVERED = "forecast_covered"
FORECAST_COVERAGE = "forecast_coverage"
FORECAST_JOB = "forecast_job"
FORECAST_FIT_JOB = "forecast_fit_job"
CLUSTER_BASE = "cluster_base"
CLUSTER_EDITS, CLUSTER_WRONG = "cluster_edits", "cluster_wrong"
CLUSTER_PRESET = "cluster_preset"
CLUSTER_SECTION, CLUSTER_SHOWN = "cluster_section", "cluster_shown"
CLUSTER_IMPORT = "cluster_import"
CLUSTER_NOTES = "cluster_notes"
CLUSTER_POLICY, CLUSTER_POLICY_USUAL = "cluster_policy", "cluster_policy_usual"
CLUSTER_PROBLEM = "cluster_problem"
CLUSTER_FAULT, CLUSTER_MOVE = "cluster_fault", "cluster_move"
REPLAY_JOB = "replay_job"
REPLAY_TRACE = "replay_trace"
REPLAY_WINDOW = "replay_window"
REPLAY_PRESET = "replay_preset"
REPLAY_BASE = "replay_base"
REPLAY_TOML = "replay_toml"
REPLAY_PROBLEM = "replay_problem"
REPLAY_POLICIES = "replay_policies"
REPLAY_FRESH = "replay_fresh"
RUNS_PICK = "runs_pick"
RUNS_JOB = "runs_job"
COMPARE_PICK = "compare_pick"
COMPARE_BASELINE = "compare_baseline"
COMPARE_BRUSH = "compare_brush"
COMPARE_ROUTE = "compare_route_asked"
REPORT_EDITS = "report_edits"
REPORT_CANDIDATE = "report_candidate"
REPORT_MODE, REPORT_CURRENCY = "report_mode", "report_currency"
REPORT_RATE, REPORT_YEARS = "report_rate", "report_years"
REPORT_REVIEWER, REPORT_REVIEW = "report_reviewer", "report_review"
REPORT_STARTED, REPORT_WRITTEN = "report_started", "report_written"
REPORT_TABLE = "report_table"
TRAINING_JOB, TRAINING_HOW = "training_job", "training_how"
TRAINING_TRACE, TRAINING_PRESET = "training_trace", "training_preset"
TRAINING_EPISODES, TRAINING_NAME = "training_episodes", "training_name"
TRAINING_LENGTH, TRAINING_CELLS = "training_length", "training_cells"
TRAINING_SEED, TRAINING_PROBLEM = "training_seed", "training_problem"
TRAINING_NETWORK, TRAINING_LESSONS = "training_network", "training_lessons"
CHAMPION_JOB = "champion_job"
CHAMPION_TRACE, CHAMPION_PRESET = "champion_trace", "champion_preset"
PLAN_BASE, PLAN_START, PLAN_POLICY = "plan_base", "plan_start", "plan_policy"
PLAN_AGAINST, PLAN_PRESET = "plan_against", "plan_preset"
PLAN_VERTICAL, PLAN_ROUTING = "plan_vertical", "plan_routing"
PLAN_WEIGHED, PLAN_TURNED = "plan_weighed", "plan_turned"
"""The preset that the weights were last set to."""
PLAN_CARBON, PLAN_BUDGET = "plan_carbon", "plan_budget"
PLAN_PERCENTILE = "plan_percentile"
PLAN_SLO_S, PLAN_SLO_FRAC = "plan_slo_s", "plan_slo_frac"
PLAN_STARTUP, PLAN_WORKERS = "plan_startup", "plan_workers"
PLAN_ASKED, PLAN_SAVE = "plan_asked", "plan_save"
PLAN_PROBLEM, PLAN_PLACE = "plan_problem", "plan_place"
SWEEP_JOB, SWEEP_PICK, SWEEP_OPEN = "sweep_job", "sweep_pick", "sweep_open"
SWEEP_FRONT, SWEEP_MOUSE, SWEEP_LEAVE = "sweep_front", "sweep_mouse", "sweep_leave"
IDLE_JOBS, TUNED_ADD = "idle_jobs", "tuned_leave"
DERIVE_STEPS = "derive_steps"
CLAIMS_VERDICTS = "claims_verdicts"
EXPLAIN_RUN, EXPLAIN_ASKED = "explain_run", "explain_asked"
EXPLAIN_SAVED = "explain_saved"
EXPLAIN_KINDS, EXPLAIN_REASONS = "explain_kinds", "explain_reasons"
EXPLAIN_POOL, EXPLAIN_TEXT = "explain_pool", "explain_text"
EXPLAIN_WORST, EXPLAIN_REVERSED = "explain_worst", "explain_reversed"
EXPLAIN_REVIEWED, EXPLAIN_REVIEWER = "explain_reviewed", "explain_reviewer"
EXPLAIN_HORIZON, EXPLAIN_KEPT = "explain_horizon", "explain_kept"
EXPLAIN_BESIDE, EXPLAIN_HOLD = "explain_beside", "explain_hold_job"
EXPLAIN_BELIEF, EXPLAIN_HEAD = "explain_belief_job", "explain_head"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the address of the page *Compare* says."""

    runs: tuple[str, ...]
    baseline: str
    """One of `runs`; empty where there are none."""
    window: Window | None
    """Seconds since the trace's start; None: all of it."""

    def query(self) -> dict[str, str]:
        """As query parameters."""
        query = {RUNS: ",".join(self.runs), BASELINE: self.baseline}
        if self.window is not None:
            query |= {FROM: exact(self.window.from_s), TO: exact(self.window.to_s)}
        return query

    def without(self, run_id: str) -> "Comparison":
        """The same with one run fewer."""
        return comparison_of([run for run in self.runs if run != run_id], self.baseline)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Which demand the page *Forecast* forecasts."""

    trace_id: str
    unit: str = REQUESTS_PER_S
    preset: str | None = None
    """Scenario that gives service times and pools; None: the trace as it is."""
    pool: str | None = None
    """None: all of them."""


def demand_of(
    trace_id: str, slots: bool, preset: str, pool: str, presets: Mapping[str, Sequence[str]]
) -> Demand:
    """The demand that an address asks for; what makes no sense is left out.

    Args:
        trace_id: of the trace.
        slots: busy slots instead of requests per second.
        preset: name of a preset; another one counts as the first.
        pool: name of a pool of it, or empty.
        presets: names of pools by preset.
    """
    chosen = preset if preset in presets else next(iter(presets))
    named = pool if pool in presets[chosen] else None
    if not slots and named is None:
        return Demand(trace_id=trace_id)
    return Demand(
        trace_id=trace_id, unit=SLOTS if slots else REQUESTS_PER_S, preset=chosen, pool=named
    )


def exact(t_s: float) -> str:
    """To the microsecond, without trailing zeros."""
    return f"{t_s:.6f}".rstrip("0").rstrip(".")


def comparison_of(
    runs: Sequence[str], baseline: str = "", window: Window | None = None
) -> Comparison:
    """A comparison whose baseline is one of its runs: the first, if not said otherwise."""
    unique = tuple(dict.fromkeys(run for run in runs if run))
    if baseline not in unique:
        baseline = unique[0] if unique else ""
    return Comparison(runs=unique, baseline=baseline, window=window)


def parsed(query: Mapping[str, str]) -> Comparison:
    """What an address says; a window that makes no sense is left out."""
    runs = [run.strip() for run in query.get(RUNS, "").split(",")]
    return comparison_of(runs, query.get(BASELINE, ""), _window(query.get(FROM), query.get(TO)))


def _window(start: str | None, end: str | None) -> Window | None:
    try:
        from_s, to_s = float(start or "nan"), float(end or "nan")
    except ValueError:
        return None
    return Window(from_s=from_s, to_s=to_s) if 0 <= from_s < to_s < 1e12 else None


def comparison() -> Comparison:
    """What this page's address says."""
    return parsed(st.query_params.to_dict())


def compare(chosen: Comparison) -> None:
    """Writes a comparison into this page's address; a report's terms stay."""
    terms = {key: term(key) for key in REPORT_TERMS if term(key)}
    st.query_params.from_dict({**chosen.query(), **terms})


def term(key: str) -> str:
    """One of a report's terms; empty: as it is by default."""
    return st.query_params.get(key, "")


def term_number(key: str) -> float | None:
    """A term that is a number; None where it is none."""
    try:
        value = float(term(key))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def set_term(key: str, value: str) -> None:
    """Writes a report's term into this page's address."""
    if value:
        st.query_params[key] = value
    else:
        st.query_params.pop(key, None)


def in_address(key: str) -> str:
    """One parameter of this page's address; empty where it is not there."""
    return str(st.query_params.get(key, ""))


def into_address(**values: str | None) -> None:
    """Changes parameters of this page's address; None removes one."""
    for key, value in values.items():
        if value is not None:
            st.query_params[key] = value
        elif key in st.query_params:
            del st.query_params[key]


def exact_seconds(text: str) -> float | None:
    """Seconds as an address says them; None where that makes no sense."""
    try:
        t_s = float(text)
    except ValueError:
        return None
    return t_s if 0 <= t_s < 1e12 else None


def go_to(page: str, query: Mapping[str, str] | None = None) -> NoReturn:
    """Leaves this page for another one, as a link would. Only this may switch pages.

    A browser runs a timer for each fragment with `run_every`, and a link stops them before it
    asks for its page. `st.switch_page` does not: until the browser hears of the new page, a tick
    still asks for a fragment of the old one. Answering it tells the browser that the old page is
    back, and it drops everything the new one has drawn; nothing draws it again. So the fragments
    are forgotten before the switch, and such a tick is ignored.
    """
    context = get_script_run_ctx()
    if context is not None:
        context.fragment_storage.clear()
    st.switch_page(page, query_params=query)


def look_at(window: Window | None) -> None:
    """Changes the window of this page's comparison."""
    compare(replace(comparison(), window=window))
    forget(COMPARE_BRUSH)


def get(key: str, default: Any = None) -> Any:
    """A value of this session."""
    return st.session_state.get(key, default)


def put(key: str, value: Any) -> None:
    """Keeps a small value in this session."""
    st.session_state[key] = value


def take(key: str) -> Any:
    """A value of this session, which then forgets it."""
    return st.session_state.pop(key, None)


def forget(*keys: str) -> None:
    """Drops values of this session."""
    for key in keys:
        st.session_state.pop(key, None)


def keys(beginning: str) -> list[str]:
    """Keys of this session that begin with a text."""
    return [key for key in st.session_state if str(key).startswith(beginning)]


def start_with(key: str, value: Any) -> None:
    """Sets what a widget shows the first time."""
    if key not in st.session_state:
        st.session_state[key] = value
