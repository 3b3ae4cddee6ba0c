"""Trains the sizer on sustained sizes, and says what its choices come to on unseen pools."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from engine.learn.rewards import SCORES
from engine.learn.size_lessons import SizeLessons, size_lessons
from engine.learn.sizer import (
    CANDIDATE,
    COST,
    DOUBT,
    OTHERS,
    Sizer,
    beside,
    doubts,
    gains,
    preferred,
    save,
    told_to,
)
from engine.trace.streams import stream

CARD = "README.md"
_MONEY = CANDIDATE.index(COST)
_COST = SCORES.index("cost")
_STREAM = 7103
_EXAM = 2
"""Added to the seed; `DOUBT` was chosen on seed 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizePlan:
    """How long to train, and on what."""

    episodes: int = 72
    cells: int = 48
    steps: int = 2000
    """Of the optimizer."""
    exam: int = 4
    """Episodes of pools that nothing is learned from."""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeMarks:
    """Mean weighed scores on unseen pools, each size sustained; from the present size on."""

    chosen: float
    """Of the size that is preferred."""
    highest: float
    """Of the size with the highest gain."""
    money: float
    """Points of the cost score that the one preferred is ahead of that with the highest gain."""
    anyhow: float
    """Of sizes drawn at random."""
    cheapest: float
    """Of the size in which the workers wanted cost least."""
    best: float
    """Of the size that turned out best."""


def train_sizer(
    folder: Path, plan: SizePlan, *, progress: Callable[[float, str], None] | None = None
) -> SizeMarks:
    """Trains into a folder: checkpoint and card. The same plan gives the same network."""
    sizer = fitted(plan, progress)
    marks = examined(sizer, size_lessons(plan.seed + _EXAM, plan.exam, plan.cells))
    save(sizer, folder, {"plan": asdict(plan), "marks": asdict(marks)})
    (folder / CARD).write_text(_card(plan, marks), "utf-8")
    return marks


def fitted(plan: SizePlan, progress: Callable[[float, str], None] | None = None) -> Sizer:
    """The network that a plan comes to."""
    from models.sizer import Drawn, regress

    if progress is not None:
        progress(0.0, f"Playing {plan.episodes} episodes once for each size")
    made = size_lessons(plan.seed, plan.episodes, plan.cells)
    if progress is not None:
        progress(0.8, f"Learning from {len(made.rows)} states")
    rng = stream(plan.seed, _STREAM)
    told = told_to(made.weights)

    def draw(number: int) -> Drawn:
        state = rng.integers(0, len(made.rows), number)
        held = rng.integers(0, made.rows.shape[1], number)
        seen = beside(made.rows[state, held], told[state], made.candidates[state, held])
        return Drawn(seen, held, made.scores[state])

    sample = draw(8192)
    seen = sample.seen.reshape(-1, sample.seen.shape[-1])
    shift, scale = seen.mean(0), np.maximum(seen.std(0), 1e-2)
    spread = (made.scores - made.scores.mean(1, keepdims=True)).std((0, 1))
    return Sizer(**regress(draw, shift, scale, spread, plan.steps))


def examined(sizer: Sizer, made: SizeLessons) -> SizeMarks:
    """What its choices come to, from every size as the present one."""
    told = told_to(made.weights)
    worth, cost = (made.scores * made.weights[:, None]).sum(2), made.scores[:, :, _COST]
    every, sizes = np.arange(len(worth)), worth.shape[1]
    found = []
    for size in range(sizes):
        held = np.full(len(worth), size)
        numbers = made.candidates[:, size]
        gain = gains(sizer, beside(made.rows[:, size], told, numbers), held)
        points = (gain * made.weights[:, None]).sum(2)
        chosen = preferred(points, gain[:, :, _COST], held, doubts(made.weights))
        highest = points.argmax(1)
        cheapest = numbers[:, :, _MONEY].argmin(1)
        ahead = (cost[every, chosen] - cost[every, highest]).mean()
        marks = [worth[every, at].mean() for at in (chosen, highest, cheapest)]
        found.append([*marks, ahead])
    chosen, highest, cheapest, money = np.mean(found, 0).tolist()
    return SizeMarks(
        chosen=chosen, highest=highest, money=money, cheapest=cheapest,
        anyhow=float(worth.mean()), best=float(worth.max(1).mean()),
    )  # fmt: skip


def _card(plan: SizePlan, marks: SizeMarks) -> str:
    reached = (marks.chosen - marks.anyhow) / (marks.best - marks.anyhow)
    return f"""# SmartScale sizer

- What: says how many points of each score a worker size would gain over the present one, for the
  policy `smartscale:vertical=true`: an MLP with two hidden layers, one for all sizes and pools.
  Inputs: `engine.learn.tokens`, five weights and `engine.learn.sizer.CANDIDATE`.
- Data: generated workloads only (`engine.learn.size_lessons`), {plan.episodes} episodes of
  {plan.cells} pools of 1.5 hours, each played once for each of three random sizes with the shipped
  allocator's dial, frozen; seed {plan.seed}; none of the seeds of held-out days.
- Made by: `smartscale train sizer --seed {plan.seed}`.
- On {plan.exam} episodes of pools that nothing was learned from, mean weighed score under random
  priorities: {marks.chosen:.3f} with the size it chooses; {marks.anyhow:.3f} with one drawn at
  random, {marks.cheapest:.3f} with the one that is cheapest now, {marks.best:.3f} with the one
  that turned out best. So its choice goes {100 * reached:.0f} % of the way from random to best.
- Gains are uncertain, and the highest of several is likely too high, so the cheapest is taken of
  those no more than {DOUBT} points behind it, {OTHERS * DOUBT:.2f} where that is a change. On
  these pools that earns {marks.chosen - marks.highest:+.4f} points and costs
  {200 * marks.money:.0f} % less of what demand costs at the lowest price of capacity. The number
  was chosen on other pools of training's kind.
- Use: as the policy `smartscale:vertical=true`. Judge it with `smartscale study sizes`.
- Not for: sizes that differ more than 16-fold in slots, more than twofold in speed or in the price
  of capacity: it was not trained on them. It knows a size's price, slots and speed, not its watts.
- Licence: as the product.
"""
