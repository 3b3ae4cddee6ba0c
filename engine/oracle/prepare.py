"""Gives oracles, and nobody else, what they need before a replay."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from engine.briefing import context_of
from engine.cluster.sites import types_of
from engine.oracle.search import improve
from engine.policies.base import Future, PolicyContext
from engine.policies.oracle import LEAD_FACTOR, plan_for
from engine.policies.registry import PolicySpec, create, find
from engine.replay import ReplaySpec
from engine.sim.service import Workload

SEARCH_DEFAULTS = {"target": 0.9, "rounds": 0, "miss_price": 20.0}


def policy_spec(
    spec: ReplaySpec,
    policy: PolicySpec,
    *,
    progress: Callable[[float], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> ReplaySpec:
    """The spec of a run under a policy; for an oracle with the future, and its plan made.

    Args:
        spec: trace window and scenario; its policy is replaced.
        policy: as typed.
        progress: told the share of an oracle's search that is done.
        cancel: asked during it.

    Raises:
        PolicyError: no such policy.
        ReplayCancelled: `cancel` returned true.
    """
    made = replace(spec, policy=partial(create, policy), name=str(policy))
    factory = find(policy)
    if not getattr(factory, "sees_future", False):
        return made
    if getattr(factory, "starts_at_once", False):
        made = replace(made, workload=_without_startup(made.workload))
    made = replace(made, future=_future(made))
    given = SEARCH_DEFAULTS | dict(policy.parameters)
    if policy.name != "oracle" or not given["rounds"]:
        return made
    create(policy, _context(made))  # refuses values out of range before the search
    plan = improve(
        made, _first_plan(made, float(given["target"])), rounds=int(given["rounds"]),
        miss_price=float(given["miss_price"]), progress=progress, cancel=cancel,
    )  # fmt: skip
    assert made.future is not None
    return replace(made, future=replace(made.future, plan=plan))


def _future(spec: ReplaySpec) -> Future:
    """By agent type where the scenario sites workers, as its policies see them."""
    requests = spec.workload.arrivals.requests
    pool = requests["pool"]
    if spec.scenario.siting is not None:
        kinds = np.empty(len(spec.scenario.pools), np.int32)
        for kind, pools in enumerate(types_of(spec.scenario)):
            kinds[pools] = kind
        pool = kinds[pool]
    return Future(
        arrival_s=requests["arrival_s"],
        work_s=requests["work_s"],
        pool=pool,
        window_s=spec.window_s,
    )


def _context(spec: ReplaySpec) -> PolicyContext:
    return context_of(spec.scenario, spec.workload, spec.future)


def _first_plan(spec: ReplaySpec, target: float) -> np.ndarray:
    context = _context(spec)
    assert spec.future is not None
    leads_s = [LEAD_FACTOR * pool.startup_mean_s for pool in context.pools]
    return plan_for(context, spec.future, target, leads_s)


def _without_startup(workload: Workload) -> Workload:
    pools = tuple(
        replace(pool, startup_draws_s=np.zeros_like(pool.startup_draws_s))
        for pool in workload.pools
    )
    return replace(workload, pools=pools)
