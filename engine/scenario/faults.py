"""What breaks, when, where and for how long."""

from dataclasses import dataclass
from enum import StrEnum

from engine.scenario.checks import at_least, at_most, refuse


class FaultKind(StrEnum):
    """A kind of failure."""

    WORKER_CRASH = "worker-crash"
    """`count` ready workers of pool `where` stop at once; what they hold is lost."""
    NODE_LOSS = "node-loss"
    """`count` nodes of node group `where` are gone, with the workers on them."""
    ZONE_PARTITION = "zone-partition"
    """Zone `where` cannot be reached: new requests of its pools wait outside, running ones go
    on."""
    SLOW_WORKER = "slow-worker"
    """`count` workers of pool `where` run at `factor` of their speed."""
    TOOL_OUTAGE = "tool-outage"
    """Tool waits of sessions that would end during the outage end after it."""
    START_FAILURE = "start-failure"
    """Workers of pool `where` whose start ends meanwhile fail with probability `factor` and start
    again a second later."""
    METRIC_LOSS = "metric-loss"
    """Policies see no fresh metrics of pool `where`: a share `factor` of samples is missing."""
    METRIC_DELAY = "metric-delay"
    """Policies see the metrics of pool `where` from `factor` seconds ago."""
    SPOT_REVOCATION = "spot-revocation"
    """`count` spot nodes of node group `where` are revoked, with the group's notice."""
    GRID_OUTAGE = "grid-outage"
    """Region `where` runs on its backup generators."""


INSTANT = frozenset({FaultKind.WORKER_CRASH, FaultKind.NODE_LOSS, FaultKind.SPOT_REVOCATION})
"""Kinds that happen at a moment; `for_s` does not matter."""
SHARES = frozenset({FaultKind.SLOW_WORKER, FaultKind.START_FAILURE, FaultKind.METRIC_LOSS})
"""Kinds whose `factor` is a share from 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One entry of a fault plan."""

    kind: FaultKind
    at_s: float
    """Seconds since the start of the window."""
    for_s: float = 0.0
    where: str | None = None
    """Name of the pool, node group, zone or region concerned; None: all of them."""
    count: int = 1
    factor: float = 0.5

    def __post_init__(self) -> None:
        spot = f"fault {self.kind.value!r} at {self.at_s:g} s"
        at_least(self, spot, 0.0, "at_s", "for_s", "factor")
        at_least(self, spot, 1, "count")
        at_most(self, spot, 100_000, "count")
        if self.kind not in INSTANT and self.for_s <= 0:
            refuse("for_s is 0", spot, "Say for how many seconds it lasts")
        if self.kind in SHARES and self.factor > 1:
            refuse(f"factor is {self.factor}", spot, "Use a share from 0 to 1")
        if self.kind is FaultKind.SLOW_WORKER and self.factor == 0:
            refuse("factor is 0", spot, "Use a share above 0; for a stop use worker-crash")
