"""The learned allocator's vertical action: when which pools change the size of their workers."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from engine.learn.mind import Mind
from engine.learn.rewards import SCORES
from engine.learn.sizer import (
    LEAST_GAIN,
    OTHERS,
    Offer,
    Sizer,
    beside,
    candidates,
    doubts,
    gains,
    preferred,
    told_to,
)
from engine.learn.tokens import USUAL_PRICE
from engine.policies.base import (
    KEEP,
    Action,
    Observation,
    PolicyContext,
    PoolFacts,
    Reason,
    SizeFacts,
)
from engine.policies.demand import DemandWatch
from engine.units import BoolArray, FloatArray, IntArray

COOLDOWN_S = 600.0
"""Between two changes of a pool; also what a change has to pay off in, and what gains were learned
over. It doubles with each refusal in a row."""
MOST_REST_S = 86_400.0
"""After a change that was proposed, however often it is refused."""
SMOOTH_S = 600.0
"""Gains are means that fade over this long: a size is for longer than a burst."""
_COST, _CARBON = SCORES.index("cost"), SCORES.index("carbon")
_MONEY = np.eye(len(SCORES))[_COST]
"""Weights that ask for nothing else."""


class Sizing:
    """Chooses among the present size and those whose change pays; in doubt, the cheapest.

    Gains are weighed by the priorities. The highest may be high by chance, so the cheapest of
    those hardly below it is taken, and a change may pay by its money alone where cost counts at
    all. A change costs what workers held twice while new ones start come to over the cooldown. It
    waits until no worker is starting. Until all have the new size none is taken away; on full
    nodes some may wait for ever, so the pool is free again when none has started for a cooldown.
    A change that the guard refuses is proposed again after a rest, each time a longer one.
    """

    def __init__(
        self, context: PolicyContext, mind: Mind, watch: DemandWatch, sizer: Sizer
    ) -> None:
        """Has changed nothing yet; `mind` and `watch` follow the sizes from now on."""
        self._mind, self._watch, self._sizer = mind, watch, sizer
        self._pools = context.pools
        self._names = [[size.name for size in pool.sizes] for pool in self._pools]
        self._held = np.array(
            [names.index(pool.size) if len(names) > 1 else 0
             for names, pool in zip(self._names, self._pools, strict=True)]
        )  # fmt: skip
        self._groups = _groups(self._pools)
        self._gains = [np.zeros((len(names), len(SCORES))) for names in self._names]
        self._share = -math.expm1(-watch.interval_s / SMOOTH_S)
        self._known = 0.0
        self._changed_s = np.full(len(self._pools), -math.inf)
        self._started_s = np.full(len(self._pools), -math.inf)
        self._patience_s = np.array([max(COOLDOWN_S, pool.resize_s) for pool in self._pools])
        self._changing = np.zeros(len(self._pools), np.bool_)
        self._asked = np.zeros(len(self._pools), np.bool_)
        self._refusals = np.zeros(len(self._pools), np.int64)
        self._before = self._held.copy()
        self._extra: list[dict[str, Any]] = []

    @property
    def acts(self) -> bool:
        """Whether there is anything to choose."""
        return bool(self._groups)

    def free(self) -> None:
        """Workers may be taken away while a pool changes."""
        self._changing[:] = False

    def follow(self, observation: Observation) -> None:
        """Reckons with the sizes that workers are ordered in, before the dial is asked."""
        for group in self._groups:
            for pool in group.tolist():
                self._hear(pool, self._names[pool].index(observation.size[pool]))
        self._changing &= ~self._settled(observation)

    def _hear(self, pool: int, size: int) -> None:
        """What became of the size that was proposed last; workers are ordered in `size`."""
        if self._asked[pool]:
            refused = size != self._held[pool]
            self._refusals[pool] = self._refusals[pool] + 1 if refused else 0
            self._changing[pool] &= not refused
            self._asked[pool] = False
        self._turn(pool, size)

    def _settled(self, observation: Observation) -> BoolArray:
        """(P,) where a change is over, or has come no further for long."""
        now_s, starting = observation.t_s, observation.starting > 0
        self._started_s[starting] = now_s
        since_s = now_s - np.maximum(self._started_s, self._changed_s)
        late = observation.resizing > 0 if len(observation.resizing) else np.zeros_like(starting)
        waits = starting | (late & (since_s <= self._patience_s))
        return np.asarray(~waits & (self._changed_s < now_s))

    def choose(self, observation: Observation) -> None:
        """Takes the sizes that are preferred by the dial's answer, and reckons with them."""
        self._before = self._held.copy()
        self._extra = [{} for _ in self._pools]
        self._known += self._share * (1.0 - self._known)
        for group in self._groups:
            self._choose(group, observation)

    def _choose(self, group: IntArray, observation: Observation) -> None:
        mind, offer = self._mind, self._offer(group)
        weights = mind.weights[group]
        seen = beside(mind.rows[group], told_to(weights), candidates(offer))
        gain = self._smooth(group, gains(self._sizer, seen, offer.held))
        points, money = (gain * weights[:, None]).sum(2), gain[:, :, _COST]
        costs = self._costs(offer, group, observation, weights)
        paid = self._costs(offer, group, observation, np.tile(_MONEY, (len(group), 1)))
        doubt = self._known * doubts(weights)
        pays = (points > LEAST_GAIN + costs) | (
            (doubt > 0.0)[:, None] & (money > LEAST_GAIN + paid)
        )
        np.put_along_axis(pays, offer.held[:, None], True, 1)
        worth = np.where(pays, points, -np.inf)
        chosen = preferred(worth, money, offer.held, doubt)
        rest_s = np.minimum(COOLDOWN_S * 2.0 ** self._refusals[group], MOST_REST_S)
        left_s = np.maximum(self._changed_s[group] + rest_s - observation.t_s, 0.0)
        settled = (observation.starting[group] == 0) & ~self._changing[group]
        for row, pool in enumerate(group.tolist()):
            best = int(chosen[row])
            names = self._names[pool]
            self._extra[pool] = {
                "size_before": names[self._held[pool]],
                "points_by_size": dict(zip(names, points[row].tolist(), strict=True)),
                "scores_by_size": {
                    name: dict(zip(SCORES, scores, strict=True))
                    for name, scores in zip(names, gain[row].tolist(), strict=True)
                },
                "workers_by_size": dict(zip(names, offer.whole()[row].tolist(), strict=True)),
                "change_costs": dict(zip(names, costs[row].tolist(), strict=True)),
                "change_money": dict(zip(names, paid[row].tolist(), strict=True)),
                "least_gain": LEAST_GAIN, "best_points": float(worth[row].max()),
                "doubt": float(doubt[row]), "doubt_of_others": float(OTHERS * doubt[row]),
                "size_rests_s": float(left_s[row]),
                "size_refusals": int(self._refusals[pool]),
            }  # fmt: skip
            free = settled[row] and left_s[row] <= 0.0
            if best != self._held[pool] and free:
                power = offer.power[row]
                mind.wanted[pool] *= power[self._held[pool]] / power[best]
                self._turn(pool, best)
                self._changed_s[pool], self._changing[pool] = observation.t_s, True
                self._asked[pool] = True
            self._extra[pool]["size"] = names[self._held[pool]]

    def _offer(self, group: IntArray) -> Offer:
        """The sizes of these pools, and what the dial wants of them."""
        mind = self._mind
        facts = [self._pools[pool] for pool in group.tolist()]
        limits = [
            (self._watch.pools[p].workers_min, self._watch.pools[p].workers_max)
            for p in group.tolist()
        ]
        slots = np.array([[float(size.slots) for size in pool.sizes] for pool in facts])
        speed = np.array([[size.speed for size in pool.sizes] for pool in facts])
        price = np.array([[size.price_usd_per_hour for size in pool.sizes] for pool in facts])
        return Offer(
            slots=slots, speed=speed, price=_paid(price, slots * speed),
            held=self._held[group], demand=(mind.level * mind.service_s)[group],
            wanted=mind.wanted[group], limits=np.array(limits, np.float64),
        )  # fmt: skip

    def _smooth(self, group: IntArray, gain: FloatArray) -> FloatArray:
        """(N, S, K) fading means of gains, 0 to begin with, so `_known` of what they will be."""
        for row, pool in enumerate(group.tolist()):
            self._gains[pool] += self._share * (gain[row] - self._gains[pool])
        return np.stack([self._gains[pool] for pool in group.tolist()])

    def _costs(
        self, offer: Offer, group: IntArray, observation: Observation, weights: FloatArray
    ) -> FloatArray:
        """(N, S) points that changing to a size costs, spread over the cooldown."""
        workers = np.maximum(observation.target[group, None], offer.whole())
        work = offer.demand[:, None] * offer.of_held(offer.speed)
        twice = workers * offer.price / offer.base() * weights[:, [_COST]]
        dirtier = workers * offer.slots / np.maximum(work, offer.power.min(1, keepdims=True))
        part = np.array([self._pools[p].startup_mean_s for p in group.tolist()]) / COOLDOWN_S
        made = 0.5 * part[:, None] * (twice + dirtier * weights[:, [_CARBON]])
        np.put_along_axis(made, np.asarray(offer.held)[:, None], 0.0, 1)
        return np.asarray(made)

    def _turn(self, pool: int, size: int) -> None:
        """Workers of a pool are ordered in another size from now on."""
        if size == self._held[pool]:
            return
        old, new = (self._pools[pool].sizes[number] for number in (self._held[pool], size))
        self._held[pool] = size
        self._gains[pool] = self._gains[pool] - self._gains[pool][size]
        mind, faster = self._mind, new.speed / old.speed
        mind.facts[pool, 0] = new.slots
        mind.facts[pool, USUAL_PRICE] = _usual_price(mind.facts[pool, USUAL_PRICE], old, new)
        mind.memory.served[pool, 1] /= faster
        mind.service_s[pool] /= faster
        self._watch.resized(pool, float(new.slots), old.slots / (new.slots * faster))

    @property
    def extra(self) -> Sequence[Mapping[str, Any]]:
        """What the choice rests on, one a pool, for the rationale."""
        return self._extra

    def sized(self, action: Action, observation: Observation) -> Action:
        """The dial's action with the sizes chosen, and no worker taken away during a change.

        Together with a new size the number is then left alone, not proposed: where the guard
        refuses the size, it would turn the number into as much capacity of the present one.
        """
        current = observation.target.astype(np.float64)
        kept = self._changing & (action.target < current) & (action.target >= 0.0)
        target = np.where(kept, current, action.target)
        changed = self._held != self._before
        left_alone = np.where(kept & changed, float(KEEP), target)
        return replace(
            action,
            target=left_alone,
            size=tuple(
                names[held] if len(names) > 1 else None
                for names, held in zip(self._names, self._held.tolist(), strict=True)
            ),
            reason=tuple(
                self._reason(pool) if changed[pool]
                else Reason.STABILIZED if kept[pool] else reason
                for pool, reason in enumerate(action.reason)
            ),
            rationale=tuple(
                {**said, "proposed": float(target[pool]), "changing": True} if kept[pool] else said
                for pool, said in enumerate(action.rationale)
            ),
        )  # fmt: skip

    def _reason(self, pool: int) -> Reason:
        old, new = (self._pools[pool].sizes[at[pool]] for at in (self._before, self._held))
        larger = new.slots * new.speed > old.slots * old.speed
        return Reason.LARGER_SIZE if larger else Reason.SMALLER_SIZE


def _paid(price: FloatArray, power: FloatArray) -> FloatArray:
    """(N, S) prices above 0: what is free costs next to nothing, all that is free by capacity."""
    dearest = price.max(1, keepdims=True)
    return np.asarray(np.where(dearest > 0.0, np.maximum(price, 1e-3 * dearest), power))


def _groups(pools: Collection[PoolFacts]) -> list[IntArray]:
    """Numbers of the pools with so many sizes, of each number above one."""
    counts = np.array([len(pool.sizes) for pool in pools])
    return [np.flatnonzero(counts == n) for n in sorted(set(counts.tolist()) - {0, 1})]


def _usual_price(before: float, old: SizeFacts, new: SizeFacts) -> float:
    """USD per hour of a slot that has another size; its list price where one of them is free."""
    had, has = (size.price_usd_per_hour / size.slots for size in (old, new))
    return before * has / had if min(before, had, has) > 0.0 else has
