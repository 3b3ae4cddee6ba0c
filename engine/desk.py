"""Quick answers while somebody turns a knob: a coarse preview, then the whole window.

The requests of the window that is asked about stay in memory from one question to the next.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from engine import runner
from engine.cluster.series import clock_s, load_grids, load_histories
from engine.histogram import BUCKETS
from engine.oracle.bound import Needs, needs
from engine.oracle.prepare import policy_spec
from engine.policies.registry import find
from engine.records import RunRecord
from engine.replay import Progress, ReplaySpec, play, set_up
from engine.runner import ReplayRequest
from engine.scenario import Priorities, Scenario
from engine.scenario_file import content_hash
from engine.scorecard import (
    BUSY_SLOT_S,
    DRAINING,
    STARTING,
    Scorecard,
    cost_usd,
    provisioned_worker_s,
    scorecard,
    window_figures,
)
from engine.sim.service import prepare
from engine.store.duck import Store
from engine.trace.schema import Kind, RequestTable, window
from engine.units import SECONDS_PER_HOUR, FloatArray

STRETCHES = 6
"""Parts of a window that a preview replays, spread evenly."""
SHARE = 1 / 16
"""Of the window that they cover together."""
STRETCH_MIN_S = 600.0
WHOLE_S = 2 * SECONDS_PER_HOUR
"""Windows up to this long are replayed whole: there is nothing to save."""
KEPT = 4
"""Previews that are kept: a baseline stands while the other side is turned."""
NEEDS_KEPT = 2
"""16 bytes a request each."""
_GROWING = ("cost_usd", "worker_hours", "carbon_kg", "carbon_embodied_kg", "energy_kwh")
"""Figures that grow with the length of what was replayed."""

Cancel = Callable[[], bool]
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a coarse replay says."""

    scorecard: Scorecard
    """Only figures that parts can say something about; sums stand for the whole window."""
    covered_frac: float
    """Share of the window that was replayed."""
    requests: int


@dataclass(slots=True)
class Desk:
    """Requests kept for the next question; shared by threads."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _key: tuple[object, ...] = ()
    _table: RequestTable | None = None
    _previews: dict[str, Preview] = field(default_factory=dict)
    _needs: dict[str, Needs] = field(default_factory=dict)

    def demand(self, store: Store, wanted: ReplayRequest) -> RequestTable:
        """The requests of a window. Raises UsageError where there are none."""
        key = _key(wanted)
        with self._lock:
            if self._table is None or key != self._key:
                self._table = runner.load_demand(store, wanted)
                self._key = key
            return self._table

    def preview(
        self, store: Store, wanted: ReplayRequest, cancel: Cancel | None = None
    ) -> Preview:
        """What some stretches of the window say under the first of the policies.

        Each stretch begins with the workers that its first minute needs, so it says little of
        slow starts; one without requests is replayed, too, for it costs what it costs. Nothing
        is stored; the last few answers are remembered.

        Raises:
            ReplayCancelled: `cancel` returned true.
        """
        key = wanted.run_ids[0]
        with self._lock:
            found = self._previews.pop(key, None)
        if found is None:
            found = self._previewed(store, wanted, cancel)
        with self._lock:
            _keep(self._previews, key, found, KEPT)
        return found

    def needs(self, store: Store, wanted: ReplayRequest) -> Needs:
        """What the requests of a window take at least, whatever the priorities and the guard.

        Kept for the next question; a scenario of which `engine.oracle.bound.is_bounded` is true.
        """
        scenario = replace(wanted.scenario, priorities=Priorities(), guard=None)
        key = f"{_key(wanted)} {content_hash(scenario)}"
        with self._lock:
            found = self._needs.pop(key, None)
            table = self._table if self._key == _key(wanted) else None
        if found is None:
            spec = runner.window_spec(store, wanted, table)
            found = needs(spec.workload, wanted.scenario, spec.window_s)
        with self._lock:
            _keep(self._needs, key, found, NEEDS_KEPT)
        return found

    def _previewed(self, store: Store, wanted: ReplayRequest, cancel: Cancel | None) -> Preview:
        table = self.demand(store, wanted)
        spans = stretches(wanted.to_s - wanted.from_s, wanted.scenario.tick_s)
        peak = _peak(table, wanted)
        specs = [_spec(store, wanted, table, span, peak, cancel) for span in spans]
        records = play(set_up(specs), cancel=cancel)
        covered_s = sum(length_s for _, length_s in spans)
        share = covered_s / (wanted.to_s - wanted.from_s)
        return Preview(
            scorecard=merged(records, share),
            covered_frac=min(1.0, share),
            requests=sum(int(record.arrived.sum()) for record in records),
        )

    def replay(
        self,
        store: Store,
        wanted: ReplayRequest,
        *,
        progress: Callable[[Progress], None] | None = None,
        cancel: Cancel | None = None,
    ) -> list[str]:
        """The whole window; the run is stored as any other. See `engine.runner.run`."""
        return runner.run(
            store, wanted, progress=progress, cancel=cancel, demand=self.demand(store, wanted)
        )


def stretches(window_s: float, tick_s: float) -> list[tuple[float, float]]:
    """Start and length of what a preview replays, all of one length, in whole ticks."""
    if window_s <= WHOLE_S:
        return [(0.0, window_s)]
    ticks = math.ceil(max(STRETCH_MIN_S, SHARE * window_s / STRETCHES) / tick_s)
    length_s = ticks * tick_s
    part_s = window_s / STRETCHES
    middle_s = (np.arange(STRETCHES) + 0.5) * part_s - length_s / 2
    return [(float(math.floor(at / tick_s) * tick_s), length_s) for at in middle_s]


def merged(records: list[RunRecord], share: float) -> Scorecard:
    """The figures of several parts as one; sums are scaled up to the whole.

    Args:
        records: of the parts, one at least.
        share: of the whole that they cover together.
    """
    cards = [scorecard(record) for record in records]
    histogram = np.zeros(BUCKETS, np.int64)
    for record in records:
        _, _, bucket, number = record.latency
        histogram += np.bincount(bucket, weights=number, minlength=BUCKETS).astype(np.int64)
    figures = window_figures(
        arrived=sum(int(record.arrived.sum()) for record in records),
        finished=sum(record.outcome["finished"] for record in records),
        slo_met=sum(int(record.slo_met.sum()) for record in records),
        histogram=histogram,
        busy_slot_s=sum(float(r.integrals[:, :, BUSY_SLOT_S].sum()) for r in records),
        provisioned_slot_s=sum(float((provisioned_worker_s(r) * r.slots).sum()) for r in records),
        provisioned_worker_s=sum(float(provisioned_worker_s(r).sum()) for r in records),
        cost_usd=sum(float(cost_usd(r).sum()) for r in records),
        peak_workers=max(
            int(r.counters[:, :, STARTING : DRAINING + 1].sum(axis=(1, 2)).max()) for r in records
        ),
    )
    for key in ("carbon_kg", "carbon_embodied_kg", "energy_kwh"):
        values = [card[key] for card in cards]
        figures[key] = None if None in values else sum(value or 0.0 for value in values)
    for key in _GROWING:
        value = figures[key]
        figures[key] = None if value is None else value / min(1.0, share)
    return figures


def _keep(kept: dict[str, Kept], key: str, found: Kept, most: int) -> None:
    """Puts the newest last and drops the oldest."""
    kept[key] = found
    for older in list(kept)[:-most]:
        del kept[older]


def _peak(table: RequestTable, wanted: ReplayRequest) -> FloatArray | None:
    """(pools,) busy slots of the window's busiest minute, for a policy that goes by them."""
    if not getattr(find(wanted.policies[0]), "sees_peak", False):
        return None
    return prepare(table, wanted.scenario).peak_busy_slots


def _spec(
    store: Store, wanted: ReplayRequest, table: RequestTable, span: tuple[float, float],
    peak: FloatArray | None, cancel: Cancel | None,
) -> ReplaySpec:  # fmt: skip
    scenario, epoch_s = wanted.scenario, wanted.trace.epoch_s
    start_s, length_s = span
    workload = prepare(window(table, start_s, start_s + length_s), scenario)
    if peak is not None:
        workload = replace(workload, peak_busy_slots=peak)
    shared: dict[str, Any] = {
        "grids": load_grids(store, wanted.carbon, epoch_s),
        "prices": load_histories(store, wanted.prices, scenario, epoch_s),
    }

    def nobody(_: object) -> Any:
        raise AssertionError("the policy is put in below")

    made = ReplaySpec(
        workload=workload, scenario=scenario, policy=nobody, name="preview",
        window_s=length_s, clock_s=clock_s(epoch_s, wanted.from_s + start_s), **shared,
    )  # fmt: skip
    return policy_spec(made, wanted.policies[0], cancel=cancel)


def _key(wanted: ReplayRequest) -> tuple[object, ...]:
    """What decides which requests arrive; of a series they are drawn by the scenario."""
    scenario: Scenario = wanted.scenario
    key: tuple[object, ...] = (wanted.trace.content_hash, wanted.from_s, wanted.to_s)
    if wanted.trace.kind is not Kind.SERIES:
        return key
    kind = scenario.agent_type_of(scenario.pools[0])
    drawn = (scenario.seed, scenario.sampling, kind.service_mean_s, kind.service_cv)
    return (*key, *drawn)
