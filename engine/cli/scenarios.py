"""`smartscale scenario` and `smartscale policies`: what can a replay be made of?"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.session import Session, with_session
from engine.cli.settings import pairs
from engine.errors import ScenarioError, did_you_mean

if TYPE_CHECKING:
    from rich.table import Table

    from engine.policies.registry import ParameterInfo, PolicyInfo
    from engine.scenario import Scenario


def resolve(given: str | None, settings: Iterable[str], session: Session) -> "Scenario":
    """The scenario that `--scenario` and `--set` name.

    Args:
        given: a preset, a file, or the name that a scenario was saved under on the page Cluster;
            None: the default preset.
        settings: each `path=value`.
        session: whose store is looked into for a saved one, and only then.

    Raises:
        ScenarioError: no such scenario, or a value that does not fit.
        StoreError: the store cannot be opened.
        UsageError: a setting that is not `path=value`.
    """
    from engine.presets import DEFAULT, PRESETS  # noqa: PLC0415 - heavy
    from engine.scenario_file import load, with_settings  # noqa: PLC0415 - heavy

    chosen = given or DEFAULT
    if chosen in PRESETS:
        scenario = PRESETS[chosen]
    elif Path(chosen).suffix == ".toml" or Path(chosen).exists():
        scenario = load(Path(chosen))
    else:
        scenario = _saved(chosen, session)
    values = pairs(settings, "--set")
    return with_settings(scenario, values) if values else scenario


def note_idle(policies: Iterable[str], scenario: "Scenario", session: Session) -> None:
    """Says which policies are to choose among sizes of workers where there are none.

    Raises:
        PolicyError: one that cannot be read.
    """
    from engine.briefing import has_sizes  # noqa: PLC0415 - heavy
    from engine.policies.registry import parse_spec  # noqa: PLC0415 - heavy

    idle = [name for name in policies if dict(parse_spec(name).parameters).get("vertical") is True]
    if idle and not has_sizes(scenario):
        session.note(
            f"Note: vertical=true has no effect in {', '.join(idle)}: no agent type of the "
            "scenario has several sizes."
        )


def _saved(name: str, session: Session) -> "Scenario":
    with session.planner() as planner:
        known = planner.saved_scenarios()
        if name in known:
            return known[name]
        presets = planner.presets()
    raise ScenarioError(
        f"there is no preset, no saved scenario and no file {name!r}",
        "scenario",
        did_you_mean(name, [*presets, *known]),
    )


set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="PATH=VALUE",
    help="Change one field, such as slo.latency_s=20 or pools.chat.workers_max=80.",
)


@click.group(invoke_without_command=True)
@with_session
def scenario(context: click.Context, session: Session) -> None:
    """List the presets; print or check a scenario."""
    if context.invoked_subcommand is not None:
        return
    from engine.presets import PRESETS  # noqa: PLC0415 - heavy

    rows = [
        (name, ", ".join(pool.name for pool in preset.pools), f"{preset.slo.latency_s:g} s")
        for name, preset in PRESETS.items()
    ]
    session.show({"presets": dict(PRESETS)}, lambda: _presets_table(rows))


def _presets_table(rows: list[tuple[str, str, str]]) -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    return table(("preset", "pools", "SLO latency"), rows, right=(2,))


@scenario.command("show")
@click.argument("given", metavar="[PRESET|SAVED|FILE]", required=False)
@set_option
@with_session
def show_scenario(given: str | None, settings: tuple[str, ...], session: Session) -> None:
    """Print a preset, a saved scenario or a file as TOML, every field written out."""
    from engine.scenario_file import content_hash, to_dict, to_toml  # noqa: PLC0415 - heavy

    found = resolve(given, settings, session)
    document = {"content_hash": content_hash(found), "scenario": to_dict(found)}
    session.show(document, lambda: to_toml(found).rstrip("\n"))


@scenario.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@set_option
@with_session
def check_scenario(file: Path, settings: tuple[str, ...], session: Session) -> None:
    """Check a scenario file: unknown keys, wrong types, values out of range."""
    from engine.scenario_file import content_hash, load, with_settings  # noqa: PLC0415 - heavy

    found = load(file)
    if settings:
        found = with_settings(found, pairs(settings, "--set"))
    digest = content_hash(found)
    session.show(
        {"valid": True, "name": found.name, "content_hash": digest},
        lambda: f"{file} is a valid scenario: {found.name} ({digest}).",
    )


@click.command()
@with_session
def policies(session: Session) -> None:
    """List the installed policies and what their parameters mean."""
    from engine.policies.registry import available  # noqa: PLC0415 - heavy

    found = list(available().values())
    session.show(
        {"policies": found}, lambda: _policies_table(found), lambda: _parameters_table(found)
    )


def _policies_table(found: "list[PolicyInfo]") -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    return table(
        ("policy", "does", "package"),
        [(one.name, one.problem or one.description, one.package) for one in found],
    )


def _parameters_table(found: "list[PolicyInfo]") -> "Table":
    from engine.cli.tables import table  # noqa: PLC0415 - not needed for JSON

    return table(
        ("policy", "parameter", "default", "meaning"),
        [
            (one.name, each.name, _default(each), each.meaning)
            for one in found
            for each in one.parameters
        ],
    )


def _default(parameter: "ParameterInfo") -> str:
    """As somebody would type it."""
    if parameter.required:
        return "required"
    if isinstance(parameter.default, bool):
        return str(parameter.default).lower()
    return "" if parameter.default is None else str(parameter.default)
