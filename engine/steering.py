"""Applies what an action says besides numbers of workers: sizes, nodes asleep, zones."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.cluster.conditions import Conditions
from engine.cluster.sites import Sites
from engine.errors import PolicyError, did_you_mean
from engine.fleet import Fleet
from engine.guard import Stage
from engine.policies.base import Action, GroupAction, Reason
from engine.scenario import Scenario
from engine.units import IntArray

__all__ = ["Settled", "Steering"]


class Settled(NamedTuple):
    """What the guard left of a proposal for a pool."""

    applied: int
    reason: Reason
    stages: tuple[Stage, ...]


class Steering:
    """The parts of one replay's actions that are not numbers of workers."""

    def __init__(self, scenario: Scenario, fleet: Fleet, conditions: Conditions) -> None:
        self._fleet = fleet
        self._sizes = [
            [size.name for size in scenario.agent_type_of(pool).all_sizes]
            for pool in scenario.pools
        ]
        self._groups = [group.name for group in scenario.node_groups]
        rule = scenario.siting
        self._sites = None if rule is None else Sites(scenario, rule, conditions)

    @property
    def sites(self) -> bool:
        """Whether workers are moved between pools."""
        return self._sites is not None

    def check(self, action: Action, where: str) -> None:
        """Refuses what does not fit the cluster. Raises PolicyError."""
        _check_sizes(action, len(self._sizes), where)
        if not action.size and not action.groups:
            return
        _check_number("worker sizes", len(action.size), len(self._sizes), where)
        _check_number("node groups", len(action.groups), len(self._groups), where)
        for wanted, known in zip(action.size, self._sizes, strict=False):
            if wanted is not None and wanted not in known:
                fix = did_you_mean(wanted, known)
                raise PolicyError(f"the worker size {wanted!r} was proposed", where, fix)
        for group, name in zip(action.groups, self._groups, strict=False):
            _check_group(group, f"{where}, node group {name!r}")

    def resize(self, pool: int, action: Action, now: float) -> tuple[str | None, Reason | None]:
        """Changes the size of a pool's workers if that is proposed and possible.

        Returns:
            The size that workers are ordered in from now on, and what bound it; None, None where
            nothing was proposed.
        """
        wanted = action.size[pool]
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

    def sited(
        self, tick: int, settled: Sequence[Settled], current: IntArray
    ) -> tuple[Settled, ...]:
        """The same workers, divided anew over the pools of each agent type."""
        assert self._sites is not None
        wanted = np.array([entry.applied for entry in settled], np.int64)
        rooms = [self._fleet.room(pool) for pool in range(len(settled))]
        most = np.array(
            [
                np.iinfo(np.int64).max if room is None else current[pool] + room()
                for pool, room in enumerate(rooms)
            ],
            np.int64,
        )
        asked = self._sites.asked(self._fleet.state, tick, wanted, most)
        return tuple(
            entry
            if int(number) == entry.applied
            else Settled(
                int(number),
                Reason.SITED,
                (*entry.stages, Stage("siting", entry.applied, int(number), Reason.SITED)),
            )
            for entry, number in zip(settled, asked, strict=True)
        )


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
