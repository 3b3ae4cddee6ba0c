"""Plays a replay on differently from any of its ticks, from states kept on the way.

A branch is the replay itself, copied: what is not changed in it goes on exactly as it did.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np

from engine.errors import ReplayCancelled
from engine.replay import Probe, Replay, ReplaySpec, set_up
from engine.units import AnyArray

__all__ = ["Branches"]

BUDGET_BYTES = 512 * 2**20
"""For all states that are kept."""
KEPT = 96
"""States at most; between two of them the replay is played again."""
CHUNK = 4096
"""Outcomes of requests that are kept, or shared with the state before, together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A state. Outcomes, most of its bytes, hardly differ from those of the state before."""

    replay: Replay
    """Its outcomes are those of the replay that is played on, so it is never played itself."""
    outcomes: tuple[AnyArray, ...]
    """In chunks; those that are equal are the state's before."""

    def fork(self) -> Replay:
        return self.replay.fork(np.concatenate(self.outcomes))


def _kept(front: Replay, before: _Kept | None) -> _Kept:
    every = front.fleet.state.outcomes
    chunks = [every[at : at + CHUNK] for at in range(0, max(1, len(every)), CHUNK)]
    known = [None] * len(chunks) if before is None else before.outcomes
    outcomes = tuple(
        old if old is not None and old.tobytes() == new.tobytes() else new.copy()
        for old, new in zip(known, chunks, strict=True)
    )
    return _Kept(replay=front.fork(every), outcomes=outcomes)


class Branches:
    """One replay, played once as far as it is asked for, with states to branch off from."""

    def __init__(
        self,
        spec: ReplaySpec,
        *,
        budget_bytes: int = BUDGET_BYTES,
        probe: Probe | None = None,
        cancel: Callable[[], bool] | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """Keeps the state at the start.

        Args:
            spec: of the run.
            budget_bytes: for states; at least the one at the start is kept.
            probe: told of each evaluation as the replay is played for the first time.
            cancel: asked while it is played.
            progress: told the share of the way to the tick that was asked for.
        """
        (self._front,) = set_up([spec])
        self._front.probe = probe
        self._cancel, self._progress = cancel, progress
        self.ticks = self._front.ticks
        spare = budget_bytes - 2 * self._front.fleet.state.outcomes.nbytes
        kept = max(1, min(KEPT, spare // _bytes(self._front)))
        self._every = ceil(self.ticks / kept)
        self._states = [_kept(self._front, None)]
        self._asked: Replay | None = None
        """At the tick that was asked for last; never played."""

    @property
    def first(self) -> Replay:
        """The replay itself, as far as it was played."""
        return self._front

    def at(self, tick: int) -> Replay:
        """A copy of the replay at the start of a tick, before anything is decided in it.

        Raises:
            ReplayCancelled: `cancel` returned true on the way there.
            PolicyError: the policy cannot be copied.
        """
        assert 0 <= tick <= self.ticks
        self.play_to(tick)
        asked = self._asked
        if asked is None or asked.tick != tick:
            asked = self._asked = self._played(tick)
        return asked.fork()

    def _played(self, tick: int) -> Replay:
        if self._front.tick == tick:
            return self._front.fork()
        starts = [state.replay.tick for state in self._states]
        branch = self._states[bisect_right(starts, tick) - 1].fork()
        while branch.tick < tick:
            branch.decide(branch.tick)
            branch.advance(branch.tick)
        return branch

    def play_to(self, tick: int) -> None:
        """Plays the replay itself on, keeping states. Raises ReplayCancelled."""
        front, from_tick = self._front, self._front.tick
        while front.tick < tick:
            if front.tick % 64 == 0:
                self._look_up((front.tick - from_tick) / (tick - from_tick))
            front.decide(front.tick)
            front.advance(front.tick)
            if front.tick % self._every == 0:
                self._states.append(_kept(front, self._states[-1]))

    def _look_up(self, share: float) -> None:
        if self._progress is not None:
            self._progress(share)
        if self._cancel is not None and self._cancel():
            raise ReplayCancelled(
                "the replay was cancelled", f"{share:.0%} of the way",
                "Start it again when you like; nothing was changed",
            )  # fmt: skip


def _bytes(replay: Replay) -> int:
    """Of one state without outcomes: what changes of the simulator, and what is kept of ticks."""
    state = replay.fleet.state
    fixed = {
        id(array)
        for array in (
            state.requests, state.roots, state.traits, state.startup_draws, state.outcomes
        )
    }  # fmt: skip
    arrays = sum(array.nbytes for array in state if id(array) not in fixed)
    return arrays + replay.counters.nbytes + replay.integrals.nbytes
