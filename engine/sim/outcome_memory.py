"""Memory of requests' outcomes, which replays in one thread use one after the other."""

import threading

import numpy as np

from engine.sim import kernel
from engine.sim.kernel import State
from engine.units import AnyArray


def outcomes_of(n: int, *, fresh: bool) -> AnyArray:
    """(N,) kernel.OUTCOME.

    fresh: some are looked at before their request comes, or never come; else memory given up is
    left as it is, since the kernel begins each outcome when its request comes.
    """
    spare = getattr(_SPARE, "outcomes", None)
    _SPARE.outcomes = None
    if spare is not None and len(spare) == n and not fresh:
        return np.asarray(spare)
    outcome = np.zeros(1, kernel.OUTCOME)
    for name in ("arrived_s", "start_s", "end_s"):
        outcome[name] = np.nan
    for name in ("worker", "next_in_queue", "next_to_expire"):
        outcome[name] = kernel.NONE
    if spare is not None and len(spare) == n:
        words = spare.view(np.uint64).reshape(n, outcome.itemsize // 8)
        words[:] = outcome.view(np.uint64)  # as records it takes twice as long
        return np.asarray(spare)
    return np.repeat(outcome, n)  # new memory is touched once, not once a field


_SPARE = threading.local()
"""Outcomes of each thread's last state that was given up; fresh memory took half a replay's time
in the compiled loop (measured)."""


def give_up(state: State) -> None:
    """Lets the next state of this thread have the memory of one that nobody looks at any more."""
    _SPARE.outcomes = state.outcomes
