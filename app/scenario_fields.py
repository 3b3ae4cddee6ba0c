"""The scenario's numbers that the form shows: what they are called, mean, and may be.

Pure: reads values out of a scenario and puts them back. Limits here only guide the browser;
`Scenario` itself checks again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app import formats
from engine.scenario import Pool, Scenario, StartupKind
from engine.scenario_file import from_dict, to_dict


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One input."""

    path: str
    """`pool.…`, `type.…` (its agent type), or a path from the scenario's top."""
    label: str
    """With the unit."""
    help: str
    least: float = 0.0
    step: float = 1.0
    whole: bool = False
    optional: bool = False
    """Empty means: none."""
    choices: tuple[str, ...] = ()
    empty: str = "none"
    """What an empty optional field stands for."""
    percent: bool = False
    """Shown as percent, stored as a share."""

    @property
    def shared(self) -> bool:
        """Whether it belongs to the scenario, not to a pool."""
        return not self.path.startswith(("pool.", "type."))


GROUPS: Mapping[str, tuple[Field, ...]] = {
    "Workers": (
        Field(
            path="pool.workers_min",
            label="Fewest workers",
            help="Kept even without demand. 0 allows scale to zero.",
            whole=True,
        ),
        Field(
            path="pool.workers_max",
            label="Most workers",
            help="No policy can go above it.",
            least=1,
            whole=True,
        ),
        Field(
            path="pool.workers_initial",
            label="Workers at the start",
            help="The same for every policy. Empty: what the first minute needs at 70 % busy.",
            whole=True,
            optional=True,
            empty="automatic",
        ),
        Field(
            path="type.slots",
            label="Slots per worker",
            help="Requests that one worker serves at the same time.",
            least=1,
            whole=True,
        ),
        Field(
            path="type.price_usd_per_hour",
            label="Price per worker (USD/h)",
            help="For every provisioned worker: starting, ready or draining.",
            step=0.1,
        ),
        Field(
            path="type.startup.kind",
            label="Start-up time",
            help="How the time from the order of a worker to its readiness is distributed.",
            choices=tuple(kind.value for kind in StartupKind),
        ),
        Field(
            path="type.startup.mean_s",
            label="Mean start-up (s)",
            help="Node provisioning, image pull and loading the model, taken together.",
        ),
        Field(
            path="type.startup.spread_s",
            label="Start-up spread (s)",
            help="Uniform: half the width. Lognormal: standard deviation. Constant: unused.",
        ),
    ),
    "Service speed": (
        Field(
            path="type.prefill_tokens_per_s",
            label="Prompt tokens per second",
            help="Speed of reading the prompt.",
            least=0.001,
            step=100.0,
        ),
        Field(
            path="type.decode_tokens_per_s",
            label="Output tokens per second",
            help="Speed of writing the answer of one request alone.",
            least=0.001,
        ),
        Field(
            path="type.overhead_s",
            label="Fixed time per request (s)",
            help="Tokenisation, network, scheduling.",
            step=0.01,
        ),
        Field(
            path="type.contention",
            label="Slow-down when full (share)",
            help="0.2: a request beside full slots takes 1.2 times as long as alone.",
            step=0.05,
        ),
        Field(
            path="type.service_mean_s",
            label="Mean service time (s)",
            help="Only for requests that bring neither tokens nor a service time.",
            least=0.001,
            step=0.1,
        ),
        Field(
            path="type.service_cv",
            label="Its variation (standard deviation ÷ mean)",
            help="Of that drawn service time. 0: constant.",
            step=0.1,
        ),
    ),
    "Limits": (
        Field(
            path="type.queue_limit",
            label="Queue limit (requests)",
            help="Requests that may wait per worker; more are rejected. Empty: no limit.",
            whole=True,
            optional=True,
        ),
        Field(
            path="type.queue_timeout_s",
            label="Queue time-out (s)",
            help="A request that waits longer fails. Empty: it waits for ever.",
            least=0.001,
            optional=True,
        ),
        Field(
            path="type.exec_timeout_s",
            label="Execution time-out (s)",
            help="A request in service longer fails. Empty: never.",
            least=0.001,
            optional=True,
        ),
        Field(
            path="type.drain_grace_s",
            label="Drain grace (s)",
            help="A draining worker is stopped after this long. Empty: it finishes its requests.",
            optional=True,
        ),
    ),
    "SLO and seed": (
        Field(
            path="slo.latency_s",
            label="SLO latency (s)",
            help="A request meets its SLO when it finishes within this time of its arrival.",
            least=0.001,
        ),
        Field(
            path="slo.attainment_frac",
            label="SLO target (%)",
            help="Share of requests that should meet it.",
            least=0.001,
            step=0.1,
            percent=True,
        ),
        Field(
            path="tick_s",
            label="Control interval (s)",
            help="How often policies look and decide.",
            least=0.001,
        ),
        Field(
            path="seed",
            label="Seed",
            help="Same seed, same start-up times and drawn requests: the same result.",
            whole=True,
        ),
    ),
}

FIELDS = tuple(field for group in GROUPS.values() for field in group)


def fields_of(scenario: Scenario, pool: Pool) -> tuple[Field, ...]:
    """Inputs of a pool: what pools or agent types share stands with the first of them."""
    first = scenario.pools[0]
    of_kind = next(p for p in scenario.pools if p.agent_type == pool.agent_type)
    return tuple(
        field
        for field in FIELDS
        if (pool is first or not field.shared)
        and (pool is of_kind or not field.path.startswith("type."))
    )


def value_of(scenario: Scenario, pool: Pool, field: Field) -> Any:
    """What the form shows for a field; None where there is none."""
    head, _, rest = field.path.partition(".")
    owners = {"pool": pool, "type": scenario.agent_type_of(pool)}
    owner: Any = owners.get(head, scenario)
    for name in (rest if head in owners else field.path).split("."):
        owner = getattr(owner, name)
    if owner is None or field.choices:
        return None if owner is None else str(owner)
    if field.whole:
        return int(owner)
    return round(100 * owner, 9) if field.percent else float(owner)


def with_values(scenario: Scenario, values: Mapping[tuple[str, str], Any]) -> Scenario:
    """The scenario with values put in.

    Args:
        scenario: to start from.
        values: as shown, by pool name (empty for what pools share) and field path.

    Raises:
        ScenarioError: a value does not fit.
    """
    plain = to_dict(scenario)
    pools = {pool["name"]: pool for pool in plain["pools"]}
    types = {kind["name"]: kind for kind in plain["agent_types"]}
    fields = {field.path: field for field in FIELDS}
    for (pool, path), shown in values.items():
        field = fields[path]
        stored = shown / 100 if field.percent and shown is not None else shown
        head, _, rest = path.partition(".")
        if head == "pool":
            _put(pools[pool], rest, stored)
        elif head == "type":
            _put(types[pools[pool]["agent_type"]], rest, stored)
        else:
            _put(plain, path, stored)
    return from_dict(plain)


def _put(target: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        target = target[name]
    target[last] = value


def summary(scenario: Scenario) -> str:
    """The scenario in one line."""
    pool = scenario.pools[0]
    kind = scenario.agent_type_of(pool)
    groups = {group.name: group for group in scenario.node_groups}
    price = f"{formats.usd(kind.price_usd_per_hour)}/h each"
    if pool.node_group is not None:
        price = f"on {scenario.node_type_of(groups[pool.node_group]).name} nodes"
    promise = formats.percent(scenario.slo.attainment_frac)
    parts = [
        f"{pool.workers_min} to {pool.workers_max} workers with {kind.slots} slots",
        price,
        f"{formats.duration(kind.startup.mean_s)} to start",
        f"SLO {promise} within {formats.figure(scenario.slo.latency_s, 's')}",
    ]
    more = len(scenario.pools) - 1
    if more:
        parts.append(f"and {formats.count(more, 'more pool')}")
    return " · ".join(parts)
