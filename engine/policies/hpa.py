"""The Kubernetes HPA as a policy: one HorizontalPodAutoscaler for each pool.

The algorithm lives in the `hpa_*` modules; this one turns parameters into a spec.
"""

import copy
from collections.abc import Mapping

import numpy as np

from engine.policies import parameters as check
from engine.policies.base import Action, Observation, PolicyContext, PoolFacts, Reason
from engine.policies.hpa_controller import State, reconcile
from engine.policies.hpa_lifting import lifted_options, lifted_spec
from engine.policies.hpa_spec import (
    Amount,
    Behavior,
    GivenRules,
    HpaSpec,
    MetricSpec,
    Options,
    ScalingPolicy,
    Select,
    Source,
    Target,
    down_rules,
    up_rules,
)
from engine.policies.hpa_view import (
    IN_FLIGHT,
    MEMORY,
    MILLI,
    UTILISATION,
    rationale_of,
    reason_of,
    settings_of,
    view_of,
)

NAME = "hpa"
LONGEST_PERIOD_S, LONGEST_WINDOW_S = 1800, 3600
"""What the Kubernetes API accepts in `behavior`."""
DEFAULT_PERIOD_S = 15


class Hpa:
    """Kubernetes HPA v2 on the utilisation of ready workers, or on requests in flight per worker.

    With a target for memory beside it, each metric asks for a size and the largest counts.
    Without any `scale_*` parameter the HPA has no `behavior`: at most double the size (or 4) in
    one sync, and down only to the highest recommendation of the last `downscale_window_s`. With
    one, `behavior` is present and its other fields have Kubernetes' defaults.
    """

    constraints = (
        Reason.MAX_WORKERS, Reason.MIN_WORKERS, Reason.RATE_LIMIT, Reason.STABILIZED,
        Reason.WITHIN_TOLERANCE,
    )  # fmt: skip

    def __init__(
        self,
        context: PolicyContext,
        *,
        target: float = 0.8,
        metric: str = UTILISATION,
        memory_target: float | None = None,
        tolerance: float = 0.1,
        downscale_window_s: float = 300.0,
        sync_s: float = 15.0,
        scale_up_pods: int | None = None,
        scale_up_percent: int | None = None,
        scale_up_period_s: int | None = None,
        scale_up_window_s: int | None = None,
        scale_up_select: str | None = None,
        scale_up_tolerance: float | None = None,
        scale_down_pods: int | None = None,
        scale_down_percent: int | None = None,
        scale_down_period_s: int | None = None,
        scale_down_select: str | None = None,
        scale_down_tolerance: float | None = None,
    ) -> None:
        """Makes one HPA a pool.

        Args:
            context: the pools and the tick.
            target: share of slots wanted in use, above 0 and up to 1, whole percents. The default
                is Kubernetes'.
            metric: `utilisation` of the workers' slots, or `in_flight`: requests waiting and in
                service per worker, against target times slots, as KEDA scales on a queue; or
                `memory`, for requests of which the scenario says what memory they take.
            memory_target: share of workers' memory wanted in use, above 0 and up to 1, a second
                metric for the pools of which that is known.
            tolerance: how far measured / target may stray from 1 without a change, 0 to 1.
            downscale_window_s: seconds that recommendations hold back a step down, 0 to 3600.
            sync_s: seconds between reconciles, a multiple of the tick.
            scale_up_pods: at most so many workers more in a period, 1 or more.
            scale_up_percent: at most so many percent more in a period, 1 or more.
            scale_up_period_s: seconds of that period, 1 to 1800; 15 if not given.
            scale_up_window_s: seconds that lower recommendations hold back a step up, 0 to 3600.
            scale_up_select: `Max` (the default), `Min` or `Disabled`.
            scale_up_tolerance: `tolerance` on the way up, 0 to 1.
            scale_down_pods: at most so many workers fewer in a period, 1 or more. The window is
                `downscale_window_s`.
            scale_down_percent: at most so many percent fewer in a period, 1 or more.
            scale_down_period_s: seconds of that period, 1 to 1800; 15 if not given.
            scale_down_select: `Max` (the default), `Min` or `Disabled`.
            scale_down_tolerance: `tolerance` on the way down, 0 to 1.
        """
        self.interval_s = check.interval(NAME, "sync_s", sync_s, context.tick_s)
        choice = check.choice(NAME, "metric", metric, (UTILISATION, IN_FLIGHT, MEMORY))
        self._options = Options(
            tolerance=check.number(NAME, "tolerance", tolerance, 0.0, 1.0),
            downscale_window_s=check.number(
                NAME, "downscale_window_s", downscale_window_s, 0, LONGEST_WINDOW_S
            ),
        )
        behavior = _behavior(
            _given(
                "scale_up",
                scale_up_pods,
                scale_up_percent,
                scale_up_period_s,
                scale_up_window_s,
                scale_up_select,
                scale_up_tolerance,
            ),
            _given(
                "scale_down",
                scale_down_pods,
                scale_down_percent,
                scale_down_period_s,
                None,
                scale_down_select,
                scale_down_tolerance,
            ),
        )
        self._pools = context.pools
        wanted = {choice: _percent("target", target)}
        if memory_target is not None:
            wanted[MEMORY] = _percent("memory_target", memory_target)
        _check_memory(wanted, context.pools)
        self._measures = tuple(
            tuple(name for name in wanted if name != MEMORY or pool.says_memory)
            for pool in context.pools
        )
        self._specs = tuple(
            _spec(pool, {name: wanted[name] for name in measures}, behavior)
            for pool, measures in zip(context.pools, self._measures, strict=True)
        )
        self._settings = tuple(settings_of(spec, self._options) for spec in self._specs)
        self._states = tuple(State() for _ in context.pools)

    def propose(self, observation: Observation) -> Action:
        """One reconcile of every pool's HPA."""
        targets, reasons, rationales = [], [], []
        for index, (spec, state) in enumerate(zip(self._specs, self._states, strict=True)):
            measures = self._measures[index]
            view = view_of(observation, index, self._pools[index].slots, measures)
            outcome = reconcile(state, spec, self._options, view)
            targets.append(outcome.replicas)
            reasons.append(reason_of(outcome, view.current))
            rationales.append(
                rationale_of(outcome, view, self._settings[index], spec.metrics, measures)
            )
        return Action(
            target=np.array(targets, dtype=np.float64),
            reason=tuple(reasons),
            rationale=tuple(rationales),
        )

    def without(self, *reasons: Reason) -> "Hpa":
        """A copy, with its memory, in which some of its own constraints no longer bind."""
        lifted = copy.deepcopy(self)
        lifted._specs = tuple(lifted_spec(spec, reasons) for spec in self._specs)
        lifted._options = lifted_options(self._options, reasons)
        return lifted


def _percent(name: str, target: object) -> int:
    percent = check.share(NAME, name, target) * 100
    if abs(percent - round(percent)) > 1e-9 or round(percent) < 1:
        raise check.refuse(
            NAME,
            f"{name} is {target!r}, and Kubernetes takes whole percents only",
            "Use a share such as 0.8 or 0.65",
        )
    return round(percent)


def _check_memory(wanted: Mapping[str, int], pools: tuple[PoolFacts, ...]) -> None:
    """Refuses memory where it is not known; as a second metric it must be known of one pool."""
    known = [pool.says_memory for pool in pools]
    if MEMORY in wanted and not (all(known) if len(wanted) == 1 else any(known)):
        raise check.refuse(
            NAME,
            "workers' memory is measured, and the scenario does not say what memory requests take",
            "Set memory_per_request_gib or memory_per_1k_tokens_gib of the agent type, or leave "
            "memory out",
        )


def _spec(pool: PoolFacts, wanted: Mapping[str, int], behavior: Behavior | None) -> HpaSpec:
    """Kubernetes lets an HPA on its pods alone keep no fewer than one: nothing would wake it."""
    lowest = pool.workers_min if IN_FLIGHT in wanted else max(1, pool.workers_min)
    return HpaSpec(
        min_replicas=lowest,
        max_replicas=max(lowest, pool.workers_max),
        metrics=tuple(_rule(pool, name, percent) for name, percent in wanted.items()),
        behavior=behavior,
    )


def _rule(pool: PoolFacts, measure: str, percent: int) -> MetricSpec:
    if measure == IN_FLIGHT:
        milli = pool.slots * percent * MILLI // 100
        return MetricSpec(source=Source.EXTERNAL, kind=Target.AVERAGE_VALUE, target=milli)
    resource = "memory" if measure == MEMORY else "cpu"
    return MetricSpec(
        source=Source.RESOURCE, kind=Target.UTILISATION, target=percent, resource=resource
    )


def _behavior(up: GivenRules | None, down: GivenRules | None) -> Behavior | None:
    if up is None and down is None:
        return None
    return Behavior(up=up_rules(up), down=down_rules(down))


def _given(
    half: str,
    pods: int | None,
    percent: int | None,
    period_s: int | None,
    window_s: int | None,
    select: str | None,
    tolerance: float | None,
) -> GivenRules | None:
    if all(part is None for part in (pods, percent, period_s, window_s, select, tolerance)):
        return None
    return GivenRules(
        policies=_policies(half, pods, percent, period_s),
        select=None if select is None else _select(half, select),
        window_s=None
        if window_s is None
        else check.whole(NAME, f"{half}_window_s", window_s, 0, LONGEST_WINDOW_S),
        tolerance=None
        if tolerance is None
        else check.number(NAME, f"{half}_tolerance", tolerance, 0.0, 1.0),
    )


def _select(half: str, select: str) -> Select:
    return Select(check.choice(NAME, f"{half}_select", select, tuple(s.value for s in Select)))


def _policies(
    half: str, pods: int | None, percent: int | None, period_s: int | None
) -> tuple[ScalingPolicy, ...] | None:
    given = DEFAULT_PERIOD_S if period_s is None else period_s
    period = check.whole(NAME, f"{half}_period_s", given, 1, LONGEST_PERIOD_S)
    amounts = {Amount.PODS: pods, Amount.PERCENT: percent}
    policies = tuple(
        ScalingPolicy(
            amount=amount,
            value=check.whole(NAME, f"{half}_{amount.lower()}", value, 1),
            period_s=period,
        )
        for amount, value in amounts.items()
        if value is not None
    )
    if period_s is not None and not policies:
        raise check.refuse(
            NAME,
            f"{half}_period_s is given, but nothing that may change in a period",
            f"Add {half}_pods or {half}_percent",
        )
    return policies or None
