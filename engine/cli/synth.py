"""`smartscale synth`: synthetic traces from a recipe."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.outputs import OUT_FILE
from engine.cli.outputs import write as put
from engine.cli.session import Session, with_session
from engine.cli.settings import pairs
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.planner import Imported
    from engine.trace.synth import Synthetic


@click.command(short_help="Make a synthetic trace from a kind, a rate and a seed.")
@click.argument("kind")
@click.option("--duration", "duration_s", type=float, required=True, help="Length in seconds.")
@click.option("--rate", "rate_per_s", type=float, required=True, help="Mean requests per second.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of the generator."
)
@click.option(
    "--set",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of the kind, such as flash_factor=8.",
)
@click.option(
    "--out",
    type=OUT_FILE,
    help="File to write: .csv, .csv.gz, .csv.zst or .parquet. Its recipe is written beside it.",
)
@click.option("--import", "store_it", is_flag=True, help="Store it as a trace.")
@click.option("--name", help="Name of the stored trace.")
@with_session
def synth(
    kind: str,
    duration_s: float,
    rate_per_s: float,
    seed: int,
    options: tuple[str, ...],
    out: Path | None,
    store_it: bool,
    name: str | None,
    session: Session,
) -> None:
    """Make a trace of KIND: diurnal, flash-crowd, growth, bursty or agent-sessions.

    The same KIND, duration, rate, seed and options give the same rows on any machine.
    """
    if out is None and not store_it:
        raise UsageError("the trace would go nowhere", "synth", "Add --out FILE or --import")
    from engine.trace.synth import generate, write  # noqa: PLC0415 - heavy

    given: dict[str, Any] = dict(pairs(options, "--set"))
    made = generate(kind, duration_s=duration_s, mean_rate_per_s=rate_per_s, seed=seed, **given)
    if out is not None:
        write(made.table, out)
        put(_recipe_path(out), json.dumps(made.recipe, indent=2) + "\n")
    stored: Imported | None = None
    if store_it:
        with session.planner(new=True) as planner:
            stored = planner.synthesize(
                kind, duration_s=duration_s, mean_rate_per_s=rate_per_s, seed=seed, name=name,
                **given,
            )  # fmt: skip
    _show(session, made, out, stored)


def _recipe_path(out: Path) -> Path:
    """`trace.csv.gz` -> `trace.recipe.json`, beside it."""
    return out.with_name(out.name.split(".")[0] + ".recipe.json")


def _show(
    session: Session, made: "Synthetic", out: Path | None, stored: "Imported | None"
) -> None:
    document = {
        "rows": len(made.table),
        "recipe": made.recipe,
        "out": out,
        "trace_id": stored.trace_id if stored else None,
        "name": stored.name if stored else None,
    }
    told = [f"Made {len(made.table):,} requests."]
    if out is not None:
        told.append(f"Wrote {out} and {_recipe_path(out).name}.")
    if stored is not None:
        verb = "was there already" if stored.existed else "stored"
        told.append(f"Trace {stored.name} ({stored.trace_id}) {verb}.")
    session.show(document, lambda: "\n".join(told))
