"""One replay's guard: its settings, what it remembers, and the stages in their order."""

import copy
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from engine.errors import PolicyError
from engine.guard import stages
from engine.guard.floor import Floor
from engine.guard.record import Kept, Log, Stage
from engine.policies.base import KEEP, Observation, PoolFacts, Reason
from engine.scenario import Guard, Hold
from engine.units import BoolArray, FloatArray, IntArray

_LIFTED: Mapping[Reason, Mapping[str, Any]] = MappingProxyType(
    {
        Reason.RATE_LIMIT: {"out_workers": None, "in_workers": None},
        Reason.COOLDOWN: {"cooldown_out_s": 0.0, "cooldown_in_s": 0.0},
        Reason.BUDGET: {"budget_usd_per_hour": None},
        Reason.HELD: {"holds": ()},
    }
)
"""The settings of a guard in which a constraint does not bind."""
_BESIDES = frozenset({Reason.MIN_WORKERS, Reason.MAX_WORKERS, Reason.NO_ROOM, Reason.HELD})
"""Limits of the pools, and what acts later, pool by pool."""
_INSTANT = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What is left of a proposal for one pool."""

    workers: int
    reason: Reason
    stages: tuple[Stage, ...]


class Chain:
    """Decides what is applied. P pools, or agent types where the scenario sites their workers.

    Times are in seconds into the window.
    """

    def __init__(
        self,
        pools: tuple[PoolFacts, ...],
        tick_s: float,
        *,
        guard: Guard | None = None,
        carbon_threshold: float | None = None,
        policy: str = "policy",
    ) -> None:
        """Remembers nothing yet.

        Args:
            pools: what is known of them.
            tick_s: length of a tick.
            guard: None: only the limits of the pools and the room on their nodes hold, and the
                carbon mask where there is a threshold.
            carbon_threshold: g CO2e per kWh; None: no mask.
            policy: named in errors.
        """
        self._pools, self._policy = pools, policy
        self._guard = Guard() if guard is None else guard
        self._threshold = carbon_threshold
        self._lows = np.array([pool.workers_min for pool in pools], np.float64)
        self._highs = np.array([pool.workers_max for pool in pools], np.float64)
        self._prices = np.array([pool.price_usd_per_hour for pool in pools])
        self.committed: tuple[IntArray, FloatArray] | None = None
        """(P,) workers paid for anyway, and what they save; see `stages.budget`."""
        self._changes: deque[tuple[float, int, int]] = deque()
        self._last_out = np.full(len(pools), -np.inf)
        self._last = np.full(len(pools), -np.inf)
        self._held: dict[Hold, int] = {}
        self._kept: dict[int, Kept] = {}
        self._floor = (
            None if self._guard.slo_quantile is None else Floor(self._guard, pools, tick_s)
        )
        self._acts_alone = self._floor is not None or bool(self._guard.holds)
        self._plain = not {*self.constraints} - _BESIDES
        """Whether only the limits of the pools can bind here."""

    @property
    def watches(self) -> bool:
        """Whether it wants to see every tick."""
        return self._floor is not None

    @property
    def pays(self) -> bool:
        """Whether it looks at prices."""
        return self._guard.budget_usd_per_hour is not None

    @property
    def constraints(self) -> tuple[Reason, ...]:
        """Those that it has, the last to act first."""
        guard = self._guard
        has = {
            Reason.HELD: bool(guard.holds),
            Reason.NO_ROOM: True,
            Reason.BUDGET: guard.budget_usd_per_hour is not None,
            Reason.COOLDOWN: guard.cooldown_out_s > 0.0 or guard.cooldown_in_s > 0.0,
            Reason.RATE_LIMIT: guard.out_workers is not None or guard.in_workers is not None,
            Reason.MAX_WORKERS: True,
            Reason.MIN_WORKERS: True,
            Reason.SLO_FLOOR: self._floor is not None,
            Reason.CARBON: self._threshold is not None,
        }
        return tuple(reason for reason, there in has.items() if there)

    def without(self, *reasons: Reason) -> "Chain":
        """A copy, with its memory, in which some constraints no longer bind.

        Those of the pools' nodes are not its own; leave `room` out for NO_ROOM.
        """
        lifted = copy.deepcopy(self)
        guard = {
            name: value for reason in reasons for name, value in _LIFTED.get(reason, {}).items()
        }
        lifted._guard = replace(lifted._guard, **guard)
        if Reason.CARBON in reasons:
            lifted._threshold = None
        if Reason.SLO_FLOOR in reasons:
            lifted._floor = None
        if Reason.MIN_WORKERS in reasons:
            lifted._lows = np.zeros(len(self._pools))
        if Reason.MAX_WORKERS in reasons:
            lifted._highs = np.full(len(self._pools), np.inf)
        lifted._acts_alone = lifted._floor is not None or bool(lifted._guard.holds)
        lifted._plain = False
        return lifted

    def keep(self, pool: int, kept: Kept) -> None:
        """Keeps a size from now on; only the pool's limits and its nodes' room go first."""
        self._kept[pool] = kept

    def see(self, observation: Observation) -> None:
        """A tick, whether or not a policy is evaluated in it."""
        if self._floor is not None:
            self._floor.see(observation)

    def decide(
        self,
        t_s: float,
        proposed: FloatArray,
        current: FloatArray,
        reasons: tuple[Reason, ...],
        g_per_kwh: FloatArray | None = None,
        usd_per_hour: FloatArray | None = None,
    ) -> tuple[FloatArray, Log]:
        """(P,) sizes after all stages that need no look at nodes, and what changed them.

        Args:
            t_s: now.
            proposed: (P,) workers wanted, or KEEP; fractions are rounded up.
            current: (P,) workers asked for so far.
            reasons: what bound each proposal.
            g_per_kwh: (P,) intensity of each pool's grid; None: no mask.
            usd_per_hour: (P,) price of a worker now; None: as before the replay.

        Raises:
            PolicyError: a proposal is not a number, or negative.
        """
        log = Log(list(reasons))
        keep: BoolArray = proposed == KEEP
        if keep.all() and not self._acts_alone:
            return current.copy(), log
        if self._plain and self._is_within(proposed):
            return proposed.copy(), log
        self._check(t_s, proposed, keep)
        proposed = np.where(keep, current, proposed)
        wanted = np.ceil(proposed)
        log.note("quantise", proposed, wanted, None)
        if self._threshold is not None and g_per_kwh is not None:
            soft = self._guard.carbon_soft_g_per_kwh
            masked = stages.carbon(wanted, current, g_per_kwh, self._threshold, soft)
            log.note(
                "carbon", wanted, masked, Reason.CARBON,
                g_per_kwh=g_per_kwh, threshold_g_per_kwh=self._threshold, soft_g_per_kwh=soft,
            )  # fmt: skip
            wanted = masked
        if self._floor is not None:
            floor = np.minimum(self._floor.workers(), self._highs)
            raised = np.maximum(wanted, floor)
            log.note(
                "slo", wanted, raised, Reason.SLO_FLOOR,
                floor_workers=floor, **self._floor.numbers(),
            )  # fmt: skip
            keep &= raised == wanted
            wanted = raised
        wanted = self._within_limits(wanted, keep, log)
        prices = self._prices if usd_per_hour is None else usd_per_hour
        return self._paced(t_s, wanted, current, keep, prices, log), log

    def _is_within(self, proposed: FloatArray) -> bool:
        """Whether all are whole numbers of workers within the pools' limits."""
        nearest = np.minimum(np.maximum(np.floor(proposed), self._lows), self._highs)
        return bool((proposed == nearest).all())

    def _check(self, t_s: float, proposed: FloatArray, keep: BoolArray) -> None:
        wrong = ~keep & ~(np.isfinite(proposed) & (proposed >= 0.0))
        if wrong.any():
            number = int(np.argmax(wrong))
            raise PolicyError(
                f"a target of {float(proposed[number])} workers was proposed",
                f"policy {self._policy!r}, pool {self._pools[number].name!r}, {t_s:g} s",
                "A target is a finite number of 0 or more, or KEEP",
            )

    def _within_limits(self, wanted: FloatArray, keep: BoolArray, log: Log) -> FloatArray:
        low = np.where(keep, wanted, np.maximum(wanted, self._lows))
        log.note("limits", wanted, low, Reason.MIN_WORKERS, workers_min=self._lows)
        high = np.where(keep, low, np.minimum(low, self._highs))
        log.note("limits", low, high, Reason.MAX_WORKERS, workers_max=self._highs)
        return high

    def _paced(
        self,
        t_s: float,
        wanted: FloatArray,
        current: FloatArray,
        keep: BoolArray,
        prices: FloatArray,
        log: Log,
    ) -> FloatArray:
        """Rate, cooldown and budget. What was left alone stays so."""
        guard = self._guard
        base = np.where(keep, current, np.clip(current, self._lows, self._highs))
        if guard.out_workers is not None or guard.in_workers is not None:
            added, removed = self._recent(t_s)
            paced = stages.rate(
                wanted, base, added, removed, _most(guard.out_workers), _most(guard.in_workers)
            )
            log.note(
                "rate", wanted, paced, Reason.RATE_LIMIT,
                added_workers=added, removed_workers=removed, period_s=guard.period_s,
                out_workers=_most(guard.out_workers), in_workers=_most(guard.in_workers),
            )  # fmt: skip
            wanted = paced
        if guard.cooldown_out_s > 0.0 or guard.cooldown_in_s > 0.0:
            out_s, any_s = t_s - self._last_out, t_s - self._last
            cooled = stages.cooldown(
                wanted, base, out_s, any_s, guard.cooldown_out_s, guard.cooldown_in_s
            )
            log.note(
                "cooldown", wanted, cooled, Reason.COOLDOWN,
                since_s=np.where(wanted > base, out_s, any_s),
                cooldown_s=np.where(wanted > base, guard.cooldown_out_s, guard.cooldown_in_s),
            )  # fmt: skip
            wanted = cooled
        if guard.budget_usd_per_hour is not None:
            paid = stages.budget(
                wanted, base, prices, guard.budget_usd_per_hour, *(self.committed or ())
            )
            log.note(
                "budget", wanted, paid, Reason.BUDGET,
                budget_usd_per_hour=guard.budget_usd_per_hour, price_usd_per_hour=prices,
            )  # fmt: skip
            wanted = paid
        return wanted

    def _recent(self, t_s: float) -> tuple[FloatArray, FloatArray]:
        """(P,) workers added and removed within the last period."""
        changes = self._changes
        while changes and changes[0][0] <= t_s - self._guard.period_s:
            changes.popleft()
        added, removed = np.zeros(len(self._pools)), np.zeros(len(self._pools))
        for _, pool, change in changes:
            added[pool] += max(change, 0)
            removed[pool] += max(-change, 0)
        return added, removed

    def place(
        self,
        t_s: float,
        pool: int,
        wanted: float,
        current: int,
        log: Log,
        room: Callable[[], int] | None = None,
    ) -> Applied:
        """The last stages for one pool: room on its nodes, then a person's hold.

        Args:
            t_s: now.
            pool: its number; pools come in their order, as each takes room from the next.
            wanted: from `decide`.
            current: workers asked for so far.
            log: from `decide`.
            room: how many more workers its nodes can take; None: no such limit.
        """
        applied, most = int(wanted), None
        if room is not None and applied > current:
            most = current + room()
            fits = min(applied, most)
            applied = self._stage("placement", applied, fits, log, pool, room_workers=most)
        ordered = self._ordered(t_s, pool, current, applied)
        if ordered is not None:
            held, left_s = ordered
            if room is not None and held > current:
                held = min(held, current + room() if most is None else most)
            applied = self._stage("hold", applied, held, log, pool, left_s=left_s)
        self._remember(t_s, pool, applied - current)
        return Applied(workers=applied, reason=log.reasons[pool], stages=tuple(log.stages[pool]))

    def _stage(
        self, name: str, before: int, after: int, log: Log, pool: int, **numbers: float
    ) -> int:
        if before != after:
            log.reasons[pool] = Reason.NO_ROOM if name == "placement" else Reason.HELD
            log.stages[pool].append(Stage(name, before, after, log.reasons[pool], numbers))
        return after

    def _hold(self, t_s: float, pool: int, current: int) -> tuple[int, float] | None:
        """The size that a person has ordered, within the pool's limits, and for how long yet."""
        facts = self._pools[pool]
        for hold in reversed(self._guard.holds):
            if hold.pool == facts.name and hold.at_s <= t_s < hold.at_s + hold.for_s:
                given = hold.workers
                size = self._held.setdefault(hold, current) if given is None else given
                return self._allowed(pool, size), hold.at_s + hold.for_s - t_s
        return None

    def _ordered(
        self, t_s: float, pool: int, current: int, applied: int
    ) -> tuple[int, float] | None:
        """As `_hold`, or a size that is kept instead, where that changes what is applied."""
        held, kept = self._hold(t_s, pool, current), self._kept.get(pool)
        if kept is None or t_s >= kept.until_s - _INSTANT:
            return held
        size = self._allowed(pool, kept.of(applied if held is None else held[0]))
        return size, kept.until_s - t_s

    def _allowed(self, pool: int, size: int) -> int:
        facts = self._pools[pool]
        return min(max(size, facts.workers_min), facts.workers_max)

    def _remember(self, t_s: float, pool: int, change: int) -> None:
        if change == 0:
            return
        self._last[pool] = t_s
        if change > 0:
            self._last_out[pool] = t_s
        if self._guard.out_workers is not None or self._guard.in_workers is not None:
            self._changes.append((t_s, pool, change))


def _most(workers: int | None) -> float:
    return math.inf if workers is None else float(workers)
