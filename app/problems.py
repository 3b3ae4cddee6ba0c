"""Errors on screen: what is wrong, where, and how to fix it. Never a stack trace."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app import words
from engine.errors import EngineError

log = logging.getLogger(__name__)


def show(error: EngineError) -> None:
    """The panel for an error that an operator can act on."""
    st.error(
        f"**{words.WHERE}** {escaped(error.where)}\n\n**{words.FIX}** {escaped(error.fix)}.",
        title=sentence(escaped(error.what)),
        icon=":material/error:",
    )


@contextmanager
def shown() -> Iterator[None]:
    """Shows what goes wrong inside instead of raising it; a bug is logged and named as one."""
    try:
        yield
    except EngineError as error:
        show(error)
    except Exception:
        log.exception("a page failed")
        st.error(words.OUR_FAULT, title=words.OUR_FAULT_TITLE, icon=":material/error:")


def sentence(text: str) -> str:
    """With a capital at its beginning."""
    return text[:1].upper() + text[1:]


def escaped(text: str) -> str:
    """Names of files and columns as they are, not as Markdown."""
    for character in "\\`*_[]#$:<>~|":
        text = text.replace(character, f"\\{character}")
    return text
