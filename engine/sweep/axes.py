"""What a sweep varies: `path=a,b,c`, `path=low..high`, `path=low..high/levels`.

A path is a field of the scenario (`slo.latency_s`, `pools.chat.workers_max`), `policy.NAME` for
a parameter of the policy, or `policy` for the policy as typed.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from engine.errors import UsageError
from engine.policies.registry import parse_spec
from engine.scenario import Scenario
from engine.scenario_file import with_settings

POLICY = "policy"
DECIMALS = 2
"""At least so many decimals have values drawn from a range whose ends are no whole numbers."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?:/(\d+))?(:log)?", re.IGNORECASE)

Settings = Mapping[str, str]
"""A point of a sweep: values as typed by path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One thing that is varied: listed values, or everything between two numbers."""

    path: str
    values: tuple[str, ...] = ()
    """In the order given; empty for a range."""
    low: float = 0.0
    high: float = 0.0
    decimals: int = 0
    """Of values drawn from the range: 0 where both ends are whole numbers."""
    log: bool = False
    """The range is even in logarithms."""

    def __post_init__(self) -> None:
        if not self.values and not self.low < self.high:
            raise _wrong(self.path, f"{self.low:g} is not below {self.high:g}")
        if self.log and self.low <= 0:
            raise _wrong(self.path, "a range in logarithms must begin above 0")
        if len(set(self.values)) < len(self.values):
            raise _wrong(self.path, "a value comes twice")

    def at(self, share: float) -> str:
        """The value at this place of the axis, 0 to 1."""
        if self.values:
            return self.values[min(int(share * len(self.values)), len(self.values) - 1)]
        if self.log:
            made = math.exp(math.log(self.low) + share * math.log(self.high / self.low))
        else:
            made = self.low + share * (self.high - self.low)
        return f"{round(made, self.decimals):.12g}"

    def place(self, text: str) -> float:
        """Where a value is on the axis, 0 to 1: the reverse of `at`."""
        if self.values:
            return (self.values.index(text) + 0.5) / len(self.values)
        if self.log:
            return math.log(float(text) / self.low) / math.log(self.high / self.low)
        return (float(text) - self.low) / (self.high - self.low)


def parse_axis(text: str) -> Axis:
    """An axis as typed. Raises UsageError."""
    path, equals, rest = (part.strip() for part in text.partition("="))
    if not equals or not path or not rest:
        raise _wrong(text, "it is not of the form path=values")
    found = _RANGE.fullmatch(rest)
    if found is None:
        return Axis(path=path, values=tuple(value.strip() for value in rest.split(",")))
    low, high, levels, log = found.groups()
    axis = Axis(
        path=path, low=float(low), high=float(high), log=log is not None,
        decimals=_decimals(low, high),
    )  # fmt: skip
    if levels is None:
        return axis
    if int(levels) < 2:
        raise _wrong(path, "a range has at least two levels")
    steps = [axis.at(number / (int(levels) - 1)) for number in range(int(levels))]
    return Axis(path=path, values=tuple(dict.fromkeys(steps)))


def _decimals(*ends: str) -> int:
    """As many as the ends have; 0..1 has whole numbers only, 0.0..1.0 has others too."""
    if all(end.lstrip("+-").isdigit() for end in ends):
        return 0
    given = [-int(Decimal(end).as_tuple().exponent) for end in ends]
    return max(DECIMALS, *given)


def applied(scenario: Scenario, policy: str, point: Settings) -> tuple[Scenario, str]:
    """The scenario and the policy at a point.

    Raises:
        ScenarioError: no such field, or a value that does not fit.
        PolicyError: a policy that cannot be read.
    """
    fields = {path: value for path, value in point.items() if path.partition(".")[0] != POLICY}
    spec = parse_spec(point.get(POLICY, policy))
    given = {name: str(value) for name, value in _typed(str(spec)).items()}
    given |= {
        path.partition(".")[2]: value
        for path, value in point.items()
        if path.startswith(f"{POLICY}.")
    }
    text = ":".join([spec.name, *(f"{name}={value}" for name, value in given.items())])
    made = with_settings(scenario, fields) if fields else scenario
    return made, str(parse_spec(text))


def _typed(spec: str) -> dict[str, str]:
    parts = [part.partition("=") for part in spec.split(":")[1:]]
    return {name: value for name, _, value in parts}


def _wrong(what: str, why: str) -> UsageError:
    return UsageError(
        f"{why}: {what!r}", "--vary", "Write path=a,b,c, path=low..high or path=low..high/levels"
    )
