"""What may never happen, whatever a policy proposes. Everything is off by default."""

from dataclasses import dataclass

from engine.scenario.checks import above_zero, at_least, refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A person's order: the pool keeps this size for a while."""

    pool: str
    at_s: float = 0.0
    """From when, seconds into the window."""
    for_s: float = 3600.0
    workers: int | None = None
    """None: the size that it has when the hold begins."""
    why: str | None = None
    """What the person said; logged with the decisions that it binds. None: nothing."""

    def __post_init__(self) -> None:
        where = f"hold of pool {self.pool!r}"
        at_least(self, where, 0.0, "at_s", "for_s")
        if self.workers is not None:
            at_least(self, where, 0, "workers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Constraints between what a policy proposes and what is applied, in their fixed order.

    The carbon mask holds wherever the priorities name a threshold; the limits of the pools and
    the room on their nodes hold always.
    """

    carbon_soft_g_per_kwh: float = 50.0
    """Width of the band below the carbon threshold in which growth shrinks to nothing; 0: none."""
    slo_quantile: float | None = None
    """Capacity for this quantile of the forecast demand is the floor, 0.5 to 0.99; None: no
    floor."""
    slo_busy_frac: float = 0.9
    """Share of slots in use at that demand."""
    out_workers: int | None = None
    """Most workers added to a pool in a period; None: no limit."""
    in_workers: int | None = None
    """Most workers removed from a pool in a period; None: no limit."""
    period_s: float = 60.0
    cooldown_out_s: float = 0.0
    """Seconds after a step out before the next one."""
    cooldown_in_s: float = 0.0
    """Seconds after any step before a step in."""
    budget_usd_per_hour: float | None = None
    """What all workers together may cost; growth beyond it is cut. None: no limit."""
    holds: tuple[Hold, ...] = ()

    def __post_init__(self) -> None:
        at_least(self, "guard", 0.0, "carbon_soft_g_per_kwh", "cooldown_out_s", "cooldown_in_s")
        at_least(self, "guard", 0, "out_workers", "in_workers")
        at_least(self, "guard", 0.0, "budget_usd_per_hour")
        above_zero(self, "guard", "period_s")
        if self.slo_quantile is not None and not 0.5 <= self.slo_quantile <= 0.99:
            refuse(f"slo_quantile is {self.slo_quantile}", "guard", "Use 0.5 to 0.99, or none")
        if not 0.0 < self.slo_busy_frac <= 1.0:
            refuse(
                f"slo_busy_frac is {self.slo_busy_frac}", "guard", "Use a share above 0, up to 1"
            )
