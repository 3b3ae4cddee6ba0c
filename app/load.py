"""Everything that is kept between page runs: the open store, the job board, query results.

Results are cached by run id and window: a finished run never changes.
"""

import atexit
import gc
import tempfile
from pathlib import Path

import pandas as pd
import streamlit as st

from app.jobs import Board, Job
from app.state import Demand
from engine.economics.assumptions import Assumptions
from engine.economics.model import Report, Review
from engine.forecast.coverage import Coverage
from engine.forecast.fan import Fan, Fans
from engine.forecast.neural_attention import Faithfulness
from engine.forecast.series import DemandSeries
from engine.forecast_runs import StoredEvaluation, Where
from engine.planner import Planner, Preview
from engine.policies.registry import PolicyInfo
from engine.routes import Route
from engine.scenario import Scenario
from engine.trace.mapping import Mapping

ENTRIES = 64


@st.cache_resource(show_spinner=False, on_release=lambda planner: planner.close())
def planner() -> Planner:
    """The store, opened once per process. Raises StoreError if somebody else holds it."""
    opened = Planner()
    atexit.register(planner.clear)  # an open store complains at length when Python ends
    return opened


@st.cache_resource(show_spinner=False, on_release=lambda board: board.close())
def board() -> Board:
    """The job board of this process."""
    atexit.register(board.clear)
    return Board()


@st.cache_resource(show_spinner=False, on_release=lambda board: board.close())
def quick_board() -> Board:
    """Jobs that somebody waits for with a hand on a knob; nothing long stands before them."""
    atexit.register(quick_board.clear)
    return Board()


@st.cache_resource(show_spinner=False, on_release=lambda board: board.close())
def idle_board() -> Board:
    """Jobs that nobody asked for; they give way to those of the other two."""
    atexit.register(idle_board.clear)
    return Board()


@st.cache_resource(show_spinner=False, max_entries=1)
def freeze(modules: int) -> None:  # noqa: ARG001 - a key
    """Keeps what was imported out of garbage collections; again when more has been imported.

    After every run of a page or of a part of one Streamlit collects all generations: with the
    libraries of the replays in memory a sixth of a second in which nothing else runs, four times
    a second while work is watched.

    Args:
        modules: how many there are.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # or DuckDB complains of what it has left


@st.cache_resource(show_spinner=False)
def setup() -> Job:
    """Loads the samples and computes the comparison that visitors see; at once if it is done."""
    opened = planner()

    def prepare(job: Job) -> tuple[list[str], str]:
        opened.ensure_samples(lambda fraction, text: job.report(0.7 * fraction, text))
        job.report(0.7, "Replaying the first comparison")
        return opened.demo()

    return board().submit("setup", "Preparing the samples", prepare)


def demo() -> tuple[list[str], str]:
    """Run ids of the comparison for visitors, and its baseline; empty if there is none."""
    found: tuple[list[str], str] | None = setup().result
    runs, baseline = found or ([], "")
    saved = planner().runs()
    done = set(saved.loc[saved["status"] == "done", "run_id"])
    return (runs, baseline) if done.issuperset(runs) else ([], "")


@st.cache_resource(show_spinner=False, on_release=lambda folder: folder.cleanup())
def uploads() -> tempfile.TemporaryDirectory[str]:
    """Where uploads lie until they are imported; gone when the dashboard ends."""
    return tempfile.TemporaryDirectory(prefix="smartscale-")


def upload_folder() -> Path:
    """A fresh folder for one upload."""
    return Path(tempfile.mkdtemp(dir=uploads().name))


@st.cache_data(show_spinner=False, max_entries=1)
def policies() -> list[PolicyInfo]:
    """All installed policies."""
    return planner().policies()


def preview(path: Path, mapping: str | None) -> Preview:
    """The beginning of a file as it would be read; read again when the file has changed."""
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    return _preview(str(path), changed, mapping)


@st.cache_data(show_spinner="Looking into the file", max_entries=8)
def _preview(path: str, changed: int, mapping: str | None) -> Preview:  # noqa: ARG001 - a key
    parsed = None if mapping is None else Mapping.parse(mapping)
    return planner().preview(Path(path), mapping=parsed)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def compare(
    run_ids: tuple[str, ...], baseline: str, from_s: float | None, to_s: float | None
) -> pd.DataFrame:
    """One row per figure and run; see `Planner.compare`."""
    return planner().compare(run_ids, baseline, from_s=from_s, to_s=to_s)


@st.cache_data(show_spinner="Working out the bound", max_entries=ENTRIES)
def bounds(run_ids: tuple[str, ...], *, plans: bool) -> pd.DataFrame:  # noqa: ARG001 - a key
    """How far runs are from perfect; see `Planner.bounds`.

    Args:
        run_ids: of whole runs.
        plans: whether plans were replayed for them meanwhile.
    """
    return planner().bounds(run_ids)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def timeline(
    run_ids: tuple[str, ...], from_s: float | None, to_s: float | None, max_points: int
) -> pd.DataFrame:
    """Ticks of the runs, down-sampled; see `Planner.timeline`."""
    return planner().timeline(run_ids, from_s=from_s, to_s=to_s, max_points=max_points)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def latency(
    run_ids: tuple[str, ...], from_s: float | None, to_s: float | None, max_points: int
) -> pd.DataFrame:
    """Percentiles over time; see `Planner.latency`."""
    return planner().latency(run_ids, from_s=from_s, to_s=to_s, max_points=max_points)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def actions(run_id: str, from_s: float | None, to_s: float | None) -> pd.DataFrame:
    """Decisions that changed the number of workers; see `Planner.decisions`."""
    return planner().decisions(run_id, from_s=from_s, to_s=to_s, changes_only=True)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def machines(
    run_ids: tuple[str, ...], from_s: float | None, to_s: float | None, max_points: int
) -> pd.DataFrame:
    """Machines over time; see `Planner.machines`."""
    return planner().machines(run_ids, from_s=from_s, to_s=to_s, max_points=max_points)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def places(run_ids: tuple[str, ...], from_s: float | None, to_s: float | None) -> pd.DataFrame:
    """Totals of machines; see `Planner.places`."""
    return planner().places(run_ids, from_s=from_s, to_s=to_s)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def service(
    run_ids: tuple[str, ...], from_s: float | None, to_s: float | None, max_points: int
) -> pd.DataFrame:
    """Protection, caches, balance and network over time; see `Planner.service`."""
    return planner().service(run_ids, from_s=from_s, to_s=to_s, max_points=max_points)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def tenants(run_ids: tuple[str, ...], from_s: float | None, to_s: float | None) -> pd.DataFrame:
    """What tenants asked for and got; see `Planner.tenants`."""
    return planner().tenants(run_ids, from_s=from_s, to_s=to_s)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def tenants_timeline(
    run_ids: tuple[str, ...], from_s: float | None, to_s: float | None, max_points: int
) -> pd.DataFrame:
    """The same over time; see `Planner.tenants_timeline`."""
    return planner().tenants_timeline(run_ids, from_s=from_s, to_s=to_s, max_points=max_points)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def events(run_id: str, from_s: float | None, to_s: float | None, limit: int) -> pd.DataFrame:
    """What happened to machines; see `Planner.events`."""
    return planner().events([run_id], from_s=from_s, to_s=to_s, limit=limit)


@st.cache_data(show_spinner="Making the run again until the request arrives", max_entries=16)
def route(run_id: str, at_s: float) -> Route:
    """Where the next request went; see `Planner.route`."""
    return planner().route(run_id, at_s)


@st.cache_data(show_spinner="Making the report", max_entries=16)
def report(
    run_ids: tuple[str, ...],
    baseline: str,
    given: Assumptions,
    reviews: tuple[Review, ...] = (),
) -> Report:
    """Cost and return of switching; see `Planner.report`."""
    return planner().report(list(run_ids), baseline, given, reviews)


@st.cache_data(show_spinner=False, max_entries=8)
def report_file(
    run_ids: tuple[str, ...],
    baseline: str,
    given: Assumptions,
    kind: str,
    reviews: tuple[Review, ...] = (),
) -> bytes:
    """The same as a file; see `Planner.export`."""
    return planner().export(report(run_ids, baseline, given, reviews), kind)


@st.cache_data(show_spinner=False, max_entries=16)
def carbon_curve(trace_id: str, scenario: Scenario, from_s: float, to_s: float) -> pd.DataFrame:
    """Grid intensity over a window; see `Planner.carbon_curve`."""
    return planner().carbon_curve(trace_id, scenario, from_s, to_s)


@st.cache_data(show_spinner=False, max_entries=16)
def carbon_thresholds(scenario: Scenario, percentile: float) -> dict[str, float]:
    """Each region's own carbon threshold; see `Planner.carbon_thresholds`."""
    return planner().carbon_thresholds(scenario, percentile)


def where(of: Demand) -> Where:
    """Which demand, as the planner wants it told."""
    scenario = planner().presets()[of.preset] if of.preset else None
    return Where(unit=of.unit, scenario=scenario, pool=of.pool)


@st.cache_data(show_spinner=False, max_entries=16)
def demand(of: Demand) -> DemandSeries:
    """What is forecast; see `Planner.demand`."""
    return planner().demand(of.trace_id, **where(of))


@st.cache_resource(show_spinner=False, max_entries=8)
def _fans(of: Demand, model: str) -> Fans:
    """What past cut-offs were forecast, so that dragging to another moment is quick."""
    return planner().fans(of.trace_id, model=model, **where(of))


@st.cache_data(show_spinner=False, max_entries=512)
def fan(of: Demand, at_s: float, model: str) -> Fan:
    """The forecast at a moment; see `Planner.forecast`."""
    return _fans(of, model).at(at_s)


@st.cache_data(show_spinner="Working out the calibration", max_entries=32)
def coverage(of: Demand, model: str) -> Coverage:
    """What a forecaster's quantiles were worth; see `Planner.coverage`."""
    return planner().coverage(of.trace_id, model=model, **where(of))


@st.cache_data(show_spinner="Hiding parts of the input", max_entries=32)
def faithfulness(of: Demand) -> dict[str, Faithfulness]:
    """Whether attention means anything; see `Planner.faithfulness`."""
    return planner().faithfulness(of.trace_id, **where(of))


def evaluation(of: Demand) -> StoredEvaluation | None:
    """The newest of the fullest stored evaluations of this demand; None: there is none."""
    series = demand(of)
    found = [
        stored
        for stored in planner().evaluations(of.trace_id)
        if stored.pool == of.pool
        and (stored.evaluation.unit, stored.evaluation.step_s) == (series.unit, series.step_s)
    ]
    return max(found, key=lambda each: (len(each.models), each.created_at), default=None)


def forget_forecasts() -> None:
    """After a forecaster was fitted anew."""
    _fans.clear()
    fan.clear()
    coverage.clear()
