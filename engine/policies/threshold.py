"""Threshold autoscaling: one step out when busy for long enough, one step in when idle."""

import copy
import math
from dataclasses import dataclass

import numpy as np

from engine.policies import parameters as check
from engine.policies.base import (
    Action,
    Observation,
    PolicyContext,
    PoolFacts,
    Reason,
    WorkerView,
    without_limits,
)

NAME = "threshold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How many workers one action adds or removes."""

    workers: int = 0
    percent: float = 0.0
    """Of the present size, rounded up to whole workers."""

    def of(self, size: int) -> int:
        """Workers for a pool of `size`, at least one."""
        return max(1, self.workers, math.ceil(size * self.percent / 100))


@dataclass(slots=True, kw_only=True)
class Memory:
    """What the policy remembers of one pool."""

    above_since_s: float | None = None
    """Start of the first sample of an unbroken run above the band; None: not above."""
    below_since_s: float | None = None
    last_out_s: float = -math.inf
    last_in_s: float = -math.inf


class Threshold:
    """Threshold autoscaling: a step out above `upper`, a step in below `lower`, with cool-downs.

    The mean utilisation of the ready workers over the last tick must have been outside the band
    for `breach_s` seconds without a break. A step out waits `cooldown_out_s` after the last step
    out; a step in waits `cooldown_in_s` after the last step of either direction.
    """

    constraints = (
        Reason.MAX_WORKERS, Reason.MIN_WORKERS, Reason.COOLDOWN, Reason.BREACH_TOO_SHORT,
        Reason.WITHIN_BAND,
    )  # fmt: skip

    def __init__(
        self,
        context: PolicyContext,
        *,
        upper: float = 0.75,
        lower: float = 0.35,
        breach_s: float = 60.0,
        step: int | str = 1,
        step_in: int | str = 1,
        cooldown_out_s: float = 60.0,
        cooldown_in_s: float = 300.0,
        interval_s: float = 15.0,
    ) -> None:
        """Starts with nothing remembered.

        Args:
            context: the pools and the tick.
            upper: share of slots in use above which the pool is busy, above 0 and up to 1.
            lower: share below which it is idle, 0 to 1 and below `upper`.
            breach_s: seconds that must be so before a step, 0 or more.
            step: workers to add, 1 or more, or a share of the pool such as `20%`.
            step_in: workers to remove, 1 or more, or a share of the pool.
            cooldown_out_s: seconds between two steps out, 0 or more.
            cooldown_in_s: seconds from any step to a step in, 0 or more.
            interval_s: seconds between evaluations, a multiple of the tick.
        """
        self.interval_s = check.interval(NAME, "interval_s", interval_s, context.tick_s)
        self._upper = check.share(NAME, "upper", upper)
        self._lower = check.number(NAME, "lower", lower, 0.0, 1.0)
        if self._lower >= self._upper:
            raise check.refuse(
                NAME,
                f"lower is {lower!r}, which is not below upper, {upper!r}",
                f"Use a lower below {upper!r}",
            )
        self._breach_s = check.number(NAME, "breach_s", breach_s, 0.0)
        self._step_out, self._step_in = _step("step", step), _step("step_in", step_in)
        self._cooldown_out_s = check.number(NAME, "cooldown_out_s", cooldown_out_s, 0.0)
        self._cooldown_in_s = check.number(NAME, "cooldown_in_s", cooldown_in_s, 0.0)
        self._pools = context.pools
        self._memory = tuple(Memory() for _ in context.pools)

    def propose(self, observation: Observation) -> Action:
        """One step for each pool that is due for one."""
        answers = [
            self._decide(index, pool, self._memory[index], observation)
            for index, pool in enumerate(self._pools)
        ]
        return Action(
            target=np.array([target for target, _, _ in answers], dtype=np.float64),
            reason=tuple(reason for _, reason, _ in answers),
            rationale=tuple(rationale for _, _, rationale in answers),
        )

    def without(self, *reasons: Reason) -> "Threshold":
        """A copy, with its memory, in which some of its own constraints no longer bind."""
        lifted = copy.deepcopy(self)
        if Reason.WITHIN_BAND in reasons:  # a band without width, left at once
            lifted._upper = lifted._lower = (self._upper + self._lower) / 2
        if reasons and {Reason.WITHIN_BAND, Reason.BREACH_TOO_SHORT} & set(reasons):
            lifted._breach_s = 0.0
        if Reason.COOLDOWN in reasons:
            lifted._cooldown_out_s = lifted._cooldown_in_s = 0.0
        lifted._pools = without_limits(self._pools, reasons)
        return lifted

    def _decide(
        self, index: int, pool: PoolFacts, memory: Memory, observation: Observation
    ) -> tuple[int, Reason, dict[str, object]]:
        now_s = observation.t_s
        current = int(observation.target[index])
        used, samples = _utilisation(observation.workers[index])
        self._watch(memory, used, now_s - observation.tick_s)
        since_s = memory.above_since_s if memory.below_since_s is None else memory.below_since_s
        breached_s = 0.0 if since_s is None else now_s - since_s
        wait_s = self._cooldown_left_s(memory, now_s)
        wanted, reason = self._wanted(memory, current, used, breached_s, wait_s)
        target = min(max(wanted, pool.workers_min), pool.workers_max)
        if target != wanted:
            reason = Reason.MAX_WORKERS if target < wanted else Reason.MIN_WORKERS
        if target > current:
            memory.last_out_s = now_s
        elif target < current:
            memory.last_in_s = now_s
        return (
            target,
            reason,
            {
                "utilisation": None if math.isnan(used) else used,
                "samples": samples,
                "upper": self._upper,
                "lower": self._lower,
                "breached_s": breached_s,
                "breach_s": self._breach_s,
                "cooldown_left_s": wait_s,
                "cooldown_s": self._cooldown_in_s
                if memory.above_since_s is None
                else self._cooldown_out_s,
                "current": current,
                "wanted": wanted,
                "min": pool.workers_min,
                "max": pool.workers_max,
                "proposed": target,
            },
        )

    def _watch(self, memory: Memory, used: float, sample_start_s: float) -> None:
        if used > self._upper:
            memory.below_since_s = None
            if memory.above_since_s is None:
                memory.above_since_s = sample_start_s
        elif used < self._lower:
            memory.above_since_s = None
            if memory.below_since_s is None:
                memory.below_since_s = sample_start_s
        else:
            memory.above_since_s = memory.below_since_s = None

    def _cooldown_left_s(self, memory: Memory, now_s: float) -> float:
        if memory.above_since_s is not None:
            free_s = memory.last_out_s + self._cooldown_out_s
        elif memory.below_since_s is not None:
            free_s = max(memory.last_out_s, memory.last_in_s) + self._cooldown_in_s
        else:
            return 0.0
        return max(0.0, free_s - now_s)

    def _wanted(
        self, memory: Memory, current: int, used: float, breached_s: float, wait_s: float
    ) -> tuple[int, Reason]:
        if math.isnan(used):
            return current, Reason.METRICS_MISSING
        if memory.above_since_s is None and memory.below_since_s is None:
            return current, Reason.WITHIN_BAND
        if breached_s < self._breach_s:
            return current, Reason.BREACH_TOO_SHORT
        if wait_s > 0.0:
            return current, Reason.COOLDOWN
        if memory.above_since_s is not None:
            return current + self._step_out.of(current), Reason.DEMAND_UP
        return current - self._step_in.of(current), Reason.DEMAND_DOWN


def _step(name: str, value: object) -> Step:
    if not isinstance(value, str):
        return Step(workers=check.whole(NAME, name, value, 1))
    text = value.removesuffix("%")
    if text == value or not text.replace(".", "", 1).isdigit() or float(text) == 0.0:
        raise check.refuse(
            NAME,
            f"{name} is {value!r}",
            "Use a whole number of workers of 1 or more, or a percentage such as 20%",
        )
    return Step(percent=float(text))


def _utilisation(view: WorkerView) -> tuple[float, int]:
    """Mean busy share of the ready workers that are not draining, and how many had a sample."""
    counts = ~(np.isnan(view.ready_s) | np.isnan(view.utilisation) | (view.draining != 0))
    shares = view.utilisation[counts]
    if not len(shares):
        return math.nan, 0
    return float(shares.mean()), len(shares)
