"""What an action says besides numbers of workers, as the guard needs to know of it.

Sizes become wishes that the guard's stages are asked about; what a hold freezes is taken out of
the action. Places are the entries of an action: pools, or agent types where workers are sited.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.cluster.conditions import Conditions
from engine.cluster.worth import size_facts
from engine.fleet import Fleet
from engine.guard import Bill, Chain, Wish
from engine.guard.record import Log
from engine.merging import merged_bill
from engine.policies.base import Action
from engine.scenario import Scenario
from engine.units import FloatArray, IntArray

__all__ = ["Wishes"]


class Wishes:
    """Of one replay. P pools."""

    def __init__(
        self,
        scenario: Scenario,
        fleet: Fleet,
        conditions: Conditions,
        types: tuple[IntArray, ...] | None,
    ) -> None:
        """Looks up sizes and node groups.

        Args:
            scenario: with pools and node groups.
            fleet: whose workers have sizes.
            conditions: prices and power.
            types: pools of each agent type; None: the workers are not sited.
        """
        self._fleet, self._conditions, self._types = fleet, conditions, types
        pools = len(scenario.pools)
        self._places = types or tuple(np.array([pool]) for pool in range(pools))
        self._sizes = [size_facts(scenario, pool) for pool in range(pools)]
        self._groups = [group.name for group in scenario.node_groups]
        self._group_of = [pool.node_group for pool in scenario.pools]

    def settled(
        self, guard: Chain, action: Action, tick: int, t_s: float, held: FloatArray,
        g_per_kwh: FloatArray, usd_per_hour: FloatArray, *, anywhere: bool = False,
    ) -> tuple[FloatArray, Log, Action]:  # fmt: skip
        """What the guard leaves of an action before it looks at nodes; see `Chain.decide`.

        Args:
            guard: with its memory.
            action: proposed, and checked.
            tick: that begins.
            t_s: now.
            held: workers asked for so far at each place.
            g_per_kwh: of the grid at each place.
            usd_per_hour: of a worker at each place.
            anywhere: whether any size fits on any node.

        Returns:
            Workers at each place, what changed them, and the action without what holds freeze.
        """
        wanted, log = guard.decide(
            t_s,
            np.asarray(action.target, np.float64),
            held,
            tuple(action.reason),
            g_per_kwh=g_per_kwh,
            usd_per_hour=usd_per_hour,
            wishes=self._of(action.size, tick, anywhere) if action.size else None,
        )
        if guard.holds and (action.groups or action.router or action.weights):
            action = self._thawed(guard, action, t_s, log)
        return wanted, log, action

    def _of(self, sizes: Sequence[str | None], tick: int, anywhere: bool) -> dict[int, Wish]:
        """By place, sizes that are not those of its workers already."""
        found = {}
        for place, name in enumerate(sizes):
            pools = self._places[place].tolist()
            names = [size.name for size in self._sizes[pools[0]]]
            number = len(names) if name is None else names.index(name)
            others = [pool for pool in pools if self._fleet.size(pool) != number]
            if name is not None and others:
                found[place] = self._wish(place, others, number, tick, anywhere)
        return found

    def _wish(self, place: int, others: list[int], number: int, tick: int, anywhere: bool) -> Wish:
        first = others[0]
        size = self._fleet.state.pools["size"].copy()
        now_kw = float(self._conditions.kw(size)[others].max())
        size[others] = number
        then_kw = float(self._conditions.kw(size)[others].max())

        def bill() -> Bill:
            price, paid = merged_bill(self._conditions.bill(tick, size), self._types)
            return Bill(float(price[place]), float(paid[0][place]), float(paid[1][place]))

        return Wish(
            held=self._sizes[first][self._fleet.size(first)],
            wanted=self._sizes[first][number],
            kw=(now_kw, then_kw),
            bill=bill,
            fits=lambda: anywhere or all(self._fleet.fits(pool, number) for pool in others),
            waits=any(self._fleet.waits(pool) for pool in others),
        )

    def _thawed(self, guard: Chain, action: Action, t_s: float, log: Log) -> Action:
        """The action without routers, weights and node groups of places that are held."""
        left = {place: guard.held_s(t_s, place) for place in range(len(self._places))}
        held = {place: left_s for place, left_s in left.items() if left_s is not None}
        router, weights, groups = list(action.router), list(action.weights), list(action.groups)
        for place, left_s in held.items():
            frozen = log.frozen.setdefault(place, [])
            named = router[place] if router else None
            if named is not None:
                frozen.append(("router", named.value, left_s))
                router[place] = None
            if weights and weights[place] is not None:
                frozen.append(("weights", "", left_s))
                weights[place] = None
            for g in self._groups_of(place):
                if action.groups and action.groups[g] is not None:
                    frozen.append((self._groups[g], "", left_s))
                    groups[g] = None
        return replace(action, router=tuple(router), weights=tuple(weights), groups=tuple(groups))

    def _groups_of(self, place: int) -> list[int]:
        """Numbers of the node groups that a place's workers are on."""
        names = {self._group_of[pool] for pool in self._places[place].tolist()}
        return [g for g, name in enumerate(self._groups) if name in names]
