"""Errors on screen: what is wrong, where, and how to fix it. Never a stack trace."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec

import streamlit as st

from app import phrases, words
from engine.errors import EngineError

log = logging.getLogger(__name__)
P = ParamSpec("P")


def show(error: EngineError) -> None:
    """The panel for an error that an operator can act on."""
    where, fix = phrases.escaped(error.where), phrases.escaped(error.fix)
    st.error(
        f"**{words.WHERE}** {where}\n\n**{words.FIX}** {fix}.",
        title=phrases.sentence(phrases.escaped(error.what)),
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


def guarded(piece: Callable[P, None]) -> Callable[P, None]:
    """A piece of a page that shows its own problems: a fragment reruns without the frame."""

    @wraps(piece)
    def inner(*args: P.args, **kwargs: P.kwargs) -> None:
        with shown():
            piece(*args, **kwargs)

    return inner
