"""Local search for a cheap plan of sizes, the future known: the bound with real start-up times.

A plan is changed in many stretches of time at once, far enough apart not to touch one another,
and replayed; each stretch keeps its change if its own objective, the slots paid for plus the price
of what was missed, became smaller. So a round of hundreds of tries costs one replay.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.briefing import context_of
from engine.oracle.measures import measures
from engine.oracle.play import run_out
from engine.policies.base import Action, Observation, Policy, PolicyContext, Reason
from engine.replay import ReplaySpec, set_up
from engine.units import FloatArray, IntArray

BLOCK_S = 120.0
APART = 5
"""Blocks from one change to the next; what follows a change counts for it."""
_STREAM = 911


@dataclass(slots=True)
class Planned:
    """Follows a plan (ticks, pools)."""

    plan: IntArray
    interval_s: float

    def propose(self, observation: Observation) -> Action:
        """What the plan says for the tick that begins."""
        tick = min(round(observation.t_s / observation.tick_s), len(self.plan) - 1)
        pools = self.plan.shape[1]
        return Action(target=self.plan[tick].astype(np.float64), reason=(Reason.FIXED,) * pools)


def improve(
    spec: ReplaySpec,
    plan: IntArray,
    *,
    rounds: int,
    miss_price: float,
    progress: Callable[[float], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> IntArray:
    """(ticks, pools) the plan after so many rounds of local search.

    Args:
        spec: what to replay; its policy is not used.
        plan: (ticks, pools) where the search starts.
        rounds: each costs two replays.
        miss_price: of a missed request, in mean requests' work.
        progress: told the share done.
        cancel: asked between ticks.

    Raises:
        ReplayCancelled: `cancel` returned true.
    """
    rng = np.random.default_rng([_STREAM, spec.scenario.seed])
    per_block = max(1, round(BLOCK_S / spec.scenario.tick_s))
    pools = context_of(spec.scenario, spec.workload).pools
    lows = np.array([pool.workers_min for pool in pools])
    highs = np.array([pool.workers_max for pool in pools])
    tried = plan
    for number in range(rounds):
        chosen, changed = _changed(plan, per_block, rng)
        tried = np.clip(changed, lows, highs)
        before, after = _objectives(spec, (plan, tried), miss_price, cancel)
        plan = _kept(plan, tried, chosen, after - before, per_block)
        if progress is not None:
            progress((number + 1) / rounds)
    return plan


def _objectives(
    spec: ReplaySpec,
    plans: tuple[IntArray, IntArray],
    miss_price: float,
    cancel: Callable[[], bool] | None,
) -> tuple[FloatArray, FloatArray]:
    """(blocks, pools) slot-seconds paid for and the price of what was missed, of each plan."""

    def following(plan: IntArray) -> Callable[[PolicyContext], Policy]:
        return lambda context: Planned(plan, context.tick_s)

    runs = set_up([replace(spec, policy=following(plan), future=None) for plan in plans])
    for run in runs:
        run_out(run, cancel)
    found = [measures(run, BLOCK_S) for run in runs]
    one, other = (
        _by_type(
            m.slot_s + m.missed * (miss_price * m.work_s / np.maximum(m.arrived.sum(0), 1)),
            run.types,
        )
        for run, m in zip(runs, found, strict=True)
    )
    return one, other


def _by_type(values: FloatArray, types: tuple[IntArray, ...] | None) -> FloatArray:
    """(blocks, pools) as it is, or (blocks, types) where the pools of a type are sited."""
    if types is None:
        return values
    return np.column_stack([values[:, pools].sum(axis=1) for pools in types])


def _changed(
    plan: IntArray, per_block: int, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """(blocks, pools) which blocks are changed (1), and the plan with the changes.

    Half of the changes are a worker or some percent more or less, half move the plan in time.
    """
    ticks, pools = plan.shape
    blocks = -(-ticks // per_block)
    chosen = np.zeros((blocks, pools), np.int64)
    tried = plan.copy()
    for p in range(pools):
        for block in range(int(rng.integers(0, APART)), blocks, APART):
            first, last = block * per_block, min((block + 1) * per_block, ticks)
            first += int(rng.integers(0, last - first)) if rng.random() < 0.5 else 0
            span = slice(first, last)
            size = max(1, round(plan[span, p].mean() * abs(rng.normal(0.0, 0.06))))
            kind = rng.integers(0, 6)
            if kind < 3:
                tried[span, p] -= size
            elif kind == 3:
                tried[span, p] += size
            else:
                shift = int(rng.integers(1, per_block + 1)) * (1 if kind == 4 else -1)
                source = np.clip(np.arange(first, last) + shift, 0, ticks - 1)
                tried[span, p] = plan[source, p]
            chosen[block, p] = 1
    return chosen, tried


def _kept(
    plan: IntArray, tried: IntArray, chosen: IntArray, change: FloatArray, per_block: int
) -> IntArray:
    """The plan with those changes that lowered the objective until the next change."""
    kept = plan.copy()
    for p in range(plan.shape[1]):
        places = np.flatnonzero(chosen[:, p])
        ends = np.append(places[1:], len(chosen))
        for place, end in zip(places, ends, strict=True):
            if change[place:end, p].sum() < 0.0:
                span = slice(place * per_block, (place + 1) * per_block)
                kept[span, p] = tried[span, p]
    return kept
