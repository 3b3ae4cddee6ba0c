"""`smartscale route`: why did a request go to that worker?"""

from typing import TYPE_CHECKING

import click

from engine.cli.session import Session, stoppable, with_session
from engine.cli.times import parse_time

if TYPE_CHECKING:
    from rich.table import Table

    from engine.routes import Route

_ANYBODY = "-"


@click.command(short_help="Explain where a router sent a request, and why.")
@click.argument("run", metavar="RUN")
@click.option(
    "--at",
    "at_text",
    metavar="TIME",
    required=True,
    help="The first request to arrive from then on: seconds, H:MM:SS since the start, or a date.",
)
@with_session
def route(run: str, at_text: str, session: Session) -> None:
    """Explain where a router sent a request of a finished run, and why.

    The run is made again until the request arrives. Shown are the factors of each worker that
    could have had it, who comes second, and by how much.
    """
    with session.planner() as planner, stoppable() as stop:
        at_s = parse_time(at_text, "--at", planner.run(run).epoch_s)
        found = planner.route(run, at_s, cancel=stop)
        session.show(
            {"route": found, "factors": _meanings()},
            lambda: _heading(found),
            *([lambda: _levels(found)] if found.levels else []),
            *([lambda: _candidates(found)] if found.candidates else []),
        )


def _meanings() -> dict[str, str]:
    from engine.routes import FACTOR_MEANINGS  # noqa: PLC0415 - heavy

    return FACTOR_MEANINGS


def _heading(found: "Route") -> "Table":
    from engine.cli.tables import facts  # noqa: PLC0415 - not needed for JSON

    worker = "none free" if found.worker is None else str(found.worker)
    return facts(
        [
            ("run", f"{found.run_id}  {found.policy}"),
            ("request", f"{found.request}, arrives at {found.arrived_s:.6g} s"),
            ("tenant", found.tenant or _ANYBODY),
            ("router", found.router),
            ("goes to", f"pool {found.pool}, worker {worker}; {found.ending}"),
            ("decided by", found.decided_by),
            ("runner-up", _ANYBODY if found.runner_up is None else f"worker {found.runner_up}"),
            ("margin", _ANYBODY if found.margin is None else f"{found.margin:.6g}"),
        ]
    )


def _levels(found: "Route") -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    return table(
        ("level", "name", "score", ""),
        [
            (level.name, name, f"{score:.6g}", "chosen" if name == level.chosen else "")
            for level in found.levels
            for name, score in level.scores.items()
        ],
        right=(2,),
    )


def _candidates(found: "Route") -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    names = list(_meanings())
    return table(
        ("worker", "node", "score", *names),
        [
            (
                str(each.worker),
                _ANYBODY if each.node is None else str(each.node),
                f"{each.score:.6g}",
                *(f"{each.factors[name]:.4g}" for name in names),
            )
            for each in found.candidates
        ],
        right=range(3 + len(names)),
    )
