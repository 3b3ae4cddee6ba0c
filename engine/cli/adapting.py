"""`smartscale adapt` and `smartscale allocators`: allocators of one's own, and which is used."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from engine.cli.document import plain
from engine.cli.scenarios import resolve, set_option
from engine.cli.session import Session, device_option, progress_bar, stoppable, with_session
from engine.errors import CheckpointError

if TYPE_CHECKING:
    from rich.table import Table

    from engine.learn.adapt import Adapted
    from engine.learn.adapt_shelf import Shelved

SHIPPED = "shipped"


@click.command(short_help="Fine-tune the allocator to your own trace.")
@click.option("--trace", required=True, help="Id or name of a stored trace of 7.8 hours or more.")
@click.option("--name", help="Of the training. Default: from the trace and the scenario.")
@click.option(
    "--episodes",
    type=click.IntRange(3),
    help="At most; each is 1.5 simulated hours, and critics alone learn in the first two.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option("--cold", is_flag=True, help="Begin from the shipped allocator in any case.")
@click.option("--use", "promote", is_flag=True, help="Let `smartscale` use it if it is better.")
@click.option("--scenario", "given", metavar="PRESET|FILE", help="The cluster.")
@set_option
@device_option
@with_session
def adapt(
    trace: str, name: str | None, episodes: int | None, seed: int, cold: bool, promote: bool,
    given: str | None, settings: tuple[str, ...], device: str, session: Session,
) -> None:  # fmt: skip
    """Fine-tune the allocator on the first 60 % of a trace; the last 20 % say what it is worth.

    It begins from the allocator that knows the most similar workloads, stops when the 20 % in
    between get no better, and is used only if it is better than the one that is used. Stop it
    when you like: the same command goes on after the last whole episode.
    """
    from engine.learn.adapt_loop import Tuning  # noqa: PLC0415 - heavy

    tuning = replace(Tuning(), seed=seed)
    tuning = tuning if episodes is None else replace(tuning, episodes=episodes)
    scenario = resolve(given, settings, session)
    with session.planner() as planner, stoppable() as stop, progress_bar() as bar:
        made = planner.adapt(
            trace, scenario=scenario, name=name, tuning=tuning, cold=cold,
            progress=bar, cancel=stop, device=device,
        )  # fmt: skip
        if promote and made.result["better"]:
            planner.use_allocator(made.name)
        document = {**plain(made), "used": planner.allocator_in_use()}
    session.show(document, lambda: _verdict(made), lambda: _before_after(made.result))


@click.group(invoke_without_command=True, short_help="List trained allocators; choose one.")
@with_session
def allocators(context: click.Context, session: Session) -> None:
    """List the allocators trained beside the store, and say which one `smartscale` uses."""
    if context.invoked_subcommand is not None:
        return
    with session.planner() as planner:
        found, problems = planner.allocators(), planner.damaged_allocators()
        used: str | None = None
        try:
            used = planner.allocator_in_use() or SHIPPED
        except CheckpointError as error:
            problems.insert(0, error)
    document = {
        "used": used, "allocators": [plain(each) for each in found],
        "problems": [{"what": e.what, "where": e.where, "fix": e.fix} for e in problems],
    }  # fmt: skip
    session.show(
        document, lambda: _listed(found, used), *(lambda e=error: str(e) for error in problems)
    )


@allocators.command("use", short_help="Let `smartscale` use an allocator; shipped: ours.")
@click.argument("name")
@with_session
def use(name: str, session: Session) -> None:
    """Let `smartscale` use a trained allocator, or the `shipped` one again.

    One that was not better on what it was judged by is refused.
    """
    with session.planner() as planner:
        planner.use_allocator(None if name == SHIPPED else name)
    session.show({"used": name}, lambda: f"smartscale uses {name}.")


@allocators.command("table", short_help="What it sees, does and is rewarded for.")
@with_session
def describe(session: Session) -> None:
    """Every number of the observation, the action and the reward: index, name, unit and scale."""
    from engine.learn.interface import interface  # noqa: PLC0415 - heavy

    made = interface()
    session.show(dict(made), *(lambda rows=rows: _columns(rows) for rows in made.values()))


def _columns(rows: list[dict[str, Any]]) -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    return table(
        tuple(rows[0]), [tuple(_cell(value) for value in row.values()) for row in rows], right=(0,)
    )


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        low, high = value
        return f"{'any' if low is None else f'{low:g}'} to {high:g}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _verdict(made: "Adapted") -> str:
    apart = ", ".join(f"{name} {value:.2f}" for name, value in made.distances.items())
    return (
        f"{made.name}: {made.result['verdict']}.\n"
        f"It began from {made.start} (distances: {apart}) and took {made.ending.episodes} "
        f"episodes; the best was {made.ending.best_episode or 'none'}.\n{made.folder}"
    )


def _before_after(result: dict[str, Any]) -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    return table(
        ("weight of cost", "cost before", "missed %", "cost after", "missed %"),
        [
            (f"{old['cost_weight']:g}", f"{old['cost']:.3f}", f"{100 * old['missed_frac']:.2f}",
             f"{new['cost']:.3f}", f"{100 * new['missed_frac']:.2f}")
            for old, new in zip(result["before"], result["after"], strict=True)
        ],
        right=(0, 1, 2, 3, 4),
    )  # fmt: skip


def _listed(found: "list[Shelved]", used: str | None) -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    rows = [(SHIPPED, "train", "", "comes with the product", "used" if used == SHIPPED else "")]
    rows += [
        (each.name, each.plan["kind"], str(len(each.curves)),
         "not finished" if each.result is None else str(each.result["verdict"]),
         "used" if each.promoted else "")
        for each in found
    ]  # fmt: skip
    return table(("name", "kind", "episodes", "verdict", ""), rows, right=(2,))
