"""Claims that no stored run can answer yet, and those that never can."""

from engine.claims.model import LEARNED, PAPER, RULES, Claim, Verdict

_WAITING = (
    ("S0-R46", LEARNED, "P99 below rule-based scaling", -45.0, "%", "a learned allocator's runs"),
    ("S0-R47", LEARNED, "Cheaper than static", -37.0, "%", "a learned allocator's runs"),
    ("S0-R48", LEARNED, "Mean utilisation", 68.0, "%", "a learned allocator's runs"),
    ("S0-R49", LEARNED, "Scales out in a flash crowd", 30.0, "s", "a learned allocator's runs"),
    ("S0-R50", LEARNED, "Latency first: cost against balanced", 20.0, "%", "weight sweeps"),
    ("S0-R52", LEARNED, "Zero-shot share of the optimum", 85.0, "%", "a transfer matrix"),
    ("S3", PAPER, "SLA compliance at 5,000 nodes", 94.6, "%", "a learned allocator's runs"),
    ("CL-17", PAPER, "Decision for 5,000 nodes", 100.0, "ms", "a learned allocator's runs"),
)
_UNKNOWABLE = (
    ("S1-R37", RULES, "Resource utilisation", 89.7, "%", "its dataset cut is not published"),
    ("S1-R37", RULES, "Scheduling latency", 178.5, "ms", "its cluster is not published"),
    ("S1-R37", RULES, "Epochs until convergence", 430.0, "epochs", "an epoch is not defined"),
    ("CL-13", PAPER, "Forecast error (MAE)", 4.89, "its unit is not stated",
     "neither scale nor split is published"),
)  # fmt: skip


def unanswered() -> list[Claim]:
    """Rows without a figure of ours, and why."""
    return [
        *(_row(row, Verdict.NO_RUN, "waits for ") for row in _WAITING),
        *(_row(row, Verdict.NOT_REPRODUCIBLE, "") for row in _UNKNOWABLE),
    ]


def _row(row: tuple[str, str, str, float, str, str], verdict: Verdict, before: str) -> Claim:
    key, source, text, claimed, unit, why = row
    return Claim(
        key=key, source=source, text=text, claimed=claimed, ours=None, low=None, high=None,
        unit=unit, verdict=verdict, conditions=f"{before}{why}",
    )  # fmt: skip
