"""What choosing worker sizes is worth: half days with three sizes, nothing trained on them.

The allocator that chooses sizes stands beside itself with each size for the whole half day, the
best and the worst of them known only afterwards, and beside the rule `vertical` over its targets.
All are compared at equal misses of the SLO, in dollars.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.evaluate.cases import KINDS, Case, heldout
from engine.evaluate.judge import Judgement, judge
from engine.learn.exam import saving, weights_of
from engine.learn.rewards import SCORES
from engine.scenario import Scenario, WorkerSize
from engine.scenario.workers import STANDARD
from engine.scenario_file import content_hash
from engine.store.duck import Store
from engine.trace.streams import stream

COSTS = (0.02, 0.05, 0.12, 0.25, 0.5)
"""Weights of cost; the others as `exam.weights_of`."""
TARGETS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Of the rule."""
KEPT = "judged.duckdb"
HALF_DAY_S = 43_200.0
FIRST_SEED = 892_001
"""Of the half days. How long points fade was chosen on others, from 880001; those from 890001 and
891001 had been looked at while the rule for nearly equal sizes was made."""
_STREAM = 7207
RIVALS = ("the size at the start", "the best size", "the worst size", "the rule `vertical`")
_SMALL, _LARGE = "small", "large"


def size_study(
    folder: Path, *, seeds: int, kinds: Sequence[str] = KINDS, duration_s: float = HALF_DAY_S,
    costs: Sequence[float] = COSTS, targets: Sequence[float] = TARGETS,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Replays every setting on every half day.

    Args:
        folder: keeps what is finished.
        seeds: half days of each kind.
        kinds: of demand.
        duration_s: of a half day.
        costs: weights of cost.
        targets: of the rule.
        progress: share done, and what is being done.
        cancel: asked between ticks.

    Returns:
        JSON-able; `markdown` is the table.

    Raises:
        ReplayCancelled: `cancel` returned true; what was finished is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    days = [(seed, day) for seed in range(FIRST_SEED, FIRST_SEED + seeds)
            for day in heldout(tuple(kinds), (seed,))]  # fmt: skip
    rows = []
    with Store(folder / KEPT) as store:
        for number, (seed, day) in enumerate(days):

            def told(share: float, text: str, n: int = number) -> None:
                if progress is not None:
                    progress((n + share) / len(days), text)

            case = sized(day, seed, duration_s)
            rows.append(_row(store, case, costs, targets, told, cancel))
    return {"rows": rows, "markdown": _table(rows, kinds)}


def sized(day: Case, seed: int, duration_s: float = HALF_DAY_S) -> Case:
    """A held-out day cut short, thinned out, on workers of three sizes drawn by its seed.

    Half and double the slots; the price of capacity differs by a spread of a fifth; in half of
    the cases the small one is slower and the large one faster by up to a quarter.
    """
    rng = stream(seed, _STREAM, KINDS.index(day.kind))
    kind = day.scenario.agent_types[0]
    faster = float(rng.uniform(1.0, 1.25)) if rng.random() < 0.5 else 1.0
    ratios = {_SMALL: (0.5, 1.0 / faster), _LARGE: (2.0, faster)}
    others = tuple(
        WorkerSize(
            name=name, slots=max(1, round(kind.slots * slots)), speed=round(speed, 3),
            price_usd_per_hour=round(
                kind.price_usd_per_hour * slots * speed
                * float(np.exp(0.2 * rng.standard_normal())), 3,
            ),
        )
        for name, (slots, speed) in ratios.items()
    )  # fmt: skip
    chosen = replace(day.scenario, agent_types=(replace(kind, sizes=others),))
    recipe = day.demand()
    assert isinstance(recipe, Mapping)
    rate = round(float(np.exp(rng.uniform(np.log(1.5), np.log(12.0)))), 3)
    recipe = {**recipe, "duration_s": duration_s, "mean_rate_per_s": rate}
    return _case(day, chosen, recipe)


def _case(day: Case, chosen: Scenario, recipe: Mapping[str, Any]) -> Case:
    text = json.dumps(["sizes", recipe, content_hash(chosen)], sort_keys=True)
    return replace(
        day, scenario=chosen, window_s=float(recipe["duration_s"]),
        identity=hashlib.sha256(text.encode()).hexdigest()[:16], demand=lambda: recipe,
    )  # fmt: skip


def _fixed(case: Case, size: str) -> Case:
    """The same half day on workers that begin with a size."""
    recipe = case.demand()
    assert isinstance(recipe, Mapping)
    pools = tuple(replace(pool, size=size) for pool in case.scenario.pools)
    return _case(case, replace(case.scenario, pools=pools), recipe)


def _row(
    store: Store, case: Case, costs: Sequence[float], targets: Sequence[float],
    told: Callable[[float, str], None], cancel: Callable[[], bool] | None,
) -> dict[str, Any]:  # fmt: skip
    learned = [_spec(cost) for cost in costs]
    sizes = (STANDARD, *(size.name for size in case.scenario.agent_types[0].sizes))
    runs = {
        "chosen": (case, [f"{text}:vertical=true" for text in learned]),
        "rule": (case, [f"vertical:target={target}" for target in targets]),
        **{size: (_fixed(case, size), learned) for size in sizes},
    }
    found: dict[str, list[Judgement]] = {}
    for number, (name, (where, settings)) in enumerate(runs.items()):
        told(number / len(runs), f"{case.name}: {name}")
        found[name] = judge(store, [where], settings, cancel=cancel, workers=1)
    points = {
        name: [(one.usd, one.slo_missed_frac) for one in made] for name, made in found.items()
    }
    saved = {name: saving(rival, points["chosen"]) for name, rival in points.items()}
    known = [share for share in (saved[size] for size in sizes) if share is not None]
    return {
        "case": case.name, "kind": case.kind, "arrived": found["chosen"][0].arrived,
        "sizes": [
            {"name": s.name, "slots": s.slots, "speed": s.speed, "usd": s.price_usd_per_hour}
            for s in case.scenario.agent_types[0].all_sizes
        ],
        "points": points,
        "saving_frac": {
            RIVALS[0]: saved[STANDARD], RIVALS[3]: saved["rule"],
            RIVALS[1]: min(known, default=None),
            RIVALS[2]: max(known, default=None),
        },
    }  # fmt: skip


def _spec(cost: float) -> str:
    """The allocator under priorities with this weight of cost."""
    said = zip(SCORES, weights_of(cost).tolist(), strict=True)
    return "smartscale:" + ":".join(f"{name}={weight:.4g}" for name, weight in said)


def _table(rows: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> str:
    heads = ("half days", *(f"cheaper than {name}" for name in RIVALS))
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for kind in kinds:
        mine = [row for row in rows if row["kind"] == kind]
        cells = [each_of([row["saving_frac"][name] for row in mine]) for name in RIVALS]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    cells = [mean_of([row["saving_frac"][name] for row in rows]) for name in RIVALS]
    lines.append("| all, mean and standard error | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def each_of(found: Sequence[float | None]) -> str:
    """Every share in percent."""
    return " / ".join("-" if share is None else f"{100 * share:+.1f} %" for share in found)


def mean_of(found: Sequence[float | None]) -> str:
    """Mean and standard error of the shares that there are, in percent, and how many."""
    known = [100 * share for share in found if share is not None]
    if len(known) < 2:
        return "-"
    error = np.std(known, ddof=1) / np.sqrt(len(known))
    return f"{np.mean(known):+.1f} ± {error:.1f} % ({len(known)} of {len(found)})"
