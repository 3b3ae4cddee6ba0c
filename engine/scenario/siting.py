"""In which zones the workers of an agent type are that has pools in several of them."""

from dataclasses import dataclass
from enum import StrEnum

from engine.scenario.checks import at_least, refuse


class SitingRule(StrEnum):
    """How the workers that policies ask for, of all pools of a type together, are divided."""

    SPREAD = "spread"
    """Evenly, so that the loss of a zone takes least."""
    BEST = "best"
    """Into the pool whose workers score least, then into the next one; committed nodes count as
    paid for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Siting:
    """Moves workers between the pools of an agent type, whatever the policy.

    A worker's score in US dollars per hour is its price there + `usd_per_kg` x its carbon per
    hour now + `usd_per_h_per_delay_s` x the region's round trip. Workers elsewhere stay until
    those that replace them are ready; what tenants may only have in one place stays there.
    """

    rule: SitingRule = SitingRule.BEST
    usd_per_kg: float = 0.1
    """What a kilogram CO2e counts as: 100 USD a tonne. Our assumption."""
    usd_per_h_per_delay_s: float = 0.0
    """What a second between callers and region counts as, per worker and hour."""
    hysteresis_frac: float = 0.05
    """A place is left only for one whose score is lower by more than this part."""

    def __post_init__(self) -> None:
        at_least(self, "siting", 0.0, "usd_per_kg", "usd_per_h_per_delay_s")
        if not 0 <= self.hysteresis_frac < 1:
            refuse(f"hysteresis_frac is {self.hysteresis_frac}", "siting", "Use a share below 1")
