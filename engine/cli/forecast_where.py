"""Options that say which demand of a trace is meant."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from engine.cli.scenarios import resolve
from engine.cli.session import Session

if TYPE_CHECKING:
    from engine.forecast_runs import Where

_OPTIONS = (
    click.option("--step", type=float, metavar="S", help="Seconds of a step. Default: by length."),
    click.option(
        "--unit", default="requests/s", show_default=True, metavar="UNIT",
        help='"busy slots" needs --scenario.',
    ),
    click.option("--scenario", metavar="PRESET|SAVED|FILE", help="Gives pools and service times."),
    click.option("--pool", metavar="P", help="One pool of the scenario. Default: all together."),
)  # fmt: skip


def demand_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --step, --unit, --scenario and --pool; `where` takes their values."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def where(
    session: Session, *, step: float | None, unit: str, scenario: str | None, pool: str | None
) -> "Where":
    """The options as the planner takes them. Raises ScenarioError."""
    return {
        "step_s": step,
        "unit": unit,
        "scenario": None if scenario is None else resolve(scenario, (), session),
        "pool": pool,
    }
