"""Fine-tunes the allocator to the operator's own trace, and says what that was worth.

The trace is split in time: to learn from, to validate and stop by, and the last part, which only
says what the new allocator is worth beside the one that is used. It begins from the allocator,
shipped or trained here before, that knows the most similar workloads.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.device import device_for
from engine.errors import UsageError
from engine.evaluate.cases import trace_case
from engine.learn import adapt_shelf as shelf
from engine.learn.adapt_cells import OwnPool, Part, own_pools
from engine.learn.adapt_judge import as_result, compare
from engine.learn.adapt_likeness import Known, described_pools, mixture, nearest
from engine.learn.adapt_loop import BEST, Ending, Step, Tuning, fine_tune
from engine.learn.cells import AFTER_S, EPISODE_S
from engine.learn.checkpoint import WEIGHTS
from engine.runner import ReplayRequest, load_demand, request
from engine.scenario import Scenario
from engine.scenario_file import content_hash, from_dict, to_dict
from engine.store.duck import Store
from models.sac_options import STATE

LEARN_SHARE, JUDGE_SHARE = 0.6, 0.2
"""Of the trace to learn from and to validate; the rest is held back."""
LEAST_S = (EPISODE_S + AFTER_S) / JUDGE_SHARE
"""A trace has to be so long, so that every part holds an episode."""
LEARNING_SHARE = 0.85
"""Of the progress that is learning; the rest is the comparison."""
CARD = "README.md"
_NOTHING_BETTER: Mapping[str, Any] = MappingProxyType(
    {"better": False, "saving_frac": None, "before": [], "after": [], "days": [],
     "verdict": "no episode was better on the validation part"}
)  # fmt: skip
OnProgress = Callable[[float, str], None]
Cancel = Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Where a trace is cut, seconds since its start."""

    learn_s: float
    judge_s: float
    end_s: float

    @property
    def learn(self) -> Part:
        """To learn from."""
        return Part(from_s=0.0, to_s=self.learn_s)

    @property
    def judge(self) -> Part:
        """To validate by."""
        return Part(from_s=self.learn_s, to_s=self.judge_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What a trace asks of a cluster."""

    wanted: ReplayRequest
    split: Split
    pools: tuple[OwnPool, ...]
    numbers: tuple[tuple[float, ...], ...]
    """Of each pool, in the order of `adapt_likeness.SCALES`; the part to learn from alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapted:
    """What a fine-tuning came to."""

    name: str
    folder: Path
    start: str
    """Name of the allocator it began from."""
    distances: dict[str, float]
    """To each known allocator's nearest workloads; 1 is far."""
    split: Split
    ending: Ending
    result: dict[str, Any]
    """The comparison on the part that was held back."""


def split_of(end_s: float) -> Split:
    """The cuts of a trace. Raises UsageError where a part would be too short."""
    if end_s < LEAST_S:
        raise UsageError(
            f"the trace is {end_s / 3600:.1f} hours long", "adapt",
            f"Use one of {LEAST_S / 3600:.1f} hours or more: parts of it have to be held back",
        )  # fmt: skip
    learn_s = LEARN_SHARE * end_s
    return Split(learn_s=learn_s, judge_s=learn_s + JUDGE_SHARE * end_s, end_s=end_s)


def workload_of(store: Store, trace_key: str, scenario: Scenario) -> Workload:
    """Loads a trace to learn from.

    Args:
        store: the open store.
        trace_key: id, name, or the beginning of one.
        scenario: the cluster.

    Raises:
        StoreError: no such trace.
        UsageError: a trace without demand, or too short a one.
    """
    wanted = request(store, trace_key, (shelf.POLICY,), scenario)
    split = split_of(wanted.to_s)
    pools = own_pools(load_demand(store, wanted), scenario)
    numbers = described_pools(pools, split.learn_s)
    return Workload(wanted=wanted, split=split, pools=pools, numbers=numbers)


def adapt(
    store: Store,
    trace_key: str,
    *,
    scenario: Scenario,
    name: str | None = None,
    tuning: Tuning | None = None,
    cold: bool = False,
    progress: OnProgress | None = None,
    cancel: Cancel | None = None,
    device: str = "auto",
) -> Adapted:
    """Fine-tunes to a trace, beside the store; one that was stopped goes on.

    Args:
        store: the open store.
        trace_key: id, name, or the beginning of one.
        scenario: the cluster.
        name: of the training; None: from the trace and the scenario.
        tuning: how long and how; None: as by default.
        cold: begin from the shipped allocator, however unlike the workload is.
        progress: share done, and how it is going.
        cancel: asked once a tick.
        device: one of `engine.device.DEVICES`.

    Raises:
        StoreError: no such trace.
        UsageError: a device that is not there, a trace without demand, too short a one, or
            a name that cannot be one.
        CheckpointError: another fine-tuning was begun under this name, or it is damaged.
        ReplayCancelled: `cancel` returned true; call again to go on.
    """
    device = device_for(device)
    work = workload_of(store, trace_key, scenario)
    trace, split, tuning = work.wanted.trace, work.split, tuning or Tuning()
    name = name or f"{_plain(trace.name)}-{content_hash(scenario)[:6]}"
    folder = shelf.place_for(store.path, name)
    start, distances = _start(store, folder, work.numbers, cold)
    facts = {
        "kind": "adapt", "trace": trace.name, "trace_id": trace.trace_id,
        "content": trace.content_hash, "scenario": to_dict(scenario),
        "start": start.name, "distances": distances, "workloads": work.numbers,
        "tuning": asdict(tuning), "cold": cold,
    }  # fmt: skip
    shelf.note_plan(folder, facts)

    def told(share: float, text: str) -> None:
        if progress is not None:
            progress(share, text)

    def note(step: Step) -> None:
        shelf.add_curve(folder, asdict(step))
        told(LEARNING_SHARE * step.episode / step.episodes, _said(step))

    told(0.0, f"Beginning from {start.name}")
    ending = fine_tune(
        tuning, work.pools, split.learn, split.judge,
        start=Path(start.folder) if start.folder else None, folder=folder,
        facts={"trace": trace.content_hash, "scenario": content_hash(scenario),
               "start": start.name},
        on_step=note, cancel=cancel, device=device,
    )  # fmt: skip
    result: dict[str, Any] = dict(_NOTHING_BETTER)
    if ending.best_episode > 0:
        result = _judged(store, trace.trace_id, scenario, split, folder, told, cancel)
    result["ending"] = asdict(ending)
    (folder / CARD).write_text(_card(name, facts, split, result), "utf-8")
    shelf.note_result(folder, result)
    told(1.0, str(result["verdict"]))
    return Adapted(
        name=name, folder=folder, start=start.name, distances=distances, split=split,
        ending=ending, result=result,
    )  # fmt: skip


def go_on(
    store: Store, name: str, progress: OnProgress | None = None, cancel: Cancel | None = None
) -> Adapted:
    """Goes on with a fine-tuning that was stopped, by its own plan.

    Raises:
        UsageError: no such training, or it is no fine-tuning.
        CheckpointError: its trace has changed.
        ReplayCancelled: `cancel` returned true.
    """
    from models.sac_options import Options

    plan = shelf.find(store.path, name).plan
    if plan["kind"] != "adapt":
        raise UsageError(f"{name!r} is no fine-tuning", "adapt", "Choose one that is")
    values = dict(plan["tuning"])
    tuning = Tuning(**{**values, "options": Options(**values["options"])})
    return adapt(
        store, plan["trace_id"], scenario=from_dict(plan["scenario"], f"training {name!r}"),
        name=name, tuning=tuning, cold=plan["cold"], progress=progress, cancel=cancel,
    )  # fmt: skip


def _start(
    store: Store, folder: Path, workloads: tuple[tuple[float, ...], ...], cold: bool
) -> tuple[Known, dict[str, float]]:
    """What to begin from: what was begun from before, or the nearest of all that are known."""
    known = [mixture()]
    for each in [] if cold else shelf.all_of(store.path):
        if each.folder != folder and each.ready and each.plan.get("workloads"):
            rows = tuple(tuple(row) for row in each.plan["workloads"])
            known.append(Known(name=each.name, folder=str(each.folder), workloads=rows))
    chosen, distances = nearest(workloads, known)
    if (folder / shelf.PLAN).is_file() and (folder / STATE).is_file():
        before = shelf.find(store.path, folder.name).plan.get("start")
        chosen = next((each for each in known if each.name == before), chosen)
    return chosen, distances


def _judged(
    store: Store,
    trace_id: str,
    scenario: Scenario,
    split: Split,
    folder: Path,
    told: OnProgress,
    cancel: Cancel | None,
) -> dict[str, Any]:
    """Takes the best checkpoint, and compares it with the one that is used on the last part."""
    shutil.copy(folder / BEST / WEIGHTS, folder / WEIGHTS)
    held = request(store, trace_id, (shelf.POLICY,), scenario, split.judge_s, split.end_s)
    case = trace_case(
        held.trace.name, [held.trace.content_hash, held.from_s, held.to_s], scenario,
        held.to_s - held.from_s, lambda: load_demand(store, held),
    )  # fmt: skip
    return as_result(
        compare(
            store, [case], shelf.in_use(store.path), folder, cancel=cancel,
            progress=lambda share, text: told(
                LEARNING_SHARE + (1.0 - LEARNING_SHARE) * share, f"{text}, before and after"
            ),
        )
    )  # fmt: skip


def _said(step: Step) -> str:
    best = ", the best so far" if step.best else ""
    return (
        f"Episode {step.episode} of at most {step.episodes}: validation {step.validation:.3f}"
        f"{best}, {step.missed_frac:.1%} missed while exploring"
    )


def _plain(text: str) -> str:
    """A trace's name as part of a folder's."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in text.lower())
    return kept.strip("-._")[:40] or "trace"


def _card(name: str, facts: dict[str, Any], split: Split, result: dict[str, Any]) -> str:
    ending = result["ending"]
    rows = "\n".join(
        f"| {old['cost_weight']:g} | {old['cost']:.3f} | {100 * old['missed_frac']:.2f} | "
        f"{new['cost']:.3f} | {100 * new['missed_frac']:.2f} |"
        for old, new in zip(result["before"], result["after"], strict=True)
    )
    return f"""# SmartScale allocator {name}

- What: the allocator `{facts["start"]}`, fine-tuned to the trace `{facts["trace"]}`.
- Data: its first {split.learn_s / 3600:.1f} hours to learn from, the next
  {(split.judge_s - split.learn_s) / 3600:.1f} hours to validate; the last
  {(split.end_s - split.judge_s) / 3600:.1f} hours were held back for the figures below.
- How: {ending["episodes"]} episodes, stopped by {ending["stopped"]}; the best was number
  {ending["best_episode"]} (validation {ending["best"]:.4f}, before {ending["before"]:.4f}).
- Verdict on the part that was held back: {result["verdict"]}.

| weight of cost | before: cost | missed % | after: cost | missed % |
|---:|---:|---:|---:|---:|
{rows}

Cost is provisioned slot-seconds over the work that arrived.
"""


__all__ = ["Adapted", "OwnPool", "Split", "adapt", "go_on", "split_of"]
