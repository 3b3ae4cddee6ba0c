"""Stored carbon intensities of the regions that name one, on the clock of a replay."""

from dataclasses import dataclass

from engine.cluster.grid import GridSeries
from engine.errors import ScenarioError, did_you_mean
from engine.scenario import Scenario
from engine.store.duck import Store
from engine.store.traces import TraceInfo, find_trace, load_carbon
from engine.trace.schema import Kind

__all__ = ["CarbonTrace", "clock_s", "find_carbon", "load_grids"]


@dataclass(frozen=True, slots=True)
class CarbonTrace:
    """The stored intensity that a region names."""

    region: str
    trace: TraceInfo


def clock_s(epoch_s: float | None, from_s: float) -> float:
    """Unix time of a window's start; where the trace has no date, seconds since its start."""
    return (epoch_s or 0.0) + from_s


def find_carbon(store: Store, scenario: Scenario) -> tuple[CarbonTrace, ...]:
    """The traces that the scenario's regions name.

    Raises:
        StoreError: there is no such trace.
        ScenarioError: it holds no carbon intensity.
    """
    found = []
    for region in scenario.regions:
        if region.carbon_trace is None:
            continue
        trace = find_trace(store, region.carbon_trace)
        if trace.kind is not Kind.CARBON:
            raise ScenarioError(
                f"trace {trace.name!r} holds {trace.kind.value}, not carbon intensity",
                f"region {region.name!r}: carbon_trace",
                "Name a trace of kind carbon",
            )
        found.append(CarbonTrace(region.name, trace))
    return tuple(found)


def load_grids(
    store: Store, found: tuple[CarbonTrace, ...], epoch_s: float | None
) -> dict[str, GridSeries]:
    """By region, the intensity of the whole trace.

    Where both it and the demand have dates, hours are matched by date; else both begin together.
    A trace of several grids must have one of the region's name.

    Args:
        store: the open store.
        found: from `find_carbon`.
        epoch_s: Unix time of the demand's t = 0, None if unknown.

    Raises:
        ScenarioError: none of several grids has the region's name.
    """
    grids = {}
    for entry in found:
        series = load_carbon(store, entry.trace)
        if len(series) > 1 and entry.region not in series:
            raise ScenarioError(
                f"trace {entry.trace.name!r} holds {len(series)} grids, none of this name",
                f"region {entry.region!r}: carbon_trace",
                did_you_mean(entry.region, series),
            )
        table = series[entry.region] if entry.region in series else next(iter(series.values()))
        begins_s = entry.trace.epoch_s
        if begins_s is None or epoch_s is None:
            begins_s = clock_s(epoch_s, 0.0)
        grids[entry.region] = GridSeries(
            g_per_kwh=table.value,
            interval_s=table.interval_s,
            start_s=begins_s + float(table.t_s[0]),
        )
    return grids
