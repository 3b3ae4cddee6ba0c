"""A part of the scenario as a table of inputs; what is wrong stands beside its input."""

from typing import Any

import streamlit as st

from app import cluster_draft, cluster_words, phrases, problems, state
from app.cluster_fields import Field, Part, Type
from app.parts import cluster_state
from app.parts.cluster_state import INPUT

WIDE_PX, CARD_PX = 250, 155
FEW = 3
"""So many columns of entries leave the rest of the page empty instead of growing wide."""
TRACK_PX, ROOMY_PX = 60, 120
FEW_TRACKS = 6
NAME_TRACKS = 2


def table(plain: dict[str, Any], part: Part) -> None:
    """Heading, inputs and buttons of one part.

    Args:
        plain: the last good scenario.
        part: what to show of it.
    """
    with st.container(border=True):
        st.markdown(f"**{part.title}**", help=part.help)
        if part.switch and not _switched_on(plain, part):
            return
        paths = cluster_draft.entries(plain, part)
        if not part.many:
            _card(plain, part, paths[0])
            return
        if not paths:
            st.caption(f"{cluster_words.NONE_YET} {part.help}")
        elif part.entries_down:
            _entries_down(plain, part, paths)
        elif len(paths) == 1:
            _card(plain, part, paths[0])
        else:
            _fields_down(plain, part, paths)
        _buttons(plain, part, paths)


def _switched_on(plain: dict[str, Any], part: Part) -> bool:
    key = f"cluster_switch_{part.key}"
    there = cluster_draft.value_at(plain, part.key) is not None
    state.put(key, there)
    on = st.toggle(
        part.switch,
        key=key,
        help=part.help,
        on_change=cluster_state.switch,
        args=(part, key),
    )
    return there and bool(on)  # a click that is still on its way finds nothing to show yet


def _card(plain: dict[str, Any], part: Part, entry: str) -> None:
    """Inputs below their labels, beside one another: for an entry that is alone."""
    with st.grid("auto", min_column_width=CARD_PX, vertical_alignment="bottom") as grid:
        for field in part.fields:
            if field.group:
                with grid.cell(column_span="all"):
                    st.caption(f"**{field.group}**")
            with grid.cell():
                _input(plain, _path(entry, field), field.title, visible=True)
            _problems(grid, [_path(entry, field)])


def _fields_down(plain: dict[str, Any], part: Part, entries: list[str]) -> None:
    """Fields are rows, entries columns: for entries with many fields."""
    width = WIDE_PX * (1 + len(entries))
    with st.grid(
        1 + len(entries),
        wrap=False,
        min_column_width=190,
        gap=(6, 12),
        vertical_alignment="center",
        width=width if len(entries) <= FEW else "stretch",
    ) as grid:
        for field in part.fields:
            if field.group:
                with grid.cell(column_span="all"):
                    st.caption(f"**{field.group}**")
            st.markdown(field.title, help=field.help)
            for entry in entries:
                with grid.cell():
                    owner = _owner(plain, part, entry)
                    _input(plain, _path(entry, field), cluster_words.labelled(field.label, owner))
                    _problem(_path(entry, field))


def _entries_down(plain: dict[str, Any], part: Part, entries: list[str]) -> None:
    """Entries are rows, fields columns: for many entries with few fields."""
    nested = ".*." in part.key
    tracks = sum(_span(field) for field in part.fields) + NAME_TRACKS * nested
    with st.grid(
        tracks,
        wrap=False,
        min_column_width=TRACK_PX,
        gap=(6, 8),
        vertical_alignment="bottom",
        width=ROOMY_PX * tracks if tracks <= FEW_TRACKS else "stretch",
    ) as grid:
        if nested:
            with grid.cell(column_span=NAME_TRACKS):
                st.caption(cluster_words.AGENT_TYPE)
        for field in part.fields:
            with grid.cell(column_span=_span(field)):
                st.caption(phrases.escaped(field.title), help=field.help)
        for entry in entries:
            if nested:
                kind = cluster_draft.value_at(plain, ".".join(entry.split(".")[:2]))
                with grid.cell(column_span=NAME_TRACKS):
                    st.markdown(phrases.escaped(kind["name"]))
            _row(grid, plain, part, entry)


def _row(grid: Any, plain: dict[str, Any], part: Part, entry: str) -> None:
    """Inputs of one entry, and below them what is wrong with them."""
    owner = _owner(plain, part, entry)
    for field in part.fields:
        with grid.cell(column_span=_span(field)):
            _input(plain, _path(entry, field), cluster_words.labelled(field.label, owner))
    _problems(grid, [_path(entry, field) for field in part.fields])


def _problems(grid: Any, paths: list[str]) -> None:
    """What is wrong with the inputs of one entry, each in a row of its own below them."""
    for path in paths:
        if cluster_state.problem(path) is not None:
            with grid.cell(column_span="all"):
                _problem(path)


def _span(field: Field) -> int:
    """How many tracks of the grid a field takes: names need more room than numbers."""
    return 1 if field.type in (Type.NUMBER, Type.WHOLE) else NAME_TRACKS


def _path(entry: str, field: Field) -> str:
    return f"{entry}.{field.path}".lstrip(".")


def _owner(plain: dict[str, Any], part: Part, entry: str) -> str:
    return cluster_draft.title_of(plain, entry, part)


def _input(plain: dict[str, Any], path: str, label: str, *, visible: bool = False) -> None:
    """The input of one value, checked when it changes."""
    _, field = cluster_draft.spec(path)
    key = INPUT + path
    if cluster_state.must_tell(key):
        state.put(key, cluster_state.given(plain, path))
    entry = cluster_draft.entry_of(path)
    owner = cluster_draft.value_at(plain, entry) if entry else plain
    shared: dict[str, Any] = {
        "key": key,
        "help": field.help,
        "label_visibility": "visible" if visible else "collapsed",
        "disabled": field.used is not None and not field.used(owner),
        "on_change": cluster_state.typed,
        "args": (path,),
    }
    if field.type is Type.FLAG:
        st.checkbox(label, **shared)
    elif field.type is Type.NAMES:
        options = cluster_draft.options(plain, path)
        st.multiselect(label, options, placeholder=field.empty, **shared)
    elif field.type in (Type.CHOICE, Type.NAME):
        names = _choices(plain, path, field, key)
        st.selectbox(label, list(names), format_func=names.__getitem__, **shared)
    else:
        st.text_input(label, placeholder=field.empty if field.optional else None, **shared)


def _choices(plain: dict[str, Any], path: str, field: Field, key: str) -> dict[str, str]:
    known = field.choices or cluster_draft.options(plain, path)
    names = {name: name or field.empty or "" for name in known}
    chosen = state.get(key)
    return names if chosen is None or chosen in names else {**names, chosen: chosen}


def _problem(path: str) -> None:
    error = cluster_state.problem(path)
    if error is not None:
        problems.show(error)


def _buttons(plain: dict[str, Any], part: Part, entries: list[str]) -> None:
    """To add an entry, for each owner where they lie in others, and to remove one."""
    owners = plain["agent_types"] if ".*." in part.key else [None]
    with st.container(horizontal=True):
        for number, owner in enumerate(owners):
            to = f" to {owner['name']}" if owner is not None and len(owners) > 1 else ""
            path = part.key.replace("*", str(number))
            st.button(
                phrases.escaped(cluster_words.add(part.noun) + to),
                key=f"cluster_add_{path}",
                icon=":material/add:",
                on_click=cluster_state.add,
                args=(part, number),
            )
        if len(entries) > part.least:
            with st.popover(
                cluster_words.REMOVE, icon=":material/delete:", help=cluster_words.REMOVE_HELP
            ):
                _removals(plain, part, entries)
    for path in (*(part.key.replace("*", str(number)) for number in range(len(owners))), *entries):
        _problem(path)


def _removals(plain: dict[str, Any], part: Part, entries: list[str]) -> None:
    for entry in entries:
        name = cluster_draft.value_at(plain, entry).get("name") or _owner(plain, part, entry)
        st.button(
            phrases.escaped(cluster_words.remove(name)),
            key=f"cluster_remove_{entry}",
            type="tertiary",
            on_click=cluster_state.remove,
            args=(entry,),
        )
