"""A training from the command line: from a plan to a checkpoint with its curves and its card."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.errors import UsageError
from engine.learn import distilling
from engine.learn.checkpoint import save
from engine.learn.distilling import Distilled, DistilPlan
from engine.learn.moments import Moment, moments_of
from engine.learn.training import Plan, described, train
from models.sac_options import DQN, POSITIONS, TRANSFORMER, Options

CURVES, CARD = "curves.json", "README.md"


def train_allocator(
    folder: Path,
    plan: Plan,
    *,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    device: str = "auto",
) -> list[Moment]:
    """Trains into a folder; one that was stopped goes on there.

    Args:
        folder: receives the state while it trains, then checkpoint, curves and card.
        plan: how long, and on what.
        progress: share done, and how it is going.
        cancel: asked once a tick or step.
        device: one of `engine.device.DEVICES`.

    Returns:
        The curves, of all episodes.

    Raises:
        UsageError: the device is not there.
        ReplayCancelled: `cancel` returned true; the folder keeps the last whole episode.
        CheckpointError: the folder holds a training of another plan.
    """
    curves = moments_of(folder)

    def note(moment: Moment) -> None:
        curves.append(moment)
        _write(folder, curves)
        if progress is not None:
            progress(moment.episode / moment.episodes, _said(moment))

    def stage(text: str) -> None:
        if progress is not None:
            progress(len(curves) / plan.episodes, text)

    learner = train(
        plan, folder=folder, on_moment=note, on_stage=stage, cancel=cancel, device=device
    )
    _write(folder, curves)  # also those of an episode whose training was killed as it was kept
    save(learner, folder, {"plan": described(plan)})
    (folder / CARD).write_text(_card(plan, curves), "utf-8")
    return curves


def distil_allocator(
    folder: Path,
    trainings: Sequence[Path],
    plan: DistilPlan,
    *,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    device: str = "auto",
) -> Distilled:
    """One allocator out of several trainings, into a folder; see `distilling`.

    The first training's curves are kept beside it. Raises what `distilling.distilled` does.
    """
    if folder.resolve() in [each.resolve() for each in trainings]:
        raise UsageError(
            "a training would be overwritten", str(folder), "Name another folder with --out"
        )
    learner, found = distilling.distilled(
        trainings, plan, progress=progress, cancel=cancel, device=device
    )
    distilling.write(learner, folder, trainings, plan, found)
    first = trainings[0] / CURVES
    if first.is_file():
        (folder / CURVES).write_text(first.read_text("utf-8"), "utf-8")
    (folder / CARD).write_text(_distilled_card(trainings, plan, found), "utf-8")
    return found


def _distilled_card(trainings: Sequence[Path], plan: DistilPlan, found: Distilled) -> str:
    made = [distilling.plan_of(folder) for folder in trainings]
    seeds = ", ".join(str(each["seed"]) for each in made)
    options = Options(**made[0]["options"])
    return f"""# SmartScale allocator

- What: for the dial of `engine.learn.dial`, one answer a pool: {_network(options)}.
  Inputs: `engine.learn.tokens` and five weights.
- How: it answers as {len(made)} actors of Soft Actor-Critic do on average (policy distillation),
  those of the trainings with seeds {seeds}: they are {found.apart:.3f} off their mean
  (root mean square, positions of the dial from -1 to 1), it is {found.gap:.3f} off.
- Beside it: a network that says what each score will come to, for explanations, and the critics,
  which see the next rates and are of use for further training only; both are those of the first
  training, as are the curves.
- Data: generated workloads only (`engine.learn.cells`), each training
  {made[0]["episodes"]} episodes of {made[0]["cells"]} pools of 1.5 hours, the distilling
  {plan.episodes} more; none of the seeds of the held-out suite.
- Made by: `smartscale train allocator --seed N --out FOLDER` for each of the seeds, with
  {_settings(made[0])},
  then `smartscale train allocator --distil FOLDER ... --seed {plan.seed}`.
- Use: as the policy `smartscale:checkpoint=FOLDER`; the one in `allocator` is what `smartscale`
  uses. Judge any with `smartscale evaluate --policy smartscale:checkpoint=FOLDER`.
- Not for: clusters whose workers take far longer to start than 135 s, or serve far longer than
  10 s: it was not trained on them.
- Licence: as the product.
"""


def _settings(plan: Mapping[str, Any]) -> str:
    """Of a training, as its command takes them."""
    options, mixture = plan["options"], plan["mixture"]
    return (
        f"`--actor {options['actor']} --episodes {plan['episodes']} --cells {plan['cells']} "
        f"--updates {plan['updates']}\n  --lessons {plan['lessons']} --remind {plan['remind']} "
        f"--clients {mixture['kinds'][-1]} --faults {mixture['faults']} "
        f"--prices {mixture['prices']} --rate {options['rate']}`"
    )


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


def _network(options: Options) -> str:
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
  {_network(plan.options)}. Inputs: `engine.learn.tokens` and five weights.
- Beside it: a network that says what each score will come to, for explanations, and the critics
  of the training, which see the next rates and are of use for further training only.
- Data: generated workloads only (`engine.learn.cells`), {plan.episodes} episodes of {plan.cells}
  pools of 1.5 hours, seed {plan.seed}; none of the seeds of the held-out suite.
- Made by: `smartscale train allocator --seed {plan.seed}` with the settings
  {_settings(described(plan))}.
- At the end of the training, while exploring and with random weights: cost {last.cost:.2f},
  {last.missed_frac:.1%} of requests missed.
- Use: as the policy `smartscale:checkpoint=FOLDER`; the one in `allocator` is what `smartscale`
  uses. Judge any with `smartscale evaluate --policy smartscale:checkpoint=FOLDER`.
- Not for: clusters whose workers take far longer to start than 135 s, or serve far longer than
  10 s: it was not trained on them.
- Licence: as the product.
"""
