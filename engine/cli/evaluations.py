"""`smartscale evaluate`: whole frontiers of policies on many days."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.outputs import OUT_FILE, write
from engine.cli.scenarios import resolve, set_option
from engine.cli.session import Session, progress_bar, stoppable, with_session
from engine.cli.settings import refuse_idle
from engine.cli.times import parse_time

if TYPE_CHECKING:
    from rich.table import Table

_HEADS = {
    "cost": "cost (x work)", "missed_frac": "missed %", "slo_missed_frac": "SLO missed %",
    "p99": "p99 (x mean service time)",
}  # fmt: skip
"""Of the report's figures, by their names there."""


@click.command(short_help="Judge policies by their whole frontiers, on many days.")
@click.option("--suite", metavar="NAME", help="heldout: 12 generated days; heldout-1: 4 of them.")
@click.option("--trace", "traces", multiple=True, help="A stored trace; may be given again.")
@click.option(
    "--policy", "policies", multiple=True, metavar="P[,P…]",
    help="Families or policies with settings. Default: hpa, hpa-in-flight, reactive, predictive, "
    "smartscale, smartscale-1 and -2 (the allocator of other training seeds), oracle-plain and "
    "oracle-instant. When asked for: smartscale-transformer and -dqn (the allocator with these "
    "networks), and what is slow: champion, oracle-searched, and predictive-bilstm, "
    "-persistence and -ets: the predictive rule with that forecaster. These families have the "
    "shipped allocators; a policy with settings, such as smartscale:cost=0.2, has the one in use. "
    "smartscale:checkpoint=FOLDER is a family, too: that allocator at every priority.",
)  # fmt: skip
@click.option("--scenario", "given", metavar="PRESET|SAVED|FILE", help="Cluster for the traces.")
@set_option
@click.option("--from", "from_text", metavar="TIME", help="Start of the traces' windows.")
@click.option("--to", "to_text", metavar="TIME", help="End of them, exclusive.")
@click.option("--processes", type=click.IntRange(1), help="Default: one a core.")
@click.option("--fresh", is_flag=True, help="Judge again what is in the store already.")
@click.option(
    "--out", type=OUT_FILE, metavar="FILE.md",
    help="Also write the bars, and what fronts cost at equal misses, as Markdown tables.",
)  # fmt: skip
@with_session
def evaluate(
    suite: str | None,
    traces: tuple[str, ...],
    policies: tuple[str, ...],
    given: str | None,
    settings: tuple[str, ...],
    from_text: str | None,
    to_text: str | None,
    processes: int | None,
    fresh: bool,
    out: Path | None,
    session: Session,
) -> None:
    """Judge policies by their whole frontiers: cost at equal misses, p99 at equal cost.

    Every family is replayed over its grid of settings on every day. Results are kept: a run that
    was stopped goes on where it was, and the same again is quick.
    """
    if suite is not None and not traces:
        refuse_idle(
            ("given", "settings", "from_text", "to_text"),
            "Generated days have clusters and lengths of their own",
        )
    names = [name.strip() for text in policies for name in text.split(",") if name.strip()]
    scenario = resolve(given, settings, session)
    new = suite is not None
    with session.planner(new=new) as planner, stoppable() as stop, progress_bar() as bar:
        document = planner.evaluate(
            suite=suite, traces=traces, policies=names, scenario=scenario,
            from_s=0.0 if from_text is None else parse_time(from_text, "--from", None),
            to_s=None if to_text is None else parse_time(to_text, "--to", None),
            progress=bar, cancel=stop, fresh=fresh, workers=processes,
        )  # fmt: skip
    if out is not None:
        write(out, _markdown(document))
    groups = document["groups"]
    session.show(
        document,
        *(lambda n=name, g=group: _settings(n, g) for name, group in groups.items()),
        lambda: _savings(groups["pooled"]),
        lambda: _definitions(document["definitions"]),
        lambda: _allocators(document["allocators"]),
        lambda: _markdown(document),
    )


def _markdown(document: dict[str, Any]) -> str:
    """The bars by the usual misses, then by those of the SLO; at last what all fronts cost."""
    parts = [
        f"By requests that {said}\n\n{document[f'{days}markdown{key}']}\n"
        for days in ("", "trace_")
        for key, said in (("", "waited too long:"), ("_slo_misses", "missed the SLO:"))
        if document[f"{days}markdown{key}"]
    ]
    parts.append(f"Cost at equal misses, of waiting too long:\n\n{document['markdown_costs']}\n")
    return "\n".join(parts)


def _allocators(found: dict[str, str]) -> str:
    said = "; ".join(f"{family}: {checkpoint}" for family, checkpoint in found.items())
    return f"Allocators judged: {said or 'none'}."


def _definitions(found: dict[str, str]) -> str:
    """What the tables' headings mean, as the JSON document has it."""
    return "\n".join(f"{head}: {found[key]}." for key, head in _HEADS.items()) + "\n"


def _settings(name: str, group: dict[str, Any]) -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    rows = [
        (family, row["policy"], f"{row['cost']:.2f}", f"{100 * row['missed_frac']:.2f}",
         f"{100 * row['slo_missed_frac']:.2f}", f"{row['p99']:.2f}")
        for family, found in group["settings"].items()
        for row in found
    ]  # fmt: skip
    head = (f"{name}: family", "setting", *_HEADS.values())
    return table(head, rows, right=(2, 3, 4, 5))


def _savings(group: dict[str, Any]) -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    rows = [
        (row["hpa"], f"{row['hpa_cost']:.2f}", f"{100 * row['misses']:.2f}", family,
         f"{found['cost']:.2f}" + (" (front ends)" if found["ends"] else ""),
         f"{100 * found['saving_frac']:.0f}")
        for row in group["cost_at_equal_misses"]
        for family, found in row["families"].items()
    ]  # fmt: skip
    cost, missed = _HEADS["cost"], _HEADS["missed_frac"]
    head = ("at the misses of", f"its {cost}", missed, "family", cost, "saving %")
    return table(head, rows, right=(1, 2, 4, 5))
