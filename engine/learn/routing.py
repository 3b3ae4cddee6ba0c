"""The routing action: weights of the pools of an agent type, by what tells its sites apart.

A small network reads the priorities and the state of an agent type, and answers with one slope for
each of FEATURES. The logarithm of a pool's weight is the sum of slope times feature, a feature
being how far the pool is from the mean of its type: so pools in another order get the same weights
in that order, one pool alone gets 1, and the parts of the sum say exactly what moved it. Load is
left to the router, which counts free slots itself: what the head sees is nothing that its own
weights move.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from engine.learn.mind import USUAL_G_PER_KWH
from engine.learn.rewards import dirt
from engine.policies.base import Action, Observation, PolicyContext, PoolFacts, RoutingWeights
from engine.units import AnyArray, FloatArray, IntArray

FEATURES = ("price", "grid", "delay", "room", "floor")
"""(K,) of a pool, less the mean of its type: log price of a slot; log carbon intensity, counted
double above the threshold; network delay over service time; log of its most slots over the type's
demand; its fewest slots over that demand."""
STATE = (
    "log(demand + 1)", "log slots per worker", "log(start-up time / 60 s)", "log pools",
    "spread of price", "spread of grid", "spread of delay",
)  # fmt: skip
"""(S,) of an agent type; demand is in workers, spreads are standard deviations."""
MOST = 2.0
"""Of a weight's logarithm, either way."""
STEPS = 8
"""Weights are exp(whole number / STEPS)."""
REPEAT = 20
"""Decisions after which weights are sent again: a person's hold may have kept them back."""
LEAST_APART = 0.01
"""Where the sites of a training differed less in a feature, nothing was learned: it counts 0."""
_APART = 3.0
"""Of a logarithm: pools further from the mean count as so far."""


class Head(NamedTuple):
    """The network; arrays are float32. H units in each of two hidden layers."""

    shift: AnyArray
    """(S,) taken from the state, which is then divided by `scale`."""
    scale: AnyArray
    apart: AnyArray
    """(K,) divides the features."""
    w1: AnyArray
    """(S + 5, H)"""
    b1: AnyArray
    w2: AnyArray
    """(H, H)"""
    b2: AnyArray
    w3: AnyArray
    """(H, K)"""
    b3: AnyArray


def slopes(head: Head, state: FloatArray, priorities: FloatArray) -> FloatArray:
    """(K,) what a feature's step of `apart` adds to a weight's logarithm, within ± MOST.

    Args:
        head: the network.
        state: (S,) as STATE.
        priorities: (5,)
    """
    seen = np.concatenate([(state - head.shift) / head.scale, priorities])
    hidden = np.tanh(np.tanh(seen @ head.w1 + head.b1) @ head.w2 + head.b2)
    made: FloatArray = MOST * np.tanh(hidden @ head.w3 + head.b3)
    return made


def steps_of(logits: FloatArray) -> IntArray:
    """(P,) weights of one agent type as whole steps of their logarithm: what is executed."""
    bounded = np.clip(logits - logits.mean(), -MOST, MOST)
    steps: IntArray = np.rint(bounded * STEPS).astype(np.int64)
    return steps


class Sites(NamedTuple):
    """P pools of one agent type as the head is told of them. (P,) each but for the last."""

    usd: FloatArray
    """Price of a slot."""
    g_per_kwh: FloatArray
    delay_s: FloatArray
    most: FloatArray
    """Slots at most."""
    least: FloatArray
    slots: FloatArray
    """Of a worker."""
    startup_s: FloatArray
    threshold: float | FloatArray
    """Carbon threshold, g per kWh, one for all or of each grid; infinite: there is none."""


def told(sites: Sites, demand_slots: float, service_s: float) -> tuple[FloatArray, FloatArray]:
    """Features (P, K) and state (S,) of an agent type.

    Args:
        sites: its pools.
        demand_slots: busy slots that the demand of all of them needs now.
        service_s: mean seconds of service.
    """
    demand = max(demand_slots, 1.0)
    usual = np.full(len(sites.usd), sites.threshold) / USUAL_G_PER_KWH
    dirty = dirt(np.maximum(sites.g_per_kwh, 1.0) / USUAL_G_PER_KWH, usual)
    columns = np.column_stack(
        [
            np.log(np.maximum(sites.usd, 1e-6)), np.log(dirty), sites.delay_s / service_s,
            np.log(np.clip(sites.most / demand, 0.1, 10.0)),
            np.minimum(sites.least / demand, 1.0),
        ]
    )  # fmt: skip
    features = np.clip(columns - columns.mean(0), -_APART, _APART)
    state = np.array(
        [
            np.log1p(demand_slots / sites.slots.mean()), np.log(sites.slots).mean(),
            np.log(np.maximum(sites.startup_s, 1.0) / 60.0).mean(), np.log(len(sites.usd)),
            *features[:, :3].std(0),
        ]
    )  # fmt: skip
    return features, state


class Routing:
    """The routing part of one replay's decisions."""

    def __init__(self, context: PolicyContext, priorities: FloatArray, head: Head) -> None:
        """Nothing sent yet.

        Args:
            context: the pools, whose router goes by their weights.
            priorities: (5,)
            head: the network.
        """
        self._head, self._priorities, self._facts = head, priorities, context.pools
        self._threshold = context.carbon_threshold_g_per_kwh or np.inf
        kinds = np.array([pool.agent_type for pool in context.pools])
        self._types = [np.flatnonzero(kinds == kind) for kind in dict.fromkeys(kinds.tolist())]
        self._sent = np.zeros(len(context.pools), np.int64)
        self._ever = np.zeros(len(context.pools), np.bool_)
        """Whether another weight than 1 was sent: a hold may keep the way back to it, too."""
        self._decisions = 0

    def added(
        self, action: Action, observation: Observation, level: FloatArray, service_s: FloatArray
    ) -> Action:
        """The action with routing weights, where they change, and what they are made of.

        Args:
            action: without.
            observation: with prices and grids.
            level: (P,) requests/s over the last minute.
            service_s: (P,)
        """
        steps, parts = self._sent.copy(), np.zeros((len(self._sent), len(FEATURES)))
        for pools in self._types:
            found = self._parts(pools, observation, level[pools], service_s[pools])
            if found is not None:
                parts[pools], steps[pools] = found, steps_of(found.sum(1))
        again = self._decisions % REPEAT == 0
        self._ever |= steps != 0
        tell = (steps != self._sent) | (again & self._ever)
        self._sent, self._decisions = steps, self._decisions + 1
        weights = np.exp(steps / STEPS).tolist()
        return replace(
            action,
            weights=tuple(
                RoutingWeights(pool=weight) if say else None
                for weight, say in zip(weights, tell.tolist(), strict=True)
            ),
            rationale=tuple(
                {**said, **_numbers(weight, row)}
                for said, weight, row in zip(
                    action.rationale, weights, parts.tolist(), strict=True
                )
            ),
        )

    def _parts(
        self, pools: IntArray, observation: Observation, level: FloatArray, service_s: FloatArray
    ) -> FloatArray | None:
        """(n, K) parts of the weights' logarithms; None: demand, price or grid is not known."""
        demand_slots = float((level * service_s).sum())
        facts = [self._facts[pool] for pool in pools.tolist()]
        sizes = [observation.size[pool] if observation.size else "" for pool in pools.tolist()]
        slots = np.array([_slots(*pair) for pair in zip(facts, sizes, strict=True)])
        price, grid = observation.price_usd_per_hour, observation.grid_g_per_kwh
        own = observation.carbon_threshold_g_per_kwh
        usd = price[pools] if len(price) else np.array([p.price_usd_per_hour for p in facts])
        sites = Sites(
            usd=usd / slots,
            g_per_kwh=grid[pools] if len(grid) else np.full(len(pools), USUAL_G_PER_KWH),
            delay_s=np.array([pool.delay_s for pool in facts]),
            most=slots * [pool.workers_max for pool in facts],
            least=slots * [pool.workers_min for pool in facts],
            slots=slots, startup_s=np.array([pool.startup_mean_s for pool in facts]),
            threshold=own[pools] if len(own) else self._threshold,
        )  # fmt: skip
        if not np.isfinite([demand_slots, *sites.usd, *sites.g_per_kwh]).all():
            return None
        mean_s = demand_slots / max(float(level.sum()), 1e-9)
        features, state = told(sites, demand_slots, mean_s if mean_s > 0.0 else service_s.mean())
        return parts_of(self._head, features, state, self._priorities)


def parts_of(
    head: Head, features: FloatArray, state: FloatArray, priorities: FloatArray
) -> FloatArray:
    """(P, K) what each feature adds to the logarithms of the weights of P pools."""
    steps = np.where(head.apart < LEAST_APART, 0.0, features / head.apart)
    made: FloatArray = steps * slopes(head, state, priorities)
    return made


def _slots(pool: PoolFacts, size: str) -> float:
    """Of a worker of that size."""
    known = {entry.name: entry.slots for entry in pool.sizes}
    return float(known.get(size, pool.slots))


def _numbers(weight: float, parts: list[float]) -> Mapping[str, float]:
    """Of the rationale: the weight, and what each feature adds to its logarithm."""
    named = zip(FEATURES, parts, strict=True)
    return {"route_weight": weight, **{f"route_{name}": part for name, part in named}}
