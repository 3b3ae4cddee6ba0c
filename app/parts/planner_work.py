"""The work behind the page *Planner*: a preview, then every request; newer wishes replace both."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import load, planner_words, state
from app.charts.base import Window
from app.jobs import Job, State
from app.parts import planner_knobs
from app.planning import policy_text
from engine.desk import Preview
from engine.errors import EngineError
from engine.planner import Progress, TraceInfo
from engine.scenario import Scenario
from engine.scenario_file import content_hash

EVERY_S = 0.5
STAY_S = 60.0
"""So long a run of the page stays for its answers; a newer change of a knob ends it at once."""
SHORT_S = 0.15
"""What is stored already is there at once; no use to show that it is being made."""
LOOK_S, TELL_S = 0.03, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """A preview of both sides."""

    ours: Preview
    baseline: Preview


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Runs of both sides."""

    run_id: str
    baseline: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for now."""

    trace_id: str
    from_s: float
    to_s: float | None
    scenario: Scenario
    policy: str
    base: Scenario
    against: str

    @property
    def key(self) -> str:
        """The same for the same question."""
        return " ".join(
            [
                self.trace_id, f"{self.from_s} {self.to_s}", content_hash(self.scenario),
                self.policy, content_hash(self.base), self.against,
            ]
        )  # fmt: skip


def wish(trace: TraceInfo, window: Window | None) -> Wish:
    """What the knobs ask for. Raises ScenarioError, PolicyError or CheckpointError."""
    whole = window is None or (window.from_s <= 0 and window.to_s >= trace.duration_s)
    knobs, chosen = planner_knobs.knobs(), load.planner().chosen
    return Wish(
        trace_id=trace.trace_id,
        from_s=0.0 if whole or window is None else window.from_s,
        to_s=None if whole or window is None else window.to_s,
        scenario=planner_knobs.scenario(), policy=chosen(policy_text(knobs)),
        base=planner_knobs.base(), against=chosen(state.get(state.PLAN_AGAINST)),
    )  # fmt: skip


def _asked() -> dict[str, str]:
    """What was asked last and the jobs that answer it: `wish`, `glimpse`, `plan`.

    It is changed in place and all at once: any look at the session's state may end this run of
    the page for a newer one, which must not find a question without its answer.
    """
    state.start_with(state.PLAN_ASKED, {})
    found: dict[str, str] = state.get(state.PLAN_ASKED)
    return found


def ask(wanted: Wish, *, again: bool = False) -> None:
    """Starts what is asked for, unless it was asked already; older work is stopped."""
    asked = _asked()
    if asked.get("wish") == wanted.key and not again:
        return
    stop()
    board, planner = load.quick_board(), load.planner()

    def glimpse(job: Job) -> Glimpse | None:
        shared: dict[str, Any] = {"from_s": wanted.from_s, "to_s": wanted.to_s}
        pairs = ((wanted.policy, wanted.scenario), (wanted.against, wanted.base))
        job.report(0.0, planner_words.GLANCING)
        if all(planner.is_replayed(wanted.trace_id, p, scenario=s, **shared) for p, s in pairs):
            return None
        sides = [
            planner.glimpse(
                wanted.trace_id, policy, scenario=scenario, cancel=job.cancelled, **shared
            )
            for policy, scenario in pairs
        ]
        return Glimpse(ours=sides[0], baseline=sides[1])

    def whole(job: Job) -> Made:

        def replayed(policy: str, scenario: Scenario, start: float) -> str:
            def told(at: Progress) -> None:
                job.report(start + at.fraction / 2, planner_words.WORKING)

            return planner.replay_again(
                wanted.trace_id, policy, scenario=scenario, from_s=wanted.from_s,
                to_s=wanted.to_s, cancel=job.cancelled, progress=told,
            )  # fmt: skip

        return Made(
            run_id=replayed(wanted.policy, wanted.scenario, 0.0),
            baseline=replayed(wanted.against, wanted.base, 0.5),
        )

    first = board.submit("glimpse", planner_words.GLANCING, glimpse)
    last = board.submit("plan", planner_words.WORKING, whole)
    asked.clear()
    asked.update(wish=wanted.key, glimpse=first.id, plan=last.id)


def jobs() -> tuple[Job | None, Job | None]:
    """The preview and the replay of what was asked last; None where there is none."""
    asked, board = _asked(), load.quick_board()
    return board.find(asked.get("glimpse")), board.find(asked.get("plan"))


def stop() -> None:
    """Stops what is under way."""
    for job in jobs():
        if job is not None and not job.ended:
            job.cancel()


def made() -> Made | None:
    """The finished runs of what was asked last."""
    _, job = jobs()
    found: Made | None = job.result if job is not None and job.state is State.DONE else None
    return found


def glimpse() -> Glimpse | None:
    """The finished preview of what was asked last; what is stored needs none."""
    job, _ = jobs()
    found: Glimpse | None = job.result if job is not None and job.state is State.DONE else None
    return found


def problem() -> EngineError | None:
    """What went wrong with what was asked last; it hides nothing that did not go wrong."""
    first, last = jobs()
    return next((job.problem for job in (last, first) if job and job.problem), None)


def working() -> Job | None:
    """What is under way of what was asked last."""
    return next((j for j in jobs() if j is not None and not j.ended), None)


def replaying() -> bool:
    """Whether every request is still to be replayed."""
    _, last = jobs()
    return last is not None and not last.ended


@dataclass(slots=True, kw_only=True)
class Bar:
    """How far the work is, while a run of the page stays for its answers.

    The answer is then shown by that run: a part of the page that looks again and again costs the
    browser and the replay more, and answers later.
    """

    place: DeltaGenerator
    """Holds nothing yet."""
    began_s: float = field(default_factory=time.monotonic)
    told_s: float = 0.0
    room: DeltaGenerator | None = None

    def stay(self, enough: Callable[[], bool]) -> None:
        """Waits until there is enough to show, nothing under way, or `STAY_S` are over.

        Args:
            enough: asked again and again; it looks at the session's state, so that a newer change
                ends this run of the page.
        """
        while not enough() and (job := working()) is not None:
            now_s = time.monotonic()
            if now_s > self.began_s + STAY_S:
                return
            if now_s > max(self.began_s + SHORT_S, self.told_s + TELL_S):
                self.told_s = now_s
                self.room = _row(self.place, "plan_stop") if self.room is None else self.room
                self.room.progress(job.fraction, text=job.title)
            job.wait(LOOK_S)


def _row(place: DeltaGenerator, key: str) -> DeltaGenerator:
    """A button that stops everything, and room for the progress beside it."""
    row = place.container(horizontal=True, vertical_alignment="center")
    room = row.empty()
    row.button(planner_words.CANCEL, key=key, on_click=stop)
    return room


@st.fragment(run_every=EVERY_S)
def watch(shown: str) -> None:
    """How far the work is where it takes longer; the page reruns when there is more to show.

    Args:
        shown: what the page shows: nothing, a problem, or a preview.
    """
    active = working()
    if active is None or (shown == "" and (glimpse() or problem())):
        st.rerun()
    _row(st.empty(), "plan_halt").progress(active.fraction, text=active.title)
