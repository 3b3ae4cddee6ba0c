"""Queueing theory: mean waits in closed form, and the recursions that give every single wait."""

import heapq
import math

import numpy as np


def erlang_c(servers: int, rho: float) -> float:
    """Probability that an arrival has to wait in an M/M/c queue.

    Through Erlang's B, which is stable for many servers: B(0) = 1 and
    B(k) = a B(k-1) / (k + a B(k-1)); C = B / (1 - rho (1 - B)). (Cooper, Introduction to Queueing
    Theory, 1981, chapter 3.)
    """
    offered, blocked = servers * rho, 1.0
    for k in range(1, servers + 1):
        blocked = offered * blocked / (k + offered * blocked)
    return blocked / (1.0 - rho * (1.0 - blocked))


def mean_wait_mmc(servers: int, rho: float) -> float:
    """Mean wait in an M/M/c queue, in mean service times: C / (c (1 - rho))."""
    return erlang_c(servers, rho) / (servers * (1.0 - rho))


def mean_wait_mg1(rho: float, scv: float) -> float:
    """Pollaczek-Khinchine: mean wait in an M/G/1 queue, in mean service times.

    scv is the squared coefficient of variation of the service time: 0 in M/D/1, 1 in M/M/1.
    """
    return rho * (1.0 + scv) / (2.0 * (1.0 - rho))


def lindley(gap_s: np.ndarray, work_s: np.ndarray) -> np.ndarray:
    """Every wait in a G/G/1 FIFO queue that starts empty: W' = max(0, W + work - next gap).

    Args:
        gap_s: (n,) seconds before each arrival; the first is not used.
        work_s: (n,) seconds of service.
    """
    walk = np.concatenate(([0.0], np.cumsum(work_s[:-1] - gap_s[1:])))
    return walk - np.minimum.accumulate(walk)


def kiefer_wolfowitz(arrival_s: np.ndarray, work_s: np.ndarray, servers: int) -> np.ndarray:
    """Every wait in a G/G/c FIFO queue that starts empty: each takes the server free first."""
    free_s, waits = [0.0] * servers, []
    for at, work in zip(arrival_s.tolist(), work_s.tolist(), strict=True):
        start_s = max(at, free_s[0])
        heapq.heapreplace(free_s, start_s + work)
        waits.append(start_s - at)
    return np.array(waits)


def lognormal(rng: np.random.Generator, scv: float, n: int) -> np.ndarray:
    """(n,) lognormal numbers of mean 1."""
    variance = math.log1p(scv)
    return rng.lognormal(-variance / 2.0, math.sqrt(variance), n)
