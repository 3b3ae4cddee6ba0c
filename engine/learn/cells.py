"""Training ground: many random pools with random demand, simulated request by request in one go.

A cell is a pool with its demand, drawn anew for every episode from the broad mixture: daily waves,
crowds, growth, bursts and the shapes that the large forecaster learns from, all with bursts within
minutes, and many clients whose requests come in clumps; workers fail and prices move in some. The
first hour of each is history: it
fills the forecaster's memory and is not simulated.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from engine.forecast.training_data import workload
from engine.learn.rewards import dirt
from engine.learn.tokens import POOLS_MOST
from engine.learn.upsets import Upsets, upsets
from engine.lookahead.features import Memory, new_memory
from engine.sim import kernel
from engine.sim.arrivals import Arrivals, make_requests
from engine.sim.parameters import STARTUP_DRAWS, PoolParameters
from engine.sim.service import lognormal
from engine.trace.streams import stream
from engine.trace.synth_clients import client_counts
from engine.trace.synth_rates import Bursty, Diurnal, FlashCrowd, Growth
from engine.units import FloatArray, IntArray

GROUND = 2
"""Raised when equal seeds come to another ground; what was kept of an older one is not used."""
BIN_S = 15.0
HISTORY_S, EPISODE_S, AFTER_S = 3600, 5400, 240
TICKS = int(EPISODE_S / BIN_S)
FUTURE_S, FUTURES = 30, 6
"""What the critic sees of the future: so many rates over so many seconds."""
RATE_MOST = 40.0
_STREAM = 5209
_SPAN_S = HISTORY_S + EPISODE_S + AFTER_S
_PATHS = (0.15, 0.3, 0.1, 0.3, 0.15)
"""Chances of daily waves, crowds, growth, bursts and the forecaster's mixture, without clients."""
_CLIENTS = len(_PATHS)
CLIENTS = 0.15
"""Share of pools with many clients."""


def with_clients(share: float) -> tuple[float, ...]:
    """Chances of kinds with this share of many clients, the last of them."""
    return (*(chance * (1.0 - share) for chance in _PATHS), share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """What cells are drawn from."""

    kinds: tuple[float, ...] = with_clients(CLIENTS)
    """Chances of the kinds of demand: daily waves, crowds, growth, bursts, the forecaster's
    mixture and many clients."""
    faults: float = 0.3
    """Share of pools whose workers crash, fail to start or turn slow."""
    prices: float = 0.3
    """Share of pools whose price moves."""


USUAL = Mixture()


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """P cells, ready to be simulated."""

    memory: Memory
    facts: FloatArray
    """(P, K) as `tokens.FACTS`."""
    cluster: IntArray
    pools: tuple[PoolParameters, ...]
    requests: Arrivals
    counts: FloatArray
    """(P, seconds) arrivals in each second, history and what comes after the episode included."""
    service_s: FloatArray
    """(P,) mean service time."""
    carbon: FloatArray
    """(P, TICKS) intensity over usual."""
    dirt: FloatArray
    """(P, TICKS) how much emissions count, as `rewards.dirt`."""
    upsets: Upsets
    seed: int
    """Of the starts that fail and of the workers that crash or turn slow."""


class Cell(NamedTuple):
    """One drawn pool."""

    slots: int
    service_s: float
    cv: float
    rate: FloatArray
    """(seconds,) expected in each second."""
    drawn: bool
    """Whether `rate` is what arrives already."""
    startup_s: float
    contention: float
    shared: bool


def episode(seed: int, number: int, cells: int, mixture: Mixture = USUAL) -> Episode:
    """Episode `number` of a training with this seed."""
    rng = stream(seed, _STREAM, number)
    drawn = [cell(rng, mixture.kinds) for _ in range(cells)]
    counts = np.stack(
        [c.rate if c.drawn else rng.poisson(c.rate) for c in drawn], dtype=np.float64
    )
    bins = int(HISTORY_S / BIN_S)
    memory = new_memory(cells, BIN_S)
    memory.counts[:, :bins] = counts[:, :HISTORY_S].reshape(cells, bins, -1).sum(2)
    memory.at[0], memory.at[1] = bins % memory.counts.shape[1], bins
    service = np.array([one.service_s for one in drawn])
    last = memory.counts[:, bins - 20 :].sum(1) + 1.0
    memory.served[:, 0], memory.served[:, 1] = last, last * service * 1.1
    facts = np.array([(one.slots, one.startup_s, 60.0, 400.0, np.inf, 1.0) for one in drawn])
    cluster = _clusters(rng, cells)
    pools = tuple(_parameters(rng, one, row) for one, row in zip(drawn, counts, strict=True))
    requests, carbon = _requests(rng, drawn, counts), _carbon(rng, cells)
    threshold = np.where(rng.random(cells) < 0.5, rng.uniform(0.5, 1.8, cells), np.inf)
    facts[:, 4] = 400.0 * threshold
    return Episode(
        memory=memory, facts=facts, cluster=cluster, counts=counts, pools=pools,
        requests=requests, service_s=service, carbon=carbon,
        dirt=dirt(carbon, threshold[:, None]),
        upsets=upsets(
            stream(seed, _STREAM, number, 1), cells, TICKS, BIN_S, mixture.faults, mixture.prices
        ),
        seed=int(stream(seed, _STREAM, number, 2).integers(2**31)),
    )  # fmt: skip


def cell(rng: np.random.Generator, kinds: tuple[float, ...] = USUAL.kinds) -> Cell:
    """A pool and its demand, of kinds with these chances."""
    slots = int(rng.choice([1, 4, 8, 16, 32], p=[0.08, 0.28, 0.28, 0.28, 0.08]))
    service_s = float(np.exp(rng.uniform(np.log(1.0), np.log(8.0))))
    workers = float(np.exp(rng.uniform(np.log(1.5), np.log(60.0))))
    most = float(np.exp(rng.uniform(np.log(3.0), np.log(RATE_MOST))))
    rate = min(workers * slots / service_s, most)
    kind = int(rng.choice(len(kinds), p=kinds))
    path = _clumped(rng, rate) if kind == _CLIENTS else _path(rng, kind, rate)
    return Cell(
        slots=slots, service_s=service_s, cv=float(rng.uniform(0.4, 1.4)),
        rate=np.minimum(path, 8 * RATE_MOST), drawn=kind == _CLIENTS,
        startup_s=float(np.exp(rng.uniform(np.log(30.0), np.log(135.0)))),
        contention=float(rng.uniform(0.0, 0.35)), shared=bool(rng.random() < 0.7),
    )  # fmt: skip


def _clumped(rng: np.random.Generator, rate: float) -> FloatArray:
    """(seconds,) arrivals of many clients."""
    return client_counts(rng, _SPAN_S, rate).astype(np.float64)


def _path(rng: np.random.Generator, kind: int, rate: float) -> FloatArray:
    """(seconds,) rates with bursts within minutes, so much on average."""
    shape = _shape(rng, kind)
    cv, held = rng.uniform(0.05, 0.5), int(rng.integers(1, 31))
    burst = rng.standard_gamma(cv**-2, _SPAN_S // held + 1) * cv**2
    path: FloatArray = shape * np.repeat(burst, held)[:_SPAN_S]
    path *= rate / path[HISTORY_S:].mean()
    return path


def _shape(rng: np.random.Generator, kind: int) -> FloatArray:
    """(seconds,) relative rates."""
    t_s: FloatArray = np.arange(_SPAN_S, dtype=np.float64) + 0.5
    if kind == 0:
        day_s = float(rng.choice([86400.0, 28800.0]))
        wave = Diurnal(peak_to_trough=rng.uniform(2, 8), day_s=day_s)
        return wave.rate(t_s + rng.uniform(0, day_s), day_s, rng)
    if kind == 1:
        number = int(rng.integers(1, 4))
        ramp_s, decay_s = rng.uniform(10, 120), rng.uniform(30, 600)
        part_s = _SPAN_S / number
        hold_s = rng.uniform(60, min(1200.0, 0.5 * part_s))
        room_s = part_s - ramp_s - hold_s - decay_s
        crowd = FlashCrowd(
            flash_factor=rng.uniform(3, 12), ramp_s=ramp_s, hold_s=hold_s, decay_s=decay_s,
            flashes=number, first_at_s=rng.uniform(0, max(room_s, 1.0)),
        )  # fmt: skip
        return crowd.rate(t_s, _SPAN_S, rng)
    if kind == 2:
        return Growth(growth_factor=rng.uniform(0.4, 3)).rate(t_s, _SPAN_S, rng)
    if kind == 3:
        calm_s, hot_s = rng.uniform(60, 480, 2)
        return Bursty(hot_to_calm=rng.uniform(3, 16), calm_s=calm_s, hot_s=hot_s).rate(
            t_s, _SPAN_S, rng
        )
    steps = workload(rng, BIN_S).demand
    first = int(rng.integers(0, max(1, len(steps) - _SPAN_S // 15)))
    part: FloatArray = np.repeat(np.resize(steps[first:], _SPAN_S // 15 + 1), 15)[:_SPAN_S]
    return np.asarray(part + 0.02 * part.mean() + 1e-9, np.float64)


def _parameters(rng: np.random.Generator, cell: Cell, counts: FloatArray) -> PoolParameters:
    minute = counts[HISTORY_S - 60 : HISTORY_S].mean() * cell.service_s / cell.slots
    peak = counts[HISTORY_S:].reshape(-1, 60).mean(1).max() * cell.service_s / cell.slots
    most = int(3.0 * peak) + 12
    draws = rng.uniform(0.8, 1.2, STARTUP_DRAWS) * cell.startup_s
    return PoolParameters(
        slots=cell.slots, workers_max=most,
        workers_initial=int(min(most, np.ceil(minute / 0.7) + 1)), startup_draws_s=draws,
        contention=cell.contention, queue_timeout_s=60.0, shared_queue=cell.shared,
    )  # fmt: skip


def _requests(rng: np.random.Generator, cells: list[Cell], counts: FloatArray) -> Arrivals:
    """Requests of the episode, by arrival."""
    inside = counts[:, HISTORY_S : HISTORY_S + EPISODE_S].astype(np.int64)
    number = inside.sum(1)
    pool = np.repeat(np.arange(len(cells)), number)
    second = np.concatenate([np.repeat(np.arange(EPISODE_S), row) for row in inside])
    arrival_s = second + rng.random(len(second))
    work_s = np.concatenate(
        [
            lognormal(cell.service_s, cell.cv, rng.standard_normal(n))
            for cell, n in zip(cells, number, strict=True)
        ]
    )
    order = np.argsort(arrival_s)
    return make_requests(arrival_s[order], work_s[order], pool=pool[order].astype(np.int32))


def _clusters(rng: np.random.Generator, cells: int) -> IntArray:
    """(P,) cells in clusters of 1 to POOLS_MOST."""
    sizes: list[int] = []
    while sum(sizes) < cells:
        sizes.append(int(rng.integers(1, POOLS_MOST + 1)))
    made: IntArray = np.repeat(np.arange(len(sizes)), sizes)[:cells]
    return made


def _carbon(rng: np.random.Generator, cells: int) -> FloatArray:
    """(P, TICKS): part of a daily wave of random height."""
    turn = rng.uniform(0, 2 * np.pi, (cells, 1))
    at = 2 * np.pi * np.arange(TICKS) * BIN_S / 86400.0
    made: FloatArray = np.exp(rng.uniform(0.0, 0.8, (cells, 1)) * np.sin(at + turn))
    return made


def futures(counts: FloatArray, tick: int) -> FloatArray:
    """(P, FUTURES) logarithms of the next rates over that of the last minute, for critics only."""
    now = HISTORY_S + int(tick * BIN_S)
    level = (counts[:, now - 60 : now].sum(1) + 0.5) / 60.0
    ahead = counts[:, now : now + FUTURES * FUTURE_S].reshape(len(counts), FUTURES, FUTURE_S)
    made: FloatArray = np.log((ahead.mean(2) + 0.5 / FUTURE_S) / level[:, None])
    return made


@njit(nogil=True, cache=True)
def settle(requests, outcomes, first, last, now_s, service_s, sums):  # type: ignore[no-untyped-def]
    """Adds up what became of the requests `first` to `last`, all arrived a while before `now_s`.

    sums (P, 4) receives arrived, waits in mean service times (3 at most each), missed, failed.
    """
    sums[:, :] = 0.0
    for i in range(first, last):
        p = requests[i].pool
        status = outcomes[i].status
        sums[p, 0] += 1.0
        waited_s = now_s - outcomes[i].arrived_s
        if not np.isnan(outcomes[i].start_s):
            waited_s = outcomes[i].start_s - outcomes[i].arrived_s
        lost = status == kernel.QUEUE_TIMEOUT or status >= kernel.REJECTED
        if lost and status != kernel.OUT_OF_TIME:
            sums[p, 3] += 1.0
            waited_s = 1e9
        sums[p, 1] += min(waited_s / service_s[p], 3.0)
        sums[p, 2] += waited_s > 0.5 * service_s[p]
