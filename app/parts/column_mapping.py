"""Which column is what: guessed, shown, corrected in the page."""

from pathlib import Path

import streamlit as st

from app import problems, words
from engine.errors import EngineError
from engine.planner import Preview
from engine.trace.mapping import Mapping
from engine.trace.plan import TimeUnit
from engine.trace.roles import ROLES
from engine.trace.schema import Kind


def editor(path: Path, seen: Preview) -> Mapping | None:
    """A box per canonical column; None while the reader's own choice stands.

    Args:
        path: of the file; its boxes are its own.
        seen: the file as read without a mapping.
    """
    if seen.format == words.GENERIC:
        with st.container(border=True):
            st.markdown(f"**{words.ADD_MAP}**")
            st.caption(words.ADD_MAP_NEEDED if seen.kind is None else words.ADD_MAP_HELP)
            mapping = _boxes(path, seen)
        return None if mapping == seen.guessed else mapping
    with st.expander(words.ADD_MAP, icon=":material/view_column:"):
        corrected = st.toggle(words.ADD_MAP_ON, key=f"traces_map_{path}")
        return _boxes(path, seen) if corrected else None


def _boxes(path: Path, seen: Preview) -> Mapping | None:
    guessed = seen.guessed
    kinds = list(Kind)
    kind = st.segmented_control(
        words.KIND,
        kinds,
        default=guessed.kind if guessed else Kind.REQUESTS,
        required=True,
        format_func=words.KINDS.__getitem__,
        key=f"traces_map_kind_{path}",
    )
    used = dict(guessed.columns) if guessed else {}
    shown = {"": words.NOT_IN_FILE}
    shown |= {name: f"{name} ({kind})" for name, kind in seen.columns}
    options = list(shown)
    units: dict[TimeUnit | None, str] = {
        None: words.GUESS,
        **{unit: words.TIME_UNITS[unit.value] for unit in TimeUnit},
    }
    columns: list[tuple[str, str]] = []
    with st.grid(4, min_column_width=170):
        for role in (role for role in ROLES.values() if kind in role.kinds):
            given = used.get(role.name, "")
            chosen = st.selectbox(
                words.ROLES.get(role.name, role.name),
                options,
                index=options.index(given) if given in options else 0,
                format_func=shown.__getitem__,
                key=f"traces_map_{kind}_{role.name}_{path}",
            )
            if chosen:
                columns.append((role.name, chosen))
        unit = st.selectbox(
            words.TIME_UNIT,
            [None, *TimeUnit],
            index=[None, *TimeUnit].index(guessed.unit if guessed else None),
            format_func=units.__getitem__,
            key=f"traces_map_unit_{path}",
        )
    return _checked(Mapping(columns=tuple(columns), kind=kind, unit=unit))


def _checked(mapping: Mapping) -> Mapping | None:
    """The mapping if it makes sense by itself; what is missing is shown."""
    try:
        return Mapping.parse(mapping.text)
    except EngineError as error:
        problems.show(error)
        return None
