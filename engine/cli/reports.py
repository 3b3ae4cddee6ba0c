"""`smartscale report`: what switching policy costs, saves and emits, as a document."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.outputs import OUT_FILE, write
from engine.cli.session import Session, with_session
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.economics.model import Report, Review


@click.command(short_help="Write a cost and return report of finished runs.")
@click.argument("runs", metavar="RUN…", nargs=-1)
@click.option("--baseline", metavar="RUN", help="What is switched from. Default: the first run.")
@click.option(
    "--assumptions", "given", type=click.Path(path_type=Path), metavar="FILE",
    help="TOML: key = value, or key = {value, low, high, source}.",
)  # fmt: skip
@click.option(
    "--assume", "settings", multiple=True, metavar="KEY=VALUE", help="One assumption; repeatable."
)
@click.option(
    "--out", "outs", multiple=True, type=OUT_FILE, metavar="FILE",
    help="Ends in .pdf, .html, .xlsx, .csv, .json or .focus.csv; repeatable.",
)  # fmt: skip
@click.option(
    "--review", "said", multiple=True, metavar="NAME: TEXT",
    help="What somebody has to say of it, printed in the report; repeatable.",
)  # fmt: skip
@click.option("--schema", is_flag=True, help="Print the JSON schema of reports and stop.")
@with_session
def report(
    runs: tuple[str, ...],
    baseline: str | None,
    given: Path | None,
    settings: tuple[str, ...],
    outs: tuple[Path, ...],
    said: tuple[str, ...],
    schema: bool,
    session: Session,
) -> None:
    """What switching from the baseline's policy costs, saves and emits over years.

    The first run that is not the baseline is the candidate; further ones stand beside it.
    """
    if schema:
        from engine.report.flat import schema as published  # noqa: PLC0415 - heavy

        session.show(published(), lambda: click.echo(_as_text(published())))
        return
    kinds, reviews = _kinds(outs), [_review(text) for text in said]
    with session.planner() as planner:
        chosen = [planner.run(run).run_id for run in runs]
        if not chosen:
            raise UsageError("no run was named", "report", "Name two finished runs or more")
        reference = chosen[0] if baseline is None else planner.run(baseline).run_id
        from engine.economics.assumptions import read  # noqa: PLC0415 - heavy

        assumed = planner.assumptions([reference, *chosen])
        if given is not None:
            assumed = read(given, assumed)
        assumed = assumed.changed(dict(map(_setting, settings)), "--assume")
        made = planner.report(chosen, reference, assumed, reviews)
        for path, kind in zip(outs, kinds, strict=True):
            write(path, planner.export(made, kind))
            session.note(f"Wrote {path}.")
    session.show(made, lambda: _facts(made))


def _kinds(outs: tuple[Path, ...]) -> list[str]:
    if not outs:
        return []
    from engine.report.export import kind_of  # noqa: PLC0415 - heavy

    return [kind_of(path) for path in outs]


def _setting(text: str) -> tuple[str, str | float]:
    key, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not key or not value:
        raise UsageError(f"{text!r} is no assumption", "--assume", "Write it as growth=0.2")
    try:
        return key, float(value)
    except ValueError:
        return key, value


def _review(text: str) -> "Review":
    from engine.economics.model import Review  # noqa: PLC0415 - heavy

    by, colon, words = (part.strip() for part in text.partition(":"))
    if not (by and colon and words):
        raise UsageError(
            f"{text!r} is no review", "--review", 'Write it as "Ada: watch the season"'
        )
    return Review(by=by, text=words)


def _as_text(document: object) -> str:
    from engine.cli.document import as_json  # noqa: PLC0415 - not needed otherwise

    return as_json(document)


def _facts(made: "Report") -> object:
    from engine.cli.tables import facts  # noqa: PLC0415 - not needed for JSON
    from engine.report.document import document  # noqa: PLC0415 - not needed for JSON

    text = document(made)
    return facts(
        [
            ("Verdict", text.verdict),
            *(("Read first", warning) for warning in text.warnings),
            *((card.label, f"{card.value} ({card.note})") for card in text.cards),
        ]
    )
