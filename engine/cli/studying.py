"""`smartscale study`: what the allocator's design and choices are worth, and how far they go."""

import json
from pathlib import Path
from typing import Any

import click

from engine.cli.outputs import OUT_FOLDER, write
from engine.cli.session import Session, progress_bar, stoppable, with_session
from engine.cli.settings import refuse_idle

_TRAINING = ("episodes", "cells", "updates", "seeds", "pools")
_OPTIONS = {
    "ablation": (*_TRAINING, "arms"),
    "transfer": (*_TRAINING, "tuned"),
    "adapt": ("episodes", "seeds"),
    "clusters": ("pools",),
    "sizes": ("seeds",),
    "routing": ("clusters",),
}
"""What each study depends on."""
STUDIES = tuple(_OPTIONS)


@click.command(short_help="Train variants of the allocator and compare them.")
@click.argument("what", type=click.Choice(STUDIES))
@click.option(
    "--out",
    required=True,
    type=OUT_FOLDER,
    help="Folder that keeps what is finished; a study that was stopped goes on there.",
)
@click.option(
    "--episodes",
    default=8,
    show_default=True,
    type=click.IntRange(1),
    help="Of each training; of adapt: at most.",
)
@click.option(
    "--cells",
    default=32,
    show_default=True,
    type=click.IntRange(1),
    help="Pools simulated at once.",
)
@click.option(
    "--updates",
    default=4,
    show_default=True,
    type=click.IntRange(1),
    help="Learning steps a tick.",
)
@click.option(
    "--seeds",
    default=2,
    show_default=True,
    type=click.IntRange(1),
    help="Trainings of each variant, and on each kind; of adapt and sizes: days of each kind.",
)
@click.option(
    "--tuned",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Of the transfer: episodes of fine-tuning.",
)
@click.option(
    "--pools",
    default=64,
    show_default=True,
    type=click.IntRange(1),
    help="Unseen ones that variants are examined on.",
)
@click.option(
    "--clusters",
    default=48,
    show_default=True,
    type=click.IntRange(2),
    help="Of routing: unseen ones that weights are compared on.",
)
@click.option("--arm", "arms", multiple=True, help="Of the ablation: only this variant; repeat.")
@with_session
def study(
    what: str, out: Path, episodes: int, cells: int, updates: int, seeds: int, tuned: int,
    pools: int, clusters: int, arms: tuple[str, ...], session: Session,
) -> None:  # fmt: skip
    """Train variants of the allocator on generated pools and examine them on unseen ones.

    `ablation` changes one part of the design at a time, with paired seeds. `transfer` trains on
    one kind of demand and examines on the others, before and after fine-tuning, and trains on all
    kinds but one. `adapt` learns generated days from a fresh network, from what one came to on
    another day and from the shipped allocator, and says what that changed on the part of a day
    that was held back. The others train nothing: `clusters` examines the shipped allocator in
    clusters of 1 to 500 pools; `sizes` compares the one that chooses worker sizes with each size
    and with the rule `vertical`, on half days that nothing was trained on; `routing` replays
    clusters of several sites with the routing head's weights, equal ones and some by rules.
    """
    others = {name for names in _OPTIONS.values() for name in names} - {*_OPTIONS[what]}
    refuse_idle(others, f"The study of {what} is made without it")
    if what == "routing":
        _routing(out, clusters, session)
        return
    from engine.learn.ablation import ARMS, ablation  # noqa: PLC0415 - torch
    from engine.learn.adapt_loop import Tuning  # noqa: PLC0415 - torch
    from engine.learn.adapt_study import adapt_study  # noqa: PLC0415 - torch
    from engine.learn.crowding import crowding  # noqa: PLC0415 - torch
    from engine.learn.size_study import size_study  # noqa: PLC0415 - heavy
    from engine.learn.training import Plan  # noqa: PLC0415 - torch
    from engine.learn.transfer import transfer  # noqa: PLC0415 - torch

    unknown = [arm for arm in arms if arm not in ARMS]
    if unknown:
        raise click.UsageError(f"--arm is one of: {', '.join(ARMS)}.")
    plan = Plan(episodes=episodes, cells=cells, updates=updates)
    made: dict[str, Any]
    with stoppable() as stop, progress_bar() as bar:
        if what == "clusters":
            made = crowding(out, pools=pools, progress=bar, cancel=stop)
        elif what == "sizes":
            made = size_study(out, seeds=seeds, progress=bar, cancel=stop)
        elif what == "adapt":
            made = adapt_study(
                out, Tuning(episodes=episodes), seeds=seeds, progress=bar, cancel=stop
            )
        elif what == "transfer":
            made = transfer(
                out, plan, seeds=range(seeds), tuned=tuned, pools=pools, progress=bar, cancel=stop
            )
        else:
            made = ablation(
                out, plan, seeds=range(seeds), pools=pools, arms=arms or tuple(ARMS),
                progress=bar, cancel=stop,
            )  # fmt: skip
    session.show(made, lambda: made["markdown"])


def _routing(out: Path, clusters: int, session: Session) -> None:
    from engine.learn.route_study import study as compared  # noqa: PLC0415 - heavy

    with stoppable() as stop, progress_bar() as bar:
        made = compared(clusters, progress=bar, cancel=stop)
    out.mkdir(parents=True, exist_ok=True)
    write(out / "routing.json", json.dumps(made) + "\n")
    session.show(made, lambda: made["markdown"])
