"""The stages as pure functions of sizes: (P,) whole numbers in, (P,) whole numbers out."""

from collections.abc import Sequence

import numpy as np

from engine.errors import PolicyError
from engine.policies.base import PoolFacts
from engine.units import BoolArray, FloatArray, IntArray

_SLACK = 1e-9


def refuse_impossible(
    t_s: float, proposed: FloatArray, keep: BoolArray, pools: Sequence[PoolFacts], policy: str
) -> None:
    """Raises PolicyError where (P,) proposals are not numbers of 0 or more, unless kept."""
    wrong = ~keep & ~(np.isfinite(proposed) & (proposed >= 0.0))
    if wrong.any():
        number = int(np.argmax(wrong))
        raise PolicyError(
            f"a target of {float(proposed[number])} workers was proposed",
            f"policy {policy!r}, pool {pools[number].name!r}, {t_s:g} s",
            "A target is a finite number of 0 or more, or KEEP",
        )


def carbon(
    wanted: FloatArray, current: FloatArray, g_per_kwh: FloatArray, threshold: FloatArray,
    soft: float,
) -> FloatArray:  # fmt: skip
    """Only what raises emissions is masked: growth times m, rounded down.

    m = clip((threshold - intensity) / soft, 0, 1); without a band 1 up to the threshold, then 0.

    Args:
        wanted: sizes wanted.
        current: sizes now.
        g_per_kwh: (P,) intensity of each pool's grid.
        threshold: (P,) g CO2e per kWh.
        soft: width of the band below the threshold.
    """
    mask = carbon_mask(g_per_kwh, threshold, soft)
    growth = np.maximum(wanted - current, 0.0)
    masked: FloatArray = np.where(
        wanted > current, current + np.floor(growth * mask + _SLACK), wanted
    )
    return masked


def carbon_mask(g_per_kwh: FloatArray, threshold: FloatArray, soft: float) -> FloatArray:
    """(P,) share of growth that may be; see `carbon`."""
    if soft > 0.0:
        return np.clip((threshold - g_per_kwh) / soft, 0.0, 1.0)
    return np.where(g_per_kwh <= threshold, 1.0, 0.0)


def rate(
    wanted: FloatArray, base: FloatArray, added: FloatArray, removed: FloatArray,
    out_most: float, in_most: float,
) -> FloatArray:  # fmt: skip
    """No more than so many workers out and in within a period.

    Args:
        wanted: sizes wanted.
        base: the present sizes, brought within the limits.
        added: (P,) workers added in the period so far.
        removed: (P,) workers removed in it.
        out_most: workers that may be added in a period, inf: any.
        in_most: workers that may be removed.
    """
    high = base + np.maximum(out_most - added, 0.0)
    low = base - np.maximum(in_most - removed, 0.0)
    paced: FloatArray = np.clip(wanted, low, high)
    return paced


def cooldown(
    wanted: FloatArray, base: FloatArray, since_out_s: FloatArray, since_s: FloatArray,
    out_s: float, in_s: float,
) -> FloatArray:  # fmt: skip
    """No step out too soon after a step out, no step in too soon after any step.

    Args:
        wanted: sizes wanted.
        base: the present sizes, brought within the limits.
        since_out_s: (P,) seconds since the last step out, inf: none.
        since_s: (P,) seconds since the last step of either direction.
        out_s: the cooldown of steps out.
        in_s: the cooldown of steps in.
    """
    too_soon = ((wanted > base) & (since_out_s < out_s)) | ((wanted < base) & (since_s < in_s))
    cooled: FloatArray = np.where(too_soon, base, wanted)
    return cooled


def budget(
    wanted: FloatArray,
    base: FloatArray,
    price: FloatArray,
    usd_per_hour: float,
    committed: IntArray | None = None,
    saved: FloatArray | None = None,
) -> FloatArray:
    """Growth is cut, by the same share everywhere, until all workers fit into the budget.

    What is left over by rounding goes to the pools in their order. Where the present sizes cost
    more than the budget already, nothing grows.

    Args:
        wanted: sizes wanted.
        base: the present sizes, brought within the limits.
        price: (P,) US dollars per worker and hour.
        usd_per_hour: the budget.
        committed: (P,) workers that are paid for anyway; growth up to them costs nothing.
        saved: (P,) US dollars per hour by which those are cheaper than the price; None: nothing.
    """
    if committed is not None and saved is not None:
        more = usd_per_hour + float(saved.sum())
        low, high = np.maximum(base, committed), np.maximum(wanted, committed)
        within: FloatArray = np.minimum(budget(high, low, price, more), wanted)
        return within
    kept = np.minimum(wanted, base)
    growth = wanted - kept
    left = usd_per_hour - float((kept * price).sum())
    cost = float((growth * price).sum())
    if cost <= left:
        return wanted
    share = max(left, 0.0) / cost if cost > 0.0 else 0.0
    given = np.floor(growth * share + _SLACK)
    left -= float((given * price).sum())
    for pool in np.flatnonzero((growth > given) & (price > 0.0)).tolist():
        more = min(growth[pool] - given[pool], max(0.0, np.floor(left / price[pool])))
        given[pool] += more
        left -= more * price[pool]
    free = price <= 0.0
    made: FloatArray = kept + np.where(free, growth, given)
    return made
