"""A training from the command line: from a plan to a checkpoint with its curves and its card."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from engine.learn.checkpoint import save
from engine.learn.training import Moment, Plan, described, moments_of, train
from models.sac_options import DQN, POSITIONS, TRANSFORMER

CURVES, CARD = "curves.json", "README.md"


def train_allocator(
    folder: Path,
    plan: Plan,
    *,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> list[Moment]:
    """Trains into a folder; one that was stopped goes on there.

    Args:
        folder: receives the state while it trains, then checkpoint, curves and card.
        plan: how long, and on what.
        progress: share done, and how it is going.
        cancel: asked once a tick.

    Returns:
        The curves, of all episodes.

    Raises:
        ReplayCancelled: `cancel` returned true; the folder keeps the last whole episode.
        CheckpointError: the folder holds a training of another plan.
    """
    curves = moments_of(folder)

    def note(moment: Moment) -> None:
        curves.append(moment)
        _write(folder, curves)
        if progress is not None:
            progress(moment.episode / moment.episodes, _said(moment))

    learner = train(plan, folder=folder, on_moment=note, cancel=cancel)
    _write(folder, curves)  # also those of an episode whose training was killed as it was kept
    save(learner, folder, {"plan": described(plan)})
    (folder / CARD).write_text(_card(plan, curves), "utf-8")
    return curves


def _write(folder: Path, curves: Sequence[Moment]) -> None:
    """In place of the curves before, once they are whole."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{CURVES}.part"
    part.write_text(json.dumps([asdict(moment) for moment in curves]) + "\n", "utf-8")
    part.replace(folder / CURVES)


def _said(moment: Moment) -> str:
    return (
        f"Episode {moment.episode} of {moment.episodes}: reward {moment.reward:.2f}, "
        f"cost {moment.cost:.2f}, {moment.missed_frac:.1%} missed"
    )


def _method(plan: Plan) -> str:
    return "a rival" if plan.options.actor == DQN else "actor of a Soft Actor-Critic"


def _network(plan: Plan) -> str:
    options = plan.options
    if options.actor == TRANSFORMER:
        return (
            f"a transformer of {options.layers} layers,\n  {options.heads} heads and tokens of "
            f"{options.token_width} numbers"
        )
    if options.actor == DQN:
        return (
            f"deep Q-learning over {POSITIONS} positions,\n  two hidden layers of {options.width}"
        )
    return f"an MLP with\n  two hidden layers of {options.width}"


def _card(plan: Plan, curves: Sequence[Moment]) -> str:
    last = curves[-1]
    return f"""# SmartScale allocator

- What: {_method(plan)} for the dial of `engine.learn.dial`, one answer a pool:
  {_network(plan)}. Inputs: `engine.learn.tokens` and five weights.
- Beside it: a network that says what each score will come to, for explanations, and the critics
  of the training, which see the next rates and are of use for further training only.
- Data: generated workloads only (`engine.learn.cells`), {plan.episodes} episodes of {plan.cells}
  pools of 1.5 hours, seed {plan.seed}; none of the seeds of the held-out suite.
- Made by: `smartscale train allocator --actor {plan.options.actor} --episodes {plan.episodes}
  --cells {plan.cells} --updates {plan.updates} --lessons {plan.lessons} --remind {plan.remind}
  --clients {plan.kinds[-1]} --rate {plan.options.rate} --seed {plan.seed}`.
- At the end of the training, while exploring and with random weights: cost {last.cost:.2f},
  {last.missed_frac:.1%} of requests missed.
- Use: as the policy `smartscale`. Judge it with `smartscale evaluate --policy smartscale`.
- Not for: clusters whose workers take far longer to start than 135 s, or serve far longer than
  10 s: it was not trained on them.
- Licence: as the product.
"""
