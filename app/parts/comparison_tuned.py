"""The tuned HPA as a line beside every comparison; it streams in once the comparison is there."""

import time
from collections.abc import Callable

import pandas as pd
import streamlit as st

from app import formats, load, phrases, planner_words, problems, state
from app.jobs import Board, Job
from app.parts.comparison_view import View
from engine.tune.line import Line

EVERY_S = 1.0
IDLE_S = 3.0
"""So long nobody has changed anything before the search begins."""
PAUSE_S = 0.05


@problems.guarded
def card(view: View) -> None:
    """The line, or how far its search is."""
    run_id = view.baseline.run_id
    job = _job(run_id)
    found = load.planner().known_tuned_hpa(run_id)
    waits = found is None and (job is None or not job.ended)
    shown = st.fragment(_line, run_every=EVERY_S if waits else None)
    shown(view, found, waits, time.monotonic())


@problems.guarded
def _line(view: View, found: Line | None, waits: bool, begun: float) -> None:
    """A part of the page of its own, which looks again and again while it `waits`."""
    run_id = view.baseline.run_id
    job = _job(run_id)
    with st.container(border=True):
        st.subheader(planner_words.TUNED, help=planner_words.TUNED_HELP)
        if found is not None:
            _shown(view, found)
        elif job is None:
            st.caption(planner_words.TUNED_SOON)
            if time.monotonic() - begun >= IDLE_S:
                _start(run_id)
        elif not job.ended:
            with st.container(horizontal=True, vertical_alignment="center"):
                text = phrases.working(planner_words.TUNED_WORKING, job.text, job.fraction)
                st.progress(job.fraction, text=text)
                st.button(planner_words.CANCEL, key="tuned_stop", on_click=job.cancel)
        elif waits:
            st.rerun()
        else:
            _ended(run_id, job)


def _ended(run_id: str, job: Job) -> None:
    """What became of a search that found nothing."""
    if job.problem is not None:
        problems.show(job.problem)
    if st.button(planner_words.TUNED_GO, key="tuned_go", icon=":material/build:"):
        _start(run_id)
        st.rerun()


def _shown(view: View, found: Line) -> None:
    run, base = load.planner().run(found.run_id), view.baseline
    cost, other = run.scorecard["cost_usd"], base.scorecard["cost_usd"]
    met, p95_s = run.scorecard["slo_attainment_frac"], run.scorecard["p95_s"]
    against = None if cost is None or not other else f"{100 * (cost - other) / other:+.0f} %"
    row = (
        found.policy,
        *(
            planner_words.BOUNDS_UNKNOWN if value is None else value
            for value in (
                None if cost is None else formats.figure(cost, "USD"), against,
                None if met is None else formats.percent(met),
                None if p95_s is None else formats.figure(p95_s, "s"),
            )
        ),
    )  # fmt: skip
    frame = pd.DataFrame([row], columns=list(planner_words.TUNED_COLUMNS)).map(phrases.escaped)
    st.table(frame, border="horizontal", alt=planner_words.TUNED_ALT)
    sampled = planner_words.TUNED_SAMPLED.format(share=formats.percent(found.sampled_frac))
    kept = planner_words.TUNED_KEPT if found.keeps_slo else planner_words.TUNED_MISSED
    st.caption(
        planner_words.TUNED_CAPTION.format(
            replays=formats.count(found.replays, "replay"),
            where="" if found.sampled_frac == 1.0 else sampled,
            kept=kept.format(slo=formats.percent(found.slo)),
        )
    )
    if found.run_id in view.run_ids:
        return
    if st.button(planner_words.TUNED_ADD, key="tuned_add", icon=":material/add:"):
        chosen = state.comparison_of([*view.run_ids, found.run_id], base.run_id)
        state.put(state.TUNED_ADD, chosen.query())
        st.rerun()


def leave() -> None:
    """Goes to the comparison with the line among its runs, where somebody wants that."""
    query = state.take(state.TUNED_ADD)
    if query is not None:
        state.go_to(state.COMPARE_PAGE, query)


def _jobs() -> dict[str, str]:
    """Job ids by the run that is the baseline."""
    state.start_with(state.TUNED_JOBS, {})
    found: dict[str, str] = state.get(state.TUNED_JOBS)
    return found


def _job(run_id: str) -> Job | None:
    return load.idle_board().find(_jobs().get(run_id))


def _start(run_id: str) -> None:
    """Begins the search; one for another baseline is no longer wanted."""
    jobs, board, planner = _jobs(), load.idle_board(), load.planner()
    first = (load.quick_board(), load.board())
    for older in jobs.values():
        job = board.find(older)
        if job is not None:
            job.cancel()

    def work(job: Job) -> Line:
        return planner.tuned_hpa(run_id, progress=job.report, cancel=_giving_way(job, first))

    jobs[run_id] = board.submit("tune", planner_words.TUNED_WORKING, work).id


def _giving_way(job: Job, boards: tuple[Board, ...]) -> Callable[[], bool]:
    """Whether a job was stopped; waits while somebody waits for another one."""

    def cancelled() -> bool:
        while not job.cancelled() and any(board.active() for board in boards):
            time.sleep(PAUSE_S)
        return job.cancelled()

    return cancelled
