"""`smartscale train`: the allocator and its parts, from scratch."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.outputs import OUT_FOLDER
from engine.cli.session import Session, device_option, progress_bar, stoppable, with_session
from engine.cli.settings import refuse_idle

if TYPE_CHECKING:
    from rich.table import Table

    from engine.learn.training import Plan

PARTS = ("allocator", "lookahead", "sizer", "router")
ACTORS = ("mlp", "transformer", "dqn")
_OPTIONS = {
    "allocator": (
        "episodes", "cells", "updates", "lessons", "remind", "clients", "faults", "prices", "rate",
        "actor",
    ),
    "lookahead": ("paths", "epochs"),
    "sizer": (),
    "router": ("rounds", "clusters"),
}  # fmt: skip
"""What each part's training alone depends on."""


@click.command(short_help="Train the allocator, or a part of it.")
@click.argument("part", type=click.Choice(PARTS), default=PARTS[0])
@click.option(
    "--out",
    required=True,
    type=OUT_FOLDER,
    help="Folder for the checkpoint; an allocator's training that was stopped goes on there.",
)
@click.option(
    "--episodes",
    default=60,
    show_default=True,
    type=click.IntRange(1),
    help="Of the allocator: 1.5 simulated hours of all cells.",
)
@click.option(
    "--cells",
    default=48,
    show_default=True,
    type=click.IntRange(1),
    help="Of the allocator: pools simulated at once.",
)
@click.option(
    "--updates",
    default=4,
    show_default=True,
    type=click.IntRange(1),
    help="Of the allocator: learning steps a tick.",
)
@click.option(
    "--lessons",
    default=10,
    show_default=True,
    type=click.IntRange(0),
    help="Of the allocator: episodes of sustained positions that its actor learns from first; "
    "none for a dqn.",
)
@click.option(
    "--remind",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0.0),
    help="Of the allocator: weight that the lessons' loss keeps afterwards.",
)
@click.option(
    "--clients",
    default=0.15,
    show_default=True,
    type=click.FloatRange(0.0, 1.0, max_open=True),
    help="Of the allocator: share of pools with demand of many clients, in clumps.",
)
@click.option(
    "--faults",
    default=0.3,
    show_default=True,
    type=click.FloatRange(0.0, 1.0),
    help="Of the allocator: share of pools whose workers crash, fail to start or turn slow.",
)
@click.option(
    "--prices",
    default=0.3,
    show_default=True,
    type=click.FloatRange(0.0, 1.0),
    help="Of the allocator: share of pools whose price moves.",
)
@click.option(
    "--rate",
    show_default="4e-4 after lessons, 7e-4 without",
    type=click.FloatRange(0.0, min_open=True),
    help="Of the allocator: learning rate at the start.",
)
@click.option(
    "--paths",
    default=5000,
    show_default=True,
    type=click.IntRange(10),
    help="Of the quick forecaster: workloads.",
)
@click.option(
    "--epochs",
    default=30,
    show_default=True,
    type=click.IntRange(1),
    help="Of the quick forecaster: passes over them.",
)
@click.option(
    "--actor",
    type=click.Choice(ACTORS),
    default=ACTORS[0],
    show_default=True,
    help="Of the allocator: its kind of network.",
)
@click.option(
    "--rounds",
    default=3,
    show_default=True,
    type=click.IntRange(1),
    help="Of the router: each tries weights around what it learned before.",
)
@click.option(
    "--clusters",
    default=400,
    show_default=True,
    type=click.IntRange(1),
    help="Of the router: clusters of each round.",
)
@click.option(
    "--distil",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Of the allocator: learn what the one trained into this folder says, on average with "
    "others; repeat. Nothing else is trained then.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@device_option
@with_session
def train(
    part: str, out: Path, episodes: int, cells: int, updates: int, lessons: int, remind: float,
    clients: float, faults: float, prices: float, rate: float | None, paths: int, epochs: int,
    actor: str, rounds: int, clusters: int, distil: tuple[Path, ...], seed: int, device: str,
    session: Session,
) -> None:  # fmt: skip
    """Train on generated workloads, from scratch, by default as what is shipped was.

    The same settings give the same checkpoint on the same device of the same machine. Stop the
    allocator's training when you like: the same command goes on after the last whole episode.
    Each shipped allocator is three such trainings, made one by --distil; the first has seeds 0,
    1 and 2.
    """
    if part != PARTS[0] and device == "cuda":
        raise click.UsageError(f"The {part} learns on the CPU. Leave out --device.")
    _refuse_idle(part, distilled=bool(distil))
    if distil:
        _distil(part, out, distil, seed, device, session)
    elif part == "lookahead":
        _lookahead(out, paths, epochs, seed, session)
    elif part == "sizer":
        _sizer(out, seed, session)
    elif part == "router":
        _router(out, rounds, clusters, seed, session)
    else:
        _refuse_lessons(actor, lessons, remind)
        from engine.learn.adapt_train import planned  # noqa: PLC0415 - torch
        from engine.learn.cells import Mixture, with_clients  # noqa: PLC0415 - heavy

        plan = replace(
            planned(episodes, cells, seed, lessons, actor), updates=updates, remind=remind,
            mixture=Mixture(kinds=with_clients(clients), faults=faults, prices=prices),
        )  # fmt: skip
        if rate is not None:
            plan = replace(plan, options=replace(plan.options, rate=rate))
        _allocator(out, plan, device, session)


def _refuse_idle(part: str, *, distilled: bool) -> None:
    """A wish that the training cannot grant is not passed over in silence."""
    others = [
        name for owner, names in _OPTIONS.items() if distilled or owner != part for name in names
    ]
    why = "Distilling trains nothing else" if distilled else f"The {part} is trained without it"
    refuse_idle(others, why)


def _distil(
    part: str, out: Path, trainings: tuple[Path, ...], seed: int, device: str, session: Session
) -> None:
    if part != "allocator":
        raise click.UsageError(f"The {part} is not distilled. Leave out --distil.")
    from engine.learn.distilling import DistilPlan  # noqa: PLC0415 - torch
    from engine.learn.life import distil_allocator  # noqa: PLC0415 - torch

    with stoppable() as stop, progress_bar() as bar:
        made = asdict(
            distil_allocator(
                out, trainings, DistilPlan(seed=seed), progress=bar, cancel=stop, device=device
            )
        )
    session.show({"checkpoint": str(out), "seed": seed, **made}, lambda: _facts(made))


def _refuse_lessons(actor: str, lessons: int, remind: float) -> None:
    """A DQN takes none; a wish for them is not passed over in silence."""
    source = click.get_current_context().get_parameter_source("lessons")
    asked = lessons > 0 and source is not click.core.ParameterSource.DEFAULT
    if actor == "dqn" and (asked or remind > 0.0):
        raise click.UsageError(
            "A DQN takes no lessons. Leave out --lessons and --remind, or choose another --actor."
        )


def _allocator(out: Path, plan: "Plan", device: str, session: Session) -> None:
    from engine.learn.life import train_allocator  # noqa: PLC0415 - torch

    with stoppable() as stop, progress_bar() as bar:
        made = train_allocator(out, plan, progress=bar, cancel=stop, device=device)
    curves = [asdict(moment) for moment in made]
    session.show(
        {
            "checkpoint": str(out),
            "actor": plan.options.actor,
            "episodes": plan.episodes,
            "seed": plan.seed,
            "curves": curves,
        },
        lambda: _curves(curves),
    )


def _curves(curves: list[dict[str, Any]]) -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    random = any(row["explored"] is not None for row in curves)
    head, name, unit = (
        ("at random %", "explored", 100.0) if random else ("entropy", "entropy", 1.0)
    )
    return table(
        ("episode", "reward", head, "cost", "missed %"),
        [
            (str(row["episode"]), f"{row['reward']:.3f}",
             "-" if row[name] is None else f"{unit * row[name]:.2f}",
             f"{row['cost']:.2f}", f"{100 * row['missed_frac']:.2f}")
            for row in curves
        ],
        right=(0, 1, 2, 3, 4),
    )  # fmt: skip


def _lookahead(out: Path, paths: int, epochs: int, seed: int, session: Session) -> None:
    from engine.lookahead.fitting import train as fit  # noqa: PLC0415 - torch

    with progress_bar() as bar:
        made = asdict(fit(out, paths=paths, epochs=epochs, seed=seed, progress=bar))
    session.show({"checkpoint": str(out), **made}, lambda: _facts(made))


def _sizer(out: Path, seed: int, session: Session) -> None:
    from engine.learn.size_training import SizePlan, train_sizer  # noqa: PLC0415 - heavy

    with progress_bar() as bar:
        made = asdict(train_sizer(out, SizePlan(seed=seed), progress=bar))
    session.show({"checkpoint": str(out), "seed": seed, **made}, lambda: _facts(made))


def _facts(made: dict[str, Any]) -> "Table":
    from engine.cli.tables import facts  # noqa: PLC0415 - not needed for JSON

    return facts((name, str(value)) for name, value in made.items())


def _router(out: Path, rounds: int, clusters: int, seed: int, session: Session) -> None:
    from engine.learn.route_life import train_router  # noqa: PLC0415 - heavy
    from engine.learn.route_training import Plan as RouterPlan  # noqa: PLC0415 - heavy

    plan = RouterPlan(rounds=rounds, clusters=clusters, seed=seed)
    with stoppable() as stop, progress_bar() as bar:
        curves = [asdict(m) for m in train_router(out, plan, progress=bar, cancel=stop)]
    session.show({"checkpoint": str(out), "curves": curves}, lambda: _facts(curves[-1]))
