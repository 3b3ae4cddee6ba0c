"""`smartscale champion`: the rule or the learned policy, for each pool of a stored trace."""

from typing import TYPE_CHECKING

import click

from engine.cli.document import plain
from engine.cli.scenarios import resolve, set_option
from engine.cli.session import Session, progress_bar, stoppable, with_session
from engine.cli.times import parse_time

if TYPE_CHECKING:
    from rich.table import Table

    from engine.champion.stored import Election


@click.command(short_help="Choose the rule or the learned policy, pool by pool.")
@click.option("--trace", required=True, help="Id or name of a stored trace.")
@click.option("--at", "at_text", metavar="TIME", help="The moment of choice. Default: the end.")
@click.option(
    "--lookback", default="24:00:00", show_default=True, metavar="H:MM:SS",
    help="How much of the past counts, an hour or more.",
)  # fmt: skip
@click.option("--quantile", default=0.95, show_default=True, type=click.FloatRange(0.5, 0.99))
@click.option("--target", default=0.8, show_default=True, type=click.FloatRange(0.05, 1.0))
@click.option(
    "--lead", default=0.02, show_default=True, type=click.FloatRange(0.0, 1.0),
    help="Share by which the learned policy has to be cheaper.",
)  # fmt: skip
@click.option("--checkpoint", metavar="FOLDER", help="A trained allocator. Default: the one used.")
@click.option("--scenario", "given", metavar="PRESET|FILE", help="The cluster.")
@set_option
@with_session
def champion(
    trace: str, at_text: str | None, lookback: str, quantile: float, target: float, lead: float,
    checkpoint: str | None, given: str | None, settings: tuple[str, ...], session: Session,
) -> None:  # fmt: skip
    """Replay the past before a moment under the rule and the learned policy; choose per pool.

    The learned policy is chosen where one of its settings, from cautious to cheap, was
    clearly cheaper without more requests missed; `evaluate` compares more of them. If the trace
    goes on after the moment, what came then is replayed too and stands beside the choice. As a
    policy of a replay, `champion` chooses like this every hour.
    """
    from engine.champion.stored import Terms  # noqa: PLC0415 - heavy

    terms = Terms(
        quantile=quantile, target=target, lead=lead, checkpoint=checkpoint,
        lookback_s=parse_time(lookback, "--lookback", None),
    )  # fmt: skip
    scenario = resolve(given, settings, session)
    with session.planner() as planner, stoppable() as stop, progress_bar() as bar:
        epoch_s = planner.trace(trace).epoch_s
        at_s = None if at_text is None else parse_time(at_text, "--at", epoch_s)
        made = planner.elect(
            trace, scenario=scenario, terms=terms, at_s=at_s, progress=bar, cancel=stop
        )  # fmt: skip
    session.show(plain(made), lambda: _choices(made), *([lambda: _later(made)] * bool(made.later)))


def _choices(made: "Election") -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    return table(
        ("pool", "chosen", "missed %", "requests", "why"),
        [
            (c.pool, c.chosen, "" if c.missed_frac is None else f"{100 * c.missed_frac:.2f}",
             f"{c.arrived:,}", c.reason)
            for c in made.choices
        ],
        right=(2, 3),
    )  # fmt: skip


def _later(made: "Election") -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    return table(
        ("afterwards: pool", "cost against the rule %", "missed %", "rule missed %"),
        [
            (e.pool, f"{-100 * e.saving_frac:+z.1f}", f"{100 * e.missed_frac:.2f}",
             f"{100 * e.rule_missed_frac:.2f}")
            for e in made.later
        ],
        right=(1, 2, 3),
    )  # fmt: skip
