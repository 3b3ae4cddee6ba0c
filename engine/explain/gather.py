"""From a stored run to the decisions that are explained: rows of the store as records."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.errors import UsageError
from engine.explain.decision import (
    CLAMPS,
    OVERRIDES,
    Decision,
    Kind,
    active_in,
    kind_of,
    ledger,
    limits_of,
)
from engine.explain.derived import derived
from engine.explain.reward import Meter
from engine.policies.base import Reason
from engine.scenario import WEIGHT_FIELDS, Scenario
from engine.scenario_file import from_dict
from engine.store import decision_numbers
from engine.store import decision_queries as queries
from engine.store.decision_queries import Filter
from engine.store.duck import Store
from engine.store.run_queries import Span
from engine.store.runs import RunRow
from engine.units import IntArray

__all__ = ["CLASSES", "KINDS", "Told", "at_time", "by_number", "chosen", "decisions", "stream"]

CLASSES: Mapping[Kind, tuple[str, ...]] = {
    Kind.SILENT: (Reason.NOT_DUE,),
    Kind.OVERRIDDEN: OVERRIDES,
    Kind.MASKED: (Reason.CARBON,),
    Kind.CLAMPED: CLAMPS,
}
"""Reasons by kind, as the store wants them; the others follow from the change of size."""
_WAYS = {Kind.OUT: "out", Kind.IN: "in", Kind.KEPT: "kept"}
KINDS: Mapping[str, Kind] = {
    **{str(kind): kind for kind in CLASSES},
    **{word: kind for kind, word in _WAYS.items()},
}
"""Kinds by what the store calls them."""


def chosen(span: Span, kinds: Sequence[Kind] = (), **given: Any) -> Filter:
    """A filter by our kinds; see `engine.store.decision_queries.Filter` for the others."""
    words = tuple(_WAYS.get(kind, str(kind)) for kind in kinds)
    return Filter(span=span, classes=CLASSES, kinds=words, **given)


@dataclass(slots=True)
class Told:
    """What the decisions of one run have in common, read once."""

    store: Store
    run: RunRow
    scenario: Scenario = field(init=False)
    _active: dict[str, bool] = field(init=False)
    _limits: list[dict[str, float]] = field(init=False)
    """By pool."""
    _weights: dict[str, float] = field(init=False)
    _usual: dict[int, dict[str, tuple[float, float, float]]] = field(default_factory=dict)
    _meters: dict[int, Meter] = field(default_factory=dict)
    _worst: dict[tuple[int | None, int], IntArray] = field(default_factory=dict)
    _reversals: IntArray | None = None

    def __post_init__(self) -> None:
        self.scenario = from_dict(self.run.scenario)
        self._active = active_in(self.scenario)
        self._limits = [limits_of(self.scenario, pool) for pool in self.scenario.pools]
        given = self.scenario.priorities.normalised()
        self._weights = {name: float(getattr(given, name)) for name in WEIGHT_FIELDS}

    def usual(self, pool: int) -> Mapping[str, tuple[float, float, float]]:
        """5 %, 50 % and 95 % quantile of what is observed of a pool."""
        if pool not in self._usual:
            self._usual[pool] = queries.usual(self.store, self.run, pool)
        return self._usual[pool]

    def meter(self, pool: int) -> Meter:
        """Of the rewards of a pool."""
        if pool not in self._meters:
            self._meters[pool] = Meter(self.store, self.run, self.scenario, pool)
        return self._meters[pool]

    def worst(self, pool: int | None, minutes: int) -> IntArray:
        """Numbers of the decisions of the worst minutes."""
        key = (pool, minutes)
        if key not in self._worst:
            self._worst[key] = decision_numbers.worst(self.store, self.run, pool, minutes)
        return self._worst[key]

    def reversals(self) -> IntArray:
        """Numbers of the steps against the step before."""
        if self._reversals is None:
            self._reversals = decision_numbers.reversals(self.store, self.run)
        return self._reversals

    def decision(self, stored: Mapping[str, Any], saw: Mapping[str, float]) -> Decision:
        """A row of the store as a record, without what is usual."""
        row = queries.parsed(stored)
        said = row["rationale"] or {}
        pool = self.scenario.pools[row["pool"]]
        limits = self._limits[row["pool"]]
        current, applied, proposed = row["current"], row["applied"], row["proposed"]
        guard = ledger(self._active, proposed, current, row["guard"] or [])
        slots = float(said.get("slots", limits["slots"]))
        return Decision(
            run_id=self.run.run_id, number=row["number"], t_s=row["t_s"],
            epoch_s=self.run.epoch_s, policy=self.run.policy, pool=pool.name,
            kind=kind_of(row["reason"], current, applied), current=current, proposed=proposed,
            applied=applied, reason=row["reason"], size=row["size"], rationale=said,
            guard=guard, limits=limits, saw=saw, priorities=self._priorities(said),
            digest=row["seen"], routing=row["routing"] or {}, hold_why=self._why(row, pool.name),
            derived=derived(current, proposed, applied, said, slots),
        )  # fmt: skip

    def _priorities(self, said: Mapping[str, Any]) -> dict[str, float]:
        """The policy's own weights where it has some, else the scenario's, summing to 1."""
        if all(name in said for name in WEIGHT_FIELDS):
            return {name: float(said[name]) for name in WEIGHT_FIELDS}
        return self._weights

    def _why(self, row: Mapping[str, Any], pool: str) -> str:
        if row["reason"] != Reason.HELD:
            return ""
        now_s = row["t_s"] - self.run.from_s
        holds = () if self.scenario.guard is None else self.scenario.guard.holds
        for hold in reversed(holds):
            if hold.pool == pool and hold.at_s <= now_s < hold.at_s + hold.for_s:
                return hold.why or ""
        return ""


def decisions(told: Told, wanted: Filter, limit: int, *, saw: bool = False) -> list[Decision]:
    """The first decisions that pass a filter.

    Args:
        told: of the run.
        wanted: the filter.
        limit: at most so many.
        saw: with what the policy saw.
    """
    rows = queries.page(told.store, told.run, wanted, limit)
    seen: dict[int, dict[int, dict[str, float]]] = {}
    for pool in {row["pool"] for row in rows} if saw else ():
        ticks = [row["tick"] - 1 for row in rows if row["pool"] == pool]
        seen[pool] = queries.observed(told.store, told.run, ticks, pool)
    return [told.decision(row, seen.get(row["pool"], {}).get(row["tick"] - 1, {})) for row in rows]


def stream(told: Told, wanted: Filter, limit: int) -> tuple[int, Iterator[Decision]]:
    """How many decisions pass a filter, at most `limit`, and each of them as it is asked for."""
    rows = queries.page(told.store, told.run, wanted, limit)
    return len(rows), (told.decision(row, {}) for row in rows)


def by_number(told: Told, number: int) -> Decision:
    """One decision in full. Raises UsageError where there is none."""
    wanted = chosen(Span(), after=number - 1, before=number + 1)
    found = decisions(told, wanted, 1, saw=True)
    if not found:
        last = queries.total(told.store, told.run, chosen(Span())) - 1
        raise UsageError(
            f"run {told.run.run_id} has no decision {number}", "decision",
            f"Decisions are numbered from 0 to {last:,}; runs of older versions have no numbers: "
            "replay those again",
        )  # fmt: skip
    (one,) = found
    return _in_full(told, one)


def at_time(told: Told, t_s: float, pool: int | None) -> Decision:
    """The last decision at or before a time of the trace; of the first pool if not said.

    Decisions at which the policy was not due count only where there is no other.
    """
    run = told.run
    until = Span(from_s=run.from_s, to_s=t_s + run.tick_s * 1e-3, pool=pool or 0)
    others = tuple(kind for kind in Kind if kind is not Kind.SILENT)
    for kinds in (others, ()):
        number = queries.latest(told.store, run, chosen(until, kinds))
        if number is not None:
            return by_number(told, number)
    raise UsageError(
        f"nothing was decided at or before {t_s:g} s", f"run {run.run_id}",
        f"Choose a time from {run.from_s:g} s to {run.to_s:g} s",
    )  # fmt: skip


def _in_full(told: Told, one: Decision) -> Decision:
    """With what is usual in the run, and with what it earned."""
    number = [pool.name for pool in told.scenario.pools].index(one.pool)
    tick = round((one.t_s - told.run.from_s) / told.run.tick_s)
    reward = told.meter(number).earned(tick, one.priorities)
    return replace(one, usual=told.usual(number), reward=reward)
