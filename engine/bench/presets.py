"""Whether the presets of priorities do what they are called, on every family of traces.

*Latency first* is to have the lowest p99 and *cost first* the lowest cost, and the more a weight
has, the better is to be what it is about. A claim is broken where the 95 % interval of the paired
difference over several seeds of the trace says the opposite; a tie or noise breaks nothing.
"""

import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from engine.figures import FIGURES
from engine.planner import Planner
from engine.presets import DEFAULT, PRESETS
from engine.scenario import WEIGHT_FIELDS, Priorities
from engine.sweep.axes import Axis
from engine.sweep.noise import paired
from engine.weights import WEIGHTS, weighted

__all__ = ["run"]

SEEDS = (1, 2, 3, 4)
WINDOW_S = 2 * 3600.0
FAMILIES = MappingProxyType(
    {"diurnal": 15.0, "flash-crowd": 4.0, "growth": 15.0, "bursty": 4.0, "agent-sessions": 1.0}
)
"""Mean requests a second of each: with more, crowds meet the largest size whatever one wants."""
RAMP = (0.05, 0.25, 0.45, 0.65, 0.85)
"""Of one weight; the others share the rest as *balanced* does."""
ABOUT = {"w_latency": "p99_s", "w_cost": "cost_usd"}
CLAIMS = (("latency first", "p99_s"), ("cost first", "cost_usd"))
KEYS = ("p99_s", "cost_usd", "slo_attainment_frac")


def run(
    families: Sequence[str] = tuple(FAMILIES),
    seeds: Sequence[int] = SEEDS,
    window_s: float = WINDOW_S,
) -> dict[str, Any]:
    """Replays the presets, and ramps of the weights for latency and cost.

    Args:
        families: kinds of synthetic traces.
        seeds: of each, two at least.
        window_s: how long each trace is.
    """
    policies = {name: weighted("smartscale", weights) for name, weights in WEIGHTS.items()}
    ramps = {
        field: [weighted("smartscale", _ramped(field, share)) for share in RAMP] for field in ABOUT
    }
    wanted = tuple(dict.fromkeys([*policies.values(), *(p for r in ramps.values() for p in r)]))
    rows, steps, broken, pairs = [], [], [], 0
    with (
        tempfile.TemporaryDirectory(prefix="smartscale-bench-") as folder,
        Planner(Path(folder) / "bench.duckdb") as planner,
    ):
        for family in families:
            cards = _cards(planner, family, seeds, window_s, wanted)
            rows += [_row(family, name, cards[text]) for name, text in policies.items()]
            broken += _presets_broken(family, policies, cards)
            for field, texts in ramps.items():
                pairs += len(texts) - 1
                values = [float(cards[text][ABOUT[field]].mean()) for text in texts]
                steps.append({"family": family, "weight": field, "values": values})
                broken += _ramp_broken(family, field, texts, cards)
    return {
        "families": list(families), "seeds": len(seeds), "window_s": window_s,
        "presets": rows, "shares": list(RAMP), "ramps": steps, "neighbours": pairs,
        "broken": broken, "passed": not broken,
        "markdown": _markdown(rows, steps, broken, pairs),
    }  # fmt: skip


def _ramped(field: str, share: float) -> Priorities:
    usual = WEIGHTS["balanced"].normalised()
    rest = 1.0 - getattr(usual, field)
    scaled = {name: getattr(usual, name) * (1.0 - share) / rest for name in WEIGHT_FIELDS}
    return Priorities(**{**scaled, field: share})


def _cards(
    planner: Planner, family: str, seeds: Sequence[int], window_s: float, policies: tuple[str, ...]
) -> dict[str, dict[str, np.ndarray]]:
    """By policy and figure, a value a seed."""
    found: dict[str, list[dict[str, Any]]] = {text: [] for text in policies}
    for seed in seeds:
        name = f"{family}-{seed}"
        planner.synthesize(
            family, duration_s=window_s, mean_rate_per_s=FAMILIES[family], seed=seed, name=name
        )
        made = planner.sweep(
            name, "smartscale", [Axis(path="policy", values=policies)], scenario=PRESETS[DEFAULT]
        )
        for point in made["points"]:
            found[point["settings"]["policy"]].append(point["figures"])
    return {
        text: {key: np.array([card[key] for card in cards]) for key in KEYS}
        for text, cards in found.items()
    }


def _row(family: str, preset: str, card: dict[str, np.ndarray]) -> dict[str, Any]:
    return {"family": family, "preset": preset} | {key: float(card[key].mean()) for key in KEYS}


def _presets_broken(
    family: str, policies: dict[str, str], cards: dict[str, dict[str, np.ndarray]]
) -> list[dict[str, Any]]:
    """Presets that are clearly better in what another one is called after."""
    found = []
    for preset, key in CLAIMS:
        for other in policies:
            more = cards[policies[preset]][key] - cards[policies[other]][key]
            if other != preset and paired(key, list(more)).low > 0:
                found.append(_told(family, f"{other} beats {preset}", key, more))
    return found


def _ramp_broken(
    family: str, field: str, texts: Sequence[str], cards: dict[str, dict[str, np.ndarray]]
) -> list[dict[str, Any]]:
    """Steps to more weight that clearly made worse what the weight is about."""
    key, found = ABOUT[field], []
    for (low, before), (high, after) in pairwise(zip(RAMP, texts, strict=True)):
        more = cards[after][key] - cards[before][key]
        if paired(key, list(more)).low > 0:
            found.append(_told(family, f"{field} from {low:g} to {high:g}", key, more))
    return found


def _told(family: str, what: str, key: str, more: np.ndarray) -> dict[str, Any]:
    return {"family": family, "what": what, "figure": key, "worse_by": float(more.mean())}


def _markdown(
    rows: Sequence[dict[str, Any]],
    steps: Sequence[dict[str, Any]],
    broken: Sequence[dict[str, Any]],
    pairs: int,
) -> str:
    presets = [
        f"| {row['family']} | {row['preset']} | {row['p99_s']:.2f} | {row['cost_usd']:.2f} "
        f"| {100 * row['slo_attainment_frac']:.2f} |"
        for row in rows
    ]
    ramps = [
        f"| {each['family']} | {FIGURES[ABOUT[each['weight']]].label} | "
        + " | ".join(f"{value:.2f}" for value in each["values"])
        + " |"
        for each in steps
    ]
    said = [
        f"- {each['family']}: {each['what']}, {each['figure']} worse by {each['worse_by']:.3g}"
        for each in broken
    ]
    shares = " | ".join(f"weight {share:g}" for share in RAMP)
    return "\n".join(
        [
            "| traces | preset | p99 s | cost USD | SLO met % |", "|---|---|---|---|---|",
            *presets, "", f"| traces | figure, by its own weight | {shares} |",
            "|---" * (2 + len(RAMP)) + "|", *ramps, "",
            f"Broken, of all presets and {pairs} steps of weights: {len(broken)}", *said,
        ]
    )  # fmt: skip
