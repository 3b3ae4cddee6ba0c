"""Starting a training, and the one under way: progress, Cancel, and how it ended."""

from collections.abc import Callable

import streamlit as st

from app import choices, load, problems, state
from app import training_words as words
from app.jobs import Job, State
from app.parts import demand, forecast_job
from engine.learn.adapt import LEAST_S
from engine.learn.adapt_loop import Tuning
from engine.learn.adapt_shelf import Shelved

EPISODES_ADAPT = Tuning().episodes
EPISODES_TRAIN, CELLS, LESSONS = 60, 48, 10
"""As each training behind the shipped allocator."""


def job() -> Job | None:
    """This session's training, or one under way that another session left behind."""
    return forecast_job.of(words.KIND, state.TRAINING_JOB)


def busy() -> bool:
    """Whether a training is under way."""
    found = job()
    return found is not None and not found.ended


def card() -> None:
    """What to do, with what, and the button."""
    with st.container(border=True), problems.shown():
        st.subheader(words.START_TITLE)
        how = st.segmented_control(
            words.HOW, [words.ADAPT, words.TRAIN], default=words.ADAPT, key=state.TRAINING_HOW,
            required=True,
        )  # fmt: skip
        if how == words.TRAIN:
            _train()
        else:
            _adapt()
        if busy():
            st.caption(words.BUSY)


def _adapt() -> None:
    st.caption(words.ADAPT_HELP)
    traces = demand.replayable(load.planner().traces())
    traces = traces[traces["duration_s"] >= LEAST_S]
    if traces.empty:
        st.info(words.NO_TRACES)
        return
    labels = choices.trace_options(traces)
    presets = load.planner().presets()
    left, middle, right = st.columns([2, 2, 1])
    trace_id = left.selectbox(
        words.TRACE, list(labels), format_func=labels.__getitem__, key=state.TRAINING_TRACE
    )
    preset = middle.selectbox(words.PRESET, list(presets), key=state.TRAINING_PRESET)
    episodes = right.number_input(
        words.EPISODES, Tuning().critics_first + 1, 200, EPISODES_ADAPT,
        key=state.TRAINING_EPISODES, help=words.EPISODES_ADAPT_HELP,
    )  # fmt: skip
    planner = load.planner()

    def work(job: Job) -> str:
        job.report(0.0, words.FIRST)
        tuning = Tuning(episodes=int(episodes))
        made = planner.adapt(
            trace_id, scenario=presets[preset], tuning=tuning, progress=job.report,
            cancel=job.cancelled,
        )  # fmt: skip
        return made.name

    name = planner.trace(trace_id).name
    _go(words.GO_ADAPT, words.adapting(name), work)


def _train() -> None:
    st.caption(words.TRAIN_HELP)
    left, right = st.columns(2)
    name = left.text_input(words.NAME, "mine", key=state.TRAINING_NAME)
    actor = right.selectbox(
        words.NETWORK, list(words.NETWORKS), format_func=words.NETWORKS.__getitem__,
        key=state.TRAINING_NETWORK,
    )  # fmt: skip
    one, two, three, four = st.columns(4)
    lessons = one.number_input(
        words.LESSONS, 0, 100, LESSONS, key=state.TRAINING_LESSONS, help=words.LESSONS_HELP
    )
    episodes = two.number_input(
        words.EPISODES, 1, 1000, EPISODES_TRAIN, key=state.TRAINING_LENGTH,
        help=words.EPISODES_TRAIN_HELP,
    )  # fmt: skip
    cells = three.number_input(words.CELLS, 1, 64, CELLS, key=state.TRAINING_CELLS)
    seed = four.number_input(words.SEED, 0, 10_000, 0, key=state.TRAINING_SEED)
    planner = load.planner()

    def work(job: Job) -> str:
        job.report(0.0, words.FIRST)
        planner.train(
            name, episodes=int(episodes), cells=int(cells), seed=int(seed),
            lessons=int(lessons), actor=actor, progress=job.report, cancel=job.cancelled,
        )  # fmt: skip
        return name

    _go(words.GO_TRAIN, words.training(name), work)


def _go(label: str, title: str, work: Callable[[Job], str]) -> None:
    clicked = st.button(
        label, key="training_go", type="primary", icon=":material/model_training:",
        disabled=busy(),
    )  # fmt: skip
    if clicked:
        forecast_job.start(words.KIND, state.TRAINING_JOB, title, work)


def go_on(chosen: Shelved) -> None:
    """The button that goes on with a training that was stopped or killed."""
    planner, name = load.planner(), chosen.name

    def work(job: Job) -> str:
        job.report(0.0, words.FIRST)
        planner.resume_training(name, job.report, job.cancelled)
        return name

    clicked = st.button(
        words.GO_ON, key="training_on", icon=":material/resume:", disabled=busy()
    )  # fmt: skip
    if clicked:
        forecast_job.start(words.KIND, state.TRAINING_JOB, words.training(name), work)


def watch() -> None:
    """Progress with Cancel; what became of the last one."""
    found = job()
    if found is None or found.state is State.DONE:
        return
    forecast_job.show(found, "training_cancel", "")
    if found.state is State.CANCELLED:
        st.caption(words.STOPPED_NOTE)


def known() -> list[Shelved]:
    """Trainings that can be read, newest first; what is wrong with the others is shown."""
    for problem in load.planner().damaged_allocators():
        problems.show(problem)
    return load.planner().allocators()
