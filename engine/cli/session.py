"""What every command needs: the store, JSON or tables, progress, and a clean way to stop."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from engine.cli.document import as_json
from engine.device import DEVICES
from engine.errors import EngineError, ReplayCancelled, StoreError

if TYPE_CHECKING:
    from engine.planner import Planner

Report = Callable[[float, str], None]
"""Takes the share that is done (0 to 1) and what is being done."""
LINE_S = 30.0
"""Seconds between two lines of progress where stderr is no terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One command being run: where it works and how it answers."""

    store: Path | None
    """None: the default place."""
    wants_json: bool

    def planner(self, *, new: bool = False) -> "AbstractContextManager[Planner]":
        """The open store.

        Args:
            new: whether the command can fill an empty store. Only then is the folder of a store
                that was typed made: for the others a missing one is a slip of the pen.

        Raises:
            StoreError: no such folder, or the store cannot be opened.
        """
        if self.store is not None and not new:
            folder = self.store.expanduser().absolute().parent
            if not folder.exists():
                raise StoreError(
                    f"there is no folder {str(folder)!r}, so no store in it", "--store",
                    "Check the path; smartscale import makes a new store with its folder",
                )  # fmt: skip
        from engine.planner import Planner  # noqa: PLC0415 - takes seconds to import

        return Planner(self.store)

    def show(self, document: object, *parts: Callable[[], object]) -> None:
        """Prints the answer: `document` as JSON, or what the parts make for people."""
        if self.wants_json:
            click.echo(as_json(document))
            return
        from engine.cli.tables import console  # noqa: PLC0415 - not needed for JSON

        for part in parts:
            made = part()
            if isinstance(made, str):
                click.echo(made)  # as it is, such as a file's text
            else:
                console().print(made)

    def note(self, text: str) -> None:
        """Says something that is not the answer."""
        click.echo(text, err=True)


device_option = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default=DEVICES[0],
    show_default=True,
    help="Where the allocator's networks learn; auto: on the GPU where there is one.",
)

_SHARED = (
    click.option("--json", "wants_json", is_flag=True, help="Print one JSON document."),
    click.option(
        "--store",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The store to work on. Default: SMARTSCALE_STORE, else a file in your data folder.",
    ),
)


def with_session(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --json and --store to a command; both may also stand before its name.

    A function with a parameter `session` gets the session, one with `context` click's context.
    """
    wanted = function.__annotations__

    @click.pass_context
    @wraps(function)
    def run(context: click.Context, /, **given: Any) -> Any:
        del given["wants_json"], given["store"]
        if "session" in wanted:
            given["session"] = _session(context)
        if "context" in wanted:
            given["context"] = context
        return function(**given)

    for option in reversed(_SHARED):
        option(run)
    return run


def _session(context: click.Context) -> Session:
    chain: list[dict[str, Any]] = []
    level: click.Context | None = context
    while level is not None:
        chain.append(level.params)
        level = level.parent
    stores = [params["store"] for params in chain if params.get("store") is not None]
    return Session(
        store=stores[0] if stores else None,
        wants_json=any(params.get("wants_json") for params in chain),
    )


def explain(error: EngineError) -> None:
    """Says on stderr what is wrong, where, and how to fix it."""
    title = "Stopped" if isinstance(error, ReplayCancelled) else "Error"
    click.echo(f"{title}: {error.what}", err=True)
    click.echo(f"  where: {error.where}\n  fix:   {error.fix}", err=True)


@contextmanager
def progress_bar() -> Iterator[Report]:
    """A bar on stderr that is gone afterwards; a line now and then where nobody watches."""
    if not sys.stderr.isatty():
        yield _progress_lines()
        return
    from rich.console import Console  # noqa: PLC0415 - only for terminals
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda share, text: bar.update(task, completed=share, description=text)


def _progress_lines() -> Report:
    """Prints to stderr how far the work is, for logs; nothing of what takes less than LINE_S."""
    begun_s = told_s = monotonic()

    def tell(share: float, text: str) -> None:
        nonlocal told_s
        now_s = monotonic()
        if now_s - told_s < LINE_S:
            return
        told_s = now_s
        took = timedelta(seconds=round(now_s - begun_s))
        click.echo(f"{took}  {100 * share:.0f} %  {text}", err=True)

    return tell


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Turns the first Ctrl-C into a request to stop, which the result answers.

    Long work asks now and then and leaves everything in order; a second Ctrl-C does not wait.
    """
    asked = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        os.write(2, b"\nStopping; press Ctrl-C again to stop at once.\n")

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
