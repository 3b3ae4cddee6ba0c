"""One replay's guard: its settings, what it remembers, and the stages in their order."""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from engine.guard import sizes, stages
from engine.guard.floor import Floor
from engine.guard.holds import Holds, allowed
from engine.guard.pace import Pace
from engine.guard.record import Applied, Kept, Log, Stage
from engine.policies.base import KEEP, Observation, PoolFacts, Reason
from engine.scenario import Guard
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
            carbon_threshold: g CO2e per kWh, until an observation tells those of the pools' own
                grids; None: no mask.
            policy: named in errors.
        """
        self._pools, self._policy = pools, policy
        self._guard = Guard() if guard is None else guard
        self._threshold: FloatArray | None = None
        if carbon_threshold is not None:
            self._threshold = np.full(len(pools), carbon_threshold)
        self._lows = np.array([pool.workers_min for pool in pools], np.float64)
        self._highs = np.array([pool.workers_max for pool in pools], np.float64)
        self._prices = np.array([pool.price_usd_per_hour for pool in pools])
        self.committed: tuple[IntArray, FloatArray] | None = None
        """(P,) workers paid for anyway, and what they save; see `stages.budget`."""
        self.besides_usd_per_hour = 0.0
        """By how much workers that wait for room to get their pool's size are dearer than it."""
        self._pace = Pace(len(pools), self._guard)
        self._holds = Holds(self._guard.holds, pools)
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
        if Reason.HELD in reasons:
            lifted._holds = Holds((), self._pools)
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
        if self._threshold is not None and len(observation.carbon_threshold_g_per_kwh):
            self._threshold = observation.carbon_threshold_g_per_kwh.copy()
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
        wishes: Mapping[int, sizes.Wish] | None = None,
    ) -> tuple[FloatArray, Log]:
        """(P,) sizes after all stages that need no look at nodes, and what changed them.

        Args:
            t_s: now.
            proposed: (P,) workers wanted, or KEEP; fractions are rounded up.
            current: (P,) workers asked for so far.
            reasons: what bound each proposal.
            g_per_kwh: (P,) intensity of each pool's grid; None: no mask.
            usd_per_hour: (P,) price of a worker now; None: as before the replay.
            wishes: by pool, other sizes that are proposed; the log says which ones may be.

        Raises:
            PolicyError: a proposal is not a number, or negative.
        """
        log = Log(list(reasons))
        keep: BoolArray = proposed == KEEP
        if keep.all() and not self._acts_alone and not wishes:
            return current.copy(), log
        if self._plain and not wishes and self._is_within(proposed):
            return proposed.copy(), log
        stages.refuse_impossible(t_s, proposed, keep, self._pools, self._policy)
        proposed = np.where(keep, current, proposed)
        wanted = np.ceil(proposed)
        log.note("quantise", proposed, wanted, None)
        prices = self._prices if usd_per_hour is None else usd_per_hour
        committed, granted, most = self.committed, None, self._most_usd_per_hour
        if wishes:
            inside = np.clip(current, self._lows, self._highs)
            base = np.where(keep, current, inside)
            asked = sizes.Asked(base, wanted, keep, prices, committed)
            self._ask(t_s, asked, wishes, g_per_kwh, log)
            wanted, prices, committed = asked.workers, asked.prices, asked.committed
            granted, most = asked.granted, most - asked.waiting_usd_per_hour
        if self._threshold is not None and g_per_kwh is not None:
            soft = self._guard.carbon_soft_g_per_kwh
            now = current if granted is None else np.where(granted, wanted, current)
            masked = stages.carbon(wanted, now, g_per_kwh, self._threshold, soft)
            log.note(
                "carbon", wanted, masked, Reason.CARBON,
                g_per_kwh=g_per_kwh, threshold_g_per_kwh=self._threshold, soft_g_per_kwh=soft,
            )  # fmt: skip
            wanted = masked
        if self._floor is not None:
            needed = self._floor.workers(asked.slots) if wishes else self._floor.workers()
            floor = np.minimum(needed, self._highs)
            raised = np.maximum(wanted, floor)
            log.note(
                "slo", wanted, raised, Reason.SLO_FLOOR,
                floor_workers=floor, **self._floor.numbers(),
            )  # fmt: skip
            keep &= raised == wanted
            wanted = raised
        wanted = self._within_limits(wanted, keep, log)
        base = np.where(keep, current, np.clip(current, self._lows, self._highs))
        if granted is not None:
            base = np.where(granted, wanted, base)
        stays = self._holds.sizes(t_s, current)
        return self._paced(t_s, wanted, base, (prices, most, committed), stays, log), log

    def _ask(
        self, t_s: float, asked: sizes.Asked, wishes: Mapping[int, sizes.Wish],
        g_per_kwh: FloatArray | None, log: Log,
    ) -> None:  # fmt: skip
        """Which of the sizes may be. Where one may not, the number is of the present size."""
        moved = self._pace.recent(t_s)
        needed = {pool: float(wish.wanted.slots) for pool, wish in wishes.items()}
        floor = None if self._floor is None else self._floor.workers(needed)
        for pool, wish in wishes.items():
            least = 0.0 if floor is None else float(floor[pool])
            room = self._room(t_s, pool, asked, least, moved, g_per_kwh)
            reason = sizes.refusal(wish, room, self._guard)
            if reason is None:
                asked.grant(pool, wish, room.workers)
                log.granted[pool] = (wish.wanted.name, room.grown(wish))
                continue
            asked.refuse(pool, wish)
            log.refuse(
                pool, room.first, float(asked.workers[pool]), reason, wish.wanted.name,
                wish.held.name, sizes.numbers(wish, room, reason, self._guard),
            )  # fmt: skip

    def _room(
        self, t_s: float, pool: int, asked: sizes.Asked, floor: float,
        moved: tuple[FloatArray, FloatArray], g_per_kwh: FloatArray | None,
    ) -> sizes.Room:  # fmt: skip
        """What is left to a pool that wants another size."""
        guard, (added, removed) = self._guard, moved
        out_s, any_s = self._pace.since_s(t_s)
        low, high = float(self._lows[pool]), float(self._highs[pool])
        first = float(asked.workers[pool])
        limited = first if asked.keep[pool] else min(max(first, low), high)
        workers = max(limited, min(max(floor, low), high)) if floor > limited else limited
        mask = 1.0
        if self._threshold is not None and g_per_kwh is not None:
            soft = guard.carbon_soft_g_per_kwh
            mask = float(stages.carbon_mask(g_per_kwh, self._threshold, soft)[pool])
        return sizes.Room(
            now=float(asked.base[pool]), first=first, limited=limited, workers=workers, mask=mask,
            out_left=_most(guard.out_workers) - float(added[pool]),
            in_left=_most(guard.in_workers) - float(removed[pool]),
            out_s=float(out_s[pool]), any_s=float(any_s[pool]),
            price=float(asked.prices[pool]),
            left_usd_per_hour=asked.left(pool, self._most_usd_per_hour),
            now_usd_per_hour=asked.cost(pool),
            held=self.held_s(t_s, pool) is not None,
        )  # fmt: skip

    @property
    def _most_usd_per_hour(self) -> float:
        """Of the budget, what is left for workers of their pools' sizes; inf: any."""
        most = self._guard.budget_usd_per_hour
        return math.inf if most is None else most - self.besides_usd_per_hour

    def _is_within(self, proposed: FloatArray) -> bool:
        """Whether all are whole numbers of workers within the pools' limits."""
        nearest = np.minimum(np.maximum(np.floor(proposed), self._lows), self._highs)
        return bool((proposed == nearest).all())

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
        base: FloatArray,
        paying: tuple[FloatArray, float, tuple[IntArray, FloatArray] | None],
        stays: Mapping[int, int],
        log: Log,
    ) -> FloatArray:
        """Rate, cooldown and budget, from the present sizes within the limits.

        What was left alone stays so, and so does what was granted with another size. What a
        person holds costs what it will come to, whatever was proposed.
        """
        guard, (prices, most, committed) = self._guard, paying
        if guard.out_workers is not None or guard.in_workers is not None:
            added, removed = self._pace.recent(t_s)
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
            out_s, any_s = self._pace.since_s(t_s)
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
            asked, pools = wanted.copy(), list(stays)
            asked[pools] = base[pools] = list(stays.values())
            paid = stages.budget(asked, base, prices, most, *(committed or ()))
            paid[pools] = wanted[pools]
            log.note(
                "budget", wanted, paid, Reason.BUDGET,
                budget_usd_per_hour=guard.budget_usd_per_hour, price_usd_per_hour=prices,
            )  # fmt: skip
            wanted = paid
        return wanted

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
        name, grown = log.granted.get(pool, (None, float(applied - current)))
        self._pace.remember(t_s, pool, grown, name is not None)
        log.freeze(pool, applied)
        return Applied(
            workers=applied, reason=log.reasons[pool], stages=tuple(log.stages[pool]), size=name
        )

    def _stage(
        self, name: str, before: int, after: int, log: Log, pool: int, **numbers: float
    ) -> int:
        if before != after:
            log.reasons[pool] = Reason.NO_ROOM if name == "placement" else Reason.HELD
            log.stages[pool].append(Stage(name, before, after, log.reasons[pool], numbers))
        return after

    def _ordered(
        self, t_s: float, pool: int, current: int, applied: int
    ) -> tuple[int, float] | None:
        """As a person ordered, or a size that is kept instead where that changes something."""
        held, kept = self._holds.ordered(t_s, pool, current), self._kept.get(pool)
        if kept is None or t_s >= kept.until_s - _INSTANT:
            return held
        size = allowed(self._pools[pool], kept.of(applied if held is None else held[0]))
        return size, kept.until_s - t_s

    @property
    def holds(self) -> bool:
        """Whether people hold pools at some time."""
        return bool(self._guard.holds)

    def held_s(self, t_s: float, pool: int) -> float | None:
        """For how many seconds yet a person holds a pool; None: nobody does."""
        return self._holds.left_s(t_s, pool)


def _most(workers: int | None) -> float:
    return math.inf if workers is None else float(workers)
