"""What the allocator sees, does and is rewarded for: a documented table each."""

from collections.abc import Mapping
from typing import Any

from engine.learn import checkpoint, tokens
from engine.learn.dial import BUSY, MEANING, POINTS, QUANTILE
from engine.learn.rewards import FORMULAS, SCALE, UNIT
from engine.learn.routing import MOST, STEPS
from engine.learn.sizing import COOLDOWN_S
from engine.lookahead import LEVELS
from engine.lookahead.features import FEATURES, NAMES

_LOG = "logarithm of a ratio"
_UNITS = {
    "noise of counts": "1 / sqrt(requests of the last minute + 1)",
    "horizon": "log(seconds / 120)",
    "bin": "log(seconds / 15)",
    "action before": "position of the dial",
    "whether there is a carbon threshold": "0 or 1",
    "log slots per worker": "log(slots)",
    "log service time": "log(seconds)",
    "log pools": f"log(pools, {tokens.POOLS_MOST} at most)",
    "log(demand + 1)": "log(workers)",
}
_RANGES = {"latency": (-17.0, 1.0), "utilisation": (-1.0, 1.0), "reliability": (-29.0, 1.0)}
"""Lowest and highest score of a tick; cost and carbon have no lowest."""


def interface() -> Mapping[str, list[dict[str, Any]]]:
    """Rows of `observation`, `action` and `reward`, JSON-able, in the order of their index.

    Each has an index, a name, a unit and a scale.

    An observation is standardised: less `mean`, over `scale`, both of the shipped allocator's
    training, and at most 6 either way.

    Raises:
        CheckpointError: the shipped allocator cannot be read.
    """
    return {"observation": _observation(), "action": _action(), "reward": _reward()}


def _observation() -> list[dict[str, Any]]:
    own = checkpoint.shipped()
    groups = {column: name for name, columns in tokens.GROUPS.items() for column in columns}
    return [
        {
            "index": index, "name": name, "of": "pool" if index < tokens.TOKENS else "cluster",
            "group": groups[index], "unit": _unit(index, name),
            "mean": float(own.shift[index]), "scale": float(own.scale[index]),
        }
        for index, name in enumerate([*tokens.TOKEN, *tokens.CLUSTER])
    ]  # fmt: skip


def _unit(index: int, name: str) -> str:
    if name in _UNITS:
        return _UNITS[name]
    if name.startswith("log(") or (index < FEATURES and NAMES[index].split()[0] in _RATES):
        return _LOG
    return "mean step of a logarithm" if name.startswith("restless") else "ratio"


_RATES = ("rate", "highest", "lowest")


def _action() -> list[dict[str, Any]]:
    ends = "; ".join(f"{at}: {what}" for at, what in MEANING.items())
    points = ", ".join(
        f"{-1 + 2 * k / (POINTS - 1):g}: q{100 * LEVELS[QUANTILE[k]]:.0f} at {100 * BUSY[k]:.0f} %"
        for k in range(POINTS)
    )
    return [
        {
            "index": 0, "name": "dial", "unit": "position", "scale": "-1 to 1",
            "meaning": f"workers for a quantile of demand at a share of slots busy ({points}); "
            f"{ends}", "executed": "workers, rounded up, within the pool's limits",
        },
        {
            "index": 1, "name": "size", "unit": f"{UNIT}, of each size",
            "scale": "that of the reward, weighed by the priorities",
            "meaning": "what a worker size would gain over the present one; with vertical=true",
            "executed": "of the sizes whose change pays the best, in doubt the cheapest; every "
            f"{COOLDOWN_S:g} s at most",
        },
        {
            "index": 2, "name": "routing weight", "unit": "logarithm of a weight",
            "scale": f"-{MOST:g} to {MOST:g}",
            "meaning": "share of a pool beside the others of its agent type; with routing=true",
            "executed": f"exp(n / {STEPS}), n whole",
        },
    ]  # fmt: skip


def _reward() -> list[dict[str, Any]]:
    return [
        {
            "index": index, "name": name, "unit": UNIT, "scale": SCALE, "formula": formula,
            "range": _RANGES.get(name, (None, 1.5)),
        }
        for index, (name, formula) in enumerate(FORMULAS.items())
    ]  # fmt: skip
