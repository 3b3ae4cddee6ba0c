"""What a decision earned: the learned allocator's reward, for every policy alike.

It is made from the stored ticks until the pool's next decision, so it says nothing of what comes
later, such as workers that are still starting: that is what counterfactuals are for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from engine.cluster.conditions import region_grams
from engine.cluster.grid import GridSeries, percentile_g_per_kwh
from engine.cluster.series import clock_s, find_carbon, load_grids
from engine.errors import EngineError
from engine.learn.rewards import FORMULA, FORMULAS, SCORES, UNIT, WAIT_MOST, dirt, score_all
from engine.scenario import Scenario
from engine.store import reward_queries as queries
from engine.units import FloatArray

if TYPE_CHECKING:
    from engine.store.duck import Store
    from engine.store.runs import RunRow

__all__ = ["Meter", "Part", "Reward", "weigh"]

USUAL_G_PER_KWH = 400.0
"""What intensities of grids are measured against."""
LEAST_FRAC = 0.3
"""Of a worker's slots: demand below that counts as that much."""
SAMPLE = 5000
"""Ticks from which the run's usual scores are taken, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One component of a reward."""

    name: str
    formula: str
    score: float | None
    """Mean over the ticks, in points; higher is better. None: not measured."""
    weight: float
    """Of the priorities in force."""
    weighted: float | None
    """score · weight."""
    usual: float | None
    """The score over the whole run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reward:
    """What a decision earned until the next one."""

    formula: str
    unit: str
    from_s: float
    """Since the trace's start."""
    to_s: float
    ticks: int
    parts: tuple[Part, ...]
    """In the order of the priorities."""
    total: float
    """Sum of the weighted scores that were measured."""
    usual: float
    """The same over the whole run."""


class Meter:
    """Rewards of one pool of a stored run."""

    def __init__(self, store: "Store", run: "RunRow", scenario: Scenario, pool: int) -> None:
        """Reads what is usual in the run."""
        given = scenario.pools[pool]
        self._store, self._run, self._pool, self._scenario = store, run, pool, scenario
        self._region, self._group = scenario.region_of(given.zone), given.node_group
        self._grid: FloatArray | None = None
        self._usual: FloatArray | None = None
        requests, slot_s, self.ticks = queries.usual_demand(store, run, pool)
        slots = float(scenario.agent_type_of(given).slots)
        self._mean_requests = max(requests / max(self.ticks, 1), 1e-3)
        self._service_s = slot_s / requests if requests and slot_s > 0.0 else 1.0
        needed = self._mean_requests * self._service_s / run.tick_s
        self._mean_slots = max(needed, LEAST_FRAC * slots)
        self._threshold = self._above() / USUAL_G_PER_KWH

    def scores(self, first: int, last: int, every: int = 1) -> FloatArray:
        """(ticks, 5) scores of some ticks of the run; `every`: only every so many."""
        frame = queries.reward_ticks(
            self._store, self._run, self._pool, self._region.name, self._group, first, last, every
        )
        rows = self._rows(frame)
        made = np.empty((len(rows), len(SCORES)))
        score_all(rows, made)
        return made

    def _rows(self, frame: pd.DataFrame) -> FloatArray:
        """(ticks, 10) what `engine.learn.rewards.score` takes.

        Waits follow from queues: by Little's law the mean wait is queue over rate.
        """
        seconds = frame["seconds"].to_numpy(np.float64)
        arrived = frame["arrived"].to_numpy(np.float64)
        waited = frame["queued"].to_numpy(np.float64) * seconds / self._service_s
        grid = frame["g_per_kwh"].to_numpy(np.float64, na_value=np.nan)
        if np.isnan(grid).any():
            given = self._given()[frame["tick"].to_numpy(np.int64)]
            grid = np.where(np.isnan(grid), given, grid)
        ones = np.ones(len(frame))
        columns = (
            arrived, np.minimum(waited, WAIT_MOST * arrived), frame["missed"], frame["failed"],
            frame["busy_slot_s"] / seconds, frame["billed_slot_s"] / seconds,
            self._mean_slots * ones, self._mean_requests * ones,
            dirt(grid / USUAL_G_PER_KWH, self._threshold * ones), frame["price"],
        )  # fmt: skip
        return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)

    def _given(self) -> FloatArray:
        """(T,) g CO2e per kWh by the scenario, for runs whose energy was not accounted for.

        NaN where its measured series is not in the store any more.
        """
        if self._grid is None:
            run, scenario = self._run, self._scenario
            edges_s = np.minimum(np.arange(self.ticks + 1) * run.tick_s, run.to_s - run.from_s)
            at_s = edges_s + clock_s(run.epoch_s, run.from_s)
            try:
                self._grid = region_grams(scenario, self._region, edges_s, at_s, self._series())
            except EngineError:
                self._grid = np.full(self.ticks, np.nan)
        return self._grid

    def _above(self) -> float:
        """The carbon threshold of the pool's grid, g CO2e per kWh; infinite: there is none.

        NaN where it is a percentile of a series that is not in the store any more.
        """
        given = self._scenario.priorities
        if given.carbon_threshold_percentile is None:
            return given.carbon_threshold_g_per_kwh or np.inf
        try:
            own = self._series().get(self._region.name)
            return percentile_g_per_kwh(self._region, own, given.carbon_threshold_percentile)
        except EngineError:
            return np.nan

    def _series(self) -> dict[str, GridSeries]:
        """By region. Raises EngineError where one is not in the store any more."""
        found = find_carbon(self._store, self._scenario)
        return load_grids(self._store, found, self._run.epoch_s)

    def earned(self, tick: int, weights: Mapping[str, float]) -> Reward | None:
        """Of the decision at a tick; None: no tick was played after it.

        Args:
            tick: of the decision.
            weights: `w_latency` and so on; they sum to 1.
        """
        after = queries.next_tick(self._store, self._run, self._pool, tick)
        last = self.ticks if after is None else after
        scores = self.scores(tick, last)
        if not len(scores):
            return None
        if self._usual is None:
            self._usual = self.scores(0, self.ticks, max(1, self.ticks // SAMPLE)).mean(0)
        run = self._run
        from_s, to_s = (run.from_s + at * run.tick_s for at in (tick, last))
        return weigh(
            scores.mean(0), self._usual, weights,
            ticks=len(scores), from_s=from_s, to_s=min(run.to_s, to_s),
        )  # fmt: skip


def weigh(
    scores: FloatArray, usual: FloatArray, weights: Mapping[str, float], *,
    ticks: int, from_s: float, to_s: float,
) -> Reward:  # fmt: skip
    """(5,) scores and usual ones as parts of a reward."""
    parts = tuple(
        Part(
            name=name, formula=FORMULAS[name], score=_measured(got), usual=_measured(often),
            weight=(weight := float(weights[f"w_{name}"])), weighted=_measured(got * weight),
        )
        for name, got, often in zip(SCORES, scores, usual, strict=True)
    )  # fmt: skip
    return Reward(
        formula=FORMULA, unit=UNIT, from_s=from_s, to_s=to_s, ticks=ticks, parts=parts,
        total=sum(part.weighted or 0.0 for part in parts),
        usual=sum(part.weight * (part.usual or 0.0) for part in parts),
    )  # fmt: skip


def _measured(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
