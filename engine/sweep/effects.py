"""Which setting moves which figure, and where a figure falls off a cliff. Pure arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.units import BoolArray, FloatArray, IntArray

GROUPS_MAX = 6
"""Groups that the values of a range are put into."""
GROUP_LEAST = 4
"""Points that a group of several values is to have."""
FALL = 0.02
"""A promise is broken by a cliff where it is missed by this share of requests more, in a step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """How a setting moves a figure, whatever the other settings are."""

    path: str
    figure: str
    explained_frac: float
    """Share of the figure's variance that the setting explains; 1: it alone decides.

    Kelley's ε² = 1 − (1 − η²)(n − 1)/(n − k) of n points in k groups, 0 at least: the correlation
    ratio η² = Var(E[figure | setting]) / Var(figure) without what chance explains.
    """
    lowest: float
    """Mean of the figure where the setting makes it lowest."""
    highest: float
    rises: bool | None
    """With the setting; None where it is no number, goes up and down, or explains nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cliff:
    """A step of a setting over which a promise collapses."""

    path: str
    kept_at: str
    """Last value at which it is kept; of several put together, the range of them."""
    broken_at: str
    kept_frac: float
    """Mean SLO attainment there."""
    broken_frac: float
    kept_last: str
    """Of the values at which it is kept, the one nearest to the step."""
    broken_last: str
    """Of those at which it is broken, the one farthest from it."""


def groups_of(values: Sequence[str], most: int = GROUPS_MAX) -> tuple[IntArray, list[str]]:
    """The group of each value, and a name for each group: itself, or the range of several.

    Numbers are in order and, where there are many, in groups of equal size; text is in order of
    appearance.
    """
    numbers = as_numbers(values)
    if numbers is None:
        names = list(dict.fromkeys(values))
        return np.array([names.index(value) for value in values], np.int64), names
    levels = np.unique(numbers)
    if len(levels) <= most:
        named = {float(n): text for n, text in zip(numbers, values, strict=True)}
        return np.searchsorted(levels, numbers), [named[float(level)] for level in levels]
    edges = np.quantile(numbers, np.linspace(0, 1, most + 1)[1:-1])
    group = np.searchsorted(edges, numbers, side="right")
    used, group = np.unique(group, return_inverse=True)
    members = [_in_order(values, group == each) for each in range(len(used))]
    names = [f"{texts[0]} to {texts[-1]}" for texts in members]
    return group.astype(np.int64), names


def _in_order(values: Sequence[str], chosen: BoolArray) -> list[str]:
    return sorted((text for text, here in zip(values, chosen, strict=True) if here), key=float)


def as_numbers(values: Sequence[str]) -> FloatArray | None:
    """The values as numbers; None if one of them is none."""
    try:
        return np.array([float(value) for value in values])
    except ValueError:
        return None


def effect(
    path: str, settings: Sequence[str], figure: str, values: FloatArray, *, alone: bool = False
) -> Effect | None:
    """What a setting does to a figure; None where either does not vary, or nobody could say.

    Args:
        path: of the setting.
        settings: (N,) as typed.
        figure: its key.
        values: (N,), NaN where not measured.
        alone: nothing else is varied, so that the setting explains everything.
    """
    known = ~np.isnan(values)
    kept = values[known]
    settled = [s for s, k in zip(settings, known, strict=True) if k]
    group, names = groups_of(settled, GROUPS_MAX if alone else _groups_most(settled))
    if not 2 <= len(names) <= len(kept) or float(kept.var()) <= 1e-18 * float((kept**2).mean()):
        return None
    means = np.array([kept[group == number].mean() for number in range(len(names))])
    explained = 1.0 if alone else _explained(group, means, kept)
    if explained is None:
        return None
    steps = np.diff(means)
    ordered = as_numbers(settings) is not None and explained > 0.0
    rises = bool(steps[0] > 0) if ordered and (steps > 0).all() | (steps < 0).all() else None
    return Effect(
        path=path, figure=figure, explained_frac=explained,
        lowest=float(means.min()), highest=float(means.max()), rises=rises,
    )  # fmt: skip


def _groups_most(settings: Sequence[str]) -> int:
    """Each value for itself where it comes twice on average, else as many as have enough."""
    if 2 * len(set(settings)) <= len(settings):
        return GROUPS_MAX
    return max(2, min(GROUPS_MAX, len(settings) // GROUP_LEAST))


def _explained(group: IntArray, means: FloatArray, values: FloatArray) -> float | None:
    """ε², see `Effect`; None where every point is a group of its own."""
    n, k = len(values), len(means)
    if n <= k:
        return None
    unexplained = float(((values - means[group]) ** 2).mean() / values.var())
    return max(0.0, 1.0 - unexplained * (n - 1) / (n - k))


def cliff(
    path: str, settings: Sequence[str], attainment: FloatArray, bound: float
) -> Cliff | None:
    """The first step of a numeric setting at which the mean attainment collapses.

    It was at the bound before, is below it after, and fell by `FALL` or more.

    Args:
        path: of the setting.
        settings: (N,) as typed.
        attainment: (N,) share of requests within the SLO.
        bound: what was promised.
    """
    if as_numbers(settings) is None or len(settings) < 2:
        return None
    group, names = groups_of(settings)
    means = [float(attainment[group == number].mean()) for number in range(len(names))]
    ways = [range(len(names) - 1), range(len(names) - 1, 0, -1)]
    for numbers, step in zip(ways, (1, -1), strict=True):
        for here in numbers:
            after = means[here + step]
            if means[here] >= bound > after and means[here] - after >= FALL:
                kept, broken = (_in_order(settings, group == n) for n in (here, here + step))
                far = -1 if step > 0 else 0
                return Cliff(
                    path=path, kept_at=names[here], broken_at=names[here + step],
                    kept_frac=means[here], broken_frac=after, kept_last=kept[far],
                    broken_last=broken[far],
                )  # fmt: skip
    return None
