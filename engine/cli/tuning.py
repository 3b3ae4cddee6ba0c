"""`smartscale tune`: the best parameters of the HPA or the threshold policy for a trace."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.outputs import OUT_FILE, write
from engine.cli.scenarios import resolve, set_option
from engine.cli.session import Session, progress_bar, stoppable, with_session
from engine.cli.times import parse_time

if TYPE_CHECKING:
    from rich.table import Table


@click.command(short_help="Find the cheapest parameters that keep an SLO on a trace.")
@click.argument("policy")
@click.option("--trace", required=True, help="Id, beginning of an id, or name.")
@click.option(
    "--slo", type=click.FloatRange(0.0, 1.0, min_open=True),
    help="Share of requests to finish within their SLO. Default: the scenario's promise.",
)  # fmt: skip
@click.option("--scenario", "given", metavar="PRESET|FILE", help="Default: llm-agents.")
@set_option
@click.option("--from", "from_text", metavar="TIME", help="Start of the window.")
@click.option("--to", "to_text", metavar="TIME", help="End, exclusive.")
@click.option("--samples", type=click.IntRange(4, 1000), default=11, show_default=True,
              help="Replays to spend; a quarter of the grid's 45.")  # fmt: skip
@click.option("--grid", is_flag=True, help="Replay the 9 x 5 grid, too, and compare.")
@click.option("--processes", type=click.IntRange(1), help="Default: one a core.")
@click.option("--out", type=OUT_FILE, help="Write the manifest here.")
@with_session
def tune(
    policy: str, trace: str, slo: float | None, given: str | None, settings: tuple[str, ...],
    from_text: str | None, to_text: str | None, samples: int, grid: bool,
    processes: int | None, out: Path | None, session: Session,
) -> None:  # fmt: skip
    """Find the cheapest parameters of POLICY (hpa or threshold) that keep the SLO on a trace.

    A Bayesian search; then each parameter is moved alone, to show what it does. Parameters that
    are named, as in hpa:metric=in_flight, stay as they are.
    """
    from engine.tune.tuning import Wish  # noqa: PLC0415 - heavy

    scenario = resolve(given, settings, session)
    with session.planner() as planner, stoppable() as stop, progress_bar() as bar:
        epoch_s = planner.trace(trace).epoch_s
        wish = Wish(
            trace=trace, policy=policy, scenario=scenario, samples=samples,
            slo=scenario.slo.attainment_frac if slo is None else slo,
            from_s=0.0 if from_text is None else parse_time(from_text, "--from", epoch_s),
            to_s=None if to_text is None else parse_time(to_text, "--to", epoch_s),
        )  # fmt: skip
        document = planner.tune(wish, grid=grid, progress=bar, cancel=stop, workers=processes)
    if out is not None and document["manifest"] is not None:
        write(out, document["manifest"])
        session.note(f"Written: {out}")
    session.show(document, lambda: _table(document), lambda: _summary(document))


def _table(document: dict[str, Any]) -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    best, grid = document["best"], document["grid"]
    rows = [] if best is None else [_row("best", best["policy"], best["figures"])]
    rows += [_row("beside it", each["policy"], each) for each in document["around"]]
    if grid is not None and grid["best"] is not None:
        rows.append(_row("best of the grid", grid["best"]["policy"], grid["best"]["figures"]))
    return table(("", "policy", "USD", "SLO met %"), rows, right=(2, 3))


def _row(name: str, policy: str, figures: dict[str, Any]) -> tuple[str, str, str, str]:
    cost, met = figures.get("cost_usd"), figures.get("slo_attainment_frac")
    return (
        name, policy, "" if cost is None else f"{cost:.2f}",
        "" if met is None else f"{100 * met:.3f}",
    )  # fmt: skip


def _summary(document: dict[str, Any]) -> str:
    best, grid = document["best"], document["grid"]
    if best is None:
        return "No setting could be replayed."
    kept = "keeps" if best["keeps_slo"] else "misses"
    lines = [
        f"{best['policy']} {kept} {100 * document['slo']:g} % after {document['replays']} replays."
    ]
    if grid is not None:
        words = {True: "at least as good as", False: "worse than", None: "not comparable with"}
        lines.append(f"That is {words[grid['search_as_good']]} {grid['replays']} on a grid.")
    if document["no_manifest"]:
        lines.append(f"No manifest: {document['no_manifest']}.")
    return "\n".join(lines)
