"""Predictive scaling: capacity for a quantile of the demand until new workers can be ready."""

import copy
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.lookahead import LEVELS, Outlook
from engine.policies import parameters as check
from engine.policies.base import Action, Observation, PolicyContext, Reason
from engine.policies.demand import CONSTRAINTS, DemandWatch
from engine.units import FloatArray

if TYPE_CHECKING:
    from engine.lookahead.modelled import Foreseen, Modelled

NAME = "predictive"
QUICK = "quick"
"""The forecaster that comes with the policies; the others are those of the page *Forecast*."""
PLAN_S = (300.0, 900.0)
"""How far ahead the later steps of the plan look, seconds."""


class Predictive:
    """Capacity for a forecast quantile of demand over the start-up time, at a target utilisation.

    workers = ⌈rate_q · service · (1 + margin) / (slots · target) + backlog⌉, where rate_q is the
    quantile of the highest rate (mean over 30 s) that the quick forecaster expects within the
    mean start-up time plus one interval, service the mean seconds that requests held a slot, and
    backlog the workers that would empty the queue within `drain_s`.

    With another `forecast`, rate_q is the highest of that forecaster's calibrated quantiles at
    horizons until then; the quick one stands in until enough is known.
    """

    constraints = CONSTRAINTS

    def __init__(
        self,
        context: PolicyContext,
        *,
        quantile: float = 0.95,
        target: float = 0.8,
        margin: float = 0.0,
        drain_s: float = 60.0,
        hold_s: float = 0.0,
        interval_s: float | None = None,
        plan: bool = False,
        forecast: str = QUICK,
    ) -> None:
        """Remembers nothing yet.

        Args:
            context: the pools and the tick.
            quantile: of the demand to have capacity for, 0.5 to 0.99.
            target: share of slots wanted in use at that demand, above 0 and up to 1.
            margin: capacity on top, as a share, 0 or more.
            drain_s: seconds in which what waits should be served, 0 or more; 0: what waits does
                not count.
            hold_s: the highest proposal of so many seconds stands, 0 or more, so that short dips
                remove nothing.
            interval_s: seconds between proposals, a multiple of the tick; 15 if not given.
            plan: add to the rationale the steps that the forecast asks for later. They are told,
                not executed: each proposal is made anew, from what is known by then.
            forecast: quick, or a forecaster of demand: bilstm, persistence or ets.
        """
        self.interval_s = context.tick_s
        self._quantile = check.number(NAME, "quantile", quantile, 0.5, 0.99)
        self._target = check.share(NAME, "target", target)
        self._margin = check.number(NAME, "margin", margin, 0.0)
        self._drain_s = check.number(NAME, "drain_s", drain_s, 0.0)
        self._plans = check.flag(NAME, "plan", plan)
        self._watch = DemandWatch(NAME, context, interval_s=interval_s, hold_s=hold_s)
        self._horizon_s = self._watch.horizon_s()
        self._model = self._modelled(forecast)

    @staticmethod
    def version(parameters: Mapping[str, Any]) -> str:
        """What decides its answers beside the code that all policies share; part of run ids."""
        name = parameters.get("forecast", QUICK)
        if name == QUICK:
            return ""
        from engine.lookahead import modelled  # noqa: PLC0415 - heavy

        return modelled.version(name) if name in modelled.MODELS else ""

    def propose(self, observation: Observation) -> Action:
        """A target for each pool, from the forecast."""
        if not self._watch.due(observation):
            return self._watch.silent(Reason.NOT_DUE)
        outlook = self._watch.lookahead.outlook(self._horizon_s)
        seen = self._foreseen()
        rate = self._rate(seen, outlook, self._horizon_s)
        wanted = self._workers(rate, outlook.service_s, observation)
        numbers = {
            "rate_per_s": outlook.level,
            "expected_per_s": rate,
            "service_s": outlook.service_s,
            "horizon_s": self._horizon_s,
            "quantile": np.full(len(wanted), self._quantile),
            "target": np.full(len(wanted), self._target),
            "drain_s": np.full(len(wanted), self._drain_s),
            "queued": observation.queued.astype(np.float64),
        } | _quantiles(outlook, seen, self._horizon_s)
        extra: list[dict[str, Any]] = [{} for _ in wanted]
        if self._model is not None:
            extra = _said(seen, self._model.name, len(wanted))
        if self._plans:
            plans = self._plan(seen, wanted, outlook.service_s, observation)
            extra = [own | more for own, more in zip(extra, plans, strict=True)]
        return self._watch.answer(observation, wanted, numbers, extra)

    def without(self, *reasons: Reason) -> "Predictive":
        """A copy, with its memory, in which some of its own constraints no longer bind."""
        lifted = copy.deepcopy(self)
        lifted._watch.lift(*reasons)
        return lifted

    def _modelled(self, forecast: object) -> "Modelled | None":
        if forecast == QUICK:
            return None
        from engine.lookahead import modelled  # noqa: PLC0415 - heavy

        name = check.choice(NAME, "forecast", forecast, (QUICK, *modelled.MODELS))
        until_s = [*self._horizon_s.tolist(), *(PLAN_S if self._plans else ())]
        return modelled.Modelled(
            name, len(self._horizon_s), self._watch.interval_s, until_s, self._quantile
        )

    def _foreseen(self) -> "Foreseen | None":
        if self._model is None:
            return None
        self._model.close(self._watch.lookahead.newest())
        return self._model.ask()

    def _rate(
        self, seen: "Foreseen | None", outlook: Outlook, horizon_s: FloatArray
    ) -> FloatArray:
        """(P,) quantile of the highest rate until (P,) seconds from now, requests/s."""
        if seen is None:
            return outlook.rate(self._quantile)
        return seen.until(horizon_s)[:, -1]

    def _workers(
        self, rate: FloatArray, service_s: FloatArray, observation: Observation
    ) -> FloatArray:
        return self._watch.workers(
            rate * service_s * (1.0 + self._margin), observation, service_s,
            target=self._target, drain_s=self._drain_s,
        )  # fmt: skip

    def _plan(
        self, seen: "Foreseen | None", wanted: FloatArray, service_s: FloatArray,
        observation: Observation,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """One list of steps a pool: order now, and what the forecast would have ordered later.

        A step of the longer horizons is due a start-up time before its horizon ends. Steps keep
        to the pool's limits and only rise: the forecast is of the highest demand. Holds, pace and
        budget are not foreseen, and each pool's steps are of workers as it has them: no cheaper
        mix of sizes or places is sought.
        """
        later = [
            (ahead_s, self._workers(self._rate(seen, outlook, at), service_s, observation))
            for ahead_s in PLAN_S
            for at in [np.maximum(self._horizon_s, ahead_s)]
            for outlook in [self._watch.lookahead.outlook(at)]
        ]
        plans: list[dict[str, Any]] = []
        for p, pool in enumerate(self._watch.pools):
            steps: list[dict[str, float]] = []
            size = int(observation.target[p])
            for ahead_s, workers in ((self._horizon_s[p], wanted), *later):
                if not math.isfinite(workers[p]):
                    continue
                due_s = float(max(0.0, ahead_s - self._horizon_s[p]))
                to = min(max(math.ceil(workers[p] - 1e-9), pool.workers_min), pool.workers_max)
                if to > size or (not steps and to != size):
                    steps.append(
                        {"in_s": due_s, "from": size, "to": to,
                         "usd_per_hour": (to - size) * pool.price_usd_per_hour}
                    )  # fmt: skip
                    size = to
            plans.append({"plan": steps})
        return plans


def _quantiles(
    outlook: Outlook, seen: "Foreseen | None", horizon_s: FloatArray
) -> dict[str, FloatArray]:
    """(P,) each, of the highest rate until the horizon."""
    levels = LEVELS if seen is None else seen.levels
    rates = outlook.rates if seen is None else seen.until(horizon_s)
    return {f"q{100 * level:.4g}_per_s": rate for level, rate in zip(levels, rates.T, strict=True)}


def _said(seen: "Foreseen | None", name: str, pools: int) -> list[dict[str, Any]]:
    """For each pool what the forecaster said at all horizons; until it can, who stands in."""
    if seen is None:
        return [{"forecast": {"by": QUICK, "for": name}}] * pools
    facts = {
        "by": name, "calibrated_on": seen.calibrated_on, "levels": list(seen.levels),
        "horizons_s": seen.horizons_s.tolist(),
    }  # fmt: skip
    return [{"forecast": facts | {"per_s": rows}} for rows in seen.quantiles.tolist()]
