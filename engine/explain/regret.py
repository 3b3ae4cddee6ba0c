"""Where the oracle earned most more than a run did: the decisions with the largest regret."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from engine.explain.reward import Meter
from engine.learn.rewards import SCORES
from engine.scenario import Scenario
from engine.scenario_file import from_dict
from engine.store import queue_queries as queries
from engine.store.duck import Store
from engine.store.runs import RunRow
from engine.units import FloatArray

__all__ = ["regrets"]

LEAST = 0.01
"""Points a tick; less is no regret."""


def regrets(store: Store, run: RunRow, oracles: Sequence[RunRow], most: int) -> pd.DataFrame:
    """Decisions after which the oracles earned most more: number, size (points a tick more).

    The mean over the ten minutes from the decision on, weighted by the scenario's priorities;
    one decision of each pool in ten minutes. Empty without an oracle's run.
    """
    scenario = from_dict(run.scenario)
    found = [
        (size, queries.number_at(store, run, pool, tick))
        for pool in range(len(run.pools) if oracles else 0)
        for size, tick in _worst(_apart(store, run, oracles, scenario, pool), run.tick_s)
    ]
    best = sorted((-size, number) for size, number in found if number is not None)[:most]
    return pd.DataFrame(
        {"number": [number for _, number in best], "size": [-size for size, _ in best]}
    )


def _apart(
    store: Store, run: RunRow, oracles: Sequence[RunRow], scenario: Scenario, pool: int
) -> FloatArray:
    """(ticks,) points that the oracles' mean is ahead by."""
    given = scenario.priorities.normalised()
    weights = np.array([getattr(given, f"w_{name}") for name in SCORES], np.float64)

    def earned(row: RunRow) -> FloatArray:
        meter = Meter(store, row, scenario, pool)
        made: FloatArray = np.nansum(meter.scores(0, meter.ticks) * weights, axis=1)
        return made

    made: FloatArray = np.mean([earned(row) for row in oracles], axis=0) - earned(run)
    return made


def _worst(apart: FloatArray, tick_s: float) -> list[tuple[float, int]]:
    """Mean over the next ten minutes and tick, the largest of each ten minutes."""
    wide = max(1, round(queries.BLOCK_S / tick_s))
    sums = np.concatenate([[0.0], np.cumsum(apart)])
    ends = np.minimum(np.arange(len(apart)) + wide, len(apart))
    means = (sums[ends] - sums[:-1]) / (ends - np.arange(len(apart)))
    starts = range(0, len(means), wide)
    places = [first + int(np.argmax(means[first : first + wide])) for first in starts]
    return [(float(means[place]), place) for place in places if means[place] > LEAST]
