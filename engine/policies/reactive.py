"""Reactive scaling: capacity for the demand just measured, at a target utilisation."""

import copy

import numpy as np

from engine.policies import parameters as check
from engine.policies.base import Action, Observation, PolicyContext, Reason
from engine.policies.demand import CONSTRAINTS, DemandWatch

NAME = "reactive"


class Reactive:
    """Capacity for the demand of the last half minute, at a target utilisation; no forecast.

    workers = ⌈rate · service / (slots · target) + backlog⌉, where rate is that of arrivals over
    `window_s`, service the mean seconds that requests held a slot, and backlog the workers that
    would empty the queue within `drain_s`. It reads arrivals, so unlike a rule on utilisation it
    sees demand beyond the present capacity.
    """

    constraints = CONSTRAINTS

    def __init__(
        self,
        context: PolicyContext,
        *,
        target: float = 0.7,
        window_s: float = 30.0,
        drain_s: float = 0.0,
        hold_s: float = 0.0,
        interval_s: float | None = None,
    ) -> None:
        """Remembers nothing yet.

        Args:
            context: the pools and the tick.
            target: share of slots wanted in use, above 0 and up to 1.
            window_s: seconds over which arrivals are counted, 1 to 3600.
            drain_s: seconds in which what waits should be served, 0 or more; 0: what waits does
                not count.
            hold_s: the highest proposal of so many seconds stands, 0 or more.
            interval_s: seconds between proposals, a multiple of the tick; 15 if not given.
        """
        self.interval_s = context.tick_s
        self._target = check.share(NAME, "target", target)
        self._window_s = check.number(NAME, "window_s", window_s, 1.0, 3600.0)
        self._drain_s = check.number(NAME, "drain_s", drain_s, 0.0)
        self._watch = DemandWatch(NAME, context, interval_s=interval_s, hold_s=hold_s)

    def propose(self, observation: Observation) -> Action:
        """A target for each pool, from its arrivals."""
        watch = self._watch
        if not watch.due(observation):
            return watch.silent(Reason.NOT_DUE)
        rate, service_s = watch.lookahead.measured(self._window_s)
        wanted = watch.workers(
            rate * service_s, observation, service_s, target=self._target, drain_s=self._drain_s
        )
        numbers = {
            "rate_per_s": rate,
            "service_s": service_s,
            "target": np.full(len(rate), self._target),
        }
        return watch.answer(observation, wanted, numbers)

    def without(self, *reasons: Reason) -> "Reactive":
        """A copy, with its memory, in which some of its own constraints no longer bind."""
        lifted = copy.deepcopy(self)
        lifted._watch.lift(*reasons)
        return lifted
