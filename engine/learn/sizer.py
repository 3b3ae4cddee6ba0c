"""Which worker size a pool should have: what each candidate would gain over the present one.

One network for all sizes and pools reads a pool's tokens, the priorities as the dial is told them
and numbers of a candidate size, and says what the five scores would come to. Only its differences
to the present size are learned and used, so the present one gains 0, and sizes in another order
get the same answers in that order.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.errors import CheckpointError
from engine.learn import checkpoint as files
from engine.learn.actors import BOUND, outputs
from engine.learn.rewards import SCORES
from engine.learn.tokens import CLUSTER, TOKEN
from engine.units import AnyArray, FloatArray
from models.sac_options import Options, told
from models.tensors import write

SHIPPED = files.SHIPPED.parent / "sizer"
FORMAT = "smartscale sizer 1"
COST = "log(cost of the workers wanted / cost of demand at the lowest price)"
CANDIDATE = (
    "log(slots / slots of the present size)",
    "log slots",
    "log speed",
    "log speed of the present size",
    "log(price of capacity / lowest price of capacity)",
    "log(demand in workers + 1)",
    COST,
    "log(capacity of the workers wanted / demand)",
    "log(workers wanted / most workers), where above 0",
)
"""(C,) numbers of a candidate size; workers wanted are those of the dial, whole and within the
pool's limits, capacity is slots x speed."""
INPUTS = files.INPUTS + len(CANDIDATE)
_TABLE = json.dumps([*TOKEN, *CLUSTER, *SCORES, *CANDIDATE])
_FIX = "Train one: smartscale train sizer"
LEAST_SHARE = 0.3
"""Demand counts as at least this share of the smallest size, so that an idle pool has a cost."""
TOLD_LEAST = Options().told_least
LEAST_GAIN = 0.02
"""Points that a change has to gain at least: what the network is not sure of."""
OTHERS = 0.6
"""Share of the doubt that is left to sizes that are not there yet."""
DOUBT = 0.05
"""Points that the highest of several uncertain gains may be too high by chance: among sizes so
near it the cheapest is taken. Chosen on pools of training's kind; the sizer's card tells more."""
_EPS = 1e-9


class Sizer(NamedTuple):
    """The network; arrays are float32."""

    shift: AnyArray
    """(F,) taken from what it reads, which is then divided by `scale` and bounded."""
    scale: AnyArray
    w1: AnyArray
    """(F, W)"""
    b1: AnyArray
    w2: AnyArray
    b2: AnyArray
    w3: AnyArray
    """(W, K) to the scores."""
    b3: AnyArray


class Offer(NamedTuple):
    """S sizes of N pools, and what is wanted of them."""

    slots: FloatArray
    """(N, S)"""
    speed: FloatArray
    """(N, S)"""
    price: FloatArray
    """(N, S) of a worker, in any unit."""
    held: AnyArray
    """(N,) number of the present size."""
    demand: FloatArray
    """(N,) busy slots of the present size that arrive."""
    wanted: FloatArray
    """(N,) workers of the present size that the dial asks for, fractions included."""
    limits: FloatArray
    """(N, 2) fewest and most workers."""

    @property
    def power(self) -> FloatArray:
        """(N, S) requests of speed 1 that a worker serves at once."""
        return self.slots * self.speed

    def of_held(self, numbers: FloatArray) -> FloatArray:
        """(N, 1) of the present size, from (N, S)."""
        return np.take_along_axis(numbers, np.asarray(self.held)[:, None], 1)

    def workers(self) -> FloatArray:
        """(N, S) of each size with the capacity that is wanted, fractions included."""
        made: FloatArray = self.wanted[:, None] * self.of_held(self.power) / self.power
        return made

    def whole(self) -> FloatArray:
        """(N, S) the same, whole and within the limits."""
        made: FloatArray = np.clip(
            np.ceil(self.workers() - _EPS), self.limits[:, :1], self.limits[:, 1:]
        )
        return made

    def base(self) -> FloatArray:
        """(N, 1) what demand costs at the lowest price of capacity."""
        work = self.demand[:, None] * self.of_held(self.speed)
        least = LEAST_SHARE * self.power.min(1, keepdims=True)
        return np.asarray(np.maximum(work, least) * lowest(self.price, self.power))


def lowest(price: FloatArray, power: FloatArray) -> FloatArray:
    """(N, 1) price of capacity where it is cheapest, from (N, S)."""
    return np.asarray((price / power).min(1, keepdims=True))


def told_to(weights: FloatArray) -> FloatArray:
    """Priorities (N, K) as the network reads them."""
    return told(weights, TOLD_LEAST)


def candidates(offer: Offer) -> FloatArray:
    """(N, S, C) as CANDIDATE says."""
    slots, power = offer.slots, offer.power
    work = offer.demand[:, None] * offer.of_held(offer.speed)
    workers, whole = offer.workers(), np.maximum(offer.whole(), 1.0)
    capacity = whole * power / np.maximum(work, LEAST_SHARE * power.min(1, keepdims=True))
    numbers = (
        np.log(slots / offer.of_held(slots)),
        np.log(slots),
        np.log(offer.speed),
        np.log(np.broadcast_to(offer.of_held(offer.speed), slots.shape)),
        np.log(offer.price / power / lowest(offer.price, power)),
        np.log(work / power + 1.0),
        np.log(whole * offer.price / offer.base()),
        np.log(capacity),
        np.log(np.maximum(workers / np.maximum(offer.limits[:, 1:], 1.0), 1.0)),
    )
    return np.stack(numbers, 2)


def beside(rows: AnyArray, read: AnyArray, numbers: AnyArray) -> AnyArray:
    """(N, S, F) what the network reads.

    Args:
        rows: (N, WIDTH) tokens.
        read: (N, K) priorities as `told_to`.
        numbers: (N, S, C) of the candidates.
    """
    seen = np.concatenate([rows, read], 1, dtype=np.float32)
    each = np.broadcast_to(seen[:, None], (*numbers.shape[:2], seen.shape[1]))
    return np.concatenate([each, numbers], 2, dtype=np.float32)


def gains(sizer: Sizer, seen: AnyArray, held: AnyArray) -> FloatArray:
    """(N, S, K) points of each score that a size would gain over the present one.

    Args:
        sizer: the network.
        seen: (N, S, F) as `beside`.
        held: (N,) number of the present size.
    """
    pools, sizes, numbers = seen.shape
    flat = ((seen - sizer.shift) / sizer.scale).reshape(-1, numbers)
    said = np.empty((pools * sizes, len(SCORES)), np.float32)
    outputs(sizer, np.clip(flat, -BOUND, BOUND), said)
    scores = said.reshape(pools, sizes, -1).astype(np.float64)
    return np.asarray(scores - np.take_along_axis(scores, held[:, None, None], 1))


def doubts(weights: FloatArray) -> FloatArray:
    """(N,) DOUBT; 0 where cost counts for nothing in the priorities (N, K)."""
    return np.where(weights[:, SCORES.index("cost")] > 0.0, DOUBT, 0.0)


def preferred(
    points: FloatArray, money: FloatArray, held: AnyArray, doubt: FloatArray
) -> AnyArray:
    """(N,) number of the cheapest among the sizes that are hardly worse than any other.

    Args:
        points: (N, S) that each gains by the priorities; minus infinity: not to be had.
        money: (N, S) points of the cost score that each gains, not weighed.
        held: (N,) number of the present size.
        doubt: (N,) points behind the best up to which the present size is as good; another one is
            up to `OTHERS` of that, so that sizes do not take turns.
    """
    near = np.tile(OTHERS * doubt[:, None], points.shape[1])
    np.put_along_axis(near, held[:, None], doubt[:, None], 1)
    behind = points.max(1, keepdims=True) - points
    return np.asarray(np.where(behind <= near, money, -np.inf).argmax(1))


def save(sizer: Sizer, folder: Path, about: dict[str, Any]) -> None:
    """Writes a sizer with JSON-able facts of its training; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    header = {
        "format": FORMAT, "table": _TABLE, "forecaster": files.forecaster_print(),
        "dial": files.dial_print(), "about": json.dumps(about),
    }  # fmt: skip
    tensors = {name: np.ascontiguousarray(t, np.float32) for name, t in sizer._asdict().items()}
    write(folder / files.WEIGHTS, tensors, header)


def load(folder: Path) -> tuple[Sizer, dict[str, Any]]:
    """The network and the facts of its training.

    Raises:
        CheckpointError: missing, damaged, of another format, of shapes that do not fit, or
            trained beside another forecaster or another dial than the ones here.
    """
    where = f"checkpoint {folder.name}"
    header, tensors = files.read(folder, FORMAT, _TABLE, _FIX)
    files.check_forecaster(header, where, _FIX)
    files.check_dial(header.get("dial"), where, _FIX)
    try:
        made = Sizer(**{name: tensors[name] for name in Sizer._fields})
        about = json.loads(header["about"])
    except KeyError as error:
        raise CheckpointError(f"it holds no {error}", where, _FIX) from error
    except ValueError as error:
        raise CheckpointError(f"its header is damaged: {error}", where, _FIX) from error
    shapes = ((INPUTS,), (INPUTS,), *files.mlp_shapes(INPUTS, len(made.b1), len(SCORES)))
    if not files.all_fit(made, shapes) or not isinstance(about, dict):
        raise CheckpointError("its weights do not fit together", where, _FIX)
    return made, about


@cache
def shipped() -> Sizer:
    """The sizer that comes with the product, read once. Raises CheckpointError."""
    return load(SHIPPED)[0]
