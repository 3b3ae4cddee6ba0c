"""As many workers as the demand takes, on as few nodes as that takes; the others sleep."""

import math
from collections import deque

import numpy as np

from engine.policies import parameters as check
from engine.policies.base import Action, GroupAction, Observation, PolicyContext, Reason

NAME = "power-saver"
_ROUNDING = 1e-9


class PowerSaver:
    """Follows the demand and puts nodes to sleep: workers of the emptiest move, idle ones sleep.

    Workers: ceil(d / (slots x target)), d the largest work that arrived in a tick of the last
    `window_s`, in busy slots. Nodes: of each group `migrate` and `suspend` say how eagerly, from
    -1, never, to 1; see `group_action`.
    """

    def __init__(
        self,
        context: PolicyContext,
        *,
        target: float = 0.7,
        window_s: float = 300.0,
        migrate: float = 0.0,
        suspend: float = -0.9,
        every_s: float = 60.0,
    ) -> None:
        """Starts with nothing seen.

        Args:
            context: the pools, the node groups and the tick.
            target: share of slots in use that is aimed at, above 0 and up to 1.
            window_s: seconds over which the largest demand counts, 0 or more.
            migrate: of the nodes in use, the share (migrate + 1) / 2 is to be emptied, -1 to 1.
            suspend: nodes busy for less than the share (suspend + 1) / 2 are to sleep, -1 to 1.
            every_s: seconds between evaluations, a multiple of the tick.
        """
        self.interval_s = check.interval(NAME, "every_s", every_s, context.tick_s)
        self._target = check.share(NAME, "target", target)
        window = check.number(NAME, "window_s", window_s, 0.0)
        self._group = group_action(
            check.number(NAME, "migrate", migrate, -1.0, 1.0),
            check.number(NAME, "suspend", suspend, -1.0, 1.0),
        )
        self._groups = (self._group,) * len(context.groups)
        self._slots = np.array([pool.slots for pool in context.pools]) * self._target
        self._seen: deque[np.ndarray] = deque(maxlen=max(1, math.ceil(window / self.interval_s)))

    def propose(self, observation: Observation) -> Action:
        """Workers for each pool, and what becomes of nodes."""
        self._seen.append(observation.offered_slots)
        demand = np.fmax.reduce(self._seen)  # nan: nothing is known yet
        wanted = np.ceil(demand / self._slots - _ROUNDING)
        wanted = np.where(np.isnan(wanted), observation.target, wanted)
        change = np.sign(wanted - observation.target)
        reasons = {1: Reason.DEMAND_UP, 0: Reason.WITHIN_BAND, -1: Reason.DEMAND_DOWN}
        return Action(
            target=wanted,
            reason=tuple(reasons[int(sign)] for sign in change),
            rationale=tuple(
                {
                    "demand_slots": None if math.isnan(slots) else float(slots),
                    "empty_frac": self._group.empty_frac,
                    "suspend_below_frac": self._group.suspend_below_frac,
                }
                for slots in demand
            ),
            groups=self._groups,
        )


def group_action(migrate: float, suspend: float) -> GroupAction:
    """What the second and third part of an action [scale, migrate, suspend] in [-1, 1]^3 mean.

    A node is emptied if its rank among those in use, from 0 for the least taken, is below
    (migrate + 1) / 2 of their number, and sleeps if it was busy for less than (suspend + 1) / 2.
    The source (Sci Rep 15:30567, eq. 2) names the three parts and gives no mapping; ours is
    monotone in each.
    """
    return GroupAction(empty_frac=(migrate + 1.0) / 2.0, suspend_below_frac=(suspend + 1.0) / 2.0)
