"""Plays a replay for its measures alone: nothing is recorded, so it is quicker than `play`."""

import math
from collections.abc import Callable

from engine.errors import ReplayCancelled
from engine.policies.base import OwnLoop
from engine.replay import Replay
from engine.sim import kernel

ASKED_EVERY = 64
"""Ticks between two looks at the wish to stop."""


def run_out(run: Replay, cancel: Callable[[], bool] | None = None) -> None:
    """Steps a run through its window and lets what is in the system finish.

    A policy that has a loop of its own for such runs plays it in that one.

    Raises:
        ReplayCancelled: `cancel` returned true.
        PolicyError: the policy proposed something impossible.
        PolicyFailed: the policy raised an error of its own.
    """
    if isinstance(run.policy, OwnLoop) and run.policy.played(run, cancel):
        return
    for tick in range(run.ticks):
        if cancel is not None and tick % ASKED_EVERY == 0 and cancel():
            raise ReplayCancelled(
                "the evaluation was stopped", f"{tick / run.ticks:.0%} of a replay",
                "Start it again when you like: it goes on where it was",
            )  # fmt: skip
        run.decide(tick)
        run.advance(tick)
    kernel.advance(run.fleet.state, math.inf)
