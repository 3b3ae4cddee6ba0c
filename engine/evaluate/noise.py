"""How far a figure would move with other days of the same kinds: a paired bootstrap over days."""

from collections.abc import Callable, Sequence

import numpy as np

from engine.trace.streams import stream
from engine.units import FloatArray, IntArray

DRAWS = 500
LEAST_DAYS = 2
"""Of each kind."""
LEVELS = (0.025, 0.975)
_STREAM = 734
METHOD = (
    f"paired bootstrap over days, {DRAWS} draws: of each kind's n days n - 1 are drawn with "
    "replacement, the same ones for every policy; fronts and figures are made anew of each draw; "
    "the 2.5th to the 97.5th percentile; none where a kind has only one day"
)


def drawn_days(kinds: Sequence[str], draws: int = DRAWS) -> IntArray | None:
    """Days of each draw, (draws, drawn); None where a kind has too few to tell.

    n - 1 of n are drawn because the mean of so many varies as that of n days does; n of n days
    would vary less, by a third where a kind has three.

    Args:
        kinds: (D,) of each day.
        draws: how many.
    """
    by_kind = [
        [day for day, of in enumerate(kinds) if of == kind] for kind in dict.fromkeys(kinds)
    ]
    if any(len(days) < LEAST_DAYS for days in by_kind):
        return None
    rng = stream(0, _STREAM)
    return np.concatenate(
        [rng.choice(days, (draws, len(days) - 1)) for days in by_kind], axis=1
    ).astype(np.int64)


def interval(
    days: IntArray, measure: Callable[[IntArray], Sequence[float]]
) -> list[tuple[float, float]]:
    """95 % interval of each figure.

    Args:
        days: as `drawn_days` gives them.
        measure: figures of a draw of days; infinite where there is none.
    """
    found: FloatArray = np.array([measure(drawn) for drawn in days])
    low, high = np.quantile(found, LEVELS, axis=0, method="inverted_cdf")
    return list(zip(low.tolist(), high.tolist(), strict=True))
