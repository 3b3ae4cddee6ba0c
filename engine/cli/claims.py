"""`smartscale claims`: what the source documents claim, and what became of it here."""

from typing import TYPE_CHECKING

import click

from engine.cli.session import Session, progress_bar, stoppable, with_session

if TYPE_CHECKING:
    from engine.claims.model import Claim


@click.command(short_help="Published claims beside what stored runs say.")
@click.option("--run-suite", is_flag=True, help="First make the runs that are missing (minutes).")
@with_session
def claims(run_suite: bool, session: Session) -> None:
    """List what the source documents claim, beside what stored runs and arithmetic say.

    The runs are made with the shipped allocator, whichever is in use.
    """
    from engine.claims.report import OF_ALL  # noqa: PLC0415 - heavy

    with session.planner(new=run_suite) as planner:
        if run_suite:
            with stoppable() as stop, progress_bar() as report:
                planner.run_claims(report, stop)
        found = planner.claims()
    session.show(
        {"conditions": OF_ALL, "claims": found}, lambda: _shown(found), lambda: f"{OF_ALL}."
    )


def _shown(found: list["Claim"]) -> object:
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    return table(
        ["claim", "verdict", "claimed", "ours", "90 % interval", "unit", "from", "conditions"],
        [
            [
                f"{claim.key} {claim.text} ({claim.source})", claim.verdict.value,
                _claimed(claim), _number(claim.ours), _range(claim), claim.unit,
                claim.basis.value, claim.conditions,
            ]
            for claim in found
        ],
    )  # fmt: skip


def _claimed(claim: "Claim") -> str:
    high = "" if claim.claimed_high is None else f" to {_number(claim.claimed_high)}"
    return _number(claim.claimed) + high


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def _range(claim: "Claim") -> str:
    if claim.low is None or claim.high is None:
        return ""
    return f"{_number(claim.low)} to {_number(claim.high)}"
