"""The observation as a table of numbers, compiled: a token a pool, and one for the whole cluster.

Every number is a ratio to the pool's own demand or the like, so that pools of any size look alike;
a cluster of 1 to 500 pools uses the same network, and pools in another order get the same answers
in that order. `TOKEN` and `CLUSTER` are the documented tables.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numba import njit

from engine.lookahead.features import NAMES as PAST
from engine.lookahead.features import outlook

SEEN = (
    "starting", "ready", "draining", "queued", "in_service", "busy_slots", "arrived", "failed",
    "p95_s", "target", "g_per_kwh", "usd_per_hour",
)  # fmt: skip
"""(S,) what is seen of a pool in a tick, in the words of `Observation`; carbon of its grid,
price of a worker."""
PRICE = SEEN.index("usd_per_hour")
FACTS = ("slots", "startup_s", "queue_timeout_s", "g_reference", "g_threshold", "slot_usd_usual")
"""(K,) what is known of a pool before; the reference is the intensity that is usual there, the
threshold the one from which growth is unwelcome: infinite where there is none. The usual price is
that of a slot, per hour."""

USUAL_PRICE = FACTS.index("slot_usd_usual")

_AHEAD = tuple(f"log(q{q} of the highest rate ahead / level)" for q in (50, 80, 95, 99))
_OWN = (
    "log((ready + 1) / (demand + 1))",
    "log((ready + starting + 1) / (demand + 1))",
    "starting / (demand + 1)",
    "draining / (demand + 1)",
    "starting / (demand + 1) a decision before",
    "busy share of ready slots",
    "log(1 + queued / slots in demand)",
    "log(1 + queued / slots in demand) a decision before",
    "share of requests that failed",
    "log(p95 / service time)",
    "log(demand + 1)",
    "log slots per worker",
    "log service time",
    "log(start-up time / 60 s)",
    "log(arrivals of the last tick / level)",
    "action before",
    "log(carbon intensity / usual)",
    "log(carbon intensity / threshold)",
    "whether there is a carbon threshold",
    "log(price of a slot / usual)",
)
TOKEN = (*PAST, *_AHEAD, *_OWN)
"""(F,) numbers of a pool, without a unit; demand is in workers: level x service time / slots."""
CLUSTER = (
    "log((ready + starting + 1) / (demand + 1))", "busy share of ready slots",
    "log(1 + queued / slots in demand)", "share of requests that failed",
    "log(q95 of the highest rate ahead / level)", "log pools",
)  # fmt: skip
"""(C,) of all pools, means weighted by demand; more than POOLS_MOST pools count as so many."""
POOLS_MOST = 8
"""In a cluster of the training ground. Told of more, the networks would answer at random."""
TOKENS, OWN, FIRST = len(TOKEN), len(_OWN), len(PAST) + len(_AHEAD)
WIDTH = TOKENS + len(CLUSTER)
_TIMES = (FIRST + 12, FIRST + 13, len(PAST) - 2, len(PAST) - 1)
_CARBON = (FIRST + 16, FIRST + 17, FIRST + 18)
_LOAD = tuple(FIRST + own for own in (5, 6, 7, 8, 9, 10, 14))
_RESOURCES = tuple(FIRST + own for own in (0, 1, 2, 3, 4, 11, 15, 19))
GROUPS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "load": _LOAD,
        "resources": _RESOURCES,
        "history": tuple(range(len(PAST) - 2)),
        "forecast": tuple(range(len(PAST), FIRST)),
        "time": _TIMES,
        "carbon": _CARBON,
        "cluster": tuple(range(TOKENS, WIDTH)),
    }
)
"""Which numbers say what: the tokens of the transformer, and what explanations group by. Time is
how long things take: service, start-up, the horizon, the time between decisions."""
PRIORITIES = "priorities"
"""The last group: the weights behind the tokens."""
_BUSY, _QUEUE, _FAILED, _COVER, _Q95 = FIRST + 5, FIRST + 6, FIRST + 8, FIRST + 1, FIRST - 2
BOUND = 6.0
"""Of every standardised number."""
DEMAND_S = 4.0
"""Service time that is assumed until a request has finished, seconds."""


@njit(nogil=True, cache=True)
def observe(memory, network, bin_s, facts, seen, cluster, before, rows, level, service, ahead):
    """Fills `rows` (P, WIDTH) with the tokens, and level, service and ahead as `outlook` does.

    Args: facts (P, K) as FACTS; seen (P, S) as SEEN; cluster (P,) number of each pool's cluster,
    in order; before (P, 3) starting and queue numbers of the last decision and the action, the
    first two are replaced.
    """
    pools = len(level)
    features = np.empty((pools, len(PAST)))
    horizon_s = facts[:, 1] + bin_s
    outlook(memory, network, bin_s, horizon_s, features, level, service, ahead)
    for p in range(pools):
        if np.isnan(service[p]) or service[p] <= 0.0:
            service[p] = DEMAND_S
        rows[p, : len(PAST)] = features[p]
        rows[p, len(PAST) : FIRST] = ahead[p]
        _own(rows[p, FIRST:], facts[p], seen[p], before[p], level[p], service[p], bin_s)
    _clusters(rows, cluster, level * service / facts[:, 0])


@njit(nogil=True, cache=True)
def _own(out, facts, seen, before, level, service, bin_s):
    slots = facts[0]
    demand = level * service / slots
    starting, ready, draining, queued = seen[0], seen[1], seen[2], seen[3]
    out[0] = np.log((ready + 1.0) / (demand + 1.0))
    out[1] = np.log((ready + starting + 1.0) / (demand + 1.0))
    out[2] = starting / (demand + 1.0)
    out[3] = draining / (demand + 1.0)
    out[4] = before[0]
    out[5] = min(1.0, seen[4] / max(1.0, ready * slots))
    out[6] = np.log1p(queued / (demand * slots + 1.0))
    out[7] = before[1]
    out[8] = min(1.0, seen[7] / max(1.0, seen[6]))
    out[9] = 0.0 if np.isnan(seen[8]) else np.log(max(seen[8], 1e-3) / service)
    out[10] = np.log(demand + 1.0)
    out[11] = np.log(slots)
    out[12] = np.log(service)
    out[13] = np.log(max(facts[1], 1.0) / 60.0)
    out[14] = np.log((seen[6] + 0.5) / (level * bin_s + 0.5))
    out[15] = before[2]
    out[16] = np.log(max(seen[10], 1.0) / max(facts[3], 1.0))
    out[17], out[18] = 0.0, 0.0
    if np.isfinite(facts[4]):
        above = np.log(max(seen[10], 1.0) / max(facts[4], 1.0))
        out[17], out[18] = min(max(above, -1.0), 1.0), 1.0
    out[19] = np.log(max(seen[11], 1e-9) / max(slots * facts[5], 1e-9))
    before[0] = out[2]
    before[1] = out[6]


@njit(nogil=True, cache=True)
def _clusters(rows, cluster, demand):
    first = 0
    pools = len(cluster)
    while first < pools:
        last = first
        while last < pools and cluster[last] == cluster[first]:
            last += 1
        total = demand[first:last].sum() + 1e-9
        cover, busy, queue, failed, ahead = 0.0, 0.0, 0.0, 0.0, 0.0
        for q in range(first, last):
            weight = demand[q] / total
            cover += weight * rows[q, _COVER]
            busy += weight * rows[q, _BUSY]
            queue += weight * rows[q, _QUEUE]
            failed += weight * rows[q, _FAILED]
            ahead += weight * rows[q, _Q95]
        for p in range(first, last):
            rows[p, TOKENS] = cover
            rows[p, TOKENS + 1] = busy
            rows[p, TOKENS + 2] = queue
            rows[p, TOKENS + 3] = failed
            rows[p, TOKENS + 4] = ahead
            rows[p, TOKENS + 5] = np.log(float(min(last - first, POOLS_MOST)))
        first = last
