"""What a pool is rewarded for in a tick: five scores, higher is better, and how they are weighted.

Scores weigh a tick by its share of the pool's demand, so that their sums mean what the scorecard
counts, requests and money, and outliers are bounded. Nobody is compared by them: see the
scorecard.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numba import njit

from engine.units import FloatArray

SCORES = ("latency", "utilisation", "cost", "reliability", "carbon")
"""(5,) in the order of the priorities α, β, γ, δ and carbon."""
BAND_LOW, BAND_HIGH = 0.70, 0.80
"""The sweet spot of utilisation (S0-R21)."""
SHARE_MOST = 3.0
"""A tick counts for at most so many mean ticks."""
_COST = (-2.5, -0.05)
"""Decimal logarithms of the weight of cost along the front."""
WAIT_MOST = 3.0
"""A wait counts for at most so many mean service times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Weights of the scores; they sum to 1."""

    latency: float
    utilisation: float
    cost: float
    reliability: float
    carbon: float

    def weights(self) -> tuple[float, ...]:
        """In the order of SCORES."""
        return tuple(float(getattr(self, name)) for name in SCORES)


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "smartscale": Profile(
            latency=0.40, utilisation=0.20, cost=0.25, reliability=0.15, carbon=0.0
        ),
        "unified": Profile(
            latency=0.35, utilisation=0.15, cost=0.20, reliability=0.15, carbon=0.15
        ),
    }
)
"""By name, as in table 6.2 of the ledger."""


@njit(nogil=True, cache=True)
def sweet_spot(used):  # type: ignore[no-untyped-def]
    """1 within the band; below it used / low; above it down to -1 at full use."""
    if used < BAND_LOW:
        return used / BAND_LOW
    if used <= BAND_HIGH:
        return 1.0
    return 1.0 - (used - BAND_HIGH) / 0.1


@njit(nogil=True, cache=True)
def score(  # type: ignore[no-untyped-def]
    arrived, waited, missed, failed, busy, billed, mean_slots, mean_requests, carbon, price, out
):  # fmt: skip
    """Fills `out` (5,) for one pool and tick.

    latency = 1 - 2 · mean wait · share, waits in mean service times, each at most WAIT_MOST
    utilisation = sweet_spot(busy / billed)
    cost = 1.5 - 0.5 · billed / mean slots that demand needs · price
    reliability = 1 - 8 · share missed · share - 2 · share failed · share
    carbon = 1.5 - 0.5 · billed / mean slots · dirt

    Args: arrived, missed and failed requests of the tick's arrivals; waited, the sum of their
    waits; busy and billed slots, means over the tick; carbon, its dirt; price, over usual.
    """
    share = min(arrived / mean_requests, SHARE_MOST)
    number = max(arrived, 1.0)
    out[0] = 1.0 - 2.0 * waited / number * share
    out[1] = sweet_spot(busy / billed) if billed > 0.0 else 0.0
    out[2] = 1.5 - 0.5 * billed / mean_slots * price
    out[3] = 1.0 - 8.0 * missed / number * share - 2.0 * failed / number * share
    out[4] = 1.5 - 0.5 * billed / mean_slots * carbon


FORMULA = "five bounded scores"
"""Name of the above."""
UNIT = "points a tick"
SCALE = "1: demand met at once, at the sweet spot, for its usual price and carbon"
FORMULAS: Mapping[str, str] = MappingProxyType(
    {
        "latency": "1 - 2 * mean wait in service times (3 at most) * share",
        "utilisation": "1 from 70 % to 80 % of billed slots in use; below: used / 70 %; above: "
        "1 - (used - 80 %) / 10 %",
        "cost": "1.5 - 0.5 * billed slots / slots that mean demand needs * price over usual",
        "reliability": "1 - 8 * share missed * share - 2 * share failed * share",
        "carbon": "1.5 - 0.5 * billed slots / slots that mean demand needs * dirt; dirt: the "
        "grid's g/kWh over 400, up to twice that around and above the carbon threshold",
    }
)
"""What `score` does, in words; share: the tick's arrivals over those of a mean tick, 3 at most."""


@njit(nogil=True, cache=True)
def score_all(rows, out):  # type: ignore[no-untyped-def]
    """Fills `out` (N, 5) from `rows` (N, 10), whose columns are what `score` takes, in order."""
    for i in range(len(rows)):
        score(
            rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3], rows[i, 4], rows[i, 5], rows[i, 6],
            rows[i, 7], rows[i, 8], rows[i, 9], out[i],
        )  # fmt: skip


def dirt(intensity: FloatArray, threshold: FloatArray) -> FloatArray:
    """How much emissions count: intensity over usual, twice that above the carbon threshold.

    Args:
        intensity: over usual.
        threshold: over usual; infinite: none. From 90 to 110 % of it the factor rises evenly.
    """
    above = np.clip((intensity / threshold - 0.9) / 0.2, 0.0, 1.0)
    made: FloatArray = intensity * (1.0 + above)
    return made


def fresh_weights(rng: np.random.Generator, number: int) -> np.ndarray:
    """(number, 5) random priorities, a third of each kind.

    Spread evenly; with what matters most in front; and along the front between cost and the two
    that it is weighed against, from hardly any weight on cost to hardly any on them, the ratio's
    logarithm spread evenly at the near end.
    """
    made = rng.dirichlet(np.ones(5), number)
    kind = rng.random(number)
    front = rng.dirichlet([1.0, 0.1, 1.0, 1.0, 0.1], number)
    made[kind > 1 / 3] = front[kind > 1 / 3]
    cost = 10.0 ** rng.uniform(*_COST, number)
    part, rest = rng.random(number), rng.choice([0.0, 0.02], number) * rng.random(number)
    free = (1.0 - cost) * (1.0 - rest)
    half = 0.5 * (1.0 - cost) * rest
    edge = np.stack([free * part, half, cost, free * (1.0 - part), half], 1)
    made[kind > 2 / 3] = edge[kind > 2 / 3]
    return made
