"""A training of the routing head from the command line: checkpoint, curves and card."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from engine.learn.route_file import save
from engine.learn.route_training import Moment, Plan, train


def train_router(
    folder: Path,
    plan: Plan,
    *,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> list[Moment]:
    """Trains into a folder; the same plan gives the same file on the same machine.

    Args:
        folder: receives checkpoint, curves and card.
        plan: how long.
        progress: share done, and how it is going.
        cancel: asked before each cluster.

    Returns:
        The curves.

    Raises:
        ReplayCancelled: `cancel` returned true; nothing is written.
    """
    curves: list[Moment] = []
    head = train(plan, on_moment=curves.append, progress=progress, cancel=cancel)
    save(head, folder, {"plan": asdict(plan)})
    kept = [asdict(moment) for moment in curves]
    (folder / "curves.json").write_text(json.dumps(kept) + "\n", "utf-8")
    (folder / "README.md").write_text(_card(plan, curves), "utf-8")
    return curves


def _card(plan: Plan, curves: list[Moment]) -> str:
    last = curves[-1]
    return f"""# SmartScale routing head

- What: the routing action of the policy `smartscale`: weights of the pools of an agent type, from
  the priorities and what tells its sites apart (`engine.learn.routing`).
- Data: generated clusters only (`engine.learn.route_ground`): {plan.rounds} rounds of
  {plan.clusters} clusters of two to five sites, 1.5 hours each, under {plan.priorities}
  priorities, each with {plan.arms} weightings and equal ones on the same arrivals: {last.runs}
  replays. The dial was the shipped one, and stood still.
- Made by: `smartscale train router --rounds {plan.rounds} --clusters {plan.clusters}
  --seed {plan.seed}`.
- Use: `smartscale:routing=true` in a scenario with the hierarchical router. Judge it with
  `smartscale study routing --out FOLDER`.
- Not for: clusters whose workers the scenario sites; dials other than the shipped one.
- Licence: as the product.
"""
