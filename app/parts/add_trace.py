"""From a file to a trace: choose it, look into it, say which column is what, import it."""

import shutil
from pathlib import Path
from typing import Any

import streamlit as st

from app import derive_words, load, phrases, problems, state, tables, words
from app.jobs import Job, State
from app.parts import column_mapping, derive_trace, progress
from app.parts.trace_details import findings
from engine.errors import EngineError
from engine.planner import Imported
from engine.trace.mapping import Mapping

PREVIEW_PX, PREVIEW_ROWS = 215, 5
ASKED = ("no_mapping", "mapping_guessed")
"""Findings that the boxes for columns say better."""
UPLOAD, PATH, SYNTH, DERIVE = words.ADD_WAYS


def add() -> None:
    """The whole way; a running import hides it."""
    job = load.board().find(state.get(state.TRACES_JOB))
    if job is not None and not job.ended:
        progress.watch(job, "traces_cancel")
        return
    if job is not None and job.state is State.DONE:
        _stored(job.result)
        return
    if job is not None:
        progress.outcome(job, "")
    way = st.segmented_control(
        words.ADD_HOW, words.ADD_WAYS, default=UPLOAD, required=True, key="traces_way"
    )
    if way == SYNTH:
        _synthesize()
        return
    if way == DERIVE:
        wish = derive_trace.form()
        if wish is not None:
            planner = load.planner()
            _start(derive_words.MAKING, lambda _: wish.made(planner))
        return
    path = _uploaded() if way == UPLOAD else _typed()
    if path is not None:
        with problems.shown():
            _look_and_import(path)


def _uploaded() -> Path | None:
    """The upload, written once to a folder of its own."""
    file = st.file_uploader(words.ADD_UPLOAD_LABEL, key="traces_upload")
    if file is None:
        state.forget(state.TRACES_FILE)
        return None
    kept = state.get(state.TRACES_FILE)
    if kept is None or kept[0] != file.file_id:
        path = load.upload_folder() / Path(file.name).name
        with path.open("wb") as target:
            shutil.copyfileobj(file, target)
        state.put(state.TRACES_FILE, (file.file_id, str(path)))
        return path
    return Path(kept[1])


def _typed() -> Path | None:
    text = st.text_input(
        words.ADD_PATH_LABEL,
        key="traces_path",
        help=words.ADD_PATH_HELP,
        placeholder=words.ADD_PATH_EXAMPLE,
    )
    return Path(text).expanduser() if text and text.strip() else None


def _look_and_import(path: Path) -> None:
    seen = load.preview(path, None)
    mapping = column_mapping.editor(path, seen)
    if mapping is not None:
        seen = load.preview(path, mapping.text)
    st.caption(phrases.recognised(seen.format, seen.kind))
    st.dataframe(
        tables.preview(seen.head, seen.guessed),
        hide_index=True,
        height=PREVIEW_PX if len(seen.head) > PREVIEW_ROWS else "auto",
        alt=words.ADD_ROWS_ALT,
    )
    found = [finding for finding in seen.findings if finding.rule not in ASKED]
    if found:
        findings(found)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(words.ADD_NAME, key="traces_name", help=words.ADD_NAME_HELP)
        if st.button(
            words.ADD_IMPORT,
            type="primary",
            icon=":material/download:",
            key="traces_import",
            disabled=seen.kind is None,
        ):
            _submit(path, (name or "").strip() or None, mapping)


def _submit(path: Path, name: str | None, mapping: Mapping | None) -> None:
    planner = load.planner()
    uploaded = path.is_relative_to(load.uploads().name)

    def work(job: Job) -> Any:
        made = planner.import_path(
            path, name=name, mapping=mapping, progress=job.report, cancel=job.cancelled
        )
        if uploaded:  # it is in the store now
            shutil.rmtree(path.parent, ignore_errors=True)
        return made

    _start(phrases.importing(path.name), work)


def _start(title: str, work: Any) -> None:
    try:
        job = load.board().submit("import", title, work)
    except EngineError as error:
        problems.show(error)
        return
    state.put(state.TRACES_JOB, job.id)
    job.wait(0.2)
    st.rerun()


def _stored(made: Imported) -> None:
    """What the last import ended with, until another one is wanted."""
    st.success(
        phrases.imported(made.name, made.rows, made.existed), icon=":material/check_circle:"
    )
    if made.findings:
        findings(made.findings)
    with st.container(horizontal=True):
        st.button(
            words.ADD_ANOTHER, icon=":material/add:", key="traces_another", on_click=_another
        )
        st.button(
            words.LOOK_AT_IT,
            icon=":material/timeline:",
            key="traces_look",
            on_click=_look_at,
            args=(made.trace_id,),
        )
        if st.button(
            words.REPLAY_IT, type="primary", icon=":material/play_circle:", key="traces_go"
        ):
            state.go_to(state.REPLAY_PAGE, {state.TRACE: made.trace_id})


def _look_at(trace_id: str) -> None:
    st.query_params[state.TRACE] = trace_id
    state.put(state.TRACES_TAB, words.TRACES_STORED)
    _another()


def _another() -> None:
    state.forget(state.TRACES_JOB, state.TRACES_FILE, state.DERIVE_STEPS)


def _synthesize() -> None:
    kinds = load.planner().trace_kinds()
    kind = st.selectbox(
        words.SYNTH_KIND,
        list(kinds),
        format_func={name: words.SYNTH_KINDS.get(name, name) for name in kinds}.__getitem__,
        key="traces_kind",
    )
    st.caption(kinds[kind].description)
    with st.form("traces_synth", border=False):
        with st.grid(4, min_column_width=150, vertical_alignment="bottom"):
            hours = st.number_input(
                words.SYNTH_HOURS, min_value=0.01, value=2.0, key="traces_hours"
            )
            rate = st.number_input(words.SYNTH_RATE, min_value=0.001, value=4.0, key="traces_mean")
            seed = st.number_input(words.SYNTH_SEED, min_value=0, value=1, key="traces_seed")
            name = st.text_input(words.ADD_NAME, key="traces_synth_name")
        submitted = st.form_submit_button(
            words.SYNTH_GO, type="primary", icon=":material/auto_awesome:", key="traces_synth_go"
        )
    if submitted:
        planner = load.planner()
        _start(
            phrases.making(words.SYNTH_KINDS.get(kind, kind)),
            lambda _: planner.synthesize(
                kind,
                duration_s=3600 * hours,
                mean_rate_per_s=rate,
                seed=int(seed),
                name=(name or "").strip() or None,
            ),
        )
