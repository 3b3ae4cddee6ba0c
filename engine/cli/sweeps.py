"""`smartscale sweep` and `sweeps`: many settings of a policy or a cluster on one trace window."""

from typing import TYPE_CHECKING, Any

import click

from engine.cli.scenarios import note_idle, resolve, set_option
from engine.cli.session import Session, progress_bar, stoppable, with_session
from engine.cli.times import parse_time

if TYPE_CHECKING:
    from rich.table import Table


@click.command(short_help="Replay many settings and show which trade-offs there are.")
@click.option("--trace", required=True, help="Id, beginning of an id, or name.")
@click.option("--policy", required=True, help="As for replay, such as hpa:target=0.6.")
@click.option(
    "--vary", "vary", multiple=True, required=True, metavar="PATH=VALUES",
    help="A field of the scenario, policy.PARAMETER, or policy; a,b,c or low..high or "
    "low..high/levels (add :log for even ratios). May be given again.",
)  # fmt: skip
@click.option(
    "--method", type=click.Choice(["grid", "sample", "search"]), default="grid",
    show_default=True, help="All combinations, a space-filling sample, or a Bayesian search.",
)  # fmt: skip
@click.option("--samples", type=click.IntRange(2, 10_000), default=32, show_default=True,
              help="Replays of a sample or a search.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, help="Of a sample or a search.")
@click.option("--minimise", default="cost_usd", show_default=True, help="What a search wants low.")
@click.option(
    "--keep", metavar="FIGURE=BOUND",
    help="What it must keep. Default: slo_attainment_frac at the scenario's promise.",
)  # fmt: skip
@click.option(
    "--objectives", metavar="A,B,…", help="Figures of the front. Default: cost_usd, p95_s, "
    "carbon_kg, slo_attainment_frac.",
)  # fmt: skip
@click.option("--scenario", "given", metavar="PRESET|FILE", help="Default: llm-agents.")
@set_option
@click.option("--from", "from_text", metavar="TIME", help="Start of the window.")
@click.option("--to", "to_text", metavar="TIME", help="End, exclusive.")
@click.option("--processes", type=click.IntRange(1), help="Default: one a core.")
@click.option("--edges", type=click.IntRange(0, 64), default=8, show_default=True,
              help="Further replays that narrow each cliff down.")  # fmt: skip
@with_session
def sweep(
    trace: str, policy: str, vary: tuple[str, ...], method: str, samples: int, seed: int,
    minimise: str, keep: str | None, objectives: str | None, given: str | None,
    settings: tuple[str, ...], from_text: str | None, to_text: str | None,
    processes: int | None, edges: int, session: Session,
) -> None:  # fmt: skip
    """Replay many settings on one trace window and show which trade-offs there are.

    Results are kept as they come: the same command goes on where it was stopped, more values or
    samples add to it, and nothing is ever replayed twice.
    """
    from engine.sweep.axes import parse_axis  # noqa: PLC0415 - heavy
    from engine.sweep.plan import Method  # noqa: PLC0415
    from engine.sweep.report import OBJECTIVES  # noqa: PLC0415

    scenario = resolve(given, settings, session)
    note_idle([policy], scenario, session)
    axes = [parse_axis(text) for text in vary]
    goal = _goal(minimise, keep, scenario.slo.attainment_frac)
    traded = OBJECTIVES if objectives is None else tuple(objectives.split(","))
    with session.planner() as planner, stoppable() as stop, progress_bar() as bar:
        epoch_s = planner.trace(trace).epoch_s
        document = planner.sweep(
            trace, policy, axes, scenario=scenario, method=Method(method), samples=samples,
            seed=seed, goal=goal, objectives=traded, progress=bar, cancel=stop,
            workers=processes, edges=edges,
            from_s=0.0 if from_text is None else parse_time(from_text, "--from", epoch_s),
            to_s=None if to_text is None else parse_time(to_text, "--to", epoch_s),
        )  # fmt: skip
    _show(session, document)


def _goal(minimise: str, keep: str | None, attainment: float) -> Any:
    from engine.cli.settings import pairs  # noqa: PLC0415
    from engine.errors import UsageError  # noqa: PLC0415
    from engine.sweep.plan import Goal  # noqa: PLC0415 - heavy

    if keep is None:
        return Goal(minimise=minimise, bound=attainment)
    ((figure, bound),) = pairs([keep], "--keep").items()
    try:
        return Goal(minimise=minimise, figure=figure, bound=float(bound))
    except ValueError:
        raise UsageError(f"{bound!r} is no number", f"--keep {figure}", "Give one") from None


@click.group(invoke_without_command=True)
@with_session
def sweeps(context: click.Context, session: Session) -> None:
    """List the sweeps; show or delete one."""
    if context.invoked_subcommand is not None:
        return
    with session.planner() as planner:
        found = planner.sweeps()
    if not found:
        session.note("There are no sweeps yet: smartscale sweep --trace T --policy P --vary …")
    session.show({"sweeps": found}, *([lambda: _list(found)] if found else []))


@sweeps.command("show")
@click.argument("given", metavar="SWEEP")
@click.option("--objectives", metavar="A,B,…", help="Figures of the front.")
@with_session
def show_sweep(given: str, objectives: str | None, session: Session) -> None:
    """Show a sweep as far as it is done."""
    from engine.sweep.report import OBJECTIVES  # noqa: PLC0415 - heavy

    traded = OBJECTIVES if objectives is None else tuple(objectives.split(","))
    with session.planner() as planner:
        document = planner.sweep_report(given, traded)
    _show(session, document)


@sweeps.command("go-on")
@click.argument("given", metavar="SWEEP")
@click.option("--processes", type=click.IntRange(1), help="Default: one a core.")
@click.option("--edges", type=click.IntRange(0, 64), default=8, show_default=True,
              help="Further replays that narrow each cliff down.")  # fmt: skip
@with_session
def go_on_sweep(given: str, processes: int | None, edges: int, session: Session) -> None:
    """Replay what a sweep was asked for and lacks.

    One of an older version is made anew by this one, under another id.
    """
    with session.planner() as planner, stoppable() as stop, progress_bar() as bar:
        document = planner.go_on(given, progress=bar, cancel=stop, workers=processes, edges=edges)
    _show(session, document)


@sweeps.command("delete")
@click.argument("given", metavar="SWEEP")
@with_session
def delete_sweep(given: str, session: Session) -> None:
    """Forget a sweep; what it replayed stays known."""
    with session.planner() as planner:
        planner.delete_sweep(given)
    session.show({"deleted": given}, lambda: f"Deleted {given}.")


def _list(found: list[Any]) -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    rows = [
        (row.sweep_id, row.trace_id, row.plan["policy"],
         ", ".join(axis["path"] for axis in row.plan["axes"]), row.plan["method"],
         f"{row.done} of {row.points}")
        for row in found
    ]  # fmt: skip
    return table(("sweep", "trace", "policy", "varied", "method", "done"), rows, right=(5,))


def _show(session: Session, document: dict[str, Any]) -> None:
    parts = [lambda: _points(document)]
    if document["sensitivity"]:
        parts.append(lambda: _effects(document))
    if document["cliffs"]:
        parts.append(lambda: _cliffs(document))
    session.show(document, *parts, lambda: _summary(document))


def _points(document: dict[str, Any]) -> "Table":
    from engine.cli.scorecards import shown  # noqa: PLC0415 - heavy
    from engine.cli.tables import table  # noqa: PLC0415

    keys, paths = document["objectives"], document["varied"]
    rows = [
        (*(str(point["settings"].get(path, "")) for path in paths),
         *(shown(key, point["figures"][key]) for key in keys),
         "knee" if point["knee"] else "front" if point["on_front"] else "")
        for point in sorted(
            document["points"], key=lambda p: p["figures"][keys[0]] if keys else 0.0
        )
    ]  # fmt: skip
    return table((*paths, *keys, ""), rows, right=range(len(paths), len(paths) + len(keys)))


def _effects(document: dict[str, Any]) -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    ways = {True: "rises", False: "falls", None: ""}
    rows = [
        (row["path"], row["figure"], f"{100 * row['explained_frac']:.0f}", f"{row['lowest']:.4g}",
         f"{row['highest']:.4g}", ways[row["rises"]])
        for row in document["sensitivity"]
    ]  # fmt: skip
    head = ("what is varied", "figure", "explains %", "lowest mean", "highest mean", "")
    return table(head, rows, right=(2, 3, 4))


def _cliffs(document: dict[str, Any]) -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    rows = []
    for row in document["cliffs"]:
        rows.append((row["path"], *_step(row)))
        found = row["edge"]
        if found is not None:
            others = _settings(found["settings"])
            rows.append((f"  with {others}" if others else "  more exactly", *_step(found)))
    head = ("cliff in", "promise kept at", "SLO met %", "broken at", "SLO met %")
    return table(head, rows, right=(1, 2, 3, 4))


def _step(found: dict[str, Any]) -> tuple[str, str, str, str]:
    return (
        found["kept_at"], f"{100 * found['kept_frac']:.2f}",
        found["broken_at"], f"{100 * found['broken_frac']:.2f}",
    )  # fmt: skip


def _summary(document: dict[str, Any]) -> str:
    goal = document["goal"]
    made = f"{len(document['points'])} points, {document['replayed']} replayed now"
    lines = [f"Sweep {document['sweep_id']}: {made}."]
    if document["problems"]:
        lines.append(f"{len(document['problems'])} settings are impossible, such as: "
                     f"{document['problems'][0]['what']}.")  # fmt: skip
    wanted = f"{goal['figure']} at {goal['bound']:g}"
    if not goal["measured"]:
        lines.append(f"No point measures {goal['minimise']}.")
    elif document["best"] is None:
        lines.append(f"No point keeps {wanted}.")
    else:
        lines.append(_best(document["best"], goal, wanted))
    return "\n".join(lines)


def _best(best: dict[str, Any], goal: dict[str, Any], wanted: str) -> str:
    settings = _settings(best["settings"])
    return (
        f"{goal['end'].capitalize()} {goal['minimise']} with {wanted}: {best['policy']} "
        f"{settings} ({best[goal['minimise']]:.4g})."
    )


def _settings(settings: dict[str, str]) -> str:
    return " ".join(f"{path}={value}" for path, value in settings.items())
