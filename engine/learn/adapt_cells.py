"""Training ground for a fine-tuning: windows of the operator's own trace among generated pools."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.errors import UsageError
from engine.learn.cells import (
    AFTER_S,
    BIN_S,
    EPISODE_S,
    HISTORY_S,
    RATE_MOST,
    Episode,
    episode,
)
from engine.learn.upsets import spared
from engine.lookahead.features import new_memory
from engine.scenario import Scenario
from engine.sim.arrivals import make_requests
from engine.sim.parameters import PoolParameters
from engine.sim.service import prepare
from engine.trace.schema import RequestTable
from engine.trace.streams import stream
from engine.units import FloatArray

SPAN_S = float(HISTORY_S + EPISODE_S + AFTER_S)
_STREAM = 5407
REQUESTS_LEAST = 1000
"""A pool with fewer requests says too little to learn from."""
_BUSY_AT_START = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPool:
    """What arrived in one pool of the operator's cluster. (n,) each."""

    name: str
    arrival_s: FloatArray
    work_s: FloatArray
    """Seconds of service alone on a worker."""
    parameters: PoolParameters
    startup_s: float
    """Mean seconds from the order of a worker to its readiness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a trace that windows are drawn from, by the start of what is simulated."""

    from_s: float
    to_s: float
    """End of what may be simulated, and of what critics may look ahead into."""


def own_pools(table: RequestTable, scenario: Scenario) -> tuple[OwnPool, ...]:
    """The pools of a trace that say enough to learn from. Closed loops arrive as recorded.

    Raises:
        UsageError: none of them does.
    """
    workload = prepare(table, scenario)
    requests = workload.arrivals.requests
    made = []
    for number, (pool, parameters) in enumerate(zip(scenario.pools, workload.pools, strict=True)):
        mine = requests["pool"] == number
        if mine.sum() < REQUESTS_LEAST:
            continue
        order = np.argsort(requests["arrival_s"][mine], kind="stable")
        made.append(
            OwnPool(
                name=pool.name, arrival_s=requests["arrival_s"][mine][order],
                work_s=requests["work_s"][mine][order], parameters=parameters,
                startup_s=scenario.agent_type_of(pool).startup.mean_s,
            )
        )  # fmt: skip
    if not made:
        raise UsageError(
            f"no pool has {REQUESTS_LEAST:,} requests", "adapt",
            "Use a longer trace, or a scenario with fewer pools",
        )  # fmt: skip
    return tuple(made)


def own_episode(
    pools: Sequence[OwnPool], part: Part, *, seed: int, number: int, cells: int, own: int
) -> Episode:
    """An episode of generated pools, the last `own` of them replaced by windows of the trace.

    Args:
        pools: of the trace.
        part: windows are simulated inside it; the hour before one is history.
        seed: of windows and generated pools.
        number: of the episode.
        cells: pools in all.
        own: of these, windows of the trace.
    """
    rng = stream(seed, _STREAM, number)
    base = episode(seed, 2_000_000 + number, cells)
    first = cells - own
    windows = [_window(rng, pools, part) for _ in range(own)]
    kept = base.requests.requests[base.requests.requests["pool"] < first]
    arrival_s = np.concatenate([kept["arrival_s"], *(w.arrival_s for w in windows)])
    work_s = np.concatenate([kept["work_s"], *(w.work_s for w in windows)])
    sizes = [len(w.arrival_s) for w in windows]
    number_of = np.concatenate([kept["pool"], np.repeat(np.arange(first, cells), sizes)])
    order = np.argsort(arrival_s, kind="stable")
    counts = base.counts.copy()
    facts, service_s = base.facts.copy(), base.service_s.copy()
    for row, window in enumerate(windows, first):
        counts[row] = window.counts
        facts[row, :2] = window.pool.parameters.slots, window.pool.startup_s
        service_s[row] = window.service_s
    memory = new_memory(cells, BIN_S)
    bins = int(HISTORY_S / BIN_S)
    memory.counts[:, :bins] = counts[:, :HISTORY_S].reshape(cells, bins, -1).sum(2)
    memory.at[0], memory.at[1] = bins % memory.counts.shape[1], bins
    last = memory.counts[:, bins - 20 :].sum(1) + 1.0
    memory.served[:, 0], memory.served[:, 1] = last, last * service_s * 1.1
    return replace(
        base, memory=memory, facts=facts, counts=counts, service_s=service_s,
        pools=(*base.pools[:first], *(w.parameters() for w in windows)),
        requests=make_requests(
            arrival_s[order], work_s[order], pool=number_of[order].astype(np.int32)
        ),
        upsets=spared(base.upsets, slice(first, None)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    pool: OwnPool
    arrival_s: FloatArray
    """Within the episode, seconds from its start."""
    work_s: FloatArray
    counts: FloatArray
    """(SPAN_S,) arrivals in each second, from an hour before the episode on."""
    service_s: float
    """Mean of the hour before the episode; where nothing arrived then, of what there is."""

    def parameters(self) -> PoolParameters:
        """Of the pool, with workers for the minute before the episode."""
        given = self.pool.parameters
        rate = self.counts[HISTORY_S - 60 : HISTORY_S].mean()
        workers = int(np.ceil(rate * self.service_s / given.slots / _BUSY_AT_START) + 1)
        peak = self.counts[HISTORY_S:].reshape(-1, 60).mean(1).max()
        most = int(3.0 * peak * self.service_s / given.slots) + 12
        return PoolParameters(
            slots=given.slots, workers_max=most, workers_initial=min(most, workers),
            startup_draws_s=given.startup_draws_s, contention=given.contention,
            queue_timeout_s=given.queue_timeout_s, shared_queue=given.shared_queue,
        )  # fmt: skip


def _window(rng: np.random.Generator, pools: Sequence[OwnPool], part: Part) -> _Window:
    """A window of one of the pools; of one with more than RATE_MOST requests/s, a share.

    That is its mean up to the end of the part. All windows keep the same share of a pool, and the
    mean service time is that of the past: by a window's own means the actor would know what is to
    come in it.
    """
    pool = pools[int(rng.integers(len(pools)))]
    latest_s = part.to_s - EPISODE_S - AFTER_S
    start_s = float(rng.uniform(part.from_s, max(part.from_s, latest_s)))
    lo, hi = np.searchsorted(pool.arrival_s, [start_s - HISTORY_S, start_s + EPISODE_S + AFTER_S])
    arrival_s, work_s = pool.arrival_s[lo:hi] - start_s, pool.work_s[lo:hi]
    until = int(np.searchsorted(pool.arrival_s, part.to_s))
    share = min(1.0, RATE_MOST * part.to_s / max(until, 1))
    if share < 1.0:
        kept = rng.random(len(arrival_s)) < share
        arrival_s, work_s = arrival_s[kept], work_s[kept]
    counts = np.bincount(
        np.clip((arrival_s + HISTORY_S).astype(np.int64), 0, int(SPAN_S) - 1),
        minlength=int(SPAN_S),
    ).astype(np.float64)
    inside = (arrival_s >= 0.0) & (arrival_s < EPISODE_S)
    past = next(
        each
        for each in (work_s[arrival_s < 0.0], pool.work_s[:lo], pool.work_s[:until], pool.work_s)
        if len(each)
    )
    return _Window(
        pool=pool, arrival_s=arrival_s[inside], work_s=work_s[inside], counts=counts,
        service_s=float(past.mean()),
    )  # fmt: skip
