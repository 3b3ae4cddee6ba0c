"""The training loop: episodes of many cells, four updates a tick, a checkpoint to go on from."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from engine.errors import ReplayCancelled
from engine.learn.cells import FUTURES, TICKS, episode, futures
from engine.learn.ground import LAG, Ground
from engine.learn.replay_buffer import Buffer, Trail
from engine.learn.rewards import SCORES, fresh_weights
from engine.learn.sac import Learner, Options
from engine.learn.tokens import WIDTH
from engine.lookahead.checkpoint import shipped
from engine.trace.streams import stream
from engine.units import FloatArray

_STREAM = 6211
WARM_EPISODES = 1
"""Random actions, for the buffer and to standardise the tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long to train, and on what."""

    episodes: int = 40
    cells: int = 32
    updates: int = 4
    """Per tick."""
    buffer: int = 400_000
    seed: int = 0
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the curves show of an episode."""

    episode: int
    episodes: int
    seconds: float
    """Since the start, or since it went on."""
    reward: float
    """Mean score by the priorities in force while it acted."""
    reward_std: float
    """Between cells."""
    critic_loss: float
    entropy: float
    alpha: float
    cost: float
    """Billed slot-seconds over the work that arrived, mean over cells."""
    missed_frac: float
    """Share of requests that waited over half a mean service time or failed."""


OnMoment = Callable[[Moment], None]


def train(
    plan: Plan,
    *,
    folder: Path | None = None,
    on_moment: OnMoment | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Learner:
    """Trains; the same plan gives the same networks on the same machine, in one go or in parts.

    Args:
        plan: how long, and on what.
        folder: keeps the state after each episode; a training stopped there goes on from it.
        on_moment: told after each episode.
        cancel: asked once a tick.

    Raises:
        ReplayCancelled: `cancel` returned true; what was kept after the last episode stays.
    """
    import torch

    from engine.learn.resume import keep, resume

    torch.set_num_threads(1)
    began = time.perf_counter()
    buffer = Buffer(plan.buffer, WIDTH, FUTURES, len(SCORES))
    learner, first = (None, 0) if folder is None else resume(folder, plan, buffer)
    if learner is None:
        learner = _warm(plan, buffer)
    for number in range(first, plan.episodes):
        logged = _episode(plan, learner, buffer, number, cancel)
        if folder is not None:
            keep(folder, plan, learner, buffer, number + 1)
        if on_moment is not None:
            on_moment(
                Moment(
                    episode=number + 1, episodes=plan.episodes,
                    seconds=time.perf_counter() - began, **logged,
                )
            )  # fmt: skip
    return learner


def _warm(plan: Plan, buffer: Buffer) -> Learner:
    """A learner that knows the scale of tokens, and a buffer with random actions in it."""
    learner = Learner(plan.options, plan.seed, np.zeros(WIDTH), np.ones(WIDTH))
    seen = []
    for number in range(WARM_EPISODES):
        rng = stream(plan.seed, _STREAM, 0, number)
        ground = Ground(episode(plan.seed, 1_000_000 + number, plan.cells), shipped())
        trail = Trail(plan.options.steps, plan.options.gamma)
        action = rng.uniform(-1, 1, plan.cells)
        for tick in range(TICKS):
            seen.append(ground.rows.copy())
            swap = rng.random(plan.cells) < 0.1
            action = np.where(swap, rng.uniform(-1, 1, plan.cells), action)
            trail.saw(ground.rows, futures(ground.episode.counts, tick), action)
            ground.step(action)
            made = trail.earned(ground.rewards(tick - LAG)) if tick >= LAG else None
            if made is not None:
                buffer.add(made)
    rows = np.concatenate(seen)
    shift, scale = rows.mean(0), np.maximum(rows.std(0), 1e-2)
    learner.shift, learner.scale = shift.astype(np.float32), scale.astype(np.float32)
    for name in ("rows", "next_rows"):
        held = buffer.columns[name]
        held[: buffer.held] = learner.standard(held[: buffer.held])
    return learner


def _episode(
    plan: Plan,
    learner: Learner,
    buffer: Buffer,
    number: int,
    cancel: Callable[[], bool] | None,
) -> dict[str, float]:
    rng = stream(plan.seed, _STREAM, 1, number)
    ground = Ground(episode(plan.seed, number, plan.cells), shipped())
    weights = fresh_weights(rng, plan.cells)
    trail = Trail(plan.options.steps, plan.options.gamma)
    earned: list[FloatArray] = []
    logs: list[dict[str, float]] = []
    for tick in range(TICKS):
        if cancel is not None and cancel():
            raise ReplayCancelled(
                "the training was stopped", f"episode {number + 1} of {plan.episodes}",
                "Start it again with the same folder: it goes on after the last whole episode",
            )  # fmt: skip
        rows = learner.standard(ground.rows)
        action = learner.act(rows, weights, rng.standard_normal(plan.cells))
        trail.saw(rows, futures(ground.episode.counts, tick), action)
        ground.step(action)
        if tick >= LAG:
            reward = ground.rewards(tick - LAG)
            earned.append((reward * weights).sum(1))
            made = trail.earned(reward)
            if made is not None:
                buffer.add(made)
        learner.pace((number + tick / TICKS) / plan.episodes)
        logs += [
            learner.update(buffer.sample(rng, plan.options.batch), rng)
            for _ in range(plan.updates)
        ]
    return _logged(logs, np.array(earned), ground)


def _logged(logs: list[dict[str, float]], earned: np.ndarray, ground: Ground) -> dict[str, float]:
    mean = {
        name: float(np.mean([log[name] for log in logs if name in log]))
        for name in ("critic_loss", "entropy", "alpha")
    }
    totals = ground.totals(TICKS - LAG)
    by_cell = earned.mean(0)
    return mean | {
        "reward": float(by_cell.mean()),
        "reward_std": float(by_cell.std()),
        "cost": float((totals[:, 2] / np.maximum(totals[:, 3], 1.0)).mean()),
        "missed_frac": float(totals[:, 1].sum() / totals[:, 0].sum()),
    }


def described(plan: Plan) -> dict[str, object]:
    """The plan, JSON-able."""
    return asdict(plan)
