"""`smartscale forecast`: which forecaster to trust on a trace, and what it says."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.forecast_families import families_of
from engine.cli.forecast_training import card, fit, train
from engine.cli.forecast_where import demand_options, where
from engine.cli.outputs import OUT_FILE, write
from engine.cli.session import Session, progress_bar, stoppable, with_session
from engine.cli.times import parse_time
from engine.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from engine.forecast.evaluation import Evaluation
    from engine.forecast.fan import Fan
    from engine.forecast.watch import Learned

_SEED_MAX = 2**31 - 1
"""The largest that every library takes."""


@click.group(
    invoke_without_command=True, short_help="Evaluate, show, fit and train forecasts of demand."
)
@with_session
def forecast(context: click.Context, session: Session) -> None:
    """Which forecaster to trust on a trace, and what it says; alone, the list of forecasters."""
    if context.invoked_subcommand is None:
        _list_models(session)


for _command in (fit, train, card):
    forecast.add_command(_command)


@forecast.command()
@with_session
def models(session: Session) -> None:
    """List the forecasters."""
    _list_models(session)


def _list_models(session: Session) -> None:
    from engine.forecast.registry import MODELS  # noqa: PLC0415 - heavy

    found = [
        {"name": info.name, "label": info.label, "what": info.what, "baseline": info.baseline,
         "seeded": info.seeded}
        for info in MODELS.values()
    ]  # fmt: skip
    session.show({"models": found}, lambda: _models_table(found))


def _models_table(found: list[dict[str, Any]]) -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    return table(
        ("name", "", "what", "baseline"),
        [(m["name"], m["label"], m["what"], "yes" if m["baseline"] else "") for m in found],
    )


@forecast.command(short_help="Score forecasters on traces, against each other.")
@click.option(
    "--trace", "traces", multiple=True, required=True, metavar="T", help="A trace; repeatable."
)
@click.option(
    "--family", "families", multiple=True, metavar="NAME=T,T",
    help="Traces whose coverage is judged together; repeatable.",
)  # fmt: skip
@click.option("--models", "names", metavar="A,B", help="Forecasters. Default: all.")
@click.option("--horizons", metavar="S,S", help="Seconds ahead. Default: 30,60,120,300,900,3600.")
@click.option("--seeds", default="0,1,2", show_default=True, metavar="N,N", help="Seeds.")
@click.option(
    "--origins", default=400, show_default=True, help="Forecasts scored at each end, at most."
)
@demand_options
@click.option("--fresh", is_flag=True, help="Evaluate again what is in the store already.")
@click.option(
    "--out", type=OUT_FILE, metavar="FILE.md",
    help="Also write the tables as Markdown.",
)  # fmt: skip
@with_session
def evaluate(
    traces: tuple[str, ...],
    families: tuple[str, ...],
    names: str | None,
    horizons: str | None,
    seeds: str,
    origins: int,
    fresh: bool,
    out: Path | None,
    session: Session,
    **given: Any,
) -> None:
    """Score forecasters at rolling origins of the last 15 % of each trace.

    Where these hold too few independent outcomes, the trace as it was at three earlier ends is
    judged too, as far as it is long enough there. Scores are kept in the store; the same again is
    answered from there.
    """
    chosen: dict[str, Any] = {"seeds": _whole(seeds), "origins": origins, "fresh": fresh}
    if names is not None:
        chosen["models"] = [name.strip() for name in names.split(",") if name.strip()]
    if horizons is not None:
        chosen["horizons_s"] = _numbers(horizons, "--horizons")
    demand = where(session, **given)
    with session.planner() as planner, stoppable() as stop, progress_bar() as report:
        known = list(dict.fromkeys(planner.trace(trace).name for trace in traces))
        together = families_of(families, known, lambda trace: planner.trace(trace).name)
        made = []
        for number, trace in enumerate(known):
            made.append(planner.evaluate_forecasts(
                trace, **chosen, **demand, cancel=stop,
                progress=lambda share, text, at=number, of=trace: report(  # type: ignore[misc]
                    (at + share) / len(known), f"{of}: {text}"
                ),
            ))  # fmt: skip
    options = {
        "trace": known, "family": list(families), "models": names, "horizons": horizons,
        "seeds": seeds, "origins": origins, **given,
    }  # fmt: skip
    _answer(session, made, together, _typed(options), out)


def _answer(
    session: Session, made: "list[Evaluation]", families: dict[str, list[str]], command: str,
    out: Path | None,
) -> None:  # fmt: skip
    from engine.cli.forecast_tables import (  # noqa: PLC0415 - not needed elsewhere
        cells_table,
        left_out,
        markdown,
        models_table,
        summary,
    )
    from engine.forecast.leaderboard import ablations, cells, verdict  # noqa: PLC0415 - heavy

    found = [cell for evaluation in made for cell in cells(evaluation)]
    judged, parts = verdict(found, families), ablations(made)
    said = summary(judged, parts) if judged else "No baseline was compared with ours."
    if out is not None:
        write(out, markdown(made, found, said, command))
        session.note(f"Wrote {out}.")
    for evaluation in made:
        if len(evaluation.ends) > 1:
            session.note(f"{evaluation.name}: judged at {_listed(evaluation.ends)} steps.")
        for what, why in left_out(evaluation).items():
            session.note(f"{evaluation.name}: left out {what}: {why}.")
    session.show(
        {"evaluations": made, "cells": found, "verdict": judged, "ablations": parts},
        *([lambda: cells_table(found)] if found else []),
        lambda: models_table(made), lambda: said, lambda: "\n".join(map(_advice, made)),
    )  # fmt: skip


def _listed(ends: tuple[int, ...]) -> str:
    """Which ends, the whole series last."""
    return f"{len(ends)} ends, {', '.join(map(str, ends))}"


def _advice(made: "Evaluation") -> str:
    from engine.forecast.evaluation import CHOICE  # noqa: PLC0415 - heavy

    before = "lost least before the part that is scored here"
    if made.use == CHOICE or not made.weights:
        return f"{made.name}: use {made.use}; it {before}."
    return (
        f"{made.name}: use {CHOICE}, the mean of those that have lost least so far; "
        f"{made.use} alone {before}."
    )


def _typed(options: dict[str, Any]) -> str:
    """What somebody types to get the same."""
    usual = {option.name: option.default for option in evaluate.params}
    words = ["smartscale", "forecast", "evaluate"]
    for name, value in options.items():
        if value not in (None, usual.get(name)):
            for one in value if isinstance(value, list) else [value]:
                words += [f"--{name}", shlex.quote(str(one))]
    return " ".join(words)


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise UsageError(
            f"{text!r} is no list of numbers", option, f"Write it as {option} 30,60"
        ) from None


def _whole(text: str) -> list[int]:
    numbers = _numbers(text, "--seeds")
    if any(not 0 <= number <= _SEED_MAX or number % 1 for number in numbers):
        raise UsageError(
            f"{text!r} are no seeds", "--seeds",
            f"Use whole numbers of 0 to {_SEED_MAX}, such as 0,1,2",
        )  # fmt: skip
    return [int(number) for number in numbers]


def _levels(text: str) -> list[float]:
    """Increasing, each once."""
    levels = sorted(set(_numbers(text, "--levels")))
    if not levels or any(not 0 < level < 1 for level in levels):
        raise UsageError(
            f"{text!r} are no levels of quantiles", "--levels",
            "Use numbers between 0 and 1, such as 0.05,0.5,0.95",
        )  # fmt: skip
    return levels


@forecast.command()
@click.option("--trace", required=True, metavar="T", help="Id, beginning of an id, or name.")
@click.option("--at", required=True, metavar="TIME", help="Seconds, H:MM:SS, or a date.")
@click.option(
    "--model", default="bilstm", show_default=True, metavar="M", help="Forecaster, or choice."
)
@click.option(
    "--levels", default="0.1,0.5,0.9", show_default=True, metavar="Q,Q",
    help="Quantiles, each between 0 and 1; some forecasters give no extreme ones.",
)  # fmt: skip
@click.option("--raw", is_flag=True, help="As the model gives it, without calibration.")
@demand_options
@with_session
def show(
    trace: str, at: str, model: str, levels: str, raw: bool, session: Session, **given: Any
) -> None:  # fmt: skip
    """Forecast from a moment of a trace, beside what came.

    The screen shows 30 s to 1 h ahead as far as the step allows, JSON every horizon.
    """
    demand, wanted = where(session, **given), _levels(levels)
    with session.planner() as planner:
        at_s = parse_time(at, "--at", planner.trace(trace).epoch_s)
        made = planner.forecast(
            trace, at_s, model=model, levels=wanted, calibrated=not raw, **demand
        )
    if made.sees_later_demand:
        session.note(_hindsight(made))
    session.show(made, lambda: _heading(made), lambda: _fan_table(made))


def _hindsight(made: "Fan") -> str:
    from engine.forecast.evaluation import CHOICE  # noqa: PLC0415 - heavy

    if made.model == CHOICE:
        return (
            "Note: the weights are those that the evaluation ended with, later than this moment; "
            "the members know what came before it only, so the shipped network stands in for one "
            "fitted to later demand. An evaluation scores the choice fairly."
        )
    return (
        f"Note: this forecaster was fitted to demand up to {made.fitted_until_s:g} s, which "
        "is later than this moment: no fair test of it."
    )


def _heading(made: "Fan") -> "Table":
    from engine.cli.tables import facts  # noqa: PLC0415 - not needed for JSON

    return facts([
        ("demand", f"{made.name}, {made.unit}, mean of each {made.step_s:g} s"),
        ("forecaster", made.model),
        ("known until", f"{made.cut_s:g} s"),
        ("calibrated on", f"{made.calibrated_on} earlier forecasts"),
        *(("drift", _learned(entry)) for entry in made.learned),
    ])  # fmt: skip


def _learned(entry: "Learned") -> str:
    ahead = ", ".join(f"{horizon:g} s" for horizon in entry.horizons_s)
    counts = f"counts {ahead} ahead" if ahead else "does not count yet"
    return f"seen at {entry.noticed_s:g} s; what learned until {entry.until_s:g} s {counts}"


def _places(made: "Fan") -> list[int]:
    """Of the usual horizons, as far as the forecast has them; the nearest where the step differs.

    At least the first.
    """
    from engine.forecast.base import HORIZONS_S  # noqa: PLC0415 - heavy

    ahead = made.horizons_s
    wanted = [at for at in HORIZONS_S if ahead[0] <= at <= ahead[-1]] or [ahead[0]]
    return sorted({int(abs(ahead - at).argmin()) for at in wanted})


def _fan_table(made: "Fan") -> "Table":
    from engine.cli.forecast_tables import horizon  # noqa: PLC0415 - not needed for JSON
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    return table(
        ("ahead", *(f"{level:g}" for level in made.levels), "came"),
        [
            (horizon(made.horizons_s[place]),
             *(f"{value:.4g}" for value in made.quantiles[place]),
             "" if made.came[place] != made.came[place] else f"{made.came[place]:.4g}")
            for place in _places(made)
        ],
        right=range(len(made.levels) + 2),
    )  # fmt: skip
