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
    needed = seen.kind is None
    with st.expander(words.ADD_MAP, expanded=needed, icon=":material/view_column:"):
        changed = needed or st.toggle(words.ADD_MAP_ON, key=f"traces_map_{path}")
        st.caption(words.ADD_MAP_NEEDED if needed else words.ADD_MAP_HELP)
        if not changed:
            return None
        return _boxes(path, seen)


def _boxes(path: Path, seen: Preview) -> Mapping | None:
    guessed = seen.guessed
    kinds = list(Kind)
    kind = st.segmented_control(
        words.KIND,
        kinds,
        default=guessed.kind if guessed else Kind.REQUESTS,
        required=True,
        format_func=lambda kind: words.KINDS[kind.value],
        key=f"traces_map_kind_{path}",
    )
    used = dict(guessed.columns) if guessed else {}
    names = [name for name, _ in seen.columns]
    types = dict(seen.columns)
    columns: list[tuple[str, str]] = []
    with st.grid(4, min_column_width=170):
        for role in (role for role in ROLES.values() if kind in role.kinds):
            options = ["", *names]
            given = used.get(role.name, "")
            chosen = st.selectbox(
                words.ROLES.get(role.name, role.name),
                options,
                index=options.index(given) if given in options else 0,
                format_func=lambda name: f"{name} ({types[name]})" if name else words.NOT_IN_FILE,
                key=f"traces_map_{kind}_{role.name}_{path}",
            )
            if chosen:
                columns.append((role.name, chosen))
        unit = st.selectbox(
            words.TIME_UNIT,
            [None, *TimeUnit],
            index=[None, *TimeUnit].index(guessed.unit if guessed else None),
            format_func=lambda unit: words.TIME_UNITS[unit.value] if unit else words.GUESS,
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
