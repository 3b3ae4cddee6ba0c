"""`smartscale bench` and `smartscale warm`: how fast, and how to be fast from the start."""

from typing import Any

import click

from engine.bench import BENCHMARKS, FEATURES
from engine.cli.session import Session, with_session


@click.command(short_help="Measure how fast a part of the product is on this machine.")
@click.argument("name", type=click.Choice(list(BENCHMARKS)))
@click.option(
    "--features",
    type=click.Choice(["none", "all"]),
    default="none",
    show_default=True,
    help="Of the kernel that are on while it is measured.",
)
@with_session
def bench(name: str, features: str, session: Session) -> None:
    """Measure a part of the product: its speed, and its memory where that matters."""
    from engine import bench as benchmarks  # noqa: PLC0415 - heavy once it runs

    if features == "all" and name not in FEATURES:
        raise click.UsageError(f"--features is for {', '.join(FEATURES)} only.")
    session.note(f"Measuring {name}; this takes up to a minute or two.")
    figures = benchmarks.run(name, features=features == "all")
    session.show(figures, lambda: figures.get("markdown") or _facts(figures))


def _facts(figures: dict[str, Any]) -> object:
    from engine.cli.tables import facts  # noqa: PLC0415 - not needed for JSON

    return facts((name, _text(value)) for name, value in figures.items())


def _text(value: object) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


@click.command(short_help="Compile the kernels, so that the first replay does not stall.")
@with_session
def warm(session: Session) -> None:
    """Compile the simulation kernels, so that the first replay does not stall.

    They are kept beside their source; those that fit no longer are removed.
    """
    from engine.cli.warming import compile_kernels, remove_stale_kernels  # noqa: PLC0415 - heavy

    removed = remove_stale_kernels()
    if removed:
        session.note(f"Removed {len(removed)} files of kernels that fit no longer.")
    session.note("Compiling the simulation kernels (up to a minute where they are not there yet).")
    seconds = compile_kernels()
    session.show(
        {"removed": sorted(path.name for path in removed), "seconds": seconds},
        lambda: f"The kernels are ready after {seconds:.1f} s.",
    )
