"""Applies what an action says besides numbers of workers: sizes, nodes asleep, zones."""

import numpy as np

from engine.cluster.conditions import Conditions
from engine.cluster.sites import Sites
from engine.errors import PolicyError, did_you_mean
from engine.fleet import Fleet
from engine.guard import Applied, Stage
from engine.policies.base import Action, GroupAction, Reason
from engine.scenario import RouterKind, Scenario
from engine.units import IntArray

__all__ = ["Steering"]


class Steering:
    """The parts of one replay's actions that are not numbers of workers."""

    def __init__(self, scenario: Scenario, fleet: Fleet, conditions: Conditions) -> None:
        self._fleet = fleet
        self._sizes = [
            [size.name for size in scenario.agent_type_of(pool).all_sizes]
            for pool in scenario.pools
        ]
        self._router = scenario.router.kind
        self._groups = [group.name for group in scenario.node_groups]
        rule = scenario.siting
        self.sites = None if rule is None else Sites(scenario, rule, conditions)
        """None: policies speak of each pool."""
        each = range(len(scenario.pools))
        self._heads = list(each) if self.sites is None else [int(t[0]) for t in self.sites.types]

    def check(self, action: Action, where: str) -> None:
        """Refuses what does not fit the cluster. Raises PolicyError."""
        sizes = [self._sizes[pool] for pool in self._heads]
        _check_sizes(action, len(sizes), where)
        if not action.size and not action.groups and not action.router:
            return
        _check_number("worker sizes", len(action.size), len(sizes), where)
        _check_number("node groups", len(action.groups), len(self._groups), where)
        for wanted, known in zip(action.size, sizes, strict=False):
            if wanted is not None and wanted not in known:
                fix = did_you_mean(wanted, known)
                raise PolicyError(f"the worker size {wanted!r} was proposed", where, fix)
        self._check_router(action, len(sizes), where)
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

    def reroute(self, action: Action, now: float) -> None:
        """Routes requests of each pool as is wanted."""
        for pool, router in zip(self._heads, action.router, strict=False):
            if router is not None:
                self._fleet.reroute(pool, router, now)

    def resize(
        self, pool: int, wanted: str | None, now: float
    ) -> tuple[str | None, Reason | None]:
        """Changes the size of a pool's workers if that is wanted and possible.

        Returns:
            The size that workers are ordered in from now on, and what bound it; None, None where
            nothing was proposed.
        """
        if wanted is None:
            return None, None
        names, held = self._sizes[pool], self._fleet.size(pool)
        number = names.index(wanted)
        if number == held:
            return wanted, None
        if not self._fleet.resize(pool, number, now):
            return names[held], Reason.NO_ROOM
        return wanted, None

    def steer(self, action: Action, now: float) -> None:
        """Does what is wanted of nodes."""
        for g, group in enumerate(action.groups):
            if group is not None:
                self._fleet.steer(g, group, now)

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


def _check_group(group: GroupAction | None, where: str) -> None:
    for name in ("empty_frac", "suspend_below_frac"):
        value = 0.0 if group is None else getattr(group, name)
        if not 0.0 <= value <= 1.0:
            raise PolicyError(f"{name} of {value} was proposed", where, "Use a share from 0 to 1")
