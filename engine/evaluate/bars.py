"""What the allocator has to show against its rivals, read off the fronts of a report."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from engine.evaluate.families import ANY_HPA, BOUND, ORACLE, RULE
from engine.evaluate.frontier import cost_at

OWN = "smartscale"
Front = Sequence[tuple[float, float]]
ANY_HPA_MISSES = (0.01, 0.02, 0.03, 0.04)
RULE_MISSES = (0.01, 0.015, 0.02)
_NAMES: Mapping[str, str] = MappingProxyType(
    {ANY_HPA: "the best HPA of any kind", RULE: "the predictive rule"}
)
_STOCK, _LONG = ("0.3", "0.4", "0.5"), ("0.3", "0.4", "0.5", "0.6")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One promise and what was measured."""

    name: str
    at: str
    """Where on the fronts."""
    wanted_frac: float
    """At least."""
    measured_frac: float | None
    """None: a front does not reach there."""
    rival_ends: bool = False
    """Whether it is the rival's front that does not, though the allocator's does."""
    ends: bool
    """A front ends before: the figure is that of its last point."""

    @property
    def passed(self) -> bool:
        """Whether it is kept."""
        return self.measured_frac is not None and self.measured_frac >= self.wanted_frac


def bars(group: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every bar of a group of a report, JSON-able; none where the allocator was not judged."""
    if OWN not in group["settings"]:
        return []
    made = [*_stock(group), *_equal(group, ANY_HPA, ANY_HPA_MISSES, 0.20)]
    made += [*_equal(group, RULE, RULE_MISSES, 0.08), *_p99(group), *_gaps(group)]
    return [asdict(bar) | {"passed": bar.passed} for bar in made]


def _stock(group: Mapping[str, Any]) -> list[Bar]:
    return [
        _bar("cheaper than stock HPA at its misses", row["hpa"], 0.40, found, "saving_frac")
        for row, found in _own_rows(group["cost_at_equal_misses"], _STOCK)
    ]


def _gaps(group: Mapping[str, Any]) -> list[Bar]:
    bound = "oracle with start-up delay" if BOUND in group["settings"] else "unsearched oracle"
    name = f"share of the gap from stock HPA to the {bound} that is closed"
    return [
        _bar(name, row["hpa"], 0.75, found, "gap_closed_frac")
        for row, found in _own_rows(group["cost_at_equal_misses"], _LONG)
        if ORACLE in row["families"]
    ]


def _p99(group: Mapping[str, Any]) -> list[Bar]:
    name = "lower request p99 than stock HPA at its cost"
    rows = _own_rows(group["p99_at_equal_cost"], ("0.5", "0.6", "0.7"))
    return [_bar(name, row["hpa"], 0.30, found, "lower_frac") for row, found in rows]


def _own_rows(
    rows: Sequence[Mapping[str, Any]], targets: Sequence[str]
) -> list[tuple[Mapping[str, Any], Mapping[str, Any] | None]]:
    return [
        (row, row["families"].get(OWN)) for row in rows if row["hpa"].rpartition("=")[2] in targets
    ]


def _bar(
    name: str, at: str, wanted: float, found: Mapping[str, Any] | None, key: str
) -> Bar:  # fmt: skip
    return Bar(
        name=name, at=f"target {at.rpartition('=')[2]}", wanted_frac=wanted,
        measured_frac=None if found is None else found[key],
        ends=found is not None and bool(found["ends"]),
    )  # fmt: skip


def _equal(
    group: Mapping[str, Any], rival: str, misses: Sequence[float], wanted: float
) -> list[Bar]:
    """Savings against a rival's front at some shares of misses."""
    fronts: Mapping[str, Front] = group["front_misses"]
    if rival not in fronts:
        return []
    made = []
    for share in misses:
        found = [cost_at(fronts[name], share) for name in (OWN, rival)]
        known = [value for value in found if value is not None]
        made.append(
            Bar(
                name=f"cheaper than {_NAMES[rival]} at equal misses",
                at=f"{share:.1%} missed",
                wanted_frac=wanted,
                measured_frac=1.0 - known[0].value / known[1].value if len(known) == 2 else None,
                rival_ends=found[0] is not None and found[1] is None,
                ends=any(value.ends for value in known),
            )
        )
    return made


def markdown(
    rows: Sequence[Mapping[str, Any]], by_kind: Mapping[str, Sequence[Mapping[str, Any]]]
) -> str:
    """The bars as a table: pooled, and beside it what was measured on each kind of day."""
    kinds = list(by_kind)
    lines = [
        "| bar | where | wanted | pooled | kept | " + "".join(f"{kind} | " for kind in kinds),
        "|---" * (5 + len(kinds)) + "|",
    ]
    found = {
        kind: {(row["name"], row["at"]): _text(row) for row in those}
        for kind, those in by_kind.items()
    }
    for row in rows:
        kept = "yes" if row["passed"] else "no"
        cells = [row["name"], row["at"], f"{100 * row['wanted_frac']:.0f} %", _text(row), kept]
        cells += [found[kind].get((row["name"], row["at"]), "-") for kind in kinds]
        lines.append("| " + " | ".join(cells) + " |")
    lines[0] = lines[0].rstrip()
    return "\n".join(lines)


def _text(row: Mapping[str, Any]) -> str:
    """What was measured; a star where a front ends before that and its last point is taken."""
    measured = row["measured_frac"]
    if measured is None:
        return "rival not there" if row["rival_ends"] else "not reached"
    return f"{100 * measured:.1f} %" + (" *" if row["ends"] else "")
