"""What the stages of the guard write down."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.policies.base import Reason
from engine.units import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class Stage:
    """One change by the guard."""

    stage: str
    before: float
    after: float
    reason: Reason
    numbers: Mapping[str, float] = field(default_factory=dict, compare=False)
    """What it went by, with the unit in the name, as far as it is finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """What the guard made of a part of an action that is no number of workers."""

    stage: str
    """`size`, where the number is turned into workers of the present size, or `hold`."""
    before: float
    after: float
    reason: Reason
    part: str
    """`size`, `router`, `weights`, or the name of a node group."""
    wanted: str
    """Of a size or a router."""
    kept: str
    """What stays instead."""
    numbers: Mapping[str, float] = field(default_factory=dict, compare=False)
    """As of a `Stage`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What is left of a proposal for one pool."""

    workers: int
    reason: Reason
    stages: tuple[Stage | Aside, ...]
    size: str | None = None
    """Another one that its workers get."""

    @property
    def outcome(self) -> tuple[int, str | None, int]:
        """What is done: workers, their new size, how many other parts of the action are not."""
        frozen = sum(stage.stage == "hold" for stage in self.stages if isinstance(stage, Aside))
        return self.workers, self.size, frozen


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A size that is kept for a while, whatever policy, guard and people want: to ask what if."""

    size: int
    until_s: float
    """Seconds into the window."""
    at_least: bool = True
    at_most: bool = True

    def of(self, workers: int) -> int:
        """What becomes of a number of workers."""
        if self.at_least:
            workers = max(workers, self.size)
        return min(workers, self.size) if self.at_most else workers


@dataclass(slots=True)
class Log:
    """The changes of one decision, by pool."""

    reasons: list[Reason]
    """(P,) what binds each pool so far."""
    stages: list[list[Stage | Aside]] = field(init=False)
    granted: dict[int, tuple[str, float]] = field(init=False)
    """By pool, another size that its workers get, and by how many of them its capacity grows."""
    frozen: dict[int, list[tuple[str, str, float]]] = field(init=False)
    """By pool, parts of the action that a hold keeps from being done: the part, what was wanted
    and for how many seconds yet."""

    def __post_init__(self) -> None:
        self.granted, self.frozen = {}, {}
        self.stages = [[] for _ in self.reasons]

    def note(
        self, stage: str, before: FloatArray, after: FloatArray, reason: Reason | None,
        **numbers: FloatArray | float,
    ) -> None:  # fmt: skip
        """Writes down where a stage changed something. (P,) sizes.

        Args:
            stage: its name.
            before: sizes before it.
            after: sizes after it.
            reason: what it stands for; None: it binds nothing, the reason stays.
            numbers: what it went by, (P,) or the same for all.
        """
        changed: BoolArray = before != after
        if not changed.any():
            return
        pools = np.flatnonzero(changed).tolist()
        columns = [_of(value, changed, len(pools)) for value in numbers.values()]
        for pool, first, last, *by in zip(
            pools, before[changed].tolist(), after[changed].tolist(), *columns, strict=True
        ):
            if reason is not None:
                self.reasons[pool] = reason
            named = zip(numbers, by, strict=True)
            known = {name: value for name, value in named if math.isfinite(value)}
            line = Stage(stage, _number(first), int(last), self.reasons[pool], known)
            self.stages[pool].append(line)

    def refuse(
        self, pool: int, before: float, after: float, reason: Reason, wanted: str, kept: str,
        numbers: Mapping[str, float],
    ) -> None:  # fmt: skip
        """Writes down that a size may not be, and what becomes of the number; see `Aside`."""
        self.reasons[pool] = reason
        self.stages[pool].append(
            Aside(
                stage="size", before=_number(before), after=_number(after), reason=reason,
                part="size", wanted=wanted, kept=kept, numbers=numbers,
            )
        )  # fmt: skip

    def take_back(self, pool: int, before: float, after: int) -> None:
        """A size that was granted cannot be had after all; the number of workers stays, too."""
        size, _ = self.granted.pop(pool)
        self.refuse(pool, before, after, Reason.NO_ROOM, size, "", {})

    def freeze(self, pool: int, workers: int) -> None:
        """Writes down what a hold keeps from being done besides, at so many workers."""
        for part, wanted, left_s in self.frozen.get(pool, ()):
            self.reasons[pool] = Reason.HELD
            self.stages[pool].append(
                Aside(
                    stage="hold", before=workers, after=workers, reason=Reason.HELD, part=part,
                    wanted=wanted, kept="", numbers={"left_s": left_s},
                )
            )  # fmt: skip


def _of(value: FloatArray | float, there: BoolArray, number: int) -> list[float]:
    """Of the pools that are there, so many."""
    if isinstance(value, np.ndarray):
        return [float(one) for one in value[there].tolist()]
    return [float(value)] * number


def _number(value: float) -> float:
    return int(value) if value == int(value) else float(value)
