"""Which column means what: written by hand (`--map`), edited in the page, or guessed."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.errors import TraceError, UsageError, did_you_mean
from engine.trace.head import Head, is_number, is_time, normal
from engine.trace.plan import Cast, TimeUnit
from engine.trace.roles import ROLES, role_of
from engine.trace.schema import Kind

__all__ = ["Mapping", "column_types", "corrected", "guess"]

_TIME_WORDS = {"time", "timestamp", "ts", "date", "when", "stamp", "arrival", "arrived", "epoch"}
_OPTIONS = ("kind", "unit", "value_unit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Source columns by role, and what the columns cannot say."""

    columns: tuple[tuple[str, str], ...]
    """(role, source column name), each role once; roles are the keys of `ROLES`."""
    kind: Kind
    unit: TimeUnit | None = None
    """Of times; None: guessed from the cells."""
    value_unit: str | None = None
    """Of series values; None: as the format says, or `value`."""

    @property
    def is_complete(self) -> bool:
        """Whether it stands alone; else it corrects what a format or a guess says."""
        needed = "machine_type" if self.kind is Kind.PRICES else "arrival"
        return any(role == needed for role, _ in self.columns)

    @property
    def text(self) -> str:
        """As `parse` reads it."""
        pairs = [*self.columns, ("kind", self.kind.value)]
        if self.unit:
            pairs.append(("unit", self.unit.value))
        if self.value_unit:
            pairs.append(("value_unit", self.value_unit))
        return ",".join(f"{role}={column}" for role, column in pairs)

    @classmethod
    def parse(cls, text: str) -> "Mapping":
        """From `arrival=ts,input_tokens=prompt,unit=ms`.

        Raises:
            UsageError: not of that form, an unknown or repeated role, or roles of two kinds.
        """
        pairs = [_pair(part, text) for part in text.split(",") if part.strip()]
        options = {key: value for key, value in pairs if key in _OPTIONS}
        columns: dict[str, str] = {}
        for key, column in pairs:
            if key in _OPTIONS:
                continue
            role = role_of(key)
            if role is None:
                raise UsageError(
                    f"a mapping knows no {key!r}", text, did_you_mean(key, [*ROLES, *_OPTIONS])
                )
            if role.name in columns:
                raise UsageError(f"{key!r} is mapped twice", text, "Map each role once")
            columns[role.name] = column
        return cls(
            columns=tuple(columns.items()),
            kind=_kind(columns, options.get("kind"), text),
            unit=_choice(TimeUnit, options.get("unit"), text),
            value_unit=options.get("value_unit"),
        )


def _pair(part: str, text: str) -> tuple[str, str]:
    key, equals, value = part.partition("=")
    if not (equals and key.strip() and value.strip()):
        raise UsageError(
            f"{part.strip()!r} is not of the form role=column",
            f"mapping {text!r}",
            "Write it like arrival=ts,input_tokens=prompt,unit=ms",
        )
    return key.strip(), value.strip()


def _choice(enum: type[TimeUnit], value: str | None, text: str) -> TimeUnit | None:
    if value is None:
        return None
    if value not in {member.value for member in enum}:
        raise UsageError(
            f"the time unit is {value!r}", f"mapping {text!r}", did_you_mean(value, list(enum))
        )
    return enum(value)


def _kind(columns: Iterable[str], given: str | None, text: str) -> Kind:
    roles = [ROLES[name] for name in columns]
    kind = _stated_kind(given, text) if given else _implied_kind(columns)
    strange = [role.name for role in roles if kind not in role.kinds]
    if strange:
        raise UsageError(
            f"a trace of kind {kind} has no {strange[0]!r}",
            f"mapping {text!r}",
            "Map columns of one kind only: requests, series, carbon or prices",
        )
    return kind


def _stated_kind(given: str, text: str) -> Kind:
    if given not in {kind.value for kind in Kind}:
        raise UsageError(f"the kind is {given!r}", f"mapping {text!r}", did_you_mean(given, Kind))
    return Kind(given)


def _implied_kind(columns: Iterable[str]) -> Kind:
    decided = [ROLES[name].decides for name in columns]
    for kind in (Kind.PRICES, Kind.CARBON, Kind.SERIES, Kind.SESSIONS):
        if kind in decided:
            return kind
    return Kind.REQUESTS


def column_types(head: Head) -> tuple[Cast, ...]:
    """What the sample cells of each column look like."""
    return tuple(_column_type(head, index) for index in range(len(head.columns)))


def _column_type(head: Head, index: int) -> Cast:
    if head.types and head.types[index].startswith(("timestamp", "date")):
        return Cast.TIME
    cells = head.samples(index)
    if cells and all(map(is_time, cells)):
        return Cast.TIME
    if not cells or not all(map(is_number, cells)):
        return Cast.TEXT
    whole = all(cell.lstrip("+-").isdigit() for cell in cells)
    return Cast.INTEGER if whole else Cast.NUMBER


def guess(head: Head) -> Mapping:
    """A mapping from names and types; the kind follows from what was found.

    Raises:
        TraceError: no column looks like a time, or nothing fits beside it.
    """
    types = column_types(head)
    columns = _by_name(head, types)
    if "arrival" not in columns and "usd_per_hour" not in columns:
        columns |= _time_column(head, types)
    kind = _implied_kind(columns)
    if kind is Kind.REQUESTS and not _speaks_of_requests(columns):
        columns |= _only_number(head, types, columns)
        kind = _implied_kind(columns)
    columns = {role: name for role, name in columns.items() if kind in ROLES[role].kinds}
    needed = "machine_type" if kind is Kind.PRICES else "arrival"
    if needed not in columns:
        raise TraceError(
            f"no column looks like {'a machine type' if kind is Kind.PRICES else 'a time'}",
            f"{head.name}, columns {', '.join(head.columns[:12])}",
            f"Say which one it is (--map {needed}=COLUMN on the command line)",
        )
    return Mapping(columns=tuple(columns.items()), kind=kind)


def corrected(guessed: Mapping, given: Mapping) -> Mapping:
    """The guess, with the columns and units that somebody gave in place of its own."""
    taken = {column for _, column in given.columns}
    columns = {role: column for role, column in guessed.columns if column not in taken}
    columns |= dict(given.columns)
    kind = given.kind if given.columns else guessed.kind
    return Mapping(
        columns=tuple(
            (role, column) for role, column in columns.items() if kind in ROLES[role].kinds
        ),
        kind=kind,
        unit=given.unit,
        value_unit=given.value_unit,
    )


def _by_name(head: Head, types: tuple[Cast, ...]) -> dict[str, str]:
    """Each role takes the column with its best-ranked name whose cells fit; a column once."""
    names = [normal(column) for column in head.columns]
    found: dict[str, str] = {}
    taken: set[int] = set()
    for role in ROLES.values():
        for synonym in role.synonyms:
            index = names.index(synonym) if synonym in names else -1
            if index >= 0 and index not in taken and _fits(role.cast, types[index]):
                found[role.name] = head.columns[index]
                taken.add(index)
                break
    return found


def _fits(wanted: Cast, found: Cast) -> bool:
    if wanted is Cast.TEXT:
        return found is not Cast.TIME
    if wanted is Cast.TIME:
        return found is not Cast.TEXT
    return found in (Cast.INTEGER, Cast.NUMBER)


def _time_column(head: Head, types: tuple[Cast, ...]) -> dict[str, str]:
    """The first column of calendar times, else of numbers whose name speaks of time."""
    named = list(zip(head.columns, types, strict=True))
    stamps = [name for name, found in named if found is Cast.TIME]
    spoken = [
        name
        for name, found in named
        if found is not Cast.TEXT and _TIME_WORDS & set(normal(name).split("_"))
    ]
    return {"arrival": (stamps + spoken)[0]} if stamps or spoken else {}


def _speaks_of_requests(columns: dict[str, str]) -> bool:
    return bool({"input_tokens", "output_tokens", "service", "agent_type"} & set(columns))


def _only_number(head: Head, types: tuple[Cast, ...], columns: dict[str, str]) -> dict[str, str]:
    """The value column of a series, if exactly one column of numbers is left over."""
    used = set(columns.values())
    numbers = [
        name
        for name, found in zip(head.columns, types, strict=True)
        if found in (Cast.INTEGER, Cast.NUMBER) and name not in used
    ]
    return {"value": numbers[0]} if len(numbers) == 1 else {}
