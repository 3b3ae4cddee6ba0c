"""`smartscale manifests`: a scenario as Kubernetes manifests, and back."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.outputs import OUT_FILE, write
from engine.cli.scenarios import resolve, set_option
from engine.cli.session import Session, with_session
from engine.errors import ScenarioError

if TYPE_CHECKING:
    from rich.table import Table

out_option = click.option("--out", type=OUT_FILE, help="Write here instead.")


@click.group(
    invoke_without_command=True, short_help="Kubernetes manifests of a scenario, and back."
)
@with_session
def manifests(context: click.Context, session: Session) -> None:
    """Kubernetes manifests of a scenario, and a scenario from them."""
    if context.invoked_subcommand is not None:
        return
    from engine.manifests import documents  # noqa: PLC0415 - heavy
    from engine.presets import PRESETS  # noqa: PLC0415 - heavy

    rows = [
        (preset, each["kind"], each["metadata"]["name"])
        for preset, scenario in PRESETS.items()
        for each in documents(scenario)
    ]
    found = [dict(zip(("preset", "kind", "name"), row, strict=True)) for row in rows]
    session.show({"manifests": found}, lambda: _table(rows))


def _table(rows: list[tuple[str, str, str]]) -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    return table(("preset", "kind", "name"), rows)


@manifests.command("export")
@click.argument("given", metavar="[PRESET|SAVED|FILE]", required=False)
@set_option
@click.option("--policy", help="hpa with parameters, or static:workers=N. Default: hpa.")
@click.option("--image", default="agent:latest", show_default=True, help="Of the containers.")
@click.option(
    "--limits-factor",
    type=click.FloatRange(min=1.0),
    default=2.0,
    show_default=True,
    help="Limits over requests of CPU and memory.",
)
@click.option(
    "--memory-target",
    type=click.IntRange(1, 100),
    help="Percent of memory that autoscalers aim at, where the scenario says what requests take; "
    "the same as memory_target of the policy.",
)
@out_option
@with_session
def export(
    given: str | None,
    settings: tuple[str, ...],
    policy: str | None,
    image: str,
    limits_factor: float,
    memory_target: int | None,
    out: Path | None,
    session: Session,
) -> None:
    """Print the manifests of a preset, a saved scenario or a file as YAML."""
    from engine.manifests import DEFAULT_POLICY, default_policy, to_yaml  # noqa: PLC0415 - heavy

    scenario = resolve(given, settings, session)
    if memory_target is not None:
        policy = f"{policy or DEFAULT_POLICY}:memory_target={memory_target / 100:g}"
    policy = policy or default_policy(scenario)
    text = to_yaml(scenario, policy, image=image, limits_factor=limits_factor)
    if out is not None:
        write(out, text)
        session.note(f"Written: {out}")
    document = {"manifests": text, "policy": policy, "path": out}
    session.show(document, *([lambda: text.rstrip("\n")] if out is None else []))


@manifests.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@out_option
@with_session
def import_manifests(file: Path, out: Path | None, session: Session) -> None:
    """Print the scenario that manifests describe as TOML; the policy is said beside it."""
    from engine.manifests import read  # noqa: PLC0415 - heavy
    from engine.scenario_file import content_hash, to_dict, to_toml  # noqa: PLC0415 - heavy

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ScenarioError(
            "cannot be read as text", str(file), "Check the file's path, rights and encoding"
        ) from None
    found = read(text, file.name)
    session.note(f"Policy: {found.policy}")
    for note in found.notes:
        session.note(f"Note: {note}.")
    made = to_toml(found.scenario)
    if out is not None:
        write(out, made)
        session.note(f"Written: {out}")
    session.show(
        {
            "scenario": to_dict(found.scenario),
            "content_hash": content_hash(found.scenario),
            "policy": found.policy,
            "notes": found.notes,
            "path": out,
        },
        *([lambda: made.rstrip("\n")] if out is None else []),
    )
