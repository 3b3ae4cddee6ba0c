"""The formats that are understood by themselves, in the order in which they are tried."""

from engine.errors import UsageError, did_you_mean
from engine.trace.head import Head
from engine.trace.mapping import Mapping
from engine.trace.options import ImportOptions
from engine.trace.plan import Plan
from engine.trace.readers.base import Reader, make_plan
from engine.trace.readers.generic import FORMAT as GENERIC
from engine.trace.readers.generic import plan_generic
from engine.trace.readers.llm import AZURE_LLM, BURSTGPT, MOONCAKE

__all__ = ["AUTO", "READERS", "detect", "plan_import"]

AUTO = "auto"
READERS: tuple[Reader, ...] = (AZURE_LLM, BURSTGPT, MOONCAKE)


def detect(head: Head) -> str:
    """Name of the format that the columns and cells show, `generic` where none fits."""
    return next((reader.format for reader in READERS if reader.recognises(head)), GENERIC)


def plan_import(
    head: Head,
    format: str,  # noqa: A002
    mapping: Mapping | None,
    options: ImportOptions,
) -> Plan:
    """How to read the file.

    Args:
        head: its beginning.
        format: a name, or `auto`. With a mapping, `auto` means `generic`.
        mapping: columns by role; overrides single columns of a known format.
        options: choices the file leaves open.

    Raises:
        UsageError: an unknown format.
        TraceError: a column that the format needs is missing.
    """
    names = [reader.format for reader in READERS]
    if format not in (AUTO, GENERIC, *names):
        raise UsageError(
            f"no format is called {format!r}",
            "format",
            did_you_mean(format, [AUTO, GENERIC, *names]),
        )
    if format == AUTO:
        format = GENERIC if mapping else detect(head)  # noqa: A001
    if format == GENERIC:
        return plan_generic(head, mapping, options)
    return make_plan(READERS[names.index(format)], head, mapping, options)
