"""Plays a replay on differently from any of its ticks, from states kept on the way.

A branch is the replay itself, copied: what is not changed in it goes on exactly as it did.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
CHUNK = 4096 * 5
"""Words of outcomes of requests that are kept, or shared with the state before, together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A state. Outcomes, most of its bytes, hardly differ from those of the state before."""

    replay: Replay
    """Without outcomes, so it is never played itself."""
    outcomes: tuple[AnyArray, ...]
    """Words, in chunks; those that are equal are the state's before."""

    def fork(self, into: AnyArray) -> Replay:
        """A copy to be played on, its outcomes written over `into` (N,)."""
        np.concatenate(self.outcomes, out=_words(into))
        return self.replay.fork(into)


def _words(outcomes: AnyArray) -> AnyArray:
    """The same memory as whole numbers: quicker to copy, and equal only where every bit is."""
    return outcomes.view(np.uint64)


def _kept(front: Replay, before: _Kept | None) -> _Kept:
    every = _words(front.fleet.state.outcomes)
    chunks = [every[at : at + CHUNK] for at in range(0, max(1, len(every)), CHUNK)]
    known = [None] * len(chunks) if before is None else before.outcomes
    outcomes = tuple(
        old if old is not None and np.array_equal(old, new) else new.copy()
        for old, new in zip(known, chunks, strict=True)
    )
    return _Kept(replay=front.fork(front.fleet.state.outcomes[:0]), outcomes=outcomes)


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
        spare = budget_bytes - 3 * self._front.fleet.state.outcomes.nbytes
        kept = max(1, min(KEPT, spare // _bytes(self._front)))
        self._every = ceil(self.ticks / kept)
        self._states = [_kept(self._front, None)]
        self._asked = self._states[0]
        """At the tick that was asked for last."""
        self._idle: list[AnyArray] = []
        """Memory for outcomes of branches that were lent. Fresh memory is slow at first."""

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
        return self._branch(tick, self._memory())

    @contextmanager
    def lent(self, tick: int) -> Iterator[Replay]:
        """As `at`, sooner: the copy is not to be used afterwards, its memory is used again."""
        memory = self._idle.pop() if self._idle else self._memory()
        try:
            yield self._branch(tick, memory)
        finally:
            self._idle.append(memory)

    def prepare(self) -> None:
        """Plays the whole replay, so that every branch is near a state. Raises ReplayCancelled."""
        self.play_to(self.ticks)
        if not self._idle:
            self._idle.append(self._memory())

    def _memory(self) -> AnyArray:
        """(N,) for the outcomes of a branch, touched once."""
        return self._front.fleet.state.outcomes.copy()

    def _branch(self, tick: int, into: AnyArray) -> Replay:
        assert 0 <= tick <= self.ticks
        self.play_to(tick)
        if self._asked.replay.tick != tick:
            self._asked = self._played(tick, into)
        return self._asked.fork(into)

    def _played(self, tick: int, memory: AnyArray) -> _Kept:
        """The state at a tick, played from the one before it."""
        starts = [state.replay.tick for state in self._states]
        before = self._states[bisect_right(starts, tick) - 1]
        if before.replay.tick == tick:
            return before
        if self._front.tick == tick:
            return _kept(self._front, before)
        branch = before.fork(memory)
        while branch.tick < tick:
            branch.decide(branch.tick)
            branch.advance(branch.tick)
        return _kept(branch, before)

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
