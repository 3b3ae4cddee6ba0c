"""What a sweep is: a trace window, what is varied, and how points are chosen. Its key says which.

The key leaves the number of samples out: the same sweep with more of them goes on where it was.
"""

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import scipy

from engine.errors import UsageError
from engine.figures import FIGURES
from engine.scenario import Scenario
from engine.scenario_file import content_hash, from_dict, to_dict
from engine.sweep.axes import Axis, Settings

DOUBLES = 256
"""So many draws in a row that bring nothing new end a sample."""
GRID_MAX = 10_000


class Method(StrEnum):
    """How points are chosen."""

    GRID = "grid"
    """Every combination of the listed values."""
    SAMPLE = "sample"
    """A scrambled Sobol sequence: fills the space evenly at any length."""
    SEARCH = "search"
    """Bayesian: where the cheapest point that keeps the promise may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a search looks for: the least of one figure with another one good enough."""

    minimise: str = "cost_usd"
    figure: str = "slo_attainment_frac"
    """Held at `bound` or better, in the direction in which the figure is better."""
    bound: float = 0.99

    def __post_init__(self) -> None:
        for key in (self.minimise, self.figure):
            if key not in FIGURES or FIGURES[key].better is None:
                raise UsageError(
                    f"{key!r} is no figure of which more or less is better",
                    "sweep goal",
                    "Use one of: " + ", ".join(k for k, f in FIGURES.items() if f.better),
                )

    @property
    def sign(self) -> float:
        """1 where the figure must be at least the bound, else -1."""
        return 1.0 if FIGURES[self.figure].better == "higher" else -1.0

    def kept(self, value: float | None) -> bool:
        """Whether a value of `figure` is good enough."""
        return value is not None and self.sign * (value - self.bound) >= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One sweep."""

    trace: str
    """Id of the trace."""
    from_s: float
    to_s: float
    scenario: Scenario
    policy: str
    axes: tuple[Axis, ...]
    method: Method = Method.GRID
    samples: int = 32
    """Points of a sample or a search; a grid has as many as it has."""
    seed: int = 0
    """Of a sample or a search."""
    goal: Goal = Goal()
    """Of a search."""
    starts: tuple[Settings, ...] = ()
    """Where a search begins; nothing given: points spread evenly."""
    safer: tuple[int, ...] = ()
    """1 or -1 for each axis: whether a higher or a lower value keeps the promise better, and
    costs more. Empty where that is not known."""

    def __post_init__(self) -> None:
        if not self.axes:
            raise _refused("nothing is varied", "Name at least one path with --vary path=values")
        paths = [axis.path for axis in self.axes]
        if len(set(paths)) < len(paths):
            raise _refused("a path is varied twice", "Give each path once, with all its values")
        ranges = [axis.path for axis in self.axes if not axis.values]
        if self.method is Method.GRID and ranges:
            raise _refused(
                f"{ranges[0]!r} is a range, of which a grid needs the levels",
                "Write path=low..high/levels, or use --method sample or search",
            )
        if self.method is Method.GRID and self.size > GRID_MAX:
            raise _refused(
                f"the grid has {self.size:,} points", f"Use at most {GRID_MAX:,}, or a sample"
            )

    @property
    def size(self) -> int:
        """Number of points."""
        if self.method is not Method.GRID:
            return self.samples
        made = 1
        for axis in self.axes:
            made *= len(axis.values)
        return made

    def key(self, content: str) -> str:
        """Twelve hex digits that stay the same when the sweep is extended.

        Args:
            content: hash of what is replayed: trace, policy with its checkpoint, code version.
        """
        parts = [
            content, self.from_s, self.to_s, content_hash(self.scenario), self.policy,
            self.method.value, self.seed if self.method is not Method.GRID else 0,
            sorted(json.dumps(_axis(axis, self.method)) for axis in self.axes),
            [*self._goal(), self._starts(), self.safer] if self.method is Method.SEARCH else None,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]

    def _goal(self) -> list[Any]:
        return [self.goal.minimise, self.goal.figure, self.goal.bound]

    def _starts(self) -> list[dict[str, str]]:
        return [dict(each) for each in self.starts]

    def document(self) -> dict[str, Any]:
        """As JSON can say it; `plan_of` reads it."""
        return {
            "trace": self.trace, "from_s": self.from_s, "to_s": self.to_s,
            "scenario": to_dict(self.scenario), "policy": self.policy,
            "axes": [_fields(axis) for axis in self.axes], "method": self.method.value,
            "samples": self.samples, "seed": self.seed, "goal": self._goal(),
            "starts": self._starts(), "safer": list(self.safer),
        }  # fmt: skip


def plan_of(document: dict[str, Any]) -> Plan:
    """The reverse of `Plan.document`. Raises ScenarioError where its version cannot be read."""
    minimise, figure, bound = document["goal"]
    return Plan(
        **{name: document[name] for name in ("trace", "from_s", "to_s", "policy", "samples")},
        seed=document["seed"],
        scenario=from_dict(document["scenario"], "scenario of the sweep"),
        axes=tuple(Axis(**{**axis, "values": tuple(axis["values"])}) for axis in document["axes"]),
        method=Method(document["method"]),
        goal=Goal(minimise=minimise, figure=figure, bound=bound),
        starts=tuple(document.get("starts", ())),
        safer=tuple(document.get("safer", ())),
    )


def points(plan: Plan) -> Iterator[dict[str, str]]:
    """All points of a grid or a sample, each once."""
    if plan.method is Method.GRID:
        for values in itertools.product(*(axis.values for axis in plan.axes)):
            yield {axis.path: value for axis, value in zip(plan.axes, values, strict=True)}
        return
    yield from sampled(plan.axes, plan.samples, plan.seed)


def sampled(axes: tuple[Axis, ...], number: int, seed: int) -> Iterator[dict[str, str]]:
    """The first points of a scrambled Sobol sequence, doubles left out.

    It goes on until there are as many as asked for, or hardly any is new: a range of whole
    numbers may have fewer.
    """
    drawer = scipy.stats.qmc.Sobol(len(axes), rng=seed)
    seen: set[tuple[str, ...]] = set()
    doubles = 0
    while len(seen) < number and doubles < DOUBLES:
        (row,) = drawer.random(1)
        made = tuple(axis.at(float(share)) for axis, share in zip(axes, row, strict=True))
        doubles += 1
        if made not in seen:
            doubles = 0
            seen.add(made)
            yield {axis.path: value for axis, value in zip(axes, made, strict=True)}


def _axis(axis: Axis, method: Method) -> dict[str, Any]:
    """What of an axis belongs to a sweep's key: a grid may get more values later."""
    return {"path": axis.path} if method is Method.GRID else _fields(axis)


def _fields(axis: Axis) -> dict[str, Any]:
    return {name: getattr(axis, name) for name in Axis.__dataclass_fields__}


def _refused(what: str, fix: str) -> UsageError:
    return UsageError(what, "sweep", fix)
