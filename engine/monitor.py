"""What policies see of a cluster: the last tick, or an older one while metrics are late or lost.

How many workers there are comes from the control plane and is always fresh; what they do comes
from metrics.
"""

import dataclasses
import math

import numpy as np

from engine.cluster.conditions import Conditions
from engine.cluster.green import GreenGauge
from engine.cluster.sizes import SizeBooks
from engine.fleet import Fleet
from engine.policies.base import Observation, WorkerView
from engine.scenario import Fault, FaultKind, Scenario
from engine.sim import kernel
from engine.units import FloatArray, IntArray

_LEVELS = [kernel.C_STARTING, kernel.C_READY, kernel.C_DRAINING]
_ENDED_BADLY = slice(kernel.C_QUEUE_TIMEOUT, kernel.C_LOST + 1)
_STREAM = 5
"""Of the scenario's seed sequence: which samples are lost."""


class Monitor:
    """Observes one replay. T ticks, P pools."""

    def __init__(
        self,
        scenario: Scenario,
        fleet: Fleet,
        counters: IntArray,
        integrals: FloatArray,
        conditions: Conditions,
        books: SizeBooks,
    ) -> None:
        """Observes what the replay writes.

        Args:
            scenario: with its fault plan.
            fleet: whose workers are seen.
            counters: (T, P, COUNTERS) of the ticks so far.
            integrals: (T, P, INTEGRALS)
            conditions: grids and prices.
            books: what workers of each size did; read at the end of a tick before views are kept.
        """
        self._fleet, self._tick_s = fleet, scenario.tick_s
        self._counters, self._integrals = counters, integrals
        self._conditions = conditions
        self._green = GreenGauge(scenario, conditions, books)
        self._sizes = [
            [size.name for size in scenario.agent_type_of(pool).all_sizes]
            for pool in scenario.pools
        ]
        self._first = fleet.state.counters.copy()
        self._seed = scenario.seed
        self._names = [pool.name for pool in scenario.pools]
        self._late = _of_kind(scenario, FaultKind.METRIC_DELAY)
        self._lost = _of_kind(scenario, FaultKind.METRIC_LOSS)
        self._whole = not (self._late or self._lost)  # no fault of metrics is planned at all
        self._shown = np.full(len(self._names), -1)
        lags = [self._lag(fault) for fault in self._late]
        self._views: dict[int, tuple[WorkerView, ...]] = {}
        self._keep = max(lags, default=0)

    def keep_views(self, tick: int) -> None:
        """Remembers what the end of a tick looked like, as far as it may be asked for."""
        self._green.read(tick, self._fleet.hosting, self._integrals[tick])
        if self._keep:
            self._views[tick] = self._fresh_views()
            self._views.pop(tick - self._keep - 1, None)

    def observe(self, tick: int, target: IntArray) -> Observation:
        """At the start of a tick; copies, so that no policy can touch the run."""
        size = self._fleet.state.pools["size"]
        counts, sums = self._latest(tick) if self._whole else self._impaired(tick)
        sums[:, : kernel.F_P95_S] /= self._tick_s
        failed = np.add.reduce(counts[:, _ENDED_BADLY], axis=1) + counts[:, kernel.C_SHED]
        count, summed = counts.T, sums.T
        return Observation(
            t_s=tick * self._tick_s,
            tick_s=self._tick_s,
            target=target.copy(),
            starting=count[kernel.C_STARTING],
            ready=count[kernel.C_READY],
            draining=count[kernel.C_DRAINING],
            queued=count[kernel.C_QUEUED],
            in_service=count[kernel.C_IN_SERVICE],
            arrived=count[kernel.C_ARRIVED],
            finished=count[kernel.C_FINISHED],
            failed=failed,
            offered_slots=summed[kernel.F_OFFERED_SLOT_S],
            busy_slots=summed[kernel.F_BUSY_SLOT_S],
            p95_s=summed[kernel.F_P95_S],
            workers=self._workers(tick),
            size=self._size_names(size),
            resizing=self._fleet.resizing(),
            grid_g_per_kwh=self._conditions.g_per_kwh(tick),
            carbon_threshold_g_per_kwh=self._conditions.thresholds.copy(),
            price_usd_per_hour=self._conditions.usd_per_hour(tick, size, target),
            green_kw=self._green.kw.copy(),
            green_left_kwh=self._green.left_kwh.copy(),
        )

    def bill(self, tick: int) -> tuple[FloatArray, IntArray, FloatArray]:
        """By pool, prices at which a budget holds, and what is paid for anyway.

        See `Conditions.bill`.
        """
        return self._conditions.bill(tick, self._fleet.state.pools["size"])

    def besides_usd_per_hour(self, tick: int) -> float:
        """By how much workers that wait for room to get their pool's size are dearer than it."""
        size, extra = self._fleet.state.pools["size"], 0.0
        for pool, held, number in self._fleet.waiting():
            other = size.copy()
            other[pool] = held
            dearer = self._conditions.bill(tick, other)[0] - self._conditions.bill(tick, size)[0]
            extra += number * max(0.0, float(dearer[pool]))
        return extra

    def _size_names(self, size: IntArray) -> tuple[str, ...]:
        """(P,) names of the sizes (P,) that workers are ordered in."""
        return tuple(names[k] for names, k in zip(self._sizes, size.tolist(), strict=True))

    def _latest(self, tick: int) -> tuple[IntArray, FloatArray]:
        """(P, columns) counts and sums of the tick before; at the start: none yet."""
        if not tick:
            return self._first.copy(), np.full(self._integrals.shape[1:], np.nan)
        return self._counters[tick - 1].copy(), self._integrals[tick - 1].copy()

    def _impaired(self, tick: int) -> tuple[IntArray, FloatArray]:
        """The same while metrics are late or lost; levels are counted by the cluster itself."""
        counts, sums = self._metrics(self._ticks_shown(tick))
        counts[:, _LEVELS] = self._latest(tick)[0][:, _LEVELS]
        return counts, sums

    def _metrics(self, ticks: IntArray) -> tuple[IntArray, FloatArray]:
        """(P, columns) counts and sums, each pool's of its tick; before the first: none yet."""
        pools = np.arange(len(ticks))
        counts, sums = self._counters[ticks, pools], self._integrals[ticks, pools]
        early = ticks < 0
        counts[early] = self._first[early]
        sums[early] = np.nan
        return counts, sums

    def _ticks_shown(self, tick: int) -> IntArray:
        """(P,) the tick whose metrics each pool shows, negative: none yet."""
        shown = np.full(len(self._names), tick - 1)
        for pool, name in enumerate(self._names):
            fault = self._active(self._late, name, tick)
            if fault is not None:
                shown[pool] = max(tick - 1 - self._lag(fault), -1)
            fault = self._active(self._lost, name, tick)
            if fault is not None and self._draws(tick, pool, 1)[0] < fault.factor:
                shown[pool] = self._shown[pool]
        self._shown = shown
        return shown

    def _workers(self, tick: int) -> tuple[WorkerView, ...]:
        """Each pool's workers, some of them without a sample while metrics are lost."""
        if self._whole:
            return self._fresh_views()
        views = list(self._fresh_views())
        for pool, name in enumerate(self._names):
            fault = self._active(self._late, name, tick)
            if fault is not None:
                past = self._views.get(tick - 1 - self._lag(fault))
                views[pool] = _without(views[pool], 1.0, None) if past is None else past[pool]
            fault = self._active(self._lost, name, tick)
            if fault is not None:
                draws = self._draws(tick, pool, len(views[pool].utilisation) + 1)[1:]
                views[pool] = _without(views[pool], fault.factor, draws)
        return tuple(views)

    def _fresh_views(self) -> tuple[WorkerView, ...]:
        return tuple(self._fleet.view(pool) for pool in range(len(self._names)))

    def _active(self, faults: tuple[Fault, ...], pool: str, tick: int) -> Fault | None:
        """The last of the faults that this pool has at the start of a tick.

        They begin with the first tick that starts at or after their time, and last one at least.
        """
        before, now = (tick - 1) * self._tick_s, tick * self._tick_s
        active = (
            fault
            for fault in reversed(faults)
            if fault.where in (None, pool)
            and fault.at_s <= now
            and (now < fault.at_s + fault.for_s or before < fault.at_s)
        )
        return next(active, None)

    def _lag(self, fault: Fault) -> int:
        """Whole ticks by which metrics are late."""
        return math.ceil(fault.factor / self._tick_s - 1e-9)

    def _draws(self, tick: int, pool: int, number: int) -> FloatArray:
        seeds = np.random.SeedSequence(self._seed, spawn_key=(_STREAM, tick, pool))
        return np.random.default_rng(seeds).random(number)


def _of_kind(scenario: Scenario, kind: FaultKind) -> tuple[Fault, ...]:
    return tuple(fault for fault in scenario.faults if fault.kind is kind)


def _without(view: WorkerView, share: float, draws: FloatArray | None) -> WorkerView:
    """The same workers, a share of them without a sample."""
    lost = np.ones(len(view.utilisation), np.bool_) if draws is None else draws < share
    memory = view.memory_frac
    return dataclasses.replace(
        view,
        utilisation=np.where(lost, np.nan, view.utilisation),
        memory_frac=np.where(lost, np.nan, memory) if len(memory) else memory,
    )
