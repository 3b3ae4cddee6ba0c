"""What all cards of a comparison need to know: runs, names, window, clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from app import load
from app.charts.base import Clock, Window, points_per_line
from engine.planner import RunInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A comparison as it is looked at."""

    runs: tuple[RunInfo, ...]
    """In the order of their colours."""
    labels: Mapping[str, str]
    """Names by run id."""
    baseline: RunInfo
    whole: Window
    chosen: Window | None
    """None: the whole run."""

    @property
    def run_ids(self) -> tuple[str, ...]:
        """In the order of their colours."""
        return tuple(run.run_id for run in self.runs)

    @property
    def names(self) -> list[str]:
        """Labels in the order of their colours."""
        return [self.labels[run_id] for run_id in self.run_ids]

    @property
    def window(self) -> Window:
        """What the charts show."""
        return self.chosen or self.whole

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """For queries; both None for the whole run, whose figures are stored."""
        return (self.chosen.from_s, self.chosen.to_s) if self.chosen else (None, None)

    @property
    def clock(self) -> Clock:
        """Of the charts in the window."""
        return Clock(epoch_s=self.baseline.epoch_s, span_s=self.window.to_s - self.window.from_s)

    @property
    def mixed(self) -> bool:
        """Whether differences have other causes than the policy."""
        met = {(r.trace_id, r.from_s, r.to_s, r.scenario_hash) for r in self.runs}
        return len(met) > 1

    def figures(self) -> pd.DataFrame:
        """The scorecard's rows."""
        return load.compare(self.run_ids, self.baseline.run_id, *self.bounds)

    def timeline(self, lines: int) -> pd.DataFrame:
        """Ticks with a column `run`, few enough for `lines` lines a chart."""
        points = points_per_line(lines)
        return self._named(load.timeline(self.run_ids, *self.bounds, points))

    def latency(self) -> pd.DataFrame:
        """Percentiles with a column `run`."""
        points = points_per_line(len(self.runs), most=300)
        return self._named(load.latency(self.run_ids, *self.bounds, points))

    def machines(self, points: int) -> pd.DataFrame:
        """Machines over time by place, with a column `run`; empty without accounts."""
        return self._named(load.machines(self.run_ids, *self.bounds, points))

    def service(self, lines: int) -> pd.DataFrame:
        """Protection, caches, balance and network over time, in the steps of `timeline`."""
        points = points_per_line(lines)
        return self._named(load.service(self.run_ids, *self.bounds, points))

    def tenants(self) -> pd.DataFrame:
        """What tenants asked for and got; empty without tenants."""
        return self._named(load.tenants(self.run_ids, *self.bounds))

    def _named(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(run=frame["run_id"].map(self.labels))


def view_of(
    runs: Sequence[RunInfo], labels: Mapping[str, str], baseline: str, chosen: Window | None
) -> View:
    """The view of at least one run; a window outside of the runs counts as none."""
    whole = Window(from_s=min(run.from_s for run in runs), to_s=max(run.to_s for run in runs))
    first = next((run for run in runs if run.run_id == baseline), runs[0])
    return View(
        runs=tuple(runs),
        labels=labels,
        baseline=first,
        whole=whole,
        chosen=_within(chosen, whole),
    )


def _within(window: Window | None, whole: Window) -> Window | None:
    if window is None:
        return None
    from_s, to_s = max(window.from_s, whole.from_s), min(window.to_s, whole.to_s)
    if from_s >= to_s or (from_s, to_s) == (whole.from_s, whole.to_s):
        return None
    return Window(from_s=from_s, to_s=to_s)
