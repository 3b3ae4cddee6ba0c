"""The training loop: episodes of many cells, four updates a tick, a checkpoint to go on from."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.device import device_for
from engine.errors import CheckpointError, ReplayCancelled
from engine.learn.cells import FUTURES, GROUND, TICKS, USUAL, Mixture, episode, futures
from engine.learn.checkpoint import sizes
from engine.learn.forms import DIAL
from engine.learn.ground import LAG, Ground
from engine.learn.lessons import lessons
from engine.learn.moments import Moment, OnMoment, facts_kept, logged, moments_of
from engine.learn.prioritised import UNIFORM, Prioritised
from engine.learn.replay_buffer import Buffer, Scores, Trail
from engine.learn.rewards import SCORES, fresh_weights
from engine.learn.tokens import GROUPS, WIDTH
from engine.lookahead.checkpoint import shipped
from engine.trace.streams import stream
from engine.units import AnyArray, FloatArray
from models.sac_options import Options

if TYPE_CHECKING:
    from torch import Tensor

    from models.sac import Batch, Learner
    from models.sac_taught import Teacher

SIZES = sizes(FUTURES)

_STREAM = 6211
_STILL = 1 << 30
"""Updates of the critics for one of the actor, while it stands still."""
_LIKELY, _SURE = GROUPS["forecast"][0], GROUPS["forecast"][-1]
"""Numbers of the median and of the highest quantile ahead."""
_RELIABILITY = SCORES.index("reliability")
WARM_EPISODES = 1
"""Random actions, for the buffer and to standardise the tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long to train, and on what."""

    episodes: int = 40
    cells: int = 32
    updates: int = 4
    """Per tick."""
    repeat: int = 2
    """Ticks that a position of the dial is kept while training; targets follow every tick. A
    change for one tick alone has hardly an effect to learn from: what it orders is cancelled."""
    smooth: float = 0.9
    """Correlation of the exploration from one decision to the next."""
    lessons: int = 0
    """Episodes in which every position is sustained, from which the actor learns first."""
    lesson_steps: int = 3000
    """Of its optimizer."""
    remind: float = 0.0
    """Weight of the lessons' loss beside that of Soft Actor-Critic, which forgets them else."""
    critics_first: int = 1500
    """Updates after the lessons in which the actor stands still: new critics know nothing."""
    buffer: int = 400_000
    replay: str = UNIFORM
    """How the buffer is sampled, one of REPLAYS."""
    form: str = DIAL
    """What an action means, one of FORMS; only the dial makes a policy."""
    hidden: tuple[str, ...] = ()
    """Groups of tokens that no network sees; of use for ablations only."""
    mixture: Mixture = USUAL
    """What pools are drawn from."""
    executed: bool = False
    """Learns from the position of the dial that was executed, rather than from the one chosen."""
    value_updates: int = 3000
    """Of the network that says for explanations what each score will come to."""
    seed: int = 0
    options: Options = field(default_factory=Options)


GENTLE_RATE = 4e-4
"""Of an actor that begins with what lessons taught it."""


Stage = Callable[[str], None]
"""Told at every tick and step before the first episode, and after the last one, where it is."""


def train(
    plan: Plan,
    *,
    folder: Path | None = None,
    on_moment: OnMoment | None = None,
    on_stage: Stage | None = None,
    cancel: Callable[[], bool] | None = None,
    start: "Learner | None" = None,
    device: str = "auto",
) -> "Learner":
    """Trains; the same plan gives the same networks on the same machine, in one go or in parts.

    Args:
        plan: how long, and on what.
        folder: keeps the state after each episode; a training stopped there goes on from it.
        on_moment: told after each episode.
        on_stage: told what is being done before the first and after the last of them.
        cancel: asked once a tick or step.
        start: goes on from its networks, which it changes, where they are; None: from new ones.
        device: of new networks, one of `engine.device.DEVICES`.

    Raises:
        UsageError: the device is not there.
        ReplayCancelled: `cancel` returned true; what was kept after the last episode stays.
        CheckpointError: the folder holds a training of another plan, or a damaged one.
    """
    import torch

    from models.sac_state import keep
    from models.sac_values import distil

    torch.set_num_threads(1)
    device = device_for(device)
    began = time.perf_counter()
    buffer = _buffer(plan)
    moments = [] if folder is None else moments_of(folder)

    def kept(done: int) -> None:
        if folder is not None:
            facts = {
                "plan": described(plan), "done": done, "at": buffer.at, "top": buffer.top,
                "moments": [asdict(moment) for moment in moments], "ground": [GROUND, WIDTH],
            }  # fmt: skip
            keep(folder, learner, buffer.columns, facts)

    def stage(text: str) -> None:
        if on_stage is not None:
            on_stage(text)
        _heed(cancel, text)

    resumed = _resumed(folder, plan, buffer, device, stage)
    learner, first = resumed or (_warm(plan, buffer, start, folder, device, stage), 0)
    if resumed is None:
        kept(0)
    for number in range(first, plan.episodes):
        curves = _episode(plan, learner, buffer, number, cancel)
        moment = Moment(
            episode=number + 1, episodes=plan.episodes, seconds=time.perf_counter() - began,
            **curves,
        )  # fmt: skip
        moments.append(moment)
        kept(number + 1)
        if on_moment is not None:
            on_moment(moment)
    if plan.value_updates:
        rng = stream(plan.seed, _STREAM, 2)

        def drawn() -> "Batch":
            stage("Learning what each score will come to")
            return _batch(plan, buffer, rng)

        learner.values = distil(learner, drawn, rng, plan.value_updates)
    return learner


def _buffer(plan: Plan) -> Buffer:
    sizes_of = (plan.buffer, WIDTH, FUTURES, len(SCORES))
    return Buffer(*sizes_of) if plan.replay == UNIFORM else Prioritised(*sizes_of, plan.replay)


def _resumed(
    folder: Path | None, plan: Plan, buffer: Buffer, device: str, stage: Stage
) -> "tuple[Learner, int] | None":
    """The learner that is kept there and the episodes it has done, its buffer filled."""
    from models.sac_state import resume

    facts = None if folder is None else facts_kept(folder)
    if folder is None or facts is None:
        return None
    if facts["plan"] != json.loads(json.dumps(described(plan))):
        raise CheckpointError(
            "a training with other settings was begun there", str(folder),
            "Use the same settings, another folder, or remove the folder",
        )  # fmt: skip
    if facts.get("ground") != [GROUND, WIDTH]:
        raise CheckpointError(
            "an older version of the program has begun the training that is kept there",
            str(folder), "Use another folder, or remove the folder: the training begins anew",
        )  # fmt: skip
    kept = resume(folder, plan.options, SIZES, device)
    buffer.fill(kept.columns, int(facts["at"]), float(facts.get("top", 1.0)))
    if plan.lessons and plan.remind:
        _reminded(plan, kept.learner, _teacher(plan, kept.learner, folder, stage))
    return kept.learner, int(facts["done"])


def _warm(
    plan: Plan, buffer: Buffer, start: "Learner | None", folder: Path | None, device: str,
    stage: Stage,
) -> "Learner":  # fmt: skip
    """A learner that knows the scale of tokens, and a buffer with random actions in it."""
    seen = []
    for number in range(WARM_EPISODES):
        rng = stream(plan.seed, _STREAM, 0, number)
        made = episode(plan.seed, 1_000_000 + number, plan.cells, plan.mixture)
        ground = Ground(made, shipped(), plan.form)
        trail = Trail(plan.options.steps, plan.options.gamma)
        action = rng.uniform(-1, 1, plan.cells)
        scores = Scores(plan.repeat)
        for tick in range(TICKS):
            stage("Warming up")
            seen.append(ground.rows.copy())
            if tick % plan.repeat == 0:
                swap = rng.random(plan.cells) < 0.05
                action = np.where(swap, rng.uniform(-1, 1, plan.cells), action)
            _played(plan, ground, trail, seen[-1], action)
            if tick >= LAG:
                _keep_whole(scores.add(ground.rewards(tick - LAG)), trail, buffer)
    learner = _learner(plan, np.concatenate(seen), device) if start is None else start
    for name in ("rows", "next_rows"):
        buffer.columns[name][:] = learner.standard(buffer.columns[name])
    if plan.lessons and start is None:
        _taught(plan, learner, buffer, folder, stage)
    return learner


def _taught(
    plan: Plan, learner: "Learner", buffer: Buffer, folder: Path | None, stage: Stage
) -> None:
    """Teaches the actor, then the critics what it comes to."""
    from models.sac_taught import teach

    teacher, rng = _teacher(plan, learner, folder, stage), stream(plan.seed, _STREAM, 3)
    teach(learner, teacher, rng, plan.lesson_steps, partial(stage, "Learning from lessons"))
    learner.options = replace(plan.options, actor_every=_STILL)
    for _ in range(plan.critics_first):
        stage("Critics learn first")
        _update(plan, learner, buffer, rng)
    learner.options = plan.options
    if plan.remind:
        _reminded(plan, learner, teacher)


def _teacher(plan: Plan, learner: "Learner", folder: Path | None, stage: Stage) -> "Teacher":
    from models.sac_taught import Teacher

    made = lessons(plan.seed, plan.lessons, plan.cells, plan.mixture, folder, stage)
    return Teacher(learner.standard(made.rows), made.scores, fresh_weights)


def _reminded(plan: Plan, learner: "Learner", teacher: "Teacher") -> None:
    """Lessons go on beside what the critics say; the draws depend on the update's number only."""

    def loss() -> "Tensor":
        rng = stream(plan.seed, _STREAM, 4, learner.updates)
        return plan.remind * teacher.loss(learner, rng, plan.options.batch)

    learner.reminder = loss


def _learner(plan: Plan, rows: FloatArray, device: str) -> "Learner":
    """New networks, for tokens like these (n, F); hidden ones are 0 to them."""
    from models.learners import learner_of

    shift, scale = rows.mean(0), np.maximum(rows.std(0), 1e-2)
    for group in plan.hidden:
        scale[list(GROUPS[group])] = np.inf
    return learner_of(
        plan.options, SIZES, plan.seed, shift.astype(np.float32), scale.astype(np.float32), device
    )


def _episode(
    plan: Plan,
    learner: "Learner",
    buffer: Buffer,
    number: int,
    cancel: Callable[[], bool] | None,
) -> dict[str, Any]:
    rng = stream(plan.seed, _STREAM, 1, number)
    ground = Ground(episode(plan.seed, number, plan.cells, plan.mixture), shipped(), plan.form)
    weights = fresh_weights(rng, plan.cells)
    noise = rng.standard_normal(plan.cells)
    trail = Trail(plan.options.steps, plan.options.gamma)
    scores = Scores(plan.repeat)
    earned: list[FloatArray] = []
    logs: list[dict[str, float]] = []
    for tick in range(TICKS):
        _heed(cancel, f"episode {number + 1} of {plan.episodes}")
        if tick % plan.repeat == 0:
            rows = learner.standard(ground.rows)
            noise = _next_noise(plan, noise, rng)
            action = learner.act(rows, weights, noise)
        _played(plan, ground, trail, rows, action)
        if tick >= LAG:
            reward = ground.rewards(tick - LAG)
            earned.append((reward * weights).sum(1))
            _keep_whole(scores.add(reward), trail, buffer)
        done = (number + tick / TICKS) / plan.episodes
        learner.pace(done)
        buffer.pace(done)
        logs += [_update(plan, learner, buffer, rng) for _ in range(plan.updates)]
    return logged(logs, np.array(earned), ground)


def _played(plan: Plan, ground: Ground, trail: Trail, rows: AnyArray, action: FloatArray) -> None:
    """Plays a tick; where it begins a decision, the trail has it, with the rows seen before."""
    tick = ground.tick
    executed = ground.step(action)
    if tick % plan.repeat == 0:
        done = executed if plan.executed else action
        trail.saw(rows, futures(ground.episode.counts, tick), done)


def _heed(cancel: Callable[[], bool] | None, where: str) -> None:
    if cancel is not None and cancel():
        raise ReplayCancelled(
            "the training was stopped", where,
            "Start it again with the same folder: it goes on after its last whole episode, if any",
        )  # fmt: skip


def _next_noise(plan: Plan, noise: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(P,) standard normal, correlated with what it was."""
    fresh = rng.standard_normal(len(noise))
    made: FloatArray = plan.smooth * noise + np.sqrt(1.0 - plan.smooth**2) * fresh
    return made


def _keep_whole(reward: FloatArray | None, trail: Trail, buffer: Buffer) -> None:
    made = None if reward is None else trail.earned(reward)
    if made is not None:
        buffer.add(made)


def _update(
    plan: Plan, learner: "Learner", buffer: Buffer, rng: np.random.Generator
) -> dict[str, float]:
    """One update on transitions under priorities that are drawn anew."""
    batch = _batch(plan, buffer, rng)
    noise = rng.standard_normal((2, len(batch.action))).astype(np.float32)
    told = learner.update(batch, noise)
    doubt = np.abs(batch.rows[:, _SURE] - batch.rows[:, _LIKELY])
    buffer.learned(learner.surprise, doubt, batch.reward[:, _RELIABILITY] < _whole(plan))
    return told


def _whole(plan: Plan) -> float:
    """A return of reliability in which hardly a request missed."""
    powers = plan.options.gamma ** np.arange(plan.options.steps)
    return float(powers.sum()) - 0.1


def _batch(plan: Plan, buffer: Buffer, rng: np.random.Generator) -> "Batch":
    from models.sac import Batch

    made = buffer.sample(rng, plan.options.batch)
    weights = fresh_weights(rng, plan.options.batch).astype(np.float32)
    return Batch(*made, weights, buffer.importance)


def described(plan: Plan) -> dict[str, Any]:
    """The plan, JSON-able."""
    return asdict(plan)
