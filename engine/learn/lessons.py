"""What sustained positions of the dial come to, in pairs: the same pools, once for each position.

A position that is tried for a decision or two orders workers that are taken back before they are
ready, so what reinforcement learning sees of more caution is mostly its price. Here every position
is kept for a whole episode against the same arrivals, and the actor is taught to choose, state by
state, the one that earned most from there on. Soft Actor-Critic goes on from that.
"""

import copy
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from engine.learn.cells import GROUND, TICKS, USUAL, Episode, Mixture, episode
from engine.learn.ground import LAG, Ground
from engine.learn.tokens import WIDTH
from engine.lookahead.checkpoint import shipped
from engine.units import FloatArray

PLACES = tuple(np.linspace(-1.0, 1.0, 8).tolist())
"""(A,) positions."""
EVERY, WINDOW = 3, 40
"""Ticks between two states, and over which what follows one is added up."""
KEPT = "lessons.npz"
_FIRST = 3_000_000
"""Number of the first episode: none of those that are learned from otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """N states of pools, each as A sustained positions found it."""

    rows: npt.NDArray[np.float32]
    """(A, N, F) tokens."""
    scores: npt.NDArray[np.float32]
    """(N, A, K) means over the window after the state."""


def lessons(
    seed: int, episodes: int, cells: int, mixture: Mixture = USUAL,
    folder: Path | None = None, stage: Callable[[str], None] = lambda _: None,
) -> Lessons:  # fmt: skip
    """Plays every position on so many episodes; a folder keeps what came of the same before.

    At every tick `stage` is told where it is; what it raises ends the lessons.
    """
    facts = json.dumps([GROUND, WIDTH, seed, episodes, cells, asdict(mixture)])
    kept = None if folder is None else _kept(folder / KEPT, facts)
    if kept is not None:
        return kept
    made = [
        _of(episode(seed, _FIRST + number, cells, mixture),
            partial(stage, f"Lesson {number + 1} of {episodes}"))
        for number in range(episodes)
    ]  # fmt: skip
    found = Lessons(
        rows=np.concatenate([rows for rows, _ in made], 1),
        scores=np.concatenate([scores for _, scores in made]),
    )
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{KEPT}.part"
        with part.open("wb") as file:
            np.savez(file, facts=np.array(facts), rows=found.rows, scores=found.scores)
        part.replace(folder / KEPT)
    return found


def _kept(path: Path, facts: str) -> Lessons | None:
    """What was played before; None: nothing, something else, or a file that was cut off."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file) as kept:
            same = str(kept["facts"]) == facts
            return Lessons(rows=kept["rows"], scores=kept["scores"]) if same else None
    except (OSError, EOFError, ValueError, KeyError, BadZipFile):
        return None


def _of(drawn: Episode, heed: Callable[[], None]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """(A, N, F) rows and (N, A, K) scores of an episode."""
    played = [_played(drawn, place, heed) for place in PLACES]
    rows, scores = (np.stack(parts) for parts in zip(*played, strict=True))
    positions, states, cells, numbers = rows.shape
    told = scores.transpose(1, 2, 0, 3).reshape(states * cells, positions, -1)
    return rows.reshape(positions, states * cells, numbers), told


def _played(
    drawn: Episode, place: float, heed: Callable[[], None]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """(S, C, F) rows and (S, C, K) scores of the windows after them, under one position."""
    ground = Ground(replace(drawn, memory=copy.deepcopy(drawn.memory)), shipped())
    action = np.full(len(drawn.pools), place)
    rows: list[FloatArray] = []
    scores: list[FloatArray] = []
    for tick in range(TICKS):
        heed()
        rows.append(ground.rows.astype(np.float32))
        ground.step(action)
        if tick >= LAG:
            scores.append(ground.rewards(tick - LAG))
    sums = np.concatenate([np.zeros((1, *scores[0].shape)), np.cumsum(scores, 0)])
    first = np.arange(0, len(scores) - WINDOW, EVERY)
    means = (sums[first + WINDOW] - sums[first]) / WINDOW
    return np.stack([rows[at] for at in first]), means.astype(np.float32)
