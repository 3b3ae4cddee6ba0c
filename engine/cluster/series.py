"""Stored carbon intensities and prices that a scenario names, on the clock of a replay."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.cluster.grid import GridSeries
from engine.cluster.prices import PriceSeries
from engine.errors import ScenarioError, StoreError, did_you_mean
from engine.scenario import NodeGroup, NodeType, Purchase, Region, Scenario
from engine.store.duck import Store
from engine.store.traces import TraceInfo, find_trace, load_carbon, load_prices
from engine.trace.schema import Kind

__all__ = [
    "CarbonTrace",
    "PriceTrace",
    "check_node_type",
    "check_region",
    "clock_s",
    "find_carbon",
    "find_prices",
    "load_grids",
    "load_histories",
]

HOURS_PER_MONTH = 730.0
"""As Google Cloud counts a month of a commitment."""


@dataclass(frozen=True, slots=True)
class CarbonTrace:
    """The stored intensity that a region names."""

    region: str
    trace: TraceInfo


def clock_s(epoch_s: float | None, from_s: float) -> float:
    """Unix time of a window's start; where the trace has no date, seconds since its start."""
    return (epoch_s or 0.0) + from_s


def check_region(store: Store, region: Region) -> None:
    """Raises ScenarioError where a region names a series that could not be replayed."""
    where = f"region {region.name!r}: carbon_trace"
    try:
        load_grids(store, _carbon_trace(store, region), None)
    except StoreError as error:
        raise ScenarioError(error.what, where, error.fix) from None


def check_node_type(store: Store, scenario: Scenario, kind: NodeType) -> None:
    """Raises ScenarioError where a node type names prices that could not be replayed.

    Also one that no group has yet; those of its groups must be there in their regions.
    """
    if kind.price_trace is None and kind.price_name is not None:
        raise ScenarioError(
            f"{kind.price_name!r} is of no price history",
            f"node type {kind.name!r}: price_name",
            "Name the history too, or leave this empty",
        )
    try:
        found = _price_trace(store, kind)
    except StoreError as error:
        where = f"node type {kind.name!r}: price_trace"
        raise ScenarioError(error.what, where, error.fix) from None
    load_histories(store, found, scenario, None)
    for entry in found:
        _check_name(load_prices(store, entry.trace), kind, entry.trace.name)


def find_carbon(store: Store, scenario: Scenario) -> tuple[CarbonTrace, ...]:
    """The traces that the scenario's regions name.

    Raises:
        StoreError: there is no such trace.
        ScenarioError: it holds no carbon intensity.
    """
    return tuple(found for region in scenario.regions for found in _carbon_trace(store, region))


def _carbon_trace(store: Store, region: Region) -> tuple[CarbonTrace, ...]:
    """That of a region, if it names one."""
    if region.carbon_trace is None:
        return ()
    trace = find_trace(store, region.carbon_trace)
    if trace.kind is not Kind.CARBON:
        raise ScenarioError(
            f"trace {trace.name!r} holds {trace.kind.value}, not carbon intensity",
            f"region {region.name!r}: carbon_trace",
            "Name a trace of kind carbon",
        )
    return (CarbonTrace(region.name, trace),)


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


@dataclass(frozen=True, slots=True)
class PriceTrace:
    """The stored history of prices that a node type names."""

    node_type: str
    trace: TraceInfo


def find_prices(store: Store, scenario: Scenario) -> tuple[PriceTrace, ...]:
    """The traces that the node types of the scenario's groups name.

    Raises:
        StoreError: there is no such trace.
        ScenarioError: it holds no prices.
    """
    used = {group.node_type for group in scenario.node_groups}
    kinds = [kind for kind in scenario.node_types if kind.name in used]
    return tuple(found for kind in kinds for found in _price_trace(store, kind))


def _price_trace(store: Store, kind: NodeType) -> tuple[PriceTrace, ...]:
    """That of a node type, if it names one."""
    if kind.price_trace is None:
        return ()
    trace = find_trace(store, kind.price_trace)
    if trace.kind is not Kind.PRICES:
        raise ScenarioError(
            f"trace {trace.name!r} holds {trace.kind.value}, not prices",
            f"node type {kind.name!r}: price_trace",
            "Name a trace of kind prices",
        )
    return (PriceTrace(kind.name, trace),)


def load_histories(
    store: Store, found: tuple[PriceTrace, ...], scenario: Scenario, epoch_s: float | None
) -> dict[str, PriceSeries]:
    """By node group, the prices of its machines in its region.

    Where both they and the demand have dates, they are matched by date; else both begin together.

    Args:
        store: the open store.
        found: from `find_prices`.
        scenario: with its node groups.
        epoch_s: Unix time of the demand's t = 0, None if unknown.

    Raises:
        ScenarioError: the history has no such machine type, or not in that region.
    """
    histories = {}
    for entry in found:
        table = load_prices(store, entry.trace)
        begins_s = entry.trace.epoch_s
        if begins_s is None or epoch_s is None:
            begins_s = clock_s(epoch_s, 0.0)
        for group in scenario.node_groups:
            if group.node_type == entry.node_type:
                rows = _rows_of(table, scenario, group, entry.trace.name)
                histories[group.name] = _history(rows, begins_s)
    return histories


def _rows_of(
    table: pd.DataFrame, scenario: Scenario, group: NodeGroup, trace: str
) -> pd.DataFrame:
    """The rows of a group's machine type and region."""
    kind, region = scenario.node_type_of(group), scenario.region_of(group.zone).name
    name = _check_name(table, kind, trace)
    rows = table[table["machine_type"] == name]
    regions = sorted(set(rows["region"]))
    if len(regions) > 1 and region not in regions:
        raise ScenarioError(
            f"trace {trace!r} has prices of {name!r} in {len(regions)} regions, none of this name",
            f"region {region!r}",
            did_you_mean(region, regions),
        )
    return rows[rows["region"] == region] if region in regions else rows


def _check_name(table: pd.DataFrame, kind: NodeType, trace: str) -> str:
    """What the history calls a node type; refused where it has no such machine type."""
    name, where = kind.price_name or kind.name, f"node type {kind.name!r}: price_name"
    known = sorted(set(table["machine_type"]))
    if name not in known:
        what = f"trace {trace!r} has no prices of {name!r}"
        raise ScenarioError(what, where, did_you_mean(name, known))
    return name


def _history(rows: pd.DataFrame, begins_s: float) -> PriceSeries:
    rows = rows.sort_values("t_s", na_position="first")
    at_s = rows["t_s"].to_numpy(np.float64, na_value=-np.inf)
    columns = {
        Purchase.ON_DEMAND: rows["usd_per_hour"],
        Purchase.RESERVED: rows["usd_per_month_1y"] / HOURS_PER_MONTH,
        Purchase.SPOT: rows["usd_per_hour_spot"],
    }
    return PriceSeries(
        since_s=begins_s + at_s,
        usd_per_hour={k: v.to_numpy(np.float64, na_value=np.nan) for k, v in columns.items()},
    )
