"""What was promised, what matters, and how a series becomes requests."""

import dataclasses
import math
from dataclasses import dataclass

from engine.scenario.checks import above_zero, at_least, at_most, refuse

WEIGHT_FIELDS = ("w_latency", "w_utilisation", "w_cost", "w_reliability", "w_carbon")
"""α, β, γ, δ and the weight of emissions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """What users were promised."""

    latency_s: float = 30.0
    """A request meets its SLO when it finishes within this many seconds of its arrival."""
    attainment_frac: float = 0.99
    """Share of requests that should meet it."""
    penalty_usd_per_violation: float = 0.0
    """For each unbroken run of minutes that broke the SLO."""
    revenue_usd_per_request: float = 0.0
    """What a request brings in that meets its SLO; at risk with those that do not."""

    def __post_init__(self) -> None:
        above_zero(self, "slo", "latency_s")
        at_least(self, "slo", 0.0, "penalty_usd_per_violation", "revenue_usd_per_request")
        if not 0 < self.attainment_frac <= 1:
            refuse(
                f"attainment_frac is {self.attainment_frac}", "slo", "Use a share above 0, up to 1"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Priorities:
    """What matters, as weights; `normalised` makes them sum to 1."""

    w_latency: float = 0.35
    """α."""
    w_utilisation: float = 0.15
    """β."""
    w_cost: float = 0.2
    """γ."""
    w_reliability: float = 0.15
    """δ."""
    w_carbon: float = 0.15
    """Weight of emissions."""
    carbon_threshold_g_per_kwh: float | None = None
    """Grid intensity above which emission-raising actions are masked; None: never."""
    carbon_threshold_percentile: float | None = None
    """Instead: that percentile of the history of each region's own grid."""

    def __post_init__(self) -> None:
        at_least(self, "priorities", 0.0, *WEIGHT_FIELDS)
        above_zero(self, "priorities", "carbon_threshold_g_per_kwh")
        if sum(self.weights) <= 0:
            refuse("all weights are 0", "priorities", "Give at least one a weight above 0")
        percentile = self.carbon_threshold_percentile
        if percentile is not None and not 1.0 <= percentile <= 99.0:
            refuse(
                f"carbon_threshold_percentile is {percentile}", "priorities",
                "Use a percentile from 1 to 99",
            )  # fmt: skip
        if percentile is not None and self.carbon_threshold_g_per_kwh is not None:
            refuse(
                "both carbon_threshold_g_per_kwh and carbon_threshold_percentile are given",
                "priorities", "Give one of them, none for the other",
            )  # fmt: skip

    @property
    def carbon_threshold(self) -> float | None:
        """That of all grids, g CO2e per kWh; infinite: each has its own; None: there is none."""
        own = self.carbon_threshold_percentile is not None
        return math.inf if own else self.carbon_threshold_g_per_kwh

    def normalised(self) -> "Priorities":
        """The same priorities with weights that sum to 1."""
        total = sum(self.weights)
        return dataclasses.replace(self, **{n: getattr(self, n) / total for n in WEIGHT_FIELDS})

    @property
    def weights(self) -> tuple[float, ...]:
        """(5,) of latency, utilisation, cost, reliability and carbon, as given."""
        return tuple(float(getattr(self, name)) for name in WEIGHT_FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a series becomes requests."""

    scale: float = 1.0
    """Multiplies the series' rate."""
    dispersion: float | None = None
    """Variance/mean of counts in 10 s; None: Poisson arrivals within each interval."""

    def __post_init__(self) -> None:
        above_zero(self, "sampling", "scale")
        at_most(self, "sampling", 1000.0, "scale")
        at_least(self, "sampling", 1.0, "dispersion")
