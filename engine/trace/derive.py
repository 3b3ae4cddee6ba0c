"""Traces made from others: cut, scaled, shifted, with a crowd, a spliced part, or other tenants.

Pure: each step takes requests and gives requests, chains of sessions stay whole, and the same
steps with the same seed give the same rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from engine.errors import UsageError, did_you_mean
from engine.trace.schema import RequestTable, window
from engine.trace.streams import stream
from engine.units import FloatArray, IntArray

JITTER_S = 30.0
"""Copies of a chain begin up to so much earlier or later than what they are copies of."""
FACTOR_MAX = 100.0
_STREAM = 911
_ROWS = tuple(
    name for name in RequestTable.__dataclass_fields__ if name not in ("agent_types", "tenants")
)

Options = Mapping[str, Any]


def derive(
    table: RequestTable, steps: list[dict[str, Any]], *, duration_s: float, seed: int,
    other: Callable[[str], RequestTable],
) -> RequestTable:  # fmt: skip
    """Applies steps in order.

    Args:
        table: requests of the trace that is started from.
        steps: each with `do`, one of STEPS, and its options.
        duration_s: of the trace.
        seed: of everything that is drawn.
        other: loads another trace by id or name.

    Raises:
        UsageError: an unknown step or option, a value out of range, or nothing is left.
    """
    for number, step in enumerate(steps):
        do, options = step["do"], _options(step)
        rng = stream(seed, _STREAM, number)
        if do == "splice":
            options["table"] = other(_text(do, options, "trace"))
        table = STEPS[do][0](table, options, duration_s, rng)
        if do == "cut":
            duration_s = float(options["to_s"]) - float(options["from_s"])
        if len(table) == 0:
            raise UsageError(f"no request is left after {do!r}", "derive", "Keep some of them")
    return table


def _options(step: Options) -> dict[str, Any]:
    """Those of a step, with defaults. Raises UsageError."""
    do = step["do"]
    if do not in STEPS:
        raise UsageError(f"there is no step {do!r}", "derive", did_you_mean(do, STEPS))
    known = STEPS[do][1]
    options = {**known, **{key: value for key, value in step.items() if key != "do"}}
    wrong = sorted(set(options) - set(known))
    if wrong:
        raise UsageError(
            f"step {do!r} has no option {wrong[0]!r}", "derive", did_you_mean(wrong[0], known)
        )
    return options


def _cut(
    table: RequestTable, options: Options, duration_s: float, _: np.random.Generator
) -> RequestTable:
    """A window alone, which begins at 0; a request that followed an earlier one begins a chain."""
    from_s = _number("cut", options, "from_s", 0.0, duration_s)
    return window(table, from_s, _number("cut", options, "to_s", from_s, duration_s))


def _scale(
    table: RequestTable, options: Options, duration_s: float, rng: np.random.Generator
) -> RequestTable:
    """Every chain as often as the factor says on average."""
    factor = _number("scale", options, "by", 0.0, FACTOR_MAX)
    roots = _roots(table)
    heads = np.unique(roots)
    copies = _times(factor, len(heads), rng)
    return _copied(table, roots, heads, copies, duration_s, rng)


def _times(factor: float, number: int, rng: np.random.Generator) -> IntArray:
    """(number,) how often each of them is taken: by chance, but together as often as asked."""
    steps = np.floor(factor * np.arange(number + 1) + rng.uniform(0, 1))
    return np.asarray(rng.permutation(np.diff(steps)).astype(np.int64))


def _shift(
    table: RequestTable, options: Options, duration_s: float, _: np.random.Generator
) -> RequestTable:
    """Later by some seconds; what leaves at the end comes back at the start."""
    by_s = _number("shift", options, "by_s", -1e9, 1e9)
    roots = _roots(table)
    start_s = table.arrival_s[roots]
    moved_s = (start_s + by_s) % duration_s - start_s
    return _sorted(table, table.arrival_s + moved_s)


def _crowd(
    table: RequestTable, options: Options, duration_s: float, rng: np.random.Generator
) -> RequestTable:
    """More chains for a while: a rise, a plateau of `factor` times the mean rate, and a fall."""
    at_s = _number("crowd", options, "at_s", 0.0, duration_s)
    factor = _number("crowd", options, "factor", 1.0, FACTOR_MAX)
    ramp_s, hold_s, fall_s = (
        _number("crowd", options, name, 0.0, duration_s) for name in ("ramp_s", "hold_s", "fall_s")
    )
    roots = _roots(table)
    heads = np.unique(roots)
    extra = (factor - 1.0) * len(heads) / duration_s
    times_s = at_s + _trapezoid(rng, extra, ramp_s, hold_s, fall_s)
    times_s = np.sort(times_s[times_s < duration_s])
    chosen = rng.choice(heads, len(times_s))
    return _joined(table, _chains_at(table, roots, chosen, times_s))


def _trapezoid(
    rng: np.random.Generator, per_s: float, ramp_s: float, hold_s: float, fall_s: float
) -> FloatArray:
    """Times of a Poisson process whose rate rises, stays and falls."""
    length_s = ramp_s + hold_s + fall_s
    number = int(rng.poisson(per_s * length_s))
    times_s = rng.uniform(0, length_s, number)
    rising = np.where(ramp_s > 0, times_s / max(ramp_s, 1e-9), 1.0)
    falling = np.where(fall_s > 0, (length_s - times_s) / max(fall_s, 1e-9), 1.0)
    kept: FloatArray = times_s[
        rng.uniform(0, 1, number) < np.minimum(1.0, np.minimum(rising, falling))
    ]
    return kept


def _splice(
    table: RequestTable, options: Options, duration_s: float, _: np.random.Generator
) -> RequestTable:
    """A part of another trace in place of as long a part of this one."""
    from_s = _number("splice", options, "from_s", 0.0, 1e9)
    length_s = _number("splice", options, "length_s", 1.0, 1e9)
    at_s = _number("splice", options, "at_s", 0.0, duration_s)
    other: RequestTable = options["table"]
    outside = _chosen(table, ~_within(table, at_s, length_s))
    inside = _chosen(other, _within(other, from_s, length_s))
    if len(inside) == 0:
        raise UsageError(
            f"{options['trace']!r} has no request from {from_s:g} s on for {length_s:g} s",
            "derive: splice", "Choose a part of it with requests",
        )  # fmt: skip
    moved = replace(inside, arrival_s=inside.arrival_s - from_s + at_s)
    return _joined(outside, moved)


def _within(table: RequestTable, from_s: float, length_s: float) -> np.ndarray:
    start_s = table.arrival_s[_roots(table)]
    return np.asarray((start_s >= from_s) & (start_s < from_s + length_s))


def _tenant(
    table: RequestTable, options: Options, duration_s: float, rng: np.random.Generator
) -> RequestTable:
    """A tenant more, who asks like all others together, at a share of their rate."""
    name = _text("tenant", options, "name")
    share = _number("tenant", options, "share", 0.0, FACTOR_MAX)
    roots = _roots(table)
    heads = np.unique(roots)
    copies = _times(share, len(heads), rng)
    own = _copied(table, roots, heads, copies, duration_s, rng)
    zeros = np.zeros(len(own), np.int32)
    return _joined(table, replace(own, tenant=zeros, tenants=(name,)))


def _drop(
    table: RequestTable, options: Options, _: float, __: np.random.Generator
) -> RequestTable:
    """Without the requests of a tenant or an agent type.

    What followed one of them follows the one before it, after the waits of both; where there is
    none, it arrives as recorded.
    """
    if options["tenant"] is None and options["agent_type"] is None:
        raise UsageError(
            "nothing is named", "derive: drop", "Write drop tenant=… or drop agent_type=…"
        )
    keep = np.ones(len(table), bool)
    for option, names, codes in (
        ("tenant", table.tenants, table.tenant),
        ("agent_type", table.agent_types, table.agent_type),
    ):
        name = options[option]
        if name is None:
            continue
        if name not in names:
            raise UsageError(
                f"the trace has no {option.replace('_', ' ')} {name!r}", "derive: drop",
                did_you_mean(str(name), names) if names else "Leave the step out",
            )  # fmt: skip
        keep &= codes != names.index(name)
    return _chosen(_bridged(table, keep), keep)


def _bridged(table: RequestTable, keep: np.ndarray) -> RequestTable:
    """Chains that leave out what is not kept."""
    after, think_s, prefix = table.after.copy(), table.think_s.copy(), table.prefix_tokens.copy()
    while (gone := (after >= 0) & ~keep[after]).any():
        before = after[gone]
        think_s[gone] += table.think_s[before]
        prefix[gone] = np.minimum(prefix[gone], table.prefix_tokens[before])
        after[gone] = table.after[before]
    think_s[after < 0] = 0.0
    return replace(table, after=after, think_s=think_s, prefix_tokens=prefix)


Step = Callable[[RequestTable, Options, float, np.random.Generator], RequestTable]
STEPS: Mapping[str, tuple[Step, Options]] = MappingProxyType(
    {
        "scale": (_scale, {"by": None}),
        "shift": (_shift, {"by_s": None}),
        "crowd": (
            _crowd,
            {"at_s": None, "factor": 5.0, "ramp_s": 60.0, "hold_s": 600.0, "fall_s": 300.0},
        ),
        "splice": (_splice, {"trace": None, "from_s": 0.0, "length_s": 86400.0, "at_s": None}),
        "tenant": (_tenant, {"name": None, "share": 0.2}),
        "drop": (_drop, {"tenant": None, "agent_type": None}),
        "cut": (_cut, {"from_s": 0.0, "to_s": None}),
    }
)
"""What can be done, with defaults; None: has to be said (or, for `drop`, one of them)."""


def _roots(table: RequestTable) -> IntArray:
    """(n,) first request of each request's chain or session; itself outside of both.

    Sessions of an open loop have no chains, but hold together, too.
    """
    roots = _first_of_chain(table)
    inside = np.flatnonzero(table.session[roots] >= 0)
    if len(inside) == 0:
        return roots
    sessions, first = np.unique(table.session[roots[inside]], return_index=True)
    place = np.searchsorted(sessions, table.session[roots[inside]])
    made = roots.copy()
    made[inside] = roots[inside[first]][place]
    return made


def _first_of_chain(table: RequestTable) -> IntArray:
    roots = np.arange(len(table))
    follows = table.after >= 0
    while True:  # as often as the longest chain doubles
        up = np.where(follows, table.after, roots)
        found = roots.copy()
        found[follows] = roots[up[follows]]
        if (found == roots).all():
            return roots
        roots = found


def _chosen(table: RequestTable, keep: np.ndarray) -> RequestTable:
    """Some of the rows; none that follows one that is left out."""
    return _rows(table, np.flatnonzero(keep))


def _rows(table: RequestTable, rows: IntArray) -> RequestTable:
    """These rows in this order; who follows whom is renumbered."""
    place = np.full(len(table) + 1, -1, np.int32)
    place[rows] = np.arange(len(rows), dtype=np.int32)
    columns = {name: getattr(table, name)[rows] for name in _ROWS}
    columns["after"] = place[table.after[rows]]
    return replace(table, **columns)


def _sorted(table: RequestTable, arrival_s: FloatArray) -> RequestTable:
    order = np.lexsort((np.arange(len(table)), arrival_s))
    return _rows(replace(table, arrival_s=arrival_s), order)


def _copied(
    table: RequestTable, roots: IntArray, heads: IntArray, copies: IntArray, duration_s: float,
    rng: np.random.Generator,
) -> RequestTable:  # fmt: skip
    """Each chain as often as said; all but the first of its copies a little moved."""
    chosen = np.repeat(heads, copies)
    first = np.r_[True, chosen[1:] != chosen[:-1]] if len(chosen) else np.empty(0, bool)
    moved_s = np.where(first, 0.0, rng.uniform(-JITTER_S, JITTER_S, len(chosen)))
    times_s = np.clip(table.arrival_s[chosen] + moved_s, 0.0, np.nextafter(duration_s, 0))
    return _chains_at(table, roots, chosen, times_s)


def _chains_at(
    table: RequestTable, roots: IntArray, chosen: IntArray, times_s: FloatArray
) -> RequestTable:
    """Copies of chains, each beginning at its time."""
    order = np.argsort(roots, kind="stable")
    ranked = roots[order]
    place = np.empty(len(order), np.int64)  # of each row in its chain
    place[order] = np.arange(len(order)) - np.searchsorted(ranked, ranked)
    starts = np.searchsorted(ranked, chosen)
    sizes = np.searchsorted(ranked, chosen, side="right") - starts
    offset = np.repeat(np.cumsum(sizes) - sizes, sizes)
    rows = order[np.repeat(starts, sizes) + np.arange(int(sizes.sum())) - offset]
    number = np.repeat(np.arange(len(chosen)), sizes)
    columns = {name: getattr(table, name)[rows] for name in _ROWS}
    columns["arrival_s"] = times_s[number] + columns["arrival_s"] - table.arrival_s[chosen][number]
    before = table.after[rows]
    columns["after"] = np.where(before >= 0, offset + place[before], -1).astype(np.int32)
    in_session = columns["session"] >= 0
    columns["session"] = np.where(in_session, number, -1).astype(np.int32)
    made = replace(table, **columns)
    return _sorted(made, made.arrival_s)


def _joined(one: RequestTable, two: RequestTable) -> RequestTable:
    """Both in order of time, with the names of both."""
    agents = tuple(dict.fromkeys([*one.agent_types, *two.agent_types]))
    tenants = tuple(dict.fromkeys([*one.tenants, *two.tenants]))
    sessions = int(one.session.max(initial=-1)) + 1
    columns = {name: np.concatenate([getattr(one, name), getattr(two, name)]) for name in _ROWS}
    columns["after"] = np.r_[one.after, np.where(two.after >= 0, two.after + len(one), -1)]
    columns["session"] = np.r_[one.session, np.where(two.session >= 0, two.session + sessions, -1)]
    columns["agent_type"] = np.r_[
        one.agent_type, _recoded(two.agent_type, two.agent_types, agents)
    ]
    columns["tenant"] = np.r_[one.tenant, _recoded(two.tenant, two.tenants, tenants)]
    for name in ("after", "session", "agent_type", "tenant"):
        columns[name] = columns[name].astype(np.int32)
    made = replace(one, **columns, agent_types=agents, tenants=tenants)
    return _sorted(made, made.arrival_s)


def _recoded(codes: np.ndarray, names: tuple[str, ...], among: tuple[str, ...]) -> np.ndarray:
    places = np.array([*(among.index(name) for name in names), -1], np.int32)
    return np.asarray(places[codes])


def _number(step: str, options: Options, name: str, low: float, high: float) -> float:
    value = options[name]
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not low <= number <= high:
        raise UsageError(
            f"{name} is {value!r}", f"derive: {step}", f"Use a number from {low:g} to {high:g}"
        )
    return number


def _text(step: str, options: Options, name: str) -> str:
    value = options[name]
    if not value:
        raise UsageError(f"{name} is missing", f"derive: {step}", f"Write {step} {name}=…")
    return str(value)
