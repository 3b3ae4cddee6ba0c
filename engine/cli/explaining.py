"""`smartscale explain`, `faithfulness` and `reviews`: why, how far to believe it, who agrees."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.document import rows
from engine.cli.outputs import OUT_FILE, write
from engine.cli.session import Session, progress_bar, stoppable, with_session
from engine.cli.times import parse_time
from engine.errors import CheckpointError, PolicyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from engine.explain.counterfactuals import Counterfactual
    from engine.explain.decision import Decision
    from engine.explain.faithfulness import Faithfulness
    from engine.explain.session import Checked
    from engine.units import FloatArray

LEAST = 0.005
"""Of a worker or a share: less than this is nothing at two digits."""


@click.command("explain", short_help="Say why a decision was made, and what else would have been.")
@click.argument("run")
@click.option("--at", "at_text", metavar="TIME", help="The last decision at or before this time.")
@click.option("--decision", "number", type=int, metavar="N", help="The N-th of the run, from 0.")
@click.option("--pool", help="Whose decision, with --at. Default: the first pool's.")
@click.option(
    "--counterfactual", "changes", multiple=True, metavar="CHANGE",
    help="one-more, one-fewer, no-guard, no-carbon-mask, hpa, earlier, policy:SPEC or hold:N; "
    "repeatable.",
)  # fmt: skip
@click.option(
    "--horizon", "horizon_s", type=click.FloatRange(min=1.0), default=3600.0, show_default=True,
    metavar="SECONDS", help="How long both sides are played on.",
)  # fmt: skip
@click.option(
    "--keep", "kept_s", type=click.FloatRange(min=1.0), default=900.0, show_default=True,
    metavar="SECONDS", help="For how long a changed size is kept, whatever policy and guard want.",
)  # fmt: skip
@click.option(
    "--check",
    is_flag=True,
    help="Make the decision again, and lift what bound it; learned ones always are.",
)
@with_session
def explain_decision(
    run: str, at_text: str | None, number: int | None, pool: str | None,
    changes: tuple[str, ...], horizon_s: float, kept_s: float, check: bool, session: Session,
) -> None:  # fmt: skip
    """Say why a decision was made, in a sentence and with its whole record.

    Counterfactuals are played, not guessed: the replay is branched at the decision. Decisions of
    learned policies are always made again: that is where attention, attribution and expected
    values come from.
    """
    from engine.explain.sentences import sentence  # noqa: PLC0415 - heavy

    with session.planner() as planner, stoppable() as stop, progress_bar() as report:
        epoch_s = planner.run(run).epoch_s
        at_s = None if at_text is None else parse_time(at_text, "--at", epoch_s)
        one = planner.decision(run, number=number, at_s=at_s, pool=pool)
        checked, played, unmade = None, [], None
        try:
            learned = planner.tells_more(run)
            if check or changes or learned:
                asked = planner.asked(
                    run, cancel=stop, progress=lambda share: report(share, "Playing the run again")
                )
                checked = asked.check(one)
                played = [
                    asked.ask(one, change, horizon_s=horizon_s, kept_s=kept_s)
                    for change in changes
                ]
        except (StoreError, PolicyError, CheckpointError) as error:
            if check or changes:
                raise
            unmade = f"{error.what}. {error.fix}."
    document = {
        "sentence": sentence(one), "record": one.document(), "checked": _checked(checked),
        "not_made_again": unmade, "counterfactuals": [_played(each) for each in played],
    }  # fmt: skip
    parts = [lambda: document["sentence"], lambda: _record(one)]
    if unmade is not None:
        parts.append(lambda: f"What moved the policy is not shown: {unmade}")
    if checked is not None:
        parts.append(lambda: _check_text(checked))
        if learned:
            parts.append(lambda: _moved(one, checked))
    if played:
        parts.append(lambda: _table(played))
    session.show(document, *parts)


def _checked(checked: "Checked | None") -> dict[str, Any] | None:
    if checked is None:
        return None
    bound = checked.binding
    return {
        "same": checked.same,
        "binding": None if bound is None else [str(reason) for reason in bound.named],
        "applied": None if bound is None else bound.applied,
        "applied_without": None if bound is None else bound.without,
        "size": None if bound is None else bound.size,
        "size_without": None if bound is None else bound.without_size,
        "pools": checked.together,
        "explanation": checked.explanation,
    }


def _played(found: "Counterfactual") -> dict[str, Any]:
    names = ("change", "words", "pool", "from_s", "horizon_s", "kept_s", "difference")
    sides = {
        side: {
            **played.figures,
            "applied": played.applied,
            "bound": played.bound,
            "unresolved": played.unresolved,
        }
        for side, played in (("base", found.base), ("other", found.other))
    }
    return {**{name: getattr(found, name) for name in names}, **sides}


def _record(one: "Decision") -> "Table":
    from engine.cli.tables import facts  # noqa: PLC0415 - not needed for JSON

    stages = [
        f"{line.stage} {line.before:g} → {line.after:g}"
        + (f" ({line.part}: {line.wanted} → {line.kept or 'as it was'})" if line.part else "")
        for line in one.guard
        if line.reason is not None
    ]
    saw = ", ".join(f"{name} {value:.3g}" for name, value in one.saw.items())
    plan = [] if one.plan is None else [("plan", _plan(one.plan))]
    return facts(
        [
            ("decision", f"{one.number} of run {one.run_id}, {one.policy}"),
            ("proposed, applied", f"{one.proposed:g}, {one.applied} ({one.reason})"),
            *plan,
            ("guard", "; ".join(stages) or "changed nothing"),
            ("saw", saw or "nothing yet"),
            ("earned", _earned(one)),
        ]
    )


def _plan(steps: "Sequence[Mapping[str, float]]") -> str:
    """Steps of a policy that plans; each decision plans anew."""
    from engine.explain.words import due  # noqa: PLC0415 - heavy

    return (
        "; ".join(
            f"{due(step['in_s'])} {step['from']:g} → {step['to']:g} "
            f"({step['usd_per_hour']:+.2f} USD/h)"
            for step in steps
        )
        or "no step"
    )


def _earned(one: "Decision") -> str:
    found = one.reward
    if found is None:
        return "nothing came after it"
    parts = ", ".join(f"{part.name} {_points(part.weighted)}" for part in found.parts)
    span = f"until {found.to_s - found.from_s:g} s later"
    return f"{found.total:.2f} points {span} (usually {found.usual:.2f}): {parts}"


def _points(value: float | None) -> str:
    return "not measured" if value is None else f"{value:+.2f}"


def _check_text(checked: "Checked") -> str:
    same = "Made again, it is the same." if checked.same else "Made again, it is another one."
    bound = checked.binding
    if bound is None:
        return same
    if not bound.named:
        return f"{same} No constraint bound it: the demand asks for this size."
    names = " and ".join(reason.replace("_", " ") for reason in bound.named)
    where = f" to {' and '.join(checked.together)} together" if len(checked.together) > 1 else ""
    return (
        f"{same} Without {names}, {bound.told[1]} would have been applied{where}, "
        f"not {bound.told[0]}."
    )


def _moved(one: "Decision", checked: "Checked") -> "Table | str":
    """What moved a learned policy: what counts most first, without what counts for nothing."""
    from engine.cli.tables import facts  # noqa: PLC0415 - not needed for JSON
    from engine.explain.regard import expected  # noqa: PLC0415 - heavy

    found, row = checked.explanation, checked.row
    if found is None:
        return "Nothing moved the policy: it was not due, or knew nothing of the demand yet."
    moved = _ranked(found.groups, found.attribution[row], "{:+.2f}")
    lines = [(f"moved by, {found.unit}", moved or "nothing that it sees")]
    if found.attention is not None:
        lines.append(("attended to, share", _ranked(found.groups, found.attention[row], "{:.2f}")))
    values = expected(found, row, one.priorities)
    if values is not None:
        lines.append(
            ("expected, points", ", ".join(
                f"{_neighbour(step)} {value:.2f}"
                for step, value in zip(found.neighbours, values.tolist(), strict=True)
                if not math.isnan(value)
            ))
        )  # fmt: skip
    return facts(lines)


def _ranked(names: "Sequence[str]", values: "FloatArray", form: str) -> str:
    ranked = sorted(zip(values.tolist(), names, strict=True), key=lambda pair: -abs(pair[0]))
    return ", ".join(
        f"{name} {form.format(value)}" for value, name in ranked if abs(value) >= LEAST
    )


def _neighbour(step: int) -> str:
    if step == 0:
        return "as chosen"
    return f"{abs(step)} {'more' if step > 0 else 'fewer'}"


def _table(played: list["Counterfactual"]) -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    names = ("slo_attainment_frac", "p95_s", "failed", "cost_usd", "carbon_g")
    first = played[0].base.figures
    lines = [("as it was", *(_number(first[name]) for name in names))]
    lines += [(each.words, *(_signed(each.difference[name]) for name in names)) for each in played]
    heads = ("over the horizon", "SLO met", "p95 s", "failed", "USD", "g CO2e")
    return table(heads, lines, right=(1, 2, 3, 4, 5))


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:,.4g}"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+,.4g}"


@click.command(short_help="Check a run's explanations by making every decision again.")
@click.argument("run")
@with_session
def faithfulness(run: str, session: Session) -> None:
    """Check a run's explanations: every decision is made again, and what bound it is lifted."""
    with session.planner() as planner, stoppable() as stop, progress_bar() as report:
        found = planner.faithfulness_of_run(
            run, cancel=stop, progress=lambda share: report(share, "Making decisions again")
        )
    session.show(found.document(), lambda: _figures(found))


def _figures(found: "Faithfulness") -> "Table":
    from engine.cli.tables import facts  # noqa: PLC0415 - not needed for JSON

    lines = [
        ("run", f"{found.run_id}, {found.policy} on {found.trace}"),
        ("records", f"{found.records:,}"),
        ("re-execute to the same decision", f"{_share(found.re_executed_frac)} of all records"),
        ("a constraint for a reason", f"{found.constrained:,} records"),
        ("lifting it alone changes the size", f"{_share(found.reason_alone_frac)} of those"),
        ("bound by nothing, so none named", f"{found.not_bound:,} of those"),
        ("a constraint or a set named", f"{found.named:,} of those"),
        ("lifting what is named changes the size", f"{_share(found.lifted_frac)} of the named"),
        ("sentences with every number found", f"{_share(found.sentences_frac)} of all records"),
    ]
    if found.divided_by_siting:
        lines.append(("siting", "constraints are of all pools of an agent type together"))
    seen = found.attention
    if seen is None:
        lines.append(("attention", "the policy has none, and cannot say what moved it"))
    elif seen.attention is None:
        lines.append(("attribution, workers", _top(seen.groups, seen.attribution)))
    else:
        agree = seen.rank_correlation
        told = "undefined" if agree is None else f"{agree:.2f}"
        lines += [
            ("attribution, workers", _top(seen.groups, seen.attribution)),
            ("attention", _top(seen.groups, seen.attention)),
            ("attention with attribution", f"rank correlation {told}"),
            ("hiding the most attended group", f"{_amount(seen.top_change_workers)} workers"),
            ("hiding a random one", f"{_amount(seen.random_change_workers)} workers"),
        ]
    lines += [("failed", text) for text in found.examples]
    return facts(lines)


def _amount(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2g}"


def _top(groups: tuple[str, ...], values: tuple[float, ...]) -> str:
    ranked = sorted(zip(values, groups, strict=True), reverse=True)
    return ", ".join(f"{name} {value:.2g}" for value, name in ranked)


def _share(value: float | None) -> str:
    return "none to check" if value is None else f"{100 * value:.4g} %"


@click.command(short_help="List what people said of decisions, and add to it.")
@click.argument("runs", metavar="RUN…", nargs=-1, required=True)
@click.option("--decision", "number", type=int, metavar="N", help="Say something of this one.")
@click.option("--by", metavar="NAME", help="Who says it.")
@click.option("--verdict", type=click.Choice(["agree", "disagree", "unsure"]))
@click.option("--tag", default="", help="One word to find it by.")
@click.option("--note", default="", help="Why.")
@click.option("--out", type=OUT_FILE, metavar="FILE", help="Ends in .csv or .json.")
@with_session
def reviews(
    runs: tuple[str, ...], number: int | None, by: str | None, verdict: str | None, tag: str,
    note: str, out: Path | None, session: Session,
) -> None:  # fmt: skip
    """List the reviews of runs' decisions, and the most questionable ones that have none."""
    with session.planner() as planner:
        if number is not None:
            planner.review(runs[0], number, by=by or "", verdict=verdict or "", tag=tag, note=note)
        frame = planner.reviews(runs)
        queue = planner.review_queue(runs[0])
        if out is not None:
            write(out, planner.export_reviews(runs, out.suffix.removeprefix(".")))
            session.note(f"Wrote {out}.")
    found = rows(frame)
    document = {"reviews": found, "queue": queue}
    session.show(document, lambda: _reviews_table(found), lambda: _queue_text(queue))


def _reviews_table(found: list[dict[str, Any]]) -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    return table(
        ("run", "decision", "pool", "reason", "by", "verdict", "tag", "note"),
        [
            (row["run_id"], str(row["number"]), row["pool"], row["reason"], row["reviewer"],
             row["verdict"], row["tag"], row["note"])
            for row in found
        ],
    )  # fmt: skip


def _queue_text(queue: list[Any]) -> str:
    lines = [f"  {each.number} ({each.pool}, {each.t_s:g} s): {each.cause}" for each in queue]
    return "\n".join(["Worth a look:", *lines]) if lines else "Nothing is questionable."
