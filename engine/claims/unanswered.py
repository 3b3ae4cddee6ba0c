"""Claims that no run of this version can answer, and those that none ever can; each says why."""

from engine.claims.model import LEARNED, PAPER, RULES, Claim, Verdict

_ALLOCATOR = "needs the learned allocator, which is not part of this version"
_SWEEP = "needs the learned allocator at other priorities; it is not part of this version"
_TRANSFER = "needs learned allocators of each kind of demand; they are not part of this version"

_Row = tuple[str, str, str, float, str, str]
_NOT_YET: tuple[_Row, ...] = (
    ("S0-R46", LEARNED, "P99 against rule-based scaling", -45.0, "%", _ALLOCATOR),
    ("S0-R47", LEARNED, "Cost against static", -37.0, "%", _ALLOCATOR),
    ("S0-R48", LEARNED, "Mean utilisation", 68.0, "%", _ALLOCATOR),
    ("S0-R49", LEARNED, "Scales out in a flash crowd within", 30.0, "s", _ALLOCATOR),
    ("CL-5", LEARNED, "Latency first: cost against balanced", 20.0, "%", _SWEEP),
    ("CL-5", LEARNED, "Latency first: latency against balanced", -15.0, "%", _SWEEP),
    ("CL-5", LEARNED, "Cost first: cost against balanced", -25.0, "%", _SWEEP),
    ("CL-5", LEARNED, "Cost first: latency against balanced", 20.0, "%", _SWEEP),
    ("CL-6", LEARNED, "Untrained on the demand: share of the optimum", 85.0, "%", _TRANSFER),
    ("CL-6", LEARNED, "Untrained on the demand: time until the optimum", 24.0, "h", _TRANSFER),
    ("CL-19", PAPER, "SLA compliance at 5,000 nodes", 94.6, "%", _ALLOCATOR),
    ("CL-17", PAPER, "Decision for 5,000 nodes within", 100.0, "ms", _ALLOCATOR),
)  # fmt: skip
_UNKNOWABLE: tuple[_Row, ...] = (
    ("S1-R37", RULES, "Resource utilisation", 89.7, "%", "its dataset cut is not published"),
    ("S1-R37", RULES, "Scheduling latency", 178.5, "ms", "its cluster is not published"),
    ("S1-R37", RULES, "Epochs until convergence", 430.0, "epochs", "an epoch is not defined"),
    ("CL-13", PAPER, "Forecast error (MAE)", 4.89, "its unit is not stated",
     "neither scale nor split is published"),
    ("CL-23", PAPER, "Pays itself back in", 2.7, "months",
     "neither investment nor reference is published; its 26,000 USD a month repay 70,000 USD"),
)  # fmt: skip


def unanswered() -> list[Claim]:
    """Rows without a figure of ours, and why."""
    return [
        *(_row(row, Verdict.NOT_YET) for row in _NOT_YET),
        *(_row(row, Verdict.NOT_REPRODUCIBLE) for row in _UNKNOWABLE),
    ]


def _row(row: _Row, verdict: Verdict) -> Claim:
    key, source, text, claimed, unit, why = row
    return Claim(
        key=key, source=source, text=text, claimed=claimed, ours=None, low=None, high=None,
        unit=unit, verdict=verdict, conditions=why,
    )  # fmt: skip
