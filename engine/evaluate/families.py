"""Rivals and the grid of settings that each is tuned over."""

from collections.abc import Mapping, Sequence
from itertools import product
from types import MappingProxyType

from engine.policies.registry import find, parse_spec

_TARGETS = ("0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9")

HPA, ANY_HPA, RULE, BOUND = "hpa", "hpa-any", "predictive", "oracle-searched"
ORACLE, CHAMPION = "oracle", "champion"
SEEDS = ("smartscale", "smartscale-1", "smartscale-2")
"""Allocators of other training seeds; the first is shipped, whatever they come to."""

SHIPPED = "shipped"
"""The allocator of learned policies that name no checkpoint, as people call it."""


def _grid(policy: str, **values: Sequence[str]) -> tuple[str, ...]:
    names = list(values)
    return tuple(
        ":".join([policy, *(f"{n}={v}" for n, v in zip(names, row, strict=True))])
        for row in product(*values.values())
    )


_IN_FLIGHT = _grid(
    "hpa:metric=in_flight:downscale_window_s=60", target=("0.4", "0.5", "0.6", "0.7", "0.8", "0.9")
)
_STOCK = _grid("hpa", target=_TARGETS)

_PREDICTIVE = (
    "predictive:quantile=0.5:target=0.9",
    *_grid("predictive", quantile=("0.8", "0.95", "0.99"), target=("0.7", "0.8", "0.9")),
    "predictive:quantile=0.99:target=0.6",
)
_CAREFUL = ("0.1", "0.2", "0.4")
"""Offsets beside the weights that ask for most: what no weights reach."""
_WEIGHTS = tuple(
    f"smartscale:carbon=0:cost={g}:latency={w}:reliability={r}:utilisation=0"
    for g, w, r in (
        ("0.005", "0.597", "0.398"),
        ("0.01", "0.594", "0.396"),
        ("0.02", "0.588", "0.392"),
        ("0.05", "0.57", "0.38"),
        ("0.1", "0.54", "0.36"),
        ("0.2", "0.48", "0.32"),
        ("0.35", "0.39", "0.26"),
        ("0.5", "0.3", "0.2"),
        ("0.65", "0.21", "0.14"),
        ("0.8", "0.12", "0.08"),
        ("0.9", "0.06", "0.04"),
        ("0.95", "0.03", "0.02"),
        ("0.98", "0.012", "0.008"),
    )
)
_OWN = (*(f"{_WEIGHTS[0]}:offset={added}" for added in _CAREFUL), *_WEIGHTS)


def _with(checkpoint: object) -> tuple[str, ...]:
    """The allocator's front with another network."""
    return tuple(f"{text}:checkpoint={checkpoint}" for text in _OWN)


_NETWORKS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    f"{SEEDS[0]}-{kind}": _with(f"allocator-{kind}")
    for kind in ("transformer", "dqn")
})  # fmt: skip
"""The allocator with other kinds of networks, when asked for."""
_FORECASTERS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    f"{RULE}-{name}": tuple(f"{text}:forecast={name}" for text in _PREDICTIVE)
    for name in ("bilstm", "persistence", "ets")
})  # fmt: skip
"""The predictive rule with other forecasters, when asked for."""

FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        HPA: _STOCK,
        "hpa-in-flight": _IN_FLIGHT,
        "reactive": _grid("reactive:drain_s=60", target=("0.5", "0.6", "0.7", "0.8", "0.9")),
        RULE: _PREDICTIVE,
        SEEDS[0]: _OWN,
        **{name: _with(name.replace(SEEDS[0], "allocator")) for name in SEEDS[1:]},
        CHAMPION: (
            "champion:quantile=0.5:target=0.9",
            *_grid("champion", quantile=("0.8", "0.95", "0.99"), target=("0.8",)),
            "champion:quantile=0.99:target=0.6",
        ),
        "oracle-plain": _grid("oracle", target=("0.6", "0.7", "0.8", "0.9", "0.97")),
        BOUND: _grid("oracle:rounds=12", target=("0.87",), miss_price=("4", "25")),
        "oracle-instant": _grid("oracle-instant", target=("0.5", "0.65", "0.8")),
        **_FORECASTERS,
        **_NETWORKS,
    }
)
"""By name: settings as somebody would type them."""

UNIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {ANY_HPA: (HPA, "hpa-in-flight"), ORACLE: (BOUND, "oracle-plain")}
)
"""Families of which the cheapest counts at each share of misses; of the oracle's, those judged."""

DEFAULT = tuple(
    name for name in FAMILIES if name not in (*_FORECASTERS, *_NETWORKS, BOUND, CHAMPION)
)
"""The champion and the searched oracle have to be asked for: every hour the champion replays all
candidates, and the search replays a day two dozen times a setting."""


def settings_of(name: str) -> tuple[str, ...]:
    """The grid of a family or of an allocator's checkpoint, or the one policy as typed.

    Raises:
        PolicyError: a policy that cannot be read.
    """
    if name in FAMILIES:
        return tuple(str(parse_spec(text)) for text in FAMILIES[name])
    spec = parse_spec(name)
    parameters = dict(spec.parameters)
    if spec.name == SEEDS[0] and parameters.keys() == {"checkpoint"}:
        return tuple(str(parse_spec(text)) for text in _with(parameters["checkpoint"]))
    return (str(spec),)


def allocators(grids: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """By family the checkpoint that it decides with; only families of learned policies.

    Args:
        grids: by family its settings.
    """
    first = {name: parse_spec(grid[0]) for name, grid in grids.items()}
    return {
        name: str(dict(spec.parameters).get("checkpoint", SHIPPED))
        for name, spec in first.items()
        if hasattr(find(spec), "settled")
    }
