"""A claim, and what became of it."""

from dataclasses import dataclass
from enum import StrEnum

LEARNED, RULES, PAPER, GUIDE = "SmartScale paper", "HRAC digest", "LSTM-MARL-Ape-X paper", "guide"


class Verdict(StrEnum):
    """What our evidence says of a claim."""

    MATCHED = "matched"
    """Within our interval, or within a tenth where there is none."""
    WEAKER = "weaker"
    """We find the effect, but less of it."""
    STRONGER = "stronger"
    """We find more of it."""
    NOT_REPRODUCIBLE = "not reproducible"
    """What is needed to check it was never published, or runs show the opposite."""
    INCONSISTENT = "inconsistent in itself"
    """Its own numbers contradict one another."""
    NO_RUN = "no run yet"
    """Nothing stored answers it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One row: claimed, ours, interval, conditions, verdict."""

    key: str
    """Rows of the requirements ledger that it comes from."""
    source: str
    text: str
    claimed: float | None
    ours: float | None
    low: float | None
    high: float | None
    """90 % t interval over seeds; None: one value, or none."""
    unit: str
    verdict: Verdict
    conditions: str
    """Under which ours was obtained, or what contradicts what."""
    runs: tuple[str, ...] = ()
    """Ids of the runs behind it."""
