"""`smartscale replay`, `compare` and `runs`: what would have happened?"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from engine.cli.document import rows
from engine.cli.scenarios import note_idle, resolve, set_option
from engine.cli.session import Session, explain, progress_bar, stoppable, with_session
from engine.cli.times import parse_time
from engine.errors import PolicyError, ScenarioError, StoreError, UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from engine.planner import Planner, RunInfo
    from engine.tune.line import Line


@click.command(short_help="Replay a trace, request by request, under policies.")
@click.option("--trace", required=True, help="Id, beginning of an id, or name.")
@click.option(
    "--policy",
    "policies",
    multiple=True,
    required=True,
    metavar="P[,P…]",
    help="Policies to compare, such as static,hpa:target=0.6. The first is the baseline.",
)
@click.option(
    "--scenario",
    "given",
    metavar="PRESET|SAVED|FILE",
    help="Cluster, SLO, prices. Default: llm-agents.",
)
@set_option
@click.option(
    "--from",
    "from_text",
    metavar="TIME",
    help="Start: seconds, H:MM:SS since the start, or a date.",
)
@click.option("--to", "to_text", metavar="TIME", help="End, exclusive.")
@click.option("--fresh", is_flag=True, help="Replay again what is in the store already.")
@with_session
def replay(
    trace: str,
    policies: tuple[str, ...],
    given: str | None,
    settings: tuple[str, ...],
    from_text: str | None,
    to_text: str | None,
    fresh: bool,
    session: Session,
) -> None:
    """Replay a trace, request by request, under one or more policies."""
    names = [name.strip() for text in policies for name in text.split(",") if name.strip()]
    scenario = resolve(given, settings, session)
    note_idle(names, scenario, session)
    started = datetime.now(UTC)
    with session.planner() as planner:
        epoch_s = planner.trace(trace).epoch_s
        from_s = 0.0 if from_text is None else parse_time(from_text, "--from", epoch_s)
        to_s = None if to_text is None else parse_time(to_text, "--to", epoch_s)
        with stoppable() as stop, progress_bar() as report:
            ids = planner.replay(
                trace, names, scenario=scenario, from_s=from_s, to_s=to_s, fresh=fresh,
                progress=lambda done: report(done.fraction, "Replaying"), cancel=stop,
            )  # fmt: skip
        runs_made = [planner.run(run_id) for run_id in ids]
        reused = [run.policy for run in runs_made if run.created_at < started]
        if reused:
            session.note(f"Already in the store: {', '.join(reused)} (--fresh replays again).")
        _show_runs(session, planner, runs_made, ids[0])


@click.command(short_help="Put scorecards side by side, with differences to a baseline.")
@click.argument("runs", metavar="RUN…", nargs=-1, required=True)
@click.option(
    "--baseline", metavar="RUN", help="What the others are compared with. Default: the first."
)
@click.option("--from", "from_text", metavar="TIME", help="Start of a part of the runs.")
@click.option("--to", "to_text", metavar="TIME", help="End of that part, exclusive.")
@click.option(
    "--known-future/--no-known-future", default=None,
    help="Replay plans that know the future, too, to tell how far each run is from them. "
    "Default: where that takes seconds.",
)  # fmt: skip
@click.option(
    "--noise/--no-noise", default=None,
    help="Replay all with four more seeds, to tell which differences exceed the noise. Default: "
    "where demand is drawn and that takes seconds.",
)  # fmt: skip
@click.option(
    "--tuned-hpa/--no-tuned-hpa", default=True, show_default=True,
    help="Compare with the HPA tuned for the window and SLO of the baseline, too.",
)  # fmt: skip
@with_session
def compare(
    runs: tuple[str, ...],
    baseline: str | None,
    from_text: str | None,
    to_text: str | None,
    known_future: bool | None,
    noise: bool | None,
    tuned_hpa: bool,
    session: Session,
) -> None:
    """Put the scorecards of finished runs side by side, with differences to a baseline.

    With --from or --to the figures are those of a part; some are not defined for a part. How far
    each run is from perfect is told of whole runs only.
    """
    with session.planner() as planner:
        reference = planner.run(baseline or runs[0])
        chosen = [planner.run(run) for run in runs]
        if reference.run_id not in [run.run_id for run in chosen]:
            chosen.insert(0, reference)
        window = {
            name: parse_time(text, option, reference.epoch_s)
            for name, option, text in (
                ("from_s", "--from", from_text),
                ("to_s", "--to", to_text),
            )
            if text is not None
        }
        line, missing = _tuned(session, planner, reference.run_id) if tuned_hpa else (None, None)
        if line is not None and line.run_id not in [run.run_id for run in chosen]:
            chosen.append(planner.run(line.run_id))
        _warn_of_unlike(session, chosen)
        easy = planner.is_easy(reference.run_id)
        if known_future or (known_future is None and easy and not window):
            with stoppable() as stop, progress_bar() as report:
                ids = [run.run_id for run in chosen]
                planner.known_future(ids, progress=report, cancel=stop)
        more = {
            "tuned_hpa": line, "no_tuned_hpa": missing,
            "noise": _noise(planner, chosen, reference.run_id, noise, easy),
        }  # fmt: skip
        _show_runs(session, planner, chosen, reference.run_id, more, with_bounds=True, **window)


def _noise(
    planner: "Planner", runs: Sequence["RunInfo"], baseline: str, wanted: bool | None, easy: bool
) -> dict[str, Any]:
    """What another seed changes, and paired intervals of each run against the baseline.

    Args:
        planner: with the runs.
        runs: those that are compared.
        baseline: run id.
        wanted: whether to replay other seeds; None: where demand is drawn and it is `easy`.
        easy: some replays take seconds.
    """
    told = planner.drawn(baseline)
    measured: dict[str, Any] = {}
    others = [run for run in runs if run.run_id != baseline]
    if wanted or (wanted is None and told.sampled and easy):
        with stoppable() as stop, progress_bar() as report:
            for number, run in enumerate(others):
                report(number / len(others), "Replaying other seeds")
                pairs = planner.noise(run.run_id, baseline, cancel=stop)
                measured[run.run_id] = {
                    key: {**asdict(pair), "exceeds": pair.exceeds} for key, pair in pairs.items()
                }
    return {"demand": "drawn" if told.sampled else "recorded",
            "seeds_change": list(told.varies), "runs": measured}  # fmt: skip


def _tuned(
    session: Session, planner: "Planner", run_id: str
) -> "tuple[Line | None, dict[str, str] | None]":
    """The tuned HPA for the window and SLO of a run, or why the comparison goes on without it.

    Raises:
        ReplayCancelled: somebody stopped it.
        AccountingError: a replay does not add up.
    """
    try:
        with stoppable() as stop, progress_bar() as report:
            found = planner.tuned_hpa(run_id, progress=report, cancel=stop)
    except (PolicyError, ScenarioError, StoreError, UsageError) as error:
        session.note("Going on without the tuned HPA (--no-tuned-hpa leaves it out).")
        explain(error)
        return None, {"what": error.what, "where": error.where, "fix": error.fix}
    where = "" if found.sampled_frac == 1.0 else f" of {100 * found.sampled_frac:.0f} %"
    kept = "keeps" if found.keeps_slo else "misses"
    session.note(
        f"Tuned HPA: the cheapest of {found.replays} replays{where} of this window is "
        f"{found.policy}; on the whole window it {kept} {100 * found.slo:g} %."
    )
    return found, None


def _warn_of_unlike(session: Session, runs: Sequence["RunInfo"]) -> None:
    """Differences mean little where traces, windows or scenarios differ."""
    for what, seen in (
        ("traces", {run.trace_id for run in runs}),
        ("windows", {(run.from_s, run.to_s) for run in runs}),
        ("scenarios", {run.scenario_hash for run in runs}),
    ):
        if len(seen) > 1:
            session.note(f"Note: these runs have different {what}.")


def _show_runs(
    session: Session, planner: "Planner", runs: Sequence["RunInfo"], baseline: str,
    more: Mapping[str, Any] | None = None, *, with_bounds: bool = False, **window: float,
) -> None:  # fmt: skip
    from engine.cli.scorecards import bounds_table, noise_table, scorecards  # noqa: PLC0415 - heavy

    bounds = planner.bounds([run.run_id for run in runs]) if with_bounds and not window else None
    figures = planner.compare([run.run_id for run in runs], baseline, **window)
    document = {
        "baseline": baseline,
        "window": window or None,
        "runs": [_described(run) for run in runs],
        "comparison": figures,
        **(more or {}),
    }
    parts = [lambda: _heading(runs, **window), lambda: scorecards(figures, runs, baseline)]
    noise = document.get("noise")
    if noise is not None and noise["runs"]:
        parts.append(lambda: noise_table(noise["runs"], runs))
    if bounds is not None:
        document["bounds"] = bounds
        parts.append(lambda: bounds_table(bounds))
    session.show(document, *parts)


def _described(run: "RunInfo") -> dict[str, Any]:
    names = (
        "run_id", "policy", "status", "note", "trace_id", "trace_name", "from_s", "to_s",
        "scenario_hash", "tick_s", "closed_loop", "pools", "code_version", "created_at", "wall_s",
    )  # fmt: skip
    return {
        **{name: getattr(run, name) for name in names},
        "scenario_name": run.scenario.name,
        "scorecard": run.scorecard,
    }


def _heading(
    runs: Sequence["RunInfo"], from_s: float | None = None, to_s: float | None = None
) -> "Table":
    from engine.cli.tables import facts  # noqa: PLC0415 - not needed for JSON

    first = runs[0]
    start = first.from_s if from_s is None else from_s
    end = first.to_s if to_s is None else to_s
    loop = "closed loop: sessions wait for answers" if first.closed_loop else "open loop"
    return facts(
        [
            ("trace", first.trace_name),
            ("requests", loop),
            ("window", f"{start:g} s to {end:g} s"),
            ("scenario", f"{first.scenario.name} ({first.scenario_hash})"),
            *(("run", f"{run.run_id}  {run.policy}") for run in runs),
        ]
    )


@click.group(invoke_without_command=True)
@with_session
def runs(context: click.Context, session: Session) -> None:
    """List the runs; delete some."""
    if context.invoked_subcommand is not None:
        return
    with session.planner() as planner:
        frame = planner.runs()
    if frame.empty:
        session.note("There are no runs yet: smartscale replay --trace T --policy P")
    found = rows(frame.drop(columns="run_no"))
    session.show({"runs": found}, *([lambda: _runs_table(found)] if found else []))


def _runs_table(found: list[dict[str, Any]]) -> "Table":
    from engine.cli.scorecards import shown  # noqa: PLC0415 - heavy
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    figures = ("slo_attainment_frac", "p95_s", "cost_usd")
    return table(
        ("run", "policy", "trace and window", "scenario", "status", "SLO met %", "p95 s", "USD"),
        [
            (row["run_id"], row["policy"],
             f"{row['trace_name']} {row['from_s']:g} to {row['to_s']:g} s",
             row["scenario_name"], row["status"],
             *(shown(key, row[key]) if row["status"] == "done" else "" for key in figures))
            for row in found
        ],
        right=(5, 6, 7),
    )  # fmt: skip


@runs.command("delete")
@click.argument("given", metavar="RUN…", nargs=-1, required=True)
@with_session
def delete_runs(given: tuple[str, ...], session: Session) -> None:
    """Remove runs and everything they recorded."""
    with session.planner() as planner:
        found = list(dict.fromkeys(planner.run(run).run_id for run in given))
        for run_id in found:
            planner.delete_run(run_id)
    if not found:
        raise UsageError("no run was named", "runs delete", "Name at least one run")
    session.show({"deleted": found}, lambda: f"Deleted {', '.join(found)}.")
