"""Whether a difference between two runs exceeds what another seed would do to it.

Both are replayed with the same further seeds, so that what they share cancels out: the interval
is that of the paired differences.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from engine.figures import FIGURES
from engine.scenario import FaultKind, RouterKind, Scenario

SEEDS = 4
"""Beside the run's own."""
CONFIDENCE = 0.95


_DRAWING = (RouterKind.RANDOM, RouterKind.POWER_OF_TWO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What another seed changes of a replay."""

    sampled: bool
    """Whether requests are drawn; else they are recorded, and the same whatever the seed."""
    varies: tuple[str, ...]
    """In words."""


def drawn(scenario: Scenario, *, sampled: bool) -> Drawn:
    """What another seed changes under a scenario, whose demand is `sampled` or recorded."""
    nodes = [scenario.node_type_of(group).speed_noise for group in scenario.node_groups]
    parts = (
        (sampled, "the arrivals within each interval, and how long each request takes"),
        (not sampled, "pools and durations of requests, where the trace does not tell them"),
        (any(kind.startup.spread_s > 0 for kind in scenario.agent_types), "start-up times"),
        (scenario.random_faults_per_day > 0, "random faults"),
        (any(fault.kind is FaultKind.METRIC_LOSS for fault in scenario.faults), "lost metrics"),
        (any(noise != "none" for noise in nodes), "speeds of nodes"),
        (scenario.router.kind in _DRAWING, "draws of the router"),
    )
    return Drawn(sampled=sampled, varies=tuple(text for holds, text in parts if holds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """A difference over several seeds."""

    figure: str
    mean: float
    low: float
    """Ends of the interval that holds the true mean difference with `CONFIDENCE`."""
    high: float
    pairs: int

    @property
    def exceeds(self) -> bool:
        """Whether the difference is more than noise: the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def paired(figure: str, differences: Sequence[float]) -> Paired:
    """The interval of a mean difference: d̄ ± t(n − 1) · s / √n.

    Args:
        figure: its key.
        differences: of one pair a seed, two at least.
    """
    values = np.array(differences, np.float64)
    mean = float(values.mean())
    spread = float(values.std(ddof=1)) / math.sqrt(len(values))
    reach = float(scipy.stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * spread
    return Paired(figure=figure, mean=mean, low=mean - reach, high=mean + reach, pairs=len(values))


def all_paired(
    ours: Sequence[Mapping[str, float | None]], theirs: Sequence[Mapping[str, float | None]]
) -> dict[str, Paired]:
    """Every figure that all scorecards have, ours minus theirs.

    Args:
        ours: a scorecard a seed.
        theirs: of the same seeds.
    """
    found = {}
    for key in FIGURES:
        pairs = [(one.get(key), other.get(key)) for one, other in zip(ours, theirs, strict=True)]
        differences = [a - b for a, b in pairs if a is not None and b is not None]
        if len(differences) == len(pairs) >= 2:
            found[key] = paired(key, differences)
    return found
