"""What a reader is: the columns that give a format away, and how they become a plan."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from engine.errors import TraceError, UsageError, did_you_mean
from engine.trace.head import Head, normal
from engine.trace.mapping import Mapping
from engine.trace.options import ImportOptions
from engine.trace.plan import Cast, Field, Plan, Shape, TimeUnit, guess_time_unit
from engine.trace.roles import ROLES
from engine.trace.schema import Finding, Kind, Severity

__all__ = ["Column", "Reader", "make_plan", "note", "time_findings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a format."""

    role: str
    names: tuple[str, ...]
    """Normalised names it goes by, best first."""
    cast: Cast
    required: bool = True
    scale: float = 1.0
    position: int = 0
    """Of headerless files, counted from 0."""

    def index(self, head: Head) -> int | None:
        """Where the file has it."""
        if not head.has_header:
            return self.position if self.position < len(head.columns) else None
        names = [normal(name) for name in head.columns]
        return next((names.index(name) for name in self.names if name in names), None)


def _as_is(_head: Head, plan: Plan, _options: ImportOptions) -> Plan:
    return plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One format: how it is recognised and read."""

    format: str
    title: str
    """For lists and messages."""
    kind: Kind
    columns: tuple[Column, ...]
    also: frozenset[str] = frozenset()
    """Normalised names that the format has and nobody needs."""
    time_unit: TimeUnit | None = None
    """None: guessed from the cells."""
    timed: bool = True
    """False: there may be no times at all."""
    shape: Shape = Shape.PLAIN
    value_unit: str | None = None
    interval_s: float | None = None
    absurd_above: float = float("inf")
    keeps_zero: bool = False
    """Time 0 of the file is t = 0, whenever the first row is."""
    fits: Callable[[Head], bool] | None = None
    """Recognises the format; None: all required columns are there by name."""
    adapt: Callable[[Head, Plan, ImportOptions], Plan] = _as_is
    """Last touch on the plan."""

    def recognises(self, head: Head) -> bool:
        """Whether this looks like the format."""
        if self.fits is not None:
            return self.fits(head)
        return head.has_header and not self.missing(head)

    def missing(self, head: Head) -> tuple[Column, ...]:
        """Required columns that the file lacks."""
        return tuple(c for c in self.columns if c.required and c.index(head) is None)


def note(rule: str, what: str, where: str, fix: str) -> Finding:
    """Something worth knowing that changed nothing."""
    return Finding(rule=rule, severity=Severity.NOTE, what=what, where=where, fix=fix)


def make_plan(reader: Reader, head: Head, mapping: Mapping | None, options: ImportOptions) -> Plan:
    """The plan of a file in a known format; a mapping overrides single columns.

    Raises:
        TraceError: a required or mapped column is missing.
        UsageError: a role is mapped that this kind of trace does not have.
    """
    overridden = dict(mapping.columns) if mapping else {}
    strange = [role for role in overridden if reader.kind not in ROLES[role].kinds]
    if strange:
        raise UsageError(
            f"the format {reader.format} has no {strange[0]!r}",
            "mapping",
            "Map only what such a trace has, or choose the format generic",
        )
    fields = {
        column.role: Field(role=column.role, index=index, cast=column.cast, scale=column.scale)
        for column in reader.columns
        if column.role not in overridden and (index := column.index(head)) is not None
    }
    for role, name in overridden.items():
        fields[role] = mapped_field(head, role, name)
    _check_complete(reader, head, set(fields))
    unit, guessed = _time_unit(reader, head, fields, mapping)
    plan = Plan(
        format=reader.format,
        kind=reader.kind,
        fields=tuple(fields.values()),
        time_unit=unit,
        shape=reader.shape,
        value_unit=options.unit or (mapping and mapping.value_unit) or reader.value_unit,
        interval_s=reader.interval_s,
        absurd_above=reader.absurd_above,
        keeps_zero=reader.keeps_zero,
        keeps_times=reader.keeps_zero,
        findings=(*guessed, *_unknown_columns(reader, head, fields)),
    )
    return reader.adapt(head, plan, options)


def mapped_field(head: Head, role: str, name: str) -> Field:
    """A field whose column somebody named.

    Raises:
        TraceError: the file has no such column.
    """
    names = [column.lower() for column in head.columns]
    if name.lower() not in names:
        raise TraceError(
            f"there is no column {name!r} for {role}",
            f"{head.name}, mapping",
            did_you_mean(name, head.columns),
        )
    index = names.index(name.lower())
    cast = ROLES[role].cast
    return Field(role=role, index=index, cast=cast, scale=_scale(role, name))


def _scale(role: str, name: str) -> float:
    milliseconds = role in {"service", "think"} and normal(name).endswith("_ms")
    return 1e-3 if milliseconds else 1.0


def _check_complete(reader: Reader, head: Head, roles: set[str]) -> None:
    lacking = [c for c in reader.columns if c.required and c.role not in roles]
    if not lacking:
        return
    names = [c.names[0] if head.has_header else f"column {c.position + 1}" for c in lacking]
    raise TraceError(
        f"the format {reader.format} needs {', '.join(map(repr, names))}, which the file lacks",
        f"{head.name}, columns {', '.join(head.columns[:12])}",
        f"Rename the column, or say which one is the {lacking[0].role} "
        f"(--map {lacking[0].role}=COLUMN on the command line). "
        + did_you_mean(names[0], head.columns[:30]),
    )


def _time_unit(
    reader: Reader, head: Head, fields: dict[str, Field], mapping: Mapping | None
) -> tuple[TimeUnit | None, tuple[Finding, ...]]:
    if "arrival" not in fields:
        return None, ()
    index = fields["arrival"].index
    if mapping and mapping.unit:
        return mapping.unit, ()
    if reader.time_unit:
        return reader.time_unit, ()
    unit, guessed = guess_time_unit(head, index)
    return unit, (*guessed, *time_findings(head, index, unit))


def time_findings(head: Head, index: int, unit: TimeUnit) -> tuple[Finding, ...]:
    """A note where calendar times state no zone."""
    if unit is not TimeUnit.TEXT or (head.types and "tz=" in head.types[index]):
        return ()
    cells = head.samples(index)
    if cells and all(cell.endswith("Z") or "+" in cell or cell.count("-") > 2 for cell in cells):
        return ()
    return (
        note(
            "zone_assumed",
            "the times state no zone and were read as UTC",
            f"{head.name}, column {head.columns[index]!r}",
            "If they are local times, add the offset (…+02:00) before importing",
        ),
    )


def _unknown_columns(reader: Reader, head: Head, fields: dict[str, Field]) -> Iterable[Finding]:
    if not head.has_header:
        return ()
    used = {field.index for field in fields.values()}
    unknown = [
        name
        for index, name in enumerate(head.columns)
        if index not in used and normal(name) not in reader.also
    ]
    if not unknown:
        return ()
    found = note(
        "unknown_columns",
        f"columns that mean nothing to the format were left out: {', '.join(unknown[:8])}",
        head.name,
        "Give one that matters its meaning (--map ROLE=COLUMN on the command line)",
    )
    return (replace(found, count=len(unknown)),)
