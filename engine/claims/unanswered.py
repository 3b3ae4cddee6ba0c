"""Claims that no run in a store can answer, and those that none ever can; each says why."""

from engine.claims.model import LEARNED, PAPER, RULES, Claim, Verdict

_TRANSFER = (
    "`smartscale study transfer` trains on each kind of demand and examines on the others, as a "
    "share of what training there comes to; the optimum itself is not known"
)
_GENERAL = (
    "`smartscale study transfer` also trains on all kinds of demand but one and examines on that, "
    "as a share of what training there comes to; no figure is published"
)
_WARM = (
    "`smartscale study adapt` counts the hours of a day's own traffic until 95 % of the best "
    "score, from a fresh network, from another day's and from the shipped one"
)
_LARGE = "`smartscale bench allocate` times decisions for 5,000 nodes"

_Row = tuple[str, str, str, float | None, str, str]
_ELSEWHERE: tuple[_Row, ...] = (
    ("CL-6", LEARNED, "Untrained on the demand: share of the optimum", 85.0, "%", _TRANSFER),
    ("S0-R53", LEARNED, "A warm start cuts a cold start of days to hours", None, "h", _WARM),
    ("S0-R57", LEARNED, "General models trained beforehand may remove a cold start", None, "",
     _GENERAL),
    ("CL-17", PAPER, "Decision for 5,000 nodes within", 100.0, "ms", _LARGE),
)  # fmt: skip
_UNKNOWABLE: tuple[_Row, ...] = (
    ("S1-R37", RULES, "Resource utilisation", 89.7, "%", "its dataset cut is not published"),
    ("S1-R37", RULES, "Scheduling latency", 178.5, "ms", "its cluster is not published"),
    ("S1-R37", RULES, "Epochs until convergence", 430.0, "epochs", "an epoch is not defined"),
    ("CL-6", LEARNED, "Untrained on the demand: time until the optimum", 24.0, "h",
     "neither the optimum nor how it was told that it is reached is published"),
    ("CL-19", PAPER, "SLA compliance at 5,000 nodes", 94.6, "%",
     "the demand on its nodes and its targets are not published"),
    ("CL-13", PAPER, "Forecast error (MAE)", 4.89, "its unit is not stated",
     "neither scale nor split is published"),
    ("CL-23", PAPER, "Pays itself back in", 2.7, "months",
     "neither investment nor reference is published; its 26,000 USD a month repay 70,000 USD"),
)  # fmt: skip


def unanswered() -> list[Claim]:
    """Rows without a figure of ours, and why."""
    return [
        *(_row(row, Verdict.ELSEWHERE) for row in _ELSEWHERE),
        *(_row(row, Verdict.NOT_REPRODUCIBLE) for row in _UNKNOWABLE),
    ]


def _row(row: _Row, verdict: Verdict) -> Claim:
    key, source, text, claimed, unit, why = row
    return Claim(
        key=key, source=source, text=text, claimed=claimed, ours=None, low=None, high=None,
        unit=unit, verdict=verdict, conditions=why,
    )  # fmt: skip
