"""What fine-tuning to a day's own traffic changes, and what beginning from something known saves.

Every generated day is learned with the same seed and windows from a fresh network, from what a
fresh one came to on the most similar of the other days, and from the shipped allocator, as
`smartscale adapt` does. How far each is: (J - J_random) / (J_best - J_random), J the mean weighed
score on the validation part, J_random of positions drawn at random, J_best the highest that any
of the three comes to there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.evaluate.cases import KINDS, Case, heldout
from engine.learn import adapt_shelf as shelf
from engine.learn import checkpoint
from engine.learn.ablation import kept
from engine.learn.adapt import Workload, adapt, workload_of
from engine.learn.adapt_likeness import Known, nearest
from engine.learn.adapt_loop import BEST, Ending, Tuning, fine_tune, validation
from engine.learn.cells import EPISODE_S
from engine.learn.size_study import each_of, mean_of
from engine.learn.training import Plan, described, train
from engine.store import traces
from engine.store.duck import Store
from engine.trace.streams import stream
from engine.trace.synth import generate
from engine.units import SECONDS_PER_DAY

ARMS = FRESH, ALIKE, SHIPPED = (
    "a fresh network", "the most similar other day", "the shipped allocator",
)  # fmt: skip
REACHED = 0.95
"""Of the way from random positions to the best."""
KEPT = "days.duckdb"
FIRST_SEED = 870_001
"""Of the days; nothing else is drawn from these."""
CROWDS = 10
"""Of a day that has crowds, so that every part of it holds some."""
DRAWS = 4
"""Random positions of each window."""
_STREAM = 6421

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """A generated day, and with which seed it is learned."""

    case: Case
    seed: int

    @property
    def name(self) -> str:
        return self.case.name.replace(" ", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Study:
    """Where what is finished is kept, and how it is learned."""

    folder: Path
    store: Store
    tuning: Tuning
    duration_s: float
    cancel: Callable[[], bool] | None

    def row(self, arm: str, day: _Day, others: Sequence[Row]) -> Row:
        """What beginning from there comes to; it is learned first where it is not kept.

        Args:
            arm: of ARMS.
            day: to learn.
            others: to begin from, rows of fresh networks.
        """
        at = self.folder / f"{day.name}-{ARMS.index(arm)}"
        tuning = replace(self.tuning, seed=day.seed)
        facts = {
            "day": day.name, "kind": day.case.kind, "arm": arm, "duration_s": self.duration_s,
            "others": [row["day"] for row in others], "tuning": asdict(tuning),
            "shipped": checkpoint.dial_print(),
        }  # fmt: skip
        return kept(
            at.with_suffix(".json"), facts, partial(self._found, arm, day, at, tuning, others)
        )

    def _found(
        self, arm: str, day: _Day, at: Path, tuning: Tuning, others: Sequence[Row]
    ) -> dict[str, Any]:
        work = self._workload(day)
        if arm == FRESH:
            return self._fresh(work, at, tuning)
        if arm == ALIKE:
            return self._alike(work, at, tuning, others)
        made = adapt(
            self.store, day.name, scenario=day.case.scenario, name=at.name, tuning=tuning,
            cold=True, cancel=self.cancel,
        )  # fmt: skip
        return {**_curve(made.ending, made.folder), "start": made.start, "held_back": made.result}

    def _workload(self, day: _Day) -> Workload:
        """Generated where the store does not hold it."""
        if day.name not in set(traces.list_traces(self.store)["name"]):
            recipe = day.case.demand()
            assert isinstance(recipe, Mapping)
            crowds = {"flashes": CROWDS} if "flashes" in recipe else {}
            recipe = {**recipe, **crowds, "duration_s": self.duration_s}
            traces.store_requests(
                self.store, generate(**recipe).table, name=day.name, format="synth",
                source=day.case.kind, recipe=recipe,
            )  # fmt: skip
        return workload_of(self.store, day.name, day.case.scenario)

    def _fresh(self, work: Workload, at: Path, tuning: Tuning) -> dict[str, Any]:
        """From a network that knows the scale of what it sees, and nothing else."""
        plan = Plan(episodes=0, value_updates=0, seed=tuning.seed)
        checkpoint.save(train(plan), at / "start", {"plan": described(plan)})
        options = replace(tuning.options, rate=plan.options.rate)
        tuning = replace(tuning, critics_first=0, options=options)
        made = self._learned(work, at, tuning, at / "start")
        end = BEST if made["ending"]["best_episode"] else "start"
        return {
            **made, "start": FRESH, "end": f"{at.name}/{end}",
            "random": _random(tuning, work, self.cancel),
            "numbers": [list(numbers) for numbers in work.numbers],
        }  # fmt: skip

    def _alike(
        self, work: Workload, at: Path, tuning: Tuning, others: Sequence[Row]
    ) -> dict[str, Any]:
        known = [
            Known(name=row["day"], folder=row["end"], workloads=row["numbers"]) for row in others
        ]
        chosen, distances = nearest(work.numbers, known)
        made = self._learned(work, at, tuning, self.folder / chosen.folder)
        return {**made, "start": chosen.name, "distances": distances}

    def _learned(self, work: Workload, at: Path, tuning: Tuning, start: Path) -> dict[str, Any]:
        ending = fine_tune(
            tuning, work.pools, work.split.learn, work.split.judge, start=start, folder=at,
            facts={"trace": work.wanted.trace.content_hash, "start": start.parent.name},
            on_step=lambda step: shelf.add_curve(at, asdict(step)), cancel=self.cancel,
        )  # fmt: skip
        return _curve(ending, at)


def adapt_study(
    folder: Path, tuning: Tuning, *, seeds: int, kinds: Sequence[str] = KINDS,
    duration_s: float = SECONDS_PER_DAY,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Learns every day from each of ARMS.

    Args:
        folder: keeps what is finished.
        tuning: how, but for the seed; a fresh network learns as in a training from scratch.
        seeds: days of each kind.
        kinds: of demand; two days at least have to come of it.
        duration_s: of a day.
        progress: share done, and what is being done.
        cancel: asked once a tick.

    Returns:
        JSON-able; `markdown` is the tables.

    Raises:
        ReplayCancelled: `cancel` returned true; what is finished is kept.
        UsageError: the folder holds a study with other settings, or beside another allocator.
    """
    folder.mkdir(parents=True, exist_ok=True)
    days = [_Day(case=case, seed=seed) for seed in range(seeds)
            for case in heldout(tuple(kinds), (FIRST_SEED + seed,))]  # fmt: skip
    todo = [(arm, day) for arm in ARMS for day in days]
    rows: list[Row] = []
    with Store(folder / KEPT) as store:
        study = _Study(
            folder=folder, store=store, tuning=tuning, duration_s=duration_s, cancel=cancel
        )
        for number, (arm, day) in enumerate(todo):
            if progress is not None:
                progress(number / len(todo), f"{day.name}, from {arm}")
            fresh = [row for row in rows if row["arm"] == FRESH and row["day"] != day.name]
            rows.append(study.row(arm, day, fresh if arm == ALIKE else []))
    episode_h = tuning.own * EPISODE_S / 3600.0
    found = [_compared([row for row in rows if row["day"] == day.name]) for day in days]
    changed = [row for row in rows if row["arm"] == SHIPPED]
    return {
        "rows": rows, "days": found, "episode_h": episode_h,
        "markdown": f"{_starts(found, kinds, episode_h)}\n\n{_changes(changed, kinds)}",
    }  # fmt: skip


def _curve(ending: Ending, folder: Path) -> dict[str, Any]:
    """JSON-able; validations by episode, the first before any."""
    steps = [[row["episode"], row["validation"]] for row in shelf.curves_of(folder)]
    return {"ending": asdict(ending), "curve": [[0, ending.before], *steps]}


def _random(tuning: Tuning, work: Workload, cancel: Callable[[], bool] | None) -> float:
    score = validation(tuning, work.pools, work.split.judge, cancel)
    rng = stream(tuning.seed, _STREAM)
    drawn = rng.uniform(-1.0, 1.0, (DRAWS, tuning.judged))
    return float(np.mean([score(lambda *_, at=at: at) for at in drawn]))


def _compared(rows: Sequence[Row]) -> dict[str, Any]:
    """How far each arm is on a day at first, and the episodes until it has REACHED; None: never.

    Args:
        rows: of the day, by ARMS.
    """
    lowest = rows[0]["random"]
    best = max(score for row in rows for _, score in row["curve"])
    line = lowest + REACHED * (best - lowest)
    arms = {
        row["arm"]: {
            "start": row["start"], "share": (row["curve"][0][1] - lowest) / (best - lowest),
            "episodes": next((number for number, score in row["curve"] if score >= line), None),
        }
        for row in rows
    }  # fmt: skip
    return {"day": rows[0]["day"], "kind": rows[0]["kind"], "best": best, "arms": arms}


def _starts(days: Sequence[Row], kinds: Sequence[str], episode_h: float) -> str:
    """Share at first and episodes until REACHED, each seed."""
    heads = ("share of the way at first, episodes until 95 %", *ARMS)
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for kind in kinds:
        mine = [day["arms"] for day in days if day["kind"] == kind]
        cells = [" / ".join(_start(arm, each[arm]) for each in mine) for arm in ARMS]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    cells = []
    for arm in ARMS:
        found = [day["arms"][arm]["episodes"] for day in days]
        hours = episode_h * np.median([np.inf if each is None else each for each in found])
        cells.append(f"{hours:g} h" if np.isfinite(hours) else "never")
    lines.append("| of its own traffic, median | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _start(arm: str, found: Row) -> str:
    after = "never" if found["episodes"] is None else str(found["episodes"])
    return f"{found['share']:.2f}, {after}" + (f" ({found['start']})" if arm == ALIKE else "")


def _changes(rows: Sequence[Row], kinds: Sequence[str]) -> str:
    """What `adapt` changed on each day, each seed."""
    heads = ("day", "validation before, best", "cheaper at equal misses on what was held back")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for kind in kinds:
        mine = [row for row in rows if row["kind"] == kind]
        scores = " / ".join(_validated(row["ending"]) for row in mine)
        lines.append(f"| {kind} | {scores} | {each_of([_saved(row) for row in mine])} |")
    mean = mean_of([_saved(row) for row in rows])
    lines.append(f"| all, mean and standard error | | {mean} |")
    return "\n".join(lines)


def _validated(ending: Row) -> str:
    best = f"{ending['best']:.3f}" if ending["best_episode"] else "none better"
    return f"{ending['before']:.3f}, {best}"


def _saved(row: Row) -> float | None:
    """Nothing where no episode was better, as nothing is changed; None: it misses more."""
    saving: float | None = row["held_back"]["saving_frac"]
    return saving if row["ending"]["best_episode"] else 0.0
