"""`smartscale traces derive`: a trace made from another one."""

import tomllib
from typing import Any

import click

from engine.cli.scenarios import resolve
from engine.cli.session import Session, with_session
from engine.cli.settings import pairs


@click.command("derive", short_help="Make a trace from another one, step by step.")
@click.argument("trace")
@click.option(
    "--step", "steps", multiple=True, required=True, metavar="'DO NAME=VALUE …'",
    help="cut from_s=3600 to_s=7200 | scale by=2 | shift by_s=3600 | crowd at_s=7200 factor=5 | "
    "splice trace=T at_s=0 length_s=86400 | tenant name=new share=0.2 | drop tenant=T | "
    "drop region=R (with --scenario). In order; again for more.",
)  # fmt: skip
@click.option(
    "--scenario", "given", metavar="PRESET|SAVED|FILE",
    help="Whose tenants are bound to the regions that are dropped.",
)  # fmt: skip
@click.option("--name", help="Of the new trace. Default: the old one's and what was done.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@with_session
def derive(
    trace: str, steps: tuple[str, ...], given: str | None, name: str | None, seed: int,
    session: Session,
) -> None:  # fmt: skip
    """Make a trace from TRACE, step by step; its recipe is kept with it.

    A trace knows no regions: drop region=R drops the tenants that a scenario binds to R alone.
    """
    scenario = None if given is None else resolve(given, (), session)
    with session.planner() as planner:
        made = planner.derive(
            trace, [_step(text) for text in steps], name=name, seed=seed, scenario=scenario
        )
    verb = "was there already" if made.existed else "stored"
    session.show(
        {"trace_id": made.trace_id, "name": made.name, "rows": made.rows, "existed": made.existed},
        lambda: f"Trace {made.name} ({made.trace_id}), {made.rows:,} requests: {verb}.",
    )


def _step(text: str) -> dict[str, Any]:
    do, _, rest = text.strip().partition(" ")
    return {
        "do": do,
        **{key: _value(value) for key, value in pairs(rest.split(), "--step").items()},
    }


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
