"""What each parameter of a policy means, from the docstring of what makes it: the one source."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

_ARGS = re.compile(r"^Args:\n((?:[ ]+.*\n?|\n)*)", re.MULTILINE)
_ENTRY = re.compile(r"^    (\w+): *((?:.*)(?:\n     +.*)*)", re.MULTILINE)


def meanings(factory: Callable[..., Any]) -> Mapping[str, str]:
    """By parameter its meaning, unit and range in one line; those that are described.

    Args:
        factory: a class, whose `__init__` has a docstring in Google style, or a function with one.
    """
    maker = factory.__init__ if inspect.isclass(factory) else factory
    section = _ARGS.search(inspect.getdoc(maker) or "")
    entries = _ENTRY.findall(section.group(1)) if section else []
    return {name: " ".join(text.split()) for name, text in entries}
