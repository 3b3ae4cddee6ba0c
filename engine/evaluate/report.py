"""What the judgements say: fronts pooled and by kind, cost at equal misses, p99 at equal cost."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.evaluate.bar_rows import MISSES, bar_rows, markdown
from engine.evaluate.families import ANY_HPA, HPA, ORACLE, UNIONS
from engine.evaluate.frontier import Found, cheapest, cost_at, front, p99_at
from engine.evaluate.judge import Judgement
from engine.evaluate.noise import METHOD

DEFINITIONS = {
    "cost": "provisioned slot-seconds (starting, ready, draining) over the work that arrived",
    "missed_frac": "share of requests that waited longer than half the mean service time or did "
    "not finish",
    "slo_missed_frac": "share of requests that did not finish within the scenario's SLO "
    "(1 - SLO attainment of the scorecard)",
    "p99": "99th percentile of request latency over the mean service time; requests that failed "
    "count at their time-out",
    "pooled": "means over the days of one setting",
    "equal misses": "log-interpolated on each front; `ends` says that a front ends before",
    "cost_at_misses": "what a front costs at 1, 2, 3, 5, 8 and 12 % missed; null: it never misses "
    "so few; `cost_at_slo_misses` by misses of the SLO",
    "interval_frac": METHOD,
    "bars": "by `missed_frac`, `bars_slo_misses` by `slo_missed_frac`, those of traces apart; "
    "`mean` and `worst` over training seeds; `kept`: by every one of them",
}

READ_AT = (0.01, 0.02, 0.03, 0.05, 0.08, 0.12)
"""Shares missed that every front's cost is told at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """One setting over several days."""

    policy: str
    cost: float
    missed_frac: float
    slo_missed_frac: float
    p99: float
    days: int


def pooled(judgements: Sequence[Judgement]) -> list[Pooled]:
    """Means by setting, in the order of the settings."""
    by_policy: dict[str, list[Judgement]] = {}
    for entry in judgements:
        by_policy.setdefault(entry.policy, []).append(entry)
    return [
        Pooled(
            policy=policy,
            cost=float(np.mean([e.cost for e in entries])),
            missed_frac=float(np.mean([e.missed_frac for e in entries])),
            slo_missed_frac=float(np.mean([e.slo_missed_frac for e in entries])),
            p99=float(np.mean([e.p99_s / e.service_s for e in entries])),
            days=len(entries),
        )
        for policy, entries in by_policy.items()
    ]


def report(
    families: Mapping[str, Sequence[Judgement]], traces: Collection[str] = ()
) -> dict[str, Any]:
    """The whole document, JSON-able.

    Args:
        families: judgements of every setting on every day, by family.
        traces: kinds of days that are windows of stored traces; they have bars of their own.
    """
    joined = dict(families)
    for name, parts in UNIONS.items():
        there = [part for part in parts if part in families]
        if there == list(parts) or (name == ORACLE and there):
            joined[name] = [entry for part in there for entry in families[part]]
    kinds = list(dict.fromkeys(e.kind for entries in families.values() for e in entries))
    groups: dict[str, Mapping[str, Sequence[Judgement]]] = {"pooled": joined}
    if len(kinds) > 1:
        groups |= {kind: _of_kinds(joined, (kind,)) for kind in kinds}
    made: dict[str, Any] = {
        "definitions": DEFINITIONS,
        "days": sorted({e.case for entries in families.values() for e in entries}),
        "requests": _requests(families),
        "groups": {name: _group(entries) for name, entries in groups.items()},
    }
    made["markdown_costs"] = _costs_table(made["groups"]["pooled"]["cost_at_misses"])
    generated = [kind for kind in kinds if kind not in traces]
    windows = [kind for kind in kinds if kind in traces]
    for prefix, real, chosen in (("", False, generated), ("trace_", True, windows)):
        entries = _of_kinds(joined, chosen)
        for suffix, misses in (("", MISSES[0]), ("_slo_misses", MISSES[1])):
            rows = bar_rows(entries, misses, real=real) if chosen else []
            made[f"{prefix}bars{suffix}"] = rows
            made[f"{prefix}markdown{suffix}"] = markdown(rows) if rows else ""
    return made


def _of_kinds(
    families: Mapping[str, Sequence[Judgement]], kinds: Collection[str]
) -> dict[str, list[Judgement]]:
    return {
        name: [entry for entry in entries if entry.kind in kinds]
        for name, entries in families.items()
    }


def _requests(families: Mapping[str, Sequence[Judgement]]) -> int:
    return sum({e.case: e.arrived for entries in families.values() for e in entries}.values())


def _group(families: Mapping[str, Sequence[Judgement]]) -> dict[str, Any]:
    points = {name: pooled(entries) for name, entries in families.items()}
    made: dict[str, Any] = {
        "settings": {name: [_row(point) for point in rows] for name, rows in points.items()}
    }
    for name, key in (("misses", _missed), ("slo_misses", _slo_missed)):
        fronts = {family: [(p.cost, key(p)) for p in rows] for family, rows in points.items()}
        made[f"front_{name}"] = {family: front(pairs) for family, pairs in fronts.items()}
        made[f"cost_at_equal_{name}"] = _costs(points.get(HPA, []), fronts, key)
        made[f"cost_at_{name}"] = {family: _read(pairs) for family, pairs in fronts.items()}
    made["p99_at_equal_cost"] = _p99s(points)
    return made


def _missed(point: Pooled) -> float:
    return point.missed_frac


def _slo_missed(point: Pooled) -> float:
    return point.slo_missed_frac


def _row(point: Pooled) -> dict[str, Any]:
    return {name: getattr(point, name) for name in Pooled.__dataclass_fields__}


def _costs(
    stock: Sequence[Pooled],
    fronts: Mapping[str, Sequence[tuple[float, float]]],
    key: Callable[[Pooled], float],
) -> list[dict[str, Any]]:
    """At the misses of each stock HPA target: cost of every family, saving, share of the gap."""
    rows = []
    for point in stock:
        found = {name: cost_at(pairs, key(point)) for name, pairs in fronts.items()}
        for name in UNIONS.keys() & fronts.keys():
            found[name] = cheapest(found.get(part) for part in UNIONS[name])
        bound = found.get(ORACLE)
        row: dict[str, Any] = {"hpa": point.policy, "hpa_cost": point.cost, "misses": key(point)}
        row["families"] = {
            name: _compared(value, point.cost, bound)
            for name, value in found.items()
            if value is not None
        }
        rows.append(row)
    return rows


def _read(pairs: Sequence[tuple[float, float]]) -> list[dict[str, Any] | None]:
    """What a front costs at each of READ_AT; None: it never misses so few."""
    found = [cost_at(pairs, share) for share in READ_AT]
    return [None if one is None else {"cost": one.value, "ends": one.ends} for one in found]


def _costs_table(families: Mapping[str, Sequence[Mapping[str, Any] | None]]) -> str:
    """A row a family, each beside the first; * where its front ends before."""
    heads = ("policy", *(f"cost at {100 * share:g} % missed" for share in READ_AT))
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    first = next(iter(families.values()), ())
    for name, row in families.items():
        cells = [_cost_cell(one, beside) for one, beside in zip(row, first, strict=True)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cost_cell(one: Mapping[str, Any] | None, beside: Mapping[str, Any] | None) -> str:
    if one is None:
        return "not reached"
    cell = f"{one['cost']:.2f}" + (" *" if one["ends"] else "")
    if beside is None or one is beside:
        return cell
    return f"{cell} ({100 * (one['cost'] / beside['cost'] - 1.0):+.1f} %)"


def _compared(found: Found, cost: float, bound: Found | None) -> dict[str, Any]:
    gap = None if bound is None else cost - bound.value
    return {
        "cost": found.value,
        "ends": found.ends,
        "saving_frac": 1.0 - found.value / cost,
        "gap_closed_frac": None if gap is None or gap <= 0 else (cost - found.value) / gap,
    }


def _p99s(points: Mapping[str, Sequence[Pooled]]) -> list[dict[str, Any]]:
    rows = []
    for point in points.get(HPA, []):
        found = {
            name: p99_at([(p.cost, p.p99) for p in entries], point.cost)
            for name, entries in points.items()
            if name != ANY_HPA
        }
        rows.append(
            {
                "hpa": point.policy, "hpa_cost": point.cost, "hpa_p99": point.p99,
                "families": {
                    name: {"p99": value.value, "ends": value.ends,
                           "lower_frac": 1.0 - value.value / point.p99}
                    for name, value in found.items()
                    if value is not None
                },
            }
        )  # fmt: skip
    return rows
