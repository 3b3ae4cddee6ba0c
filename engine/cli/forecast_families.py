"""Families of traces, as they are typed: NAME=TRACE,TRACE."""

from collections.abc import Callable, Sequence

from engine.errors import UsageError

_OPTION = "--family"


def families_of(
    given: Sequence[str], known: Sequence[str], name_of: Callable[[str], str]
) -> dict[str, list[str]]:
    """Names of traces by that of their family.

    Args:
        given: such as "ServeGen=m-small,m-large".
        known: names of the traces that are evaluated.
        name_of: a trace by its id, the beginning of it, or its name.

    Raises:
        UsageError: not of this form; a trace that is not evaluated, or is of two families.
        TraceError: no such trace.
    """
    found: dict[str, list[str]] = {}
    taken: dict[str, str] = {}
    for text in given:
        family, traces = _parts(text)
        for trace in map(name_of, traces):
            if trace not in known:
                raise UsageError(
                    f"trace {trace!r} of family {family!r} is not evaluated", _OPTION,
                    f"Add --trace {trace}, or leave it out of the family",
                )  # fmt: skip
            if taken.setdefault(trace, family) != family:
                raise UsageError(
                    f"trace {trace!r} is of family {taken[trace]!r} and of {family!r}", _OPTION,
                    "Name it in one of them",
                )  # fmt: skip
            found.setdefault(family, []).append(trace)
    return {family: list(dict.fromkeys(traces)) for family, traces in found.items()}


def _parts(text: str) -> tuple[str, list[str]]:
    family, _, rest = text.partition("=")
    traces = [trace.strip() for trace in rest.split(",") if trace.strip()]
    if not family.strip() or not traces:
        raise UsageError(
            f"{text!r} names no family", _OPTION, f"Write it as {_OPTION} ServeGen=m-small,m-large"
        )
    return family.strip(), traces
