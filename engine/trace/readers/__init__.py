"""The formats that are understood by themselves, in the order in which they are tried."""

from engine.errors import UsageError, did_you_mean
from engine.trace.head import Head
from engine.trace.mapping import Mapping
from engine.trace.options import ImportOptions
from engine.trace.plan import Plan
from engine.trace.readers.base import Reader, make_plan
from engine.trace.readers.generic import FORMAT as GENERIC
from engine.trace.readers.generic import plan_generic
from engine.trace.readers.grid import CARBON_EIA, CARBON_EMAPS
from engine.trace.readers.llm import AZURE_LLM, BURSTGPT, MOONCAKE
from engine.trace.readers.prices import GCP_PRICES
from engine.trace.readers.series import (
    ALIBABA,
    AZURE_VM_CPU,
    BITBRAINS,
    BITBRAINS_PARQUET,
    COUNTS,
    GOOGLE_2011,
    NAB,
)
from engine.trace.readers.sessions import AGENT_SESSIONS, CANONICAL
from engine.trace.readers.windows import SERVEGEN, refuse_companion

__all__ = ["AUTO", "GENERIC", "READERS", "detect", "plan_import"]

AUTO = "auto"
READERS: tuple[Reader, ...] = (
    CANONICAL, AZURE_LLM, BURSTGPT, MOONCAKE, AGENT_SESSIONS, SERVEGEN,
    CARBON_EIA, CARBON_EMAPS, GCP_PRICES,
    BITBRAINS, BITBRAINS_PARQUET, NAB, COUNTS, ALIBABA, GOOGLE_2011, AZURE_VM_CPU,
)  # fmt: skip


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
        format: a name, or `auto`: what the columns show, unless a complete mapping is given.
        mapping: columns by role. Without a time it overrides single columns of the format.
        options: choices the file leaves open.

    Raises:
        UsageError: an unknown format, or a mapping for another kind of trace.
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
        format = GENERIC if mapping and mapping.is_complete else detect(head)  # noqa: A001
    refuse_companion(head)
    if format == GENERIC:
        return plan_generic(head, mapping, options)
    return make_plan(READERS[names.index(format)], head, mapping, options)
