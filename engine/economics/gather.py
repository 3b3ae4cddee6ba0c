"""From stored runs to what a report is made of."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from engine.economics import uncertainty
from engine.economics.assumptions import Assumptions
from engine.economics.build import Inputs
from engine.economics.catalogue import defaults
from engine.economics.costs import Usage
from engine.economics.model import BigDecision, Chart, Identity, Series
from engine.economics.switching import SEEDS_MIN, Measured
from engine.errors import UsageError
from engine.scenario import Scenario
from engine.scenario_file import from_dict
from engine.store import cost_queries, run_queries, runs
from engine.store.duck import Store
from engine.store.run_queries import Span
from engine.store.runs import RunRow
from engine.units import SECONDS_PER_HOUR

POINTS = 240
"""Per line of a chart: as many as can be told apart on paper."""
RUNS_MAX = 6
DECISIONS_MAX = 8
PRODUCT = "SmartScale"


def starting_point(rows: Sequence[RunRow]) -> Assumptions:
    """Default assumptions for these runs."""
    worker_h = [row.scorecard.get("worker_hours") or 0.0 for row in rows]
    cost = [row.scorecard.get("cost_usd") or 0.0 for row in rows]
    return defaults(sum(cost) / sum(worker_h) if sum(worker_h) > 0 else 0.0)


def gather(store: Store, rows: Sequence[RunRow], given: Assumptions) -> Inputs:
    """What `build` needs of finished runs, the baseline first.

    Raises:
        UsageError: fewer than two runs, too many, or runs of different demand.
    """
    check(rows)
    baseline = rows[0]
    measured = tuple(
        _measured(store, row, candidate=number > 0) for number, row in enumerate(rows)
    )
    stored = runs.list_runs(store)
    known = {(run.run_id, run.usage.candidate): run.usage for run in measured}
    pairs = {row.run_id: _by_seed(stored, baseline, row) for row in rows[1:]}
    enough = {run_id: found for run_id, found in pairs.items() if len(found) >= SEEDS_MIN}
    behind = {row.run_id for found in enough.values() for pair in found for row in pair}

    def usage(row: RunRow, *, candidate: bool) -> Usage:
        found = known.get((row.run_id, candidate))
        return found or _measured(store, row, candidate=candidate).usage

    return Inputs(
        identity=_identity(rows, given, behind - {row.run_id for row in rows}),
        runs=measured,
        charts=_charts(store, rows, given),
        by_seed={
            run_id: tuple(
                (usage(one, candidate=False), usage(other, candidate=True))
                for one, other in found
            )
            for run_id, found in enough.items()
        },
        differing=differing(rows),
        decisions=_decisions(store, rows[1]),
        seed=int(from_dict(baseline.scenario).seed),
        epoch_s=baseline.epoch_s,
    )  # fmt: skip


def check(rows: Sequence[RunRow]) -> None:
    """Refuses runs that cannot stand in one report. Raises UsageError."""
    if not 2 <= len({row.run_id for row in rows}) <= RUNS_MAX:
        raise UsageError(
            f"{len({row.run_id for row in rows})} different runs were named", "report",
            f"Name a baseline and one to {RUNS_MAX - 1} other runs",
        )  # fmt: skip
    for what, seen in (
        ("traces", {row.trace_id for row in rows}),
        ("windows", {(row.from_s, row.to_s) for row in rows}),
    ):
        if len(seen) > 1:
            raise UsageError(
                f"the runs have different {what}", ", ".join(row.run_id for row in rows),
                "Compare runs of the same demand only",
            )  # fmt: skip


def _promise(row: RunRow) -> float:
    return float(from_dict(row.scenario).slo.attainment_frac)


def differing(rows: Sequence[RunRow]) -> tuple[str, ...]:
    """What the runs' scenarios differ in: path and values, such as `slo.latency_s (6 / 9)`."""
    flat = [dict(_leaves(row.scenario, "")) for row in rows]
    paths = dict.fromkeys(path for leaves in flat for path in leaves)
    told = []
    for path in paths:
        values = [leaves.get(path, "none") for leaves in flat]
        if path != "name" and any(value != values[0] for value in values):
            told.append(f"{path} ({' / '.join(_short(value) for value in values)})")
    return tuple(told)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            name = item.get("name", number) if isinstance(item, dict) else number
            yield from _leaves(item, f"{path}[{name}]")
    else:
        yield path, value


def _short(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 24 else f"{text[:23]}…"


def _measured(store: Store, row: RunRow, *, candidate: bool) -> Measured:
    hours = (row.to_s - row.from_s) / SECONDS_PER_HOUR
    found = cost_queries.blocks(
        store, row, _slots(row), uncertainty.block_length_h(hours) or hours
    )
    card = row.scorecard
    violations = (card.get("violations_per_h") or 0.0) * hours
    missed = found["arrived"] - found["met"]
    share = missed / missed.sum() if missed.sum() > 0 else np.zeros(len(missed))
    blocks = {**found, "violations": violations * share}
    usage = Usage(
        **{name: float(column.sum()) for name, column in blocks.items()},
        peak_workers=float(card.get("peak_workers") or 0.0),
        promise_frac=_promise(row),
        candidate=candidate,
    )
    return Measured(
        run_id=row.run_id, policy=row.policy, usage=usage, blocks=blocks, card=card,
        sessions=cost_queries.sessions(store, row),
    )  # fmt: skip


def _slots(row: RunRow) -> list[int]:
    scenario = from_dict(row.scenario)
    return [scenario.agent_type_of(pool).slots for pool in scenario.pools]


def _identity(rows: Sequence[RunRow], given: Assumptions, behind: set[str]) -> Identity:
    baseline = rows[0]
    start = None if baseline.epoch_s is None else baseline.epoch_s + baseline.from_s
    return Identity(
        product=PRODUCT,
        version=version("smartscale"),
        run_ids=tuple(row.run_id for row in rows),
        baseline_id=baseline.run_id,
        candidate_id=rows[1].run_id,
        trace_name=baseline.trace_name,
        trace_id=baseline.trace_id,
        scenario_name=str(baseline.scenario.get("name", "")),
        scenario_hash=baseline.scenario_hash,
        scenario_hashes=tuple(row.scenario_hash for row in rows),
        seed_run_ids=tuple(sorted(behind)),
        closed_loop=any(row.closed_loop for row in rows),
        code_versions=tuple(dict.fromkeys(row.code_version for row in rows)),
        window_from_s=baseline.from_s,
        window_to_s=baseline.to_s,
        window_start=None
        if start is None
        else str(np.datetime_as_string(np.datetime64(round(start), "s"), timezone="UTC")),
        dated=max(row.created_at for row in rows).date().isoformat(),
        currency=given.currency,
        price_date=given.price_date,
    )


def _by_seed(
    stored: Sequence[RunRow], baseline: RunRow, candidate: RunRow
) -> tuple[tuple[RunRow, RunRow], ...]:
    """Pairs of finished runs like these two that share another seed."""
    alike = [
        {_seed(row): row for row in stored if _differs_in_seed_only(row, one)}
        for one in (baseline, candidate)
    ]
    seeds = sorted(set(alike[0]) & set(alike[1]))
    return tuple((alike[0][seed], alike[1][seed]) for seed in seeds)


def _seed(row: RunRow) -> int:
    return int(row.scenario.get("seed", Scenario().seed))


def _differs_in_seed_only(row: RunRow, other: RunRow) -> bool:
    return row.status == "done" and _apart_from_seed(row) == _apart_from_seed(other)


def _apart_from_seed(row: RunRow) -> tuple[Any, ...]:
    scenario = {k: v for k, v in row.scenario.items() if k not in ("seed", "name")}
    return (row.trace_id, row.from_s, row.to_s, row.policy, row.code_version, scenario)


def _decisions(store: Store, row: RunRow) -> tuple[BigDecision, ...]:
    return tuple(
        BigDecision(
            at_h=(found.t_s - row.from_s) / SECONDS_PER_HOUR,
            pool=row.pools[found.pool],
            before=found.current,
            after=found.applied,
            proposed=found.proposed,
            reason=found.reason,
        )
        for found in cost_queries.largest_decisions(store, row, DECISIONS_MAX)
    )


def _charts(store: Store, rows: Sequence[RunRow], given: Assumptions) -> tuple[Chart, ...]:
    span, rate = Span(max_points=POINTS), given["currency_per_usd"]
    capacity, cost, latency = [], [], []
    for number, row in enumerate(rows):
        frame = run_queries.timeline(store, row, span)
        hours = _hours(frame["t_s"], row)
        if number == 0:
            capacity.append(_series("Demand", hours, frame["offered_slots"]))
        capacity.append(_series(row.policy, hours, frame["ready_slots"]))
        cost.append(_series(row.policy, hours, frame["cost_usd_per_h"] * rate))
        seen = run_queries.latency(store, row, span)
        latency.append(_series(row.policy, _hours(seen["t_s"], row), seen["p95_s"]))
    slos = {float(from_dict(row.scenario).slo.latency_s) for row in rows}
    return (
        Chart(key="capacity", title="Demand against ready capacity", unit="slots",
              series=tuple(capacity)),
        Chart(key="latency", title="Request latency, 95th percentile", unit="s",
              series=tuple(latency), limit=slos.pop() if len(slos) == 1 else None),
        Chart(key="cost", title="Cost of provisioned workers", unit=f"{given.currency} per hour",
              series=tuple(cost)),
    )  # fmt: skip


def _hours(t_s: Any, row: RunRow) -> list[float]:
    return [float(value) for value in (t_s.to_numpy() - row.from_s) / SECONDS_PER_HOUR]


def _series(name: str, hours: list[float], values: Any) -> Series:
    numbers = [None if np.isnan(value) else float(value) for value in values.to_numpy()]
    return Series(name=name, hours=tuple(hours), values=tuple(numbers))
