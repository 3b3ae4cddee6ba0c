"""Whether the workers of a pool may have another size: the stages of the guard, asked in order.

A size is granted as a whole or not at all. Where it is not, the number that was proposed with it
is turned into workers of the present size of the same capacity, and goes on through the stages.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.policies.base import Reason, SizeFacts
from engine.scenario import Guard
from engine.units import BoolArray, FloatArray, IntArray

__all__ = ["Asked", "Bill", "Room", "Wish", "counted", "numbers", "refusal"]

_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Bill:
    """What workers of a pool cost per hour: price x max(workers, committed) - saved."""

    price: float
    committed: float = 0.0
    saved: float = 0.0

    def of(self, workers: float) -> float:
        """US dollars per hour."""
        return self.price * max(workers, self.committed) - self.saved


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Another size that is proposed for the workers of a pool."""

    held: SizeFacts
    """In which they are ordered so far."""
    wanted: SizeFacts
    kw: tuple[float, float]
    """Power of a worker of each size as places are compared by; 0 where it is not known."""
    bill: Callable[[], Bill]
    """Of workers of the size wanted."""
    fits: Callable[[], bool]
    """Whether the pool's nodes could hold it."""
    waits: bool
    """Whether workers may have to wait for room before they get it."""

    @property
    def worth(self) -> float:
        """Workers of the present size with the capacity of one of the size wanted."""
        return (self.wanted.slots * self.wanted.speed) / (self.held.slots * self.held.speed)

    def waiting(self, workers: float, now: float, price: float) -> float:
        """US dollars per hour by which workers that may wait are dearer than they will be."""
        return min(workers, now) * max(0.0, price - self.bill().price) if self.waits else 0.0

    def emits(self) -> tuple[float, float]:
        """What a worker of each size counts as for the carbon mask: its power, or its slots."""
        if min(self.kw) > 0.0:
            return self.kw
        return float(self.held.slots), float(self.wanted.slots)

    def emitted(self, workers: float, now: float) -> float:
        """What so many workers count as at first: those that may wait are still as they were."""
        before, then = self.emits()
        waiting = min(workers, now) * max(0.0, before - then) if self.waits else 0.0
        return workers * then + waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What the guard leaves to one pool that wants another size. Workers of the size wanted."""

    now: float
    """Workers of the present size asked for so far, within the limits unless left alone."""
    first: float
    """Workers that were proposed, rounded up."""
    limited: float
    """The same within the limits."""
    workers: float
    """Workers after the SLO floor and the limits."""
    mask: float
    """Share of growth that the carbon mask lets pass."""
    out_left: float
    """Workers that may still be added in the period, inf: any."""
    in_left: float
    out_s: float
    """Since the last step out."""
    any_s: float
    price: float
    """US dollars per hour of a worker of the present size."""
    left_usd_per_hour: float
    """What the budget leaves to this pool; inf: any."""
    now_usd_per_hour: float
    """What it costs so far."""
    held: bool
    """Whether a person holds it."""

    def grown(self, wish: Wish) -> float:
        """Workers of the size wanted by whose capacity the pool grows; below 0: it shrinks."""
        return self.workers - self.now / wish.worth


class Asked:
    """Sizes that are wished for, one pool after the other, and what that leaves. P pools."""

    def __init__(
        self,
        base: FloatArray,
        workers: FloatArray,
        keep: BoolArray,
        prices: FloatArray,
        committed: tuple[IntArray, FloatArray] | None,
    ) -> None:
        """Nothing is granted yet.

        Args:
            base: (P,) workers asked for so far, within the limits where not left alone.
            workers: (P,) proposed.
            keep: (P,) where the policy has no opinion on the number.
            prices: (P,) of a worker of the present size.
            committed: see `stages.budget`.
        """
        self.base, self.workers, self.keep = base, workers.copy(), keep
        self.prices = prices.copy()
        free = (np.zeros(len(prices), np.int64), np.zeros(len(prices)))
        workers_paid, usd_saved = free if committed is None else committed
        self._committed: IntArray = workers_paid.copy()
        self._saved: FloatArray = usd_saved.copy()
        self._pays_anyway = committed is not None
        self.granted = np.zeros(len(prices), np.bool_)
        self.waiting_usd_per_hour = 0.0
        """See `Wish.waiting`, of all that were granted."""
        self.slots: dict[int, float] = {}
        """Of a worker of each pool that gets another size."""
        self._costs = np.array([self._bill(p).of(float(n)) for p, n in enumerate(base)])

    @property
    def committed(self) -> tuple[IntArray, FloatArray] | None:
        """As given, by the sizes that were granted."""
        return (self._committed, self._saved) if self._pays_anyway else None

    def _bill(self, pool: int) -> Bill:
        return Bill(
            float(self.prices[pool]), float(self._committed[pool]), float(self._saved[pool])
        )

    def cost(self, pool: int) -> float:
        """US dollars per hour of a pool: before it is asked for, what it costs so far."""
        return float(self._costs[pool])

    def left(self, pool: int, most_usd_per_hour: float) -> float:
        """What a budget leaves to one pool when all others cost what they cost so far."""
        return most_usd_per_hour - float(self._costs.sum() - self._costs[pool])

    def grant(self, pool: int, wish: Wish, workers: float) -> None:
        """The pool gets the size, for so many workers after the SLO floor and the limits."""
        bill, now = wish.bill(), float(self.base[pool])
        waiting = wish.waiting(workers, now, float(self.prices[pool]))
        self.waiting_usd_per_hour += waiting
        self.granted[pool], self.slots[pool] = True, float(wish.wanted.slots)
        self.prices[pool], self._committed[pool] = bill.price, bill.committed
        self._saved[pool], self._costs[pool] = bill.saved, bill.of(workers) + waiting

    def refuse(self, pool: int, wish: Wish) -> None:
        """It keeps its size; what was proposed becomes workers of it."""
        if not self.keep[pool]:
            self.workers[pool] = counted(wish, float(self.workers[pool]))


def counted(wish: Wish, workers: float) -> float:
    """A number of workers of the size wanted, in workers of the present one; rounded up."""
    return math.ceil(workers * wish.worth - _SLACK)


def refusal(wish: Wish, room: Room, guard: Guard) -> Reason | None:
    """The first stage that does not let the size pass; None: all do.

    carbon: the pool would emit more, and the mask lets not all growth pass (a size cannot be
    granted in part); rate: it would grow or shrink by the capacity of more workers than may come
    or go; cooldown: a change is a step, out where capacity grows, else in; budget: it would cost
    more than is left, and more than so far; placement: its nodes cannot hold the size; hold.
    """
    grown = room.grown(wish)
    dirtier = wish.emitted(room.limited, room.now) > room.now * wish.emits()[0] + _SLACK
    wait_s, since_s = (
        (guard.cooldown_out_s, room.out_s) if grown > 0.0 else (guard.cooldown_in_s, room.any_s)
    )
    asked: Sequence[tuple[Reason, Callable[[], bool]]] = (
        (Reason.CARBON, lambda: dirtier and room.mask < 1.0),
        (Reason.RATE_LIMIT, lambda: not -room.in_left <= grown <= room.out_left + _SLACK),
        (Reason.COOLDOWN, lambda: since_s < wait_s),
        (Reason.BUDGET, lambda: _is_too_dear(wish, room)),
        (Reason.NO_ROOM, lambda: not wish.fits()),
        (Reason.HELD, lambda: room.held),
    )
    return next((reason for reason, refuses in asked if refuses()), None)


def _cost(wish: Wish, room: Room) -> float:
    waiting = wish.waiting(room.workers, room.now, room.price)
    return wish.bill().of(room.workers) + waiting


def _is_too_dear(wish: Wish, room: Room) -> bool:
    if room.left_usd_per_hour == math.inf:
        return False
    return _cost(wish, room) > max(room.left_usd_per_hour, room.now_usd_per_hour) + _SLACK


def numbers(wish: Wish, room: Room, reason: Reason, guard: Guard) -> dict[str, float]:
    """What a refusal went by, with the unit in the name, as far as it is finite."""
    grown = room.grown(wish)
    out = grown > 0.0
    by: dict[Reason, Callable[[], dict[str, float]]] = {
        Reason.CARBON: lambda: {"mask_frac": room.mask},
        Reason.RATE_LIMIT: lambda: {
            "change_workers": grown, "left_workers": room.out_left if out else room.in_left,
            "period_s": guard.period_s,
        },
        Reason.COOLDOWN: lambda: {
            "since_s": room.out_s if out else room.any_s,
            "cooldown_s": guard.cooldown_out_s if out else guard.cooldown_in_s,
        },
        Reason.BUDGET: lambda: {
            "budget_usd_per_hour": guard.budget_usd_per_hour or 0.0,
            "left_usd_per_hour": room.left_usd_per_hour,
            "cost_usd_per_hour": _cost(wish, room),
        },
    }  # fmt: skip
    found = by.get(reason, dict)()
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}
