"""A claim, and what became of it."""

from dataclasses import dataclass
from enum import StrEnum

LEARNED, RULES, PAPER, GUIDE = "SmartScale paper", "HRAC digest", "LSTM-MARL-Ape-X paper", "guide"


class Verdict(StrEnum):
    """What our evidence says of a claim."""

    MATCHED = "matched"
    """Our interval holds it, or our figure is within a tenth of it."""
    WEAKER = "weaker"
    """We find the effect, but less of it."""
    STRONGER = "stronger"
    """We find more of it."""
    UNDECIDED = "undecided"
    """Our interval is so wide that it holds the claim and its opposite, or half of it."""
    NOT_REPRODUCIBLE = "not reproducible"
    """What is needed to check it was never published, or runs show the opposite."""
    INCONSISTENT = "inconsistent in itself"
    """Its own numbers contradict one another."""
    NO_RUN = "no run yet"
    """Nothing stored answers it; `smartscale claims --run-suite` makes the runs."""
    ELSEWHERE = "measured by a command"
    """One that keeps nothing in the store; the conditions name it."""


class Basis(StrEnum):
    """Where our figure is from."""

    RUNS = "runs"
    ARITHMETIC = "arithmetic"
    """Over the document's own figures; none of ours is in it."""
    NOTHING = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One row: claimed, ours, interval, conditions, verdict."""

    key: str
    """Rows of the requirements ledger that it comes from."""
    source: str
    text: str
    claimed: float | None
    claimed_high: float | None = None
    """Where the claim is a band: its upper end."""
    ours: float | None
    basis: Basis = Basis.NOTHING
    low: float | None
    high: float | None
    """90 % t interval over seeds, no narrower than what is read can tell apart."""
    unit: str
    verdict: Verdict
    conditions: str
    """Under which ours was obtained, or what contradicts what."""
    runs: tuple[str, ...] = ()
    """Ids of the runs behind it."""
