"""Where workers run: regions with price and carbon, zones, node types and groups of nodes."""

import math
from dataclasses import dataclass, field
from enum import StrEnum

from engine.errors import did_you_mean
from engine.scenario.checks import above_zero, at_least, at_most, refuse
from engine.scenario.grids import GREEN_DAYS, GRID_DAYS
from engine.scenario.workers import Startup, StartupKind


class CostMode(StrEnum):
    """Who owns the machines. Energy is paid for once."""

    RENTED = "rented"
    """Prices per hour include the energy; energy is reported, not charged."""
    OWNED = "owned"
    """Purchase over the lifetime plus the energy used, at the region's price."""


class Purchase(StrEnum):
    """On what terms a group's nodes are rented."""

    ON_DEMAND = "on-demand"
    RESERVED = "reserved"
    """Committed: `nodes_min` nodes are paid for all the time; those above it on demand."""
    SPOT = "spot"
    """Cheaper, and revoked at any time, with notice."""


class Placement(StrEnum):
    """Onto which node with room a new worker goes."""

    SPREAD = "spread"
    """The node with the fewest workers of its pool, then the one with most room."""
    PACK = "pack"
    """The fullest node that still has room (best fit)."""
    FIRST = "first"
    """The first node that has room (first fit)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GreenBudget:
    """Renewable energy bought or made for a region; used before grid energy."""

    kwh_per_day: float = 0.0
    profile: str = "solar"
    """When it comes: `solar`, `wind` or `flat`. What is not used is kept until midnight."""

    def __post_init__(self) -> None:
        at_least(self, "green budget", 0.0, "kwh_per_day")
        if self.profile not in GREEN_DAYS:
            fix = did_you_mean(self.profile, GREEN_DAYS)
            refuse(f"unknown profile {self.profile!r}", "green budget", fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A price and carbon domain."""

    name: str = "region-a"
    carbon_trace: str | None = None
    """A stored carbon-intensity series (id or name), repeated where it is shorter than the
    window; None: `grid_profile`."""
    grid_profile: str = "flat"
    """A built-in typical day; `flat`: `grid_g_per_kwh` all the time."""
    grid_g_per_kwh: float = 400.0
    """Mean intensity of the profile, g CO2e per kWh."""
    utc_offset_h: float = 0.0
    """Hours by which its clock is ahead of UTC, for typical days."""
    pue: float = 1.2
    """Power usage effectiveness: all energy of the site over that of its machines."""
    energy_usd_per_kwh: float = 0.12
    network_delay_s: float = 0.0
    """Round trip between the callers and this region; part of the request latency."""
    price_factor: float = 1.0
    """Multiplies the prices of workers and nodes here."""
    transfer_usd_per_gib: float = 0.0
    """For what leaves the region."""
    backup_g_per_kwh: float = 700.0
    """Intensity of the backup generators that carry the load during a grid outage."""
    green: GreenBudget = field(default_factory=GreenBudget)

    def __post_init__(self) -> None:
        where = f"region {self.name!r}"
        at_least(self, where, 0.0, "grid_g_per_kwh", "energy_usd_per_kwh", "network_delay_s")
        at_least(self, where, 0.0, "price_factor", "transfer_usd_per_gib", "backup_g_per_kwh")
        at_least(self, where, 1.0, "pue")
        if self.grid_profile not in GRID_DAYS:
            fix = did_you_mean(self.grid_profile, GRID_DAYS)
            refuse(f"unknown grid_profile {self.grid_profile!r}", where, fix)
        if not -12 <= self.utc_offset_h <= 14:
            refuse(f"utc_offset_h is {self.utc_offset_h}", where, "Use -12 to 14")

    @property
    def is_constant(self) -> bool:
        """Whether its grid's intensity is the same all the time."""
        return self.carbon_trace is None and self.grid_profile == "flat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A failure domain."""

    name: str = "zone-a"
    region: str = "region-a"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeType:
    """A kind of machine. At share u busy it draws idle + (full - idle) * u ** exponent watts.

    Busy is the larger of the shares of its cores and of its GPUs that work on requests.
    """

    name: str
    cpu_cores: float
    memory_gib: float
    gpus: int = 0
    usd_per_hour: float = 0.0
    """On demand."""
    usd_per_hour_reserved: float | None = None
    usd_per_hour_spot: float | None = None
    price_trace: str | None = None
    """A stored history of prices (id or name), of the region's name where it holds several. It
    holds by date, and instead of the prices above times `price_factor` where it has any."""
    price_name: str | None = None
    """Machine type in that history; None: this node type's name."""
    capex_usd: float = 0.0
    """To buy one; owned mode."""
    lifetime_years: float = 5.0
    watts_idle: float = 0.0
    watts_full: float = 0.0
    watts_suspended: float = 0.0
    power_exponent: float = 1.0
    power_points: tuple[tuple[float, float], ...] = ()
    """Measured power as (share busy, watts), joined by straight lines, from (0, …) to (1, …), as
    SPECpower reports it; where there are any, they are used instead of idle, full and exponent."""
    embodied_kg: float = 0.0
    """Carbon of making one, spread over its lifetime, kg CO2e."""
    provision: Startup = field(
        default_factory=lambda: Startup(kind=StartupKind.UNIFORM, mean_s=60.0, spread_s=20.0)
    )
    """Seconds from the order of a node until workers can start on it."""
    resume_s: float = 10.0
    """Seconds to wake a suspended node."""
    speed_noise: str = "none"
    """`none`, or the measured spread of fresh machines: `fixed` or `burstable`."""

    def __post_init__(self) -> None:
        where = f"node type {self.name!r}"
        above_zero(self, where, "cpu_cores", "memory_gib", "lifetime_years", "power_exponent")
        at_least(self, where, 0, "gpus", "usd_per_hour", "usd_per_hour_reserved", "capex_usd")
        at_least(self, where, 0.0, "usd_per_hour_spot", "watts_idle", "watts_full", "resume_s")
        at_least(self, where, 0.0, "watts_suspended", "embodied_kg")
        if self.watts_full < self.watts_idle:
            refuse(
                f"watts_full is {self.watts_full}, below watts_idle {self.watts_idle}",
                where,
                "A busy machine needs at least as much power as an idle one",
            )
        self._check_points(where)
        if self.speed_noise not in ("none", "fixed", "burstable"):
            refuse(
                f"unknown speed_noise {self.speed_noise!r}", where, "Use none, fixed or burstable"
            )

    def _check_points(self, where: str) -> None:
        shares = [share for share, _ in self.power_points]
        watts = [watt for _, watt in self.power_points]
        if not shares:
            return
        if shares[0] != 0 or shares[-1] != 1 or sorted(set(shares)) != shares:
            refuse(
                f"the shares of power_points are {shares}", where, "Go up from 0 to 1, each once"
            )
        if watts[0] < 0 or sorted(watts) != watts or not math.isfinite(watts[-1]):
            refuse(
                f"the watts of power_points are {watts}",
                where,
                "A busier machine needs at least as much power; use numbers of 0 or more",
            )

    @property
    def has_power(self) -> bool:
        """Whether it is known what it draws."""
        return self.watts_full > 0 or bool(self.power_points)

    def usd_per_hour_as(self, purchase: Purchase) -> float | None:
        """The price on these terms, None where there is none."""
        return {
            Purchase.ON_DEMAND: self.usd_per_hour,
            Purchase.RESERVED: self.usd_per_hour_reserved,
            Purchase.SPOT: self.usd_per_hour_spot,
        }[purchase]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGroup:
    """Nodes of one type in one zone on the same terms; grows and shrinks with its workers."""

    name: str
    node_type: str
    zone: str = "zone-a"
    purchase: Purchase = Purchase.ON_DEMAND
    nodes_min: int = 0
    nodes_max: int = 100
    placement: Placement = Placement.SPREAD
    remove_empty_after_s: float = 600.0
    """An empty node above `nodes_min` is given back after this long."""
    suspend_empty_after_s: float | None = None
    """An empty node is suspended after this long; None: never."""
    consolidate_below_frac: float | None = None
    """A node whose requested share is lower is emptied by migration where its workers fit
    elsewhere; None: never."""
    migrate_s: float = 30.0
    """Seconds from when a moving worker takes no new requests, but finishes those it has, until
    it takes some on its new node."""
    revocations_per_hour: float = 0.0
    """Spot: mean revocations per node and hour."""
    notice_s: float = 30.0
    """Spot: seconds between notice and loss."""

    def __post_init__(self) -> None:
        where = f"node group {self.name!r}"
        if not 0 <= self.nodes_min <= self.nodes_max <= 100_000 or self.nodes_max < 1:
            refuse(
                f"nodes_min is {self.nodes_min} and nodes_max {self.nodes_max}",
                where,
                "Use 0 <= nodes_min <= nodes_max, 1 <= nodes_max <= 100000",
            )
        at_least(self, where, 0.0, "remove_empty_after_s", "suspend_empty_after_s", "migrate_s")
        at_least(self, where, 0.0, "revocations_per_hour", "notice_s")
        at_most(self, where, 3600.0, "revocations_per_hour")
        share = self.consolidate_below_frac
        if share is not None and not 0 < share < 1:
            refuse(f"consolidate_below_frac is {share}", where, "Use a share between 0 and 1")
