"""Runs side by side on the scorecard, against a baseline. Pure functions of figures."""

from collections.abc import Mapping

import pandas as pd

from engine.figures import FIGURES
from engine.scorecard import Scorecard

COLUMNS = (
    "figure", "run_id", "policy", "value", "baseline_value", "difference", "difference_frac",
    "better",
)  # fmt: skip


def compare(
    cards: Mapping[str, Scorecard], policies: Mapping[str, str], baseline: str
) -> pd.DataFrame:
    """One row per figure and run, in the order of figures, then of runs.

    Args:
        cards: figures by run id, the baseline's among them.
        policies: policy name by run id.
        baseline: the run that others are compared with.

    Returns:
        Columns `COLUMNS`. `value` is None where it was not measured; `difference` is value minus
        baseline, `difference_frac` that divided by the baseline; `better` is None for the
        baseline, where nothing differs, and where neither direction is better.
    """
    rows = []
    for key, figure in FIGURES.items():
        reference = cards[baseline].get(key)
        for run_id, card in cards.items():
            value = card.get(key)
            difference = None if value is None or reference is None else value - reference
            rows.append(
                (
                    key,
                    run_id,
                    policies[run_id],
                    value,
                    reference,
                    difference,
                    difference / reference if difference is not None and reference else None,
                    _better(difference, figure.better),
                )
            )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(
        dict.fromkeys(("value", "baseline_value", "difference", "difference_frac"), "float64")
        | {"better": object}
    )


def _better(difference: float | None, direction: str | None) -> bool | None:
    if not difference or direction is None:
        return None
    return (difference > 0) == (direction == "higher")
