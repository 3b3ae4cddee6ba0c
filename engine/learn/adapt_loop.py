"""The fine-tuning loop: critics first, then the actor, the best by a validation part, early stop.

What is lived through is mostly windows of the operator's own trace; the rest is generated, so
that what is known of other demand is not forgotten.
"""

import copy
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.device import device_for
from engine.errors import CheckpointError, ReplayCancelled
from engine.learn.adapt_cells import OwnPool, Part, own_episode
from engine.learn.adapt_learner import options_of, restored, write
from engine.learn.cells import FUTURES, GROUND, TICKS, futures
from engine.learn.ground import LAG, Ground
from engine.learn.moments import Moment, facts_kept, logged
from engine.learn.replay_buffer import Buffer, Scores, Trail
from engine.learn.rewards import SCORES, fresh_weights
from engine.learn.tokens import WIDTH
from engine.learn.training import SIZES
from engine.lookahead.checkpoint import shipped
from engine.trace.streams import stream
from engine.units import FloatArray
from models.sac_options import Options

if TYPE_CHECKING:
    from models.sac import Learner

BEST = "best"
"""Folder of the best checkpoint so far, in that of the training."""
COSTS = (0.05, 0.2, 0.5, 0.8)
"""Weights of cost under which the validation part is played; latency and reliability share the
rest."""
Act = Callable[[FloatArray, FloatArray], FloatArray]
"""(P,) positions of the dial, from (P, F) tokens and (P, K) priorities."""
_STREAM = 6311
_ONLY_CRITICS = 1 << 30
"""Updates of the critics for one of the actor, while it stands still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How long to fine-tune, and how."""

    episodes: int = 16
    """At most."""
    cells: int = 16
    own: int = 12
    """Cells that are windows of the trace."""
    updates: int = 4
    """Per tick."""
    repeat: int = 2
    """Ticks that a position of the dial is kept while learning."""
    smooth: float = 0.9
    """Correlation of the exploration from one decision to the next."""
    critics_first: int = 2
    """Episodes in which the actor stands still: new critics know nothing yet."""
    patience: int = 4
    """Episodes without a better validation after which it stops."""
    judged: int = 16
    """Windows of the validation part."""
    buffer: int = 150_000
    seed: int = 0
    options: Options = field(default_factory=lambda: Options(rate=2e-4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Moment):
    """What the curves show of an episode; entropy is None while the actor stands still, too."""

    validation: float
    """Mean score on the validation part, without exploration."""
    best: bool
    """Whether no validation before was as good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a fine-tuning ended."""

    before: float
    """Validation of what it began from."""
    best: float
    best_episode: int
    """0: nothing was better than what it began from."""
    episodes: int
    stopped: str
    """`patience` or `episodes`."""


@dataclass(slots=True, kw_only=True)
class _Course:
    """How far it is; kept between episodes."""

    done: int = 0
    before: float
    best: float
    best_episode: int = 0


def fine_tune(
    tuning: Tuning,
    pools: tuple[OwnPool, ...],
    learn: Part,
    judge: Part,
    *,
    start: Path | None,
    folder: Path,
    facts: dict[str, Any],
    on_step: Callable[[Step], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    device: str = "auto",
) -> Ending:
    """Fine-tunes; what was stopped goes on after its last whole episode.

    Args:
        tuning: how.
        pools: of the trace.
        learn: part that windows to learn from are drawn from.
        judge: part of the validation, later than `learn`.
        start: checkpoint to begin from; None: the shipped one.
        folder: keeps the state; its subfolder BEST the best checkpoint.
        facts: JSON-able; a folder with other ones belongs to another fine-tuning.
        on_step: told after each episode.
        cancel: asked once a tick.
        device: one of `engine.device.DEVICES`.

    Raises:
        UsageError: the device is not there.
        ReplayCancelled: `cancel` returned true; the folder keeps the last whole episode.
        CheckpointError: the start cannot be read, or the folder holds another training.
    """
    import torch

    from models.sac_state import keep

    torch.set_num_threads(1)
    device = device_for(device)
    began = time.perf_counter()
    buffer = Buffer(tuning.buffer, WIDTH, FUTURES, len(SCORES))
    examined = validation(tuning, pools, judge, cancel)

    def score(learner: "Learner") -> float:
        return examined(lambda rows, weights: learner.act(learner.standard(rows), weights, None))

    tuning = replace(tuning, options=options_of(start, tuning.options))
    whole = {**facts, "tuning": asdict(tuning), "ground": [GROUND, WIDTH]}
    resumed = _resumed(folder, tuning, buffer, whole, device)
    learner, course = resumed or _begun(restored(start, tuning.options, device), score)
    for number in range(course.done, tuning.episodes):
        if number - max(course.best_episode, tuning.critics_first) >= tuning.patience:
            return _ended(course, number, "patience")
        rate = 1 if number >= tuning.critics_first else _ONLY_CRITICS
        every = tuning.options.actor_every * rate
        learner.options = replace(tuning.options, actor_every=every)
        curves = _episode(tuning, learner, buffer, number, (pools, learn), cancel)
        found = score(learner)
        better = number >= tuning.critics_first and found > course.best
        if better:
            course.best, course.best_episode = found, number + 1
            rng = stream(tuning.seed, _STREAM, number, 1)
            write(learner, buffer, rng, folder / BEST, {"episode": number + 1, **whole})
        course.done = number + 1
        keep(folder, learner, buffer.columns,
             {**whole, "at": buffer.at, "course": asdict(course)})  # fmt: skip
        if on_step is not None:
            on_step(
                Step(
                    episode=number + 1, episodes=tuning.episodes,
                    seconds=time.perf_counter() - began, validation=found, best=better, **curves,
                )
            )  # fmt: skip
    return _ended(course, tuning.episodes, "episodes")


def validation(
    tuning: Tuning,
    pools: tuple[OwnPool, ...],
    judge: Part,
    cancel: Callable[[], bool] | None = None,
) -> Callable[[Act], float]:
    """What says the mean score of a way to act: always on the same windows and priorities.

    Args:
        tuning: its seed and how many windows.
        pools: of the trace.
        judge: part that windows are drawn from.
        cancel: asked once a tick.
    """
    exam = own_episode(
        pools, judge, seed=tuning.seed, number=900_000, cells=tuning.judged, own=tuning.judged
    )

    def score(act: Act) -> float:
        memory = copy.deepcopy(exam.memory)  # the ground writes into it
        return _examined(act, Ground(replace(exam, memory=memory), shipped()), cancel)

    return score


def _ended(course: _Course, episodes: int, stopped: str) -> Ending:
    return Ending(
        before=course.before, best=course.best, best_episode=course.best_episode,
        episodes=episodes, stopped=stopped,
    )  # fmt: skip


def _begun(learner: "Learner", score: Callable[["Learner"], float]) -> tuple["Learner", _Course]:
    before = score(learner)
    return learner, _Course(before=before, best=before)


def _resumed(
    folder: Path, tuning: Tuning, buffer: Buffer, whole: dict[str, Any], device: str
) -> tuple["Learner", _Course] | None:
    """What is kept there."""
    from models.sac_state import resume

    facts = facts_kept(folder)
    if facts is None:
        return None
    if {name: facts.get(name) for name in whole} != json.loads(json.dumps(whole)):
        raise CheckpointError(
            "another fine-tuning was begun there", str(folder),
            "Use the same trace and settings, another folder, or remove the folder",
        )  # fmt: skip
    kept = resume(folder, tuning.options, SIZES, device)
    buffer.fill(kept.columns, int(facts["at"]))
    return kept.learner, _Course(**facts["course"])


def _episode(
    tuning: Tuning,
    learner: "Learner",
    buffer: Buffer,
    number: int,
    source: tuple[tuple[OwnPool, ...], Part],
    cancel: Callable[[], bool] | None,
) -> dict[str, Any]:
    """Acts with exploration for an episode, learns at every tick."""
    rng = stream(tuning.seed, _STREAM, number)
    made = own_episode(
        *source, seed=tuning.seed, number=number, cells=tuning.cells, own=tuning.own
    )
    ground = Ground(made, shipped())
    weights, noise = fresh_weights(rng, tuning.cells), rng.standard_normal(tuning.cells)
    trail = Trail(tuning.options.steps, tuning.options.gamma)
    scores = Scores(tuning.repeat)
    earned: list[FloatArray] = []
    logs: list[dict[str, float]] = []
    for tick in range(TICKS):
        _check(cancel, number)
        if tick % tuning.repeat == 0:
            rows = learner.standard(ground.rows)
            fresh = rng.standard_normal(tuning.cells)
            noise = tuning.smooth * noise + np.sqrt(1.0 - tuning.smooth**2) * fresh
            action = learner.act(rows, weights, noise)
            trail.saw(rows, futures(made.counts, tick), action)
        ground.step(action)
        if tick >= LAG:
            reward = ground.rewards(tick - LAG)
            earned.append((reward * weights).sum(1))
            mean = scores.add(reward)
            whole = None if mean is None else trail.earned(mean)
            if whole is not None:
                buffer.add(whole)
        learner.pace((number + tick / TICKS) / tuning.episodes)
        if buffer.held >= tuning.options.batch:
            logs += [_update(learner, buffer, rng) for _ in range(tuning.updates)]
    return logged(logs, np.array(earned), ground)


def _update(learner: "Learner", buffer: Buffer, rng: np.random.Generator) -> dict[str, float]:
    """One update on transitions under priorities that are drawn anew."""
    from models.sac import Batch

    number = learner.options.batch
    weights = fresh_weights(rng, number).astype(np.float32)
    noise = rng.standard_normal((2, number)).astype(np.float32)
    return learner.update(Batch(*buffer.sample(rng, number), weights), noise)


def _examined(act: Act, ground: Ground, cancel: Callable[[], bool] | None) -> float:
    """Mean score over an episode, under priorities from cautious to cheap."""
    cells = len(ground.episode.pools)
    costs = np.resize(np.array(COSTS), cells)
    weights = np.zeros((cells, len(SCORES)))
    weights[:, SCORES.index("cost")] = costs
    weights[:, SCORES.index("latency")] = 0.6 * (1.0 - costs)
    weights[:, SCORES.index("reliability")] = 0.4 * (1.0 - costs)
    earned = []
    for tick in range(TICKS):
        _check(cancel, None)
        ground.step(act(ground.rows, weights))
        if tick >= LAG:
            earned.append(float((ground.rewards(tick - LAG) * weights).sum(1).mean()))
    return float(np.mean(earned))


def _check(cancel: Callable[[], bool] | None, number: int | None) -> None:
    if cancel is not None and cancel():
        where = "the validation" if number is None else f"episode {number + 1}"
        raise ReplayCancelled(
            "the fine-tuning was stopped", where,
            "Start it again: it goes on after the last whole episode",
        )  # fmt: skip
