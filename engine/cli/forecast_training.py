"""`smartscale forecast fit`, `train` and `card`: forecasters made better, made anew, described."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.forecast_where import demand_options, where
from engine.cli.outputs import OUT_FOLDER
from engine.cli.session import Session, progress_bar, stoppable, with_session
from engine.errors import CheckpointError, ReplayCancelled, StoreError

if TYPE_CHECKING:
    from rich.table import Table

    from engine.forecast.fitted import FitReport
    from models.fit import Fitted

CORES = ("bilstm", "bilstm-no-attention", "lstm", "lstm-attention", "tft", "ssm")


@click.command(short_help="Fit the shipped forecaster to a trace.")
@click.option("--trace", required=True, metavar="T", help="Id, beginning of an id, or name.")
@click.option("--epochs", default=20, show_default=True, help="At most.")
@click.option("--seed", default=0, show_default=True, help="Of the order of examples.")
@demand_options
@with_session
def fit(trace: str, epochs: int, seed: int, session: Session, **given: Any) -> None:
    """Fine-tune a copy of the shipped forecaster on a trace, and keep it beside the store.

    It stops early, never uses the last 15 % of the trace, and says what it gained there.
    Forecasts use it as the model bilstm-fitted.
    """
    demand = where(session, **given)
    with session.planner() as planner, stoppable() as stop, progress_bar() as report:
        made = planner.fit_forecaster(
            trace, epochs=epochs, seed=seed, progress=report, cancel=stop, **demand
        )
    session.show(made, lambda: _fit_facts(made))


def _fit_facts(made: "FitReport") -> "Table":
    from engine.cli.tables import facts  # noqa: PLC0415 - not needed for JSON

    rows = [
        ("epochs", f"{made.epochs} ({'stopped early' if made.stopped == 'early' else 'all'})"),
        ("loss where it stopped by", f"{made.before:.4g} before, {made.after:.4g} after"),
    ]
    if made.test_before is not None and made.test_after is not None:
        rows.append((
            "loss on the last 15 %",
            f"{made.test_before:.4g} before, {made.test_after:.4g} after, {made.unit}",
        ))  # fmt: skip
    return facts([*rows, ("kept in", str(made.folder))])


@click.command(short_help="Train a network on generated workloads.")
@click.option("--out", required=True, type=OUT_FOLDER, help="Its folder.")
@click.option("--core", type=click.Choice(CORES), default="bilstm", show_default=True)
@click.option("--series", default=6000, show_default=True, help="Generated workloads.")
@click.option("--epochs", default=30, show_default=True, help="At most.")
@click.option("--seed", default=0, show_default=True, help="Of data and weights.")
@with_session
def train(out: Path, core: str, series: int, epochs: int, seed: int, session: Session) -> None:
    """Train a network on generated workloads; minutes to hours.

    A training that was stopped goes on where it was when the same command is given again.
    """
    _needs_networks()
    from engine.forecast.training import TrainOptions  # noqa: PLC0415 - heavy
    from engine.forecast.training import train as train_network  # noqa: PLC0415 - heavy

    options = TrainOptions(core=core, series=series, epochs=epochs, seed=seed)
    with stoppable() as stop, progress_bar() as report:
        try:
            made = train_network(out, options, report, stop)
        except OSError as error:
            raise _unwritable(out, error) from error
    if made.stopped == "cancelled":
        raise ReplayCancelled(
            f"the training was stopped after {len(made.curve)} epochs", str(out),
            "Give the same command again to go on",
        )  # fmt: skip
    session.show(
        {"folder": out, "before": made.before, "after": made.after, "best_epoch": made.best_epoch,
         "stopped": made.stopped, "curve": made.curve},
        lambda: _train_facts(out, made),
    )  # fmt: skip


def _train_facts(out: Path, made: "Fitted") -> "Table":
    from engine.cli.tables import facts  # noqa: PLC0415 - not needed for JSON

    return facts([
        ("validation loss", f"{made.before:.4g} before, {made.after:.4g} after"),
        ("best epoch", str(made.best_epoch)),
        ("written to", str(out)),
    ])  # fmt: skip


@click.command(short_help="Score a checkpoint and write its model card.")
@click.option(
    "--checkpoint", required=True, type=click.Path(path_type=Path), metavar="FOLDER",
    help="The folder that `forecast train` wrote.",
)  # fmt: skip
@click.option("--notes", default="", metavar="TEXT", help="Added to the end of the card.")
@click.option(
    "--rare", is_flag=True, help="Also measure whether windows of a GAN help the tail; minutes."
)
@with_session
def card(checkpoint: Path, notes: str, rare: bool, session: Session) -> None:
    """Score a checkpoint on synthetic traces it never saw, and write its README.md."""
    from engine.forecast.neural import NeuralForecaster  # noqa: PLC0415 - heavy
    from engine.forecast.training_card import score_families, write_card  # noqa: PLC0415 - heavy

    forecaster = NeuralForecaster.load(checkpoint)
    if not {"training", "result"} <= forecaster.about.keys():
        raise CheckpointError(
            "it does not say how it was trained", f"checkpoint {checkpoint}",
            "Name a folder that smartscale forecast train wrote",
        )  # fmt: skip
    session.note("Scoring on synthetic traces; this takes up to a minute.")
    scores = score_families(forecaster)
    found = None
    if rare:
        from engine.forecast.training_rare import ablation  # noqa: PLC0415 - heavy

        session.note("Training small networks with and without windows of a GAN; minutes.")
        found = ablation()
    try:
        write_card(checkpoint, scores, f"\n{notes}\n" if notes else "", found)
    except OSError as error:
        raise _unwritable(checkpoint, error) from error
    written = checkpoint / "README.md"
    session.show(
        {"written": written, "scores": scores, "rare": found}, lambda: f"Wrote {written}."
    )


def _needs_networks() -> None:
    for name in ("torch", "safetensors"):
        if find_spec(name) is None:
            raise CheckpointError(
                f"{name} is not installed", "forecaster",
                "Install the extra: pip install 'smartscale[forecast]'",
            )  # fmt: skip


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot be written: {error.strerror}", str(folder), "Name a folder that can be written to"
    )
