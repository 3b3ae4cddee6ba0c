"""On whose behalf requests run: tenants, priority classes, partitions, degradation."""

from dataclasses import dataclass
from enum import StrEnum

from engine.scenario.checks import above_zero, at_least, refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityClass:
    """Requests of a higher rank are served first."""

    name: str
    rank: int = 0
    """The larger, the earlier served."""
    aging_s: float | None = 60.0
    """A request that waited this long counts one rank higher, and so on; None: it may starve."""

    def __post_init__(self) -> None:
        where = f"priority class {self.name!r}"
        if not -8 <= self.rank <= 8:
            refuse(f"rank is {self.rank}", where, "Use -8 to 8")
        above_zero(self, where, "aging_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """On whose behalf a share of the requests runs."""

    name: str
    share: float = 1.0
    """Weight by which requests that name no tenant are spread; 0: only those that name it."""
    priority: str | None = None
    """Name of its priority class; None: rank 0."""
    floor_frac: float = 0.0
    """Share of each pool's slots that is guaranteed to it."""
    regions: tuple[str, ...] = ()
    """Where its requests may run (residency); empty: anywhere."""
    group_size: int = 1
    """Requests that start all together or not at all (consecutive ones of the tenant)."""

    def __post_init__(self) -> None:
        where = f"tenant {self.name!r}"
        at_least(self, where, 0.0, "share")
        if not 0 <= self.floor_frac <= 1:
            refuse(f"floor_frac is {self.floor_frac}", where, "Use a share from 0 to 1")
        if not 1 <= self.group_size <= 64:
            refuse(f"group_size is {self.group_size}", where, "Use 1 to 64")


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitions:
    """Slots of each pool divided among tenants, re-balanced after their recent demand.

    Requests wait in the pool's own queue then, with the queue limit for each tenant apart.
    """

    every_s: float = 30.0
    hysteresis_frac: float = 0.1
    """Shares move only if one is off by more than this part of the pool."""

    def __post_init__(self) -> None:
        above_zero(self, "partitions", "every_s")
        if not 0 <= self.hysteresis_frac < 1:
            refuse(
                f"hysteresis_frac is {self.hysteresis_frac}", "partitions", "Use a share below 1"
            )


class DegradeKind(StrEnum):
    """What is given up when a pool is overloaded."""

    SHED = "shed"
    """Requests of a rank below `rank` are rejected at once."""
    CACHED = "cached"
    """A share `amount` of requests gets an answer from the cache at once."""
    SMALLER_MODEL = "smaller-model"
    """Work takes only the share `amount` of its time."""
    DEADLINE = "deadline"
    """Requests that cannot start within `amount` seconds are rejected on arrival."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Degradation:
    """One level: entered above a load, left below another."""

    kind: DegradeKind
    above: float = 1.5
    """Requests held per slot of the pool's ready workers at which the level is entered."""
    below: float = 1.0
    """And at which it is left again."""
    amount: float = 0.5
    rank: int = 0

    def __post_init__(self) -> None:
        where = f"degradation {self.kind.value!r}"
        at_least(self, where, 0.0, "above", "below", "amount")
        if not -8 <= self.rank <= 9:
            refuse(f"rank is {self.rank}", where, "Use -8 to 9; ranks go from -8 to 8")
        if self.below > self.above:
            refuse(
                f"below is {self.below}, above its entry at {self.above}",
                where,
                "Leave a level at a lower load than it is entered at",
            )
        if self.kind in (DegradeKind.CACHED, DegradeKind.SMALLER_MODEL) and self.amount > 1:
            refuse(f"amount is {self.amount}", where, "Use a share from 0 to 1")
