"""Applies what an action says besides numbers of workers: sizes, nodes asleep, zones."""

import math
from collections.abc import Callable

import msgspec
import numpy as np

from engine.cluster.conditions import Conditions
from engine.cluster.sites import Sites
from engine.errors import PolicyError, did_you_mean
from engine.fleet import Fleet
from engine.guard import Applied, Stage
from engine.policies.base import Action, GroupAction, Reason, RoutingWeights
from engine.scenario import RouterKind, Scenario
from engine.units import IntArray
from engine.wishes import Wishes

__all__ = ["Steering"]

WEIGHING = frozenset(
    {
        RouterKind.WEIGHTED_ROUND_ROBIN, RouterKind.LEAST_AGENT_LOAD, RouterKind.CONTEXT_AWARE,
        RouterKind.SEVEN_FACTOR, RouterKind.PREDICTED_COMPLETION, RouterKind.HIERARCHICAL,
    }
)  # fmt: skip
"""Routers that go by weights of sizes; the hierarchical one goes by those of pools too."""


class Steering:
    """The parts of one replay's actions that are not numbers of workers."""

    def __init__(self, scenario: Scenario, fleet: Fleet, conditions: Conditions) -> None:
        self._fleet = fleet
        self._sizes = [
            [size.name for size in scenario.agent_type_of(pool).all_sizes]
            for pool in scenario.pools
        ]
        self._router = scenario.router.kind
        self._routers = [scenario.router.kind] * len(scenario.pools)
        """By which each pool's requests are routed now."""
        self._groups = [group.name for group in scenario.node_groups]
        rule = scenario.siting
        self.sites = None if rule is None else Sites(scenario, rule, conditions)
        """None: policies speak of each pool."""
        each = range(len(scenario.pools))
        types = None if self.sites is None else self.sites.types
        self.wishes = Wishes(scenario, fleet, conditions, types)
        self._heads = list(each) if self.sites is None else [int(t[0]) for t in self.sites.types]

    def check(self, action: Action, where: str) -> None:
        """Refuses what does not fit the cluster. Raises PolicyError."""
        sizes = [self._sizes[pool] for pool in self._heads]
        _check_sizes(action, len(sizes), where)
        if not (action.size or action.groups or action.router or action.weights):
            return
        _check_number("worker sizes", len(action.size), len(sizes), where)
        _check_number("node groups", len(action.groups), len(self._groups), where)
        for wanted, known in zip(action.size, sizes, strict=False):
            if wanted is not None and wanted not in known:
                fix = did_you_mean(wanted, known)
                raise PolicyError(f"the worker size {wanted!r} was proposed", where, fix)
        self._check_router(action, len(sizes), where)
        self._check_weights(action, sizes, where)
        for group, name in zip(action.groups, self._groups, strict=False):
            _check_group(group, f"{where}, node group {name!r}")

    def _check_router(self, action: Action, pools: int, where: str) -> None:
        _check_number("routers", len(action.router), pools, where)
        for wanted in action.router:
            if wanted is None or wanted is self._router:
                continue
            if RouterKind.HIERARCHICAL in (wanted, self._router):
                raise PolicyError(
                    f"the router {wanted.value!r} was proposed in place of {self._router.value!r}",
                    where,
                    "Choose the hierarchical router in the scenario or not at all: it chooses "
                    "among pools",
                )

    def _check_weights(self, action: Action, sizes: list[list[str]], where: str) -> None:
        _check_number("routing weights", len(action.weights), len(sizes), where)
        for place, weights in enumerate(action.weights):
            if weights is not None:
                router = action.router[place] if action.router else None
                router = router or self._routers[self._heads[place]]
                _check_weights_of(weights, router, sizes[place], where)

    def _reroute(self, action: Action, now: float) -> None:
        """Routes requests of each pool as is wanted, by the weights that are wanted."""
        for pool, router in zip(self._heads, action.router, strict=False):
            if router is not None:
                self._routers[pool] = router
                self._fleet.reroute(pool, router, now)
        for place, weights in enumerate(action.weights):
            if weights is None:
                continue
            for pool in self._pools_of(place):
                of_sizes = [weights.sizes.get(name, 1.0) for name in self._sizes[pool]]
                self._fleet.reweigh(pool, weights.pool, np.array(of_sizes, np.float64), now)

    def _pools_of(self, place: int) -> list[int]:
        """Those that one entry of an action is about."""
        return [place] if self.sites is None else self.sites.types[place].tolist()

    def routing(self, action: Action, place: int) -> str | None:
        """What the action says of routing at one of its places, as JSON; None: nothing."""
        router = action.router[place] if action.router else None
        weights = action.weights[place] if action.weights else None
        said: dict[str, object] = {} if router is None else {"router": router.value}
        if weights is not None:
            said["weights"] = {"pool": weights.pool, "sizes": dict(weights.sizes)}
        return msgspec.json.encode(said).decode() if said else None

    def resize(self, place: int, wanted: str, now: float) -> bool:
        """Changes the size of workers where that was granted.

        Returns:
            False: other pools took the room on nodes at this very tick.
        """
        done = True
        for pool in self._pools_of(place):
            number = self._sizes[pool].index(wanted)
            if number != self._fleet.size(pool):
                done &= self._fleet.resize(pool, number, now)
        return done

    def size(self, pool: int, action: Action, place: int) -> str | None:
        """In which a pool's workers are ordered now, where the action says something of it."""
        said = action.size and action.size[place] is not None
        return self._sizes[pool][self._fleet.size(pool)] if said else None

    def sizes_at(self, place: int) -> set[str]:
        """In which workers are ordered at one entry of an action."""
        return {self._sizes[p][self._fleet.size(p)] for p in self._pools_of(place)}

    def left(self, place: int, granted: str | None, current: IntArray) -> Callable[[], int] | None:
        """How many more workers of a pool fit, in the size that it was granted if any."""
        if granted is None:
            return self._fleet.room(place)
        number = self._sizes[place].index(granted)
        return self._fleet.room_resized(place, number, int(current[place]))

    def steer(self, action: Action, now: float) -> None:
        """Does what is wanted of nodes and of routers."""
        for g, group in enumerate(action.groups):
            if group is not None:
                self._fleet.steer(g, group, now)
        self._reroute(action, now)

    def room(self, pools: IntArray, current: IntArray) -> IntArray:
        """(P,) workers for which pools have room; those not in `pools` are not looked at."""
        most = np.full(len(current), np.iinfo(np.int64).max // (len(current) + 1))
        for pool in pools.tolist():
            room = self._fleet.room(pool)
            if room is not None:
                most[pool] = current[pool] + room()
        return most

    def sited(
        self, tick: int, kind: int, entry: Applied, before: int, current: IntArray, most: IntArray
    ) -> list[tuple[int, int, Applied]]:
        """The pools of a type whose total is settled: pool, workers in the end, and asked for now.

        Args:
            tick: that begins.
            kind: the type.
            entry: what the guard left of its total.
            before: its total until now; where it stays, what changes in pools is siting.
            current: (P,) workers asked for so far.
            most: (P,) for which there is room.
        """
        assert self.sites is not None
        state = self._fleet.state
        asked, places = self.sites.asked(state, tick, kind, entry.workers, current, most)
        found = []
        for pool, now, then in zip(
            self.sites.types[kind].tolist(), asked.tolist(), places.tolist(), strict=True
        ):
            moves = now != then or (entry.workers == before and now != current[pool])
            stages = entry.stages
            if now != then:
                stages = (*stages, Stage("siting", then, now, Reason.SITED))
            reason = Reason.SITED if moves else entry.reason
            found.append((pool, then, Applied(workers=now, reason=reason, stages=stages)))
        return found


def _check_sizes(action: Action, pools: int, where: str) -> None:
    sizes = (len(action.target), len(action.reason), len(action.rationale) or pools)
    if sizes != (pools, pools, pools):
        raise PolicyError(
            f"{sizes[0]} targets, {sizes[1]} reasons and {len(action.rationale)} rationales were "
            "proposed",
            where,
            f"Propose one of each per pool, or no rationale at all; there are {pools} pools",
        )


def _check_number(what: str, given: int, known: int, where: str) -> None:
    if given not in (0, known):
        raise PolicyError(
            f"{given} {what} were proposed",
            where,
            f"Propose one each, or none at all; there are {known}",
        )


def _check_weights_of(
    weights: RoutingWeights, router: RouterKind, known: list[str], where: str
) -> None:
    for name, value in (("its pool", weights.pool), *weights.sizes.items()):
        if not (math.isfinite(value) and value > 0.0):
            raise PolicyError(
                f"a routing weight of {value:g} was proposed for {name}", where, "Use one above 0"
            )
    for name in weights.sizes:
        if name not in known:
            fix = did_you_mean(name, known)
            raise PolicyError(f"a routing weight of the size {name!r} was proposed", where, fix)
    unused = bool(weights.sizes) and router not in WEIGHING
    if unused or (weights.pool != 1.0 and router is not RouterKind.HIERARCHICAL):
        raise PolicyError(
            f"routing weights were proposed that the router {router.value!r} does not go by",
            where,
            "Weights of sizes are for weighted-round-robin, hierarchical and the routers that "
            "score, those of pools for hierarchical; propose such a router with them",
        )


def _check_group(group: GroupAction | None, where: str) -> None:
    for name in ("empty_frac", "suspend_below_frac"):
        value = 0.0 if group is None else getattr(group, name)
        if not 0.0 <= value <= 1.0:
            raise PolicyError(f"{name} of {value} was proposed", where, "Use a share from 0 to 1")
