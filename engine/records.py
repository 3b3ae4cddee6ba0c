"""What a replay leaves behind: flat arrays. Everything after the replay is a function of these."""

from dataclasses import dataclass, field

import numpy as np

from engine.units import AnyArray, FloatArray, IntArray


@dataclass(slots=True)
class DecisionLog:
    """One entry per policy evaluation and pool, as growing columns."""

    tick: list[int] = field(default_factory=list)
    pool: list[int] = field(default_factory=list)
    current: list[int] = field(default_factory=list)
    proposed: list[float] = field(default_factory=list)
    applied: list[int] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)
    rationale: list[str | None] = field(default_factory=list)
    """JSON text, None where the policy gave none."""
    guard: list[str | None] = field(default_factory=list)
    """JSON text, None where the guard changed nothing."""
    wall_ms: list[float] = field(default_factory=list)
    """Wall milliseconds of each evaluation (one entry an evaluation, not a pool)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOrder:
    """Workers ordered by one decision and the moment the first of them is ready."""

    t_s: float
    pool: int
    number: int
    first_ready_s: float | None
    """None where none was ready in the window, be it that the order was cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """All of one finished replay. T ticks, P pools, N requests of the trace window."""

    pools: tuple[str, ...]
    slots: IntArray
    """(P,) slots per worker."""
    price_usd_per_hour: FloatArray
    """(P,) per provisioned worker."""
    tick_s: float
    window_s: float
    """Length of the window; the last tick may be shorter than `tick_s`."""
    slo_latency_s: float
    counters: IntArray
    """(T, P, 11) as in the simulator: counts by event time, then levels at the tick's end."""
    integrals: FloatArray
    """(T, P, 6) as in the simulator."""
    target: IntArray
    """(T, P) workers asked for during the tick."""
    arrived: IntArray
    """(T, P) by tick of arrival."""
    slo_met: IntArray
    """(T, P) of those, finished within the SLO."""
    latency: tuple[AnyArray, AnyArray, AnyArray, AnyArray]
    """Sparse histogram of finished requests by tick of arrival: tick, pool, bucket, requests."""
    minutes: IntArray
    """(minutes, 3) by minute of arrival: finished, of those within the SLO, failed."""
    outcome: dict[str, int]
    """Requests by what became of them: arrived, finished, queue_timeout, exec_timeout, rejected,
    lost. Those never resolved count as lost."""
    decisions: DecisionLog
    orders: tuple[WorkerOrder, ...]
    closed_loop: bool
    requests: dict[str, AnyArray] | None = None
    """seq, pool, arrival_s, start_s, end_s, status of each request that arrived, if kept."""

    @property
    def ticks(self) -> int:
        """Number of ticks."""
        return len(self.counters)

    @property
    def tick_starts_s(self) -> FloatArray:
        """(T,) seconds since the window's start."""
        return np.arange(self.ticks, dtype=np.float64) * self.tick_s
