"""Bounds: capacity computed with the future known. Nothing else sees a `Future`."""

import math

import numpy as np

from engine.errors import PolicyError
from engine.policies import parameters as check
from engine.policies.base import Action, Future, Observation, PolicyContext, Reason
from engine.units import FloatArray, IntArray

NAME = "oracle"
LEAD_FACTOR = 1.2
"""Workers are ordered this many mean start-up times ahead: the mean and the usual spread."""


class _Planned:
    """Follows a plan of sizes, one a tick and pool."""

    def __init__(self, context: PolicyContext, plan: IntArray, numbers: dict[str, float]) -> None:
        self.interval_s = context.tick_s
        self._plan, self._numbers = plan, numbers

    def propose(self, observation: Observation) -> Action:
        """What the plan says for the tick that begins."""
        tick = min(round(observation.t_s / observation.tick_s), len(self._plan) - 1)
        target = self._plan[tick].astype(np.float64)
        return Action(
            target=target,
            reason=(Reason.FIXED,) * len(target),
            rationale=tuple(self._numbers | {"planned": size} for size in target),
        )


class Oracle(_Planned):
    """A bound: capacity for the demand to come, ordered a start-up time ahead.

    The size at any time is what the requests in service over the next start-up time need at most,
    if each began when it arrived, at the target share of slots in use. With `rounds` above 0
    local search then makes the plan cheaper as long as cost + miss_price x misses falls.
    """

    sees_future = True

    def __init__(
        self,
        context: PolicyContext,
        *,
        target: float = 0.9,
        rounds: int = 0,
        miss_price: float = 20.0,
    ) -> None:
        """Makes the plan.

        Args:
            context: with the future.
            target: share of slots in use, 0.3 to 1.5: above 1 a queue is planned for.
            rounds: of local search, 0 to 10000.
            miss_price: what a request that waits too long costs, in mean requests' work, 0 or
                more.
        """
        share = check.number(NAME, "target", target, 0.3, 1.5)
        rounds = check.whole(NAME, "rounds", rounds, 0, 10_000)
        price = check.number(NAME, "miss_price", miss_price, 0.0)
        future = _future(context)
        plan = future.plan
        if plan is None:
            leads_s = [LEAD_FACTOR * pool.startup_mean_s for pool in context.pools]
            plan = plan_for(context, future, share, leads_s)
        super().__init__(context, plan, {"target": share, "rounds": rounds, "miss_price": price})


class InstantOracle(_Planned):
    """A bound: the same with workers that are ready at once, so with nothing to order ahead."""

    sees_future = True
    starts_at_once = True

    def __init__(self, context: PolicyContext, *, target: float = 0.9) -> None:
        """Makes the plan.

        Args:
            context: with the future.
            target: share of slots in use, 0.3 to 1.5: above 1 a queue is planned for.
        """
        share = check.number("oracle-instant", "target", target, 0.3, 1.5)
        plan = plan_for(context, _future(context), share, [0.0] * len(context.pools))
        super().__init__(context, plan, {"target": share})


def _future(context: PolicyContext) -> Future:
    if context.future is None:
        raise PolicyError(
            "an oracle needs the future, and none was given",
            "policy 'oracle'",
            "Replay it through `smartscale replay` or the planner, which know the whole trace",
        )
    return context.future


def plan_for(
    context: PolicyContext, future: Future, target: float, leads_s: list[float]
) -> IntArray:
    """(T, P) sizes: the highest need from the tick's start to the tick's end plus the lead.

    Args:
        context: the pools and the tick.
        future: what will arrive.
        target: share of slots in use.
        leads_s: (P,) seconds by which each pool orders ahead.
    """
    ticks = max(1, math.ceil(future.window_s / context.tick_s - 1e-9))
    plan = np.empty((ticks, len(context.pools)), np.int64)
    for number, pool in enumerate(context.pools):
        mine = future.pool == number
        busy = in_service(future.arrival_s[mine], future.work_s[mine], context.tick_s, ticks)
        need = np.ceil(busy / (pool.slots * target) - 1e-9).astype(np.int64)
        ahead = math.ceil(leads_s[number] / context.tick_s - 1e-9)
        plan[:, number] = np.clip(_highest(need, ahead), pool.workers_min, pool.workers_max)
    return plan


def in_service(arrival_s: FloatArray, work_s: FloatArray, tick_s: float, ticks: int) -> FloatArray:
    """(T,) mean number of requests in service in each tick if each begins when it arrives.

    The integral of the number in service up to a time t is the sum over requests of
    clip(t - arrival, 0, work).
    """
    edges_s: FloatArray = np.arange(ticks + 1, dtype=np.float64) * tick_s
    done = _ramps(arrival_s, edges_s) - _ramps(arrival_s + work_s, edges_s)
    made: FloatArray = np.diff(done) / tick_s
    return made


def _ramps(start_s: FloatArray, edges_s: FloatArray) -> FloatArray:
    """Sum over all starts of max(0, edge - start)."""
    ordered = np.sort(start_s)
    before = np.searchsorted(ordered, edges_s)
    sums = np.concatenate(([0.0], np.cumsum(ordered)))
    made: FloatArray = before * edges_s - sums[before]
    return made


def _highest(need: IntArray, ahead: int) -> IntArray:
    """(T,) the highest of each value and the `ahead` values after it."""
    padded = np.concatenate([need, np.zeros(ahead, np.int64)])
    made: IntArray = np.lib.stride_tricks.sliding_window_view(padded, ahead + 1).max(axis=1)
    return made
