"""Closed-loop traces: recorded agent sessions, and the canonical tables we write ourselves."""

from dataclasses import replace

from engine.trace.head import Head, normal
from engine.trace.options import ImportOptions
from engine.trace.plan import Cast, Plan, Shape, TimeUnit
from engine.trace.readers.base import Column, Reader
from engine.trace.schema import Finding, Kind, Severity

__all__ = ["AGENT_SESSIONS", "CANONICAL"]

BLOCK_TOKENS = 64
"""Tokens of one prefix block of the agent sessions (their README and `block_size`)."""


def _with_arrivals(head: Head, plan: Plan, options: ImportOptions) -> Plan:
    """Session starts are not recorded: say how they will be drawn."""
    recipe = {
        "session_arrivals": "poisson",
        "sessions_per_hour": options.sessions_per_hour,
        "seed": options.seed,
    }
    drawn = Finding(
        rule="session_arrivals_drawn",
        severity=Severity.NOTE,
        what="the file gives times within sessions only; their starts are drawn from a Poisson "
        f"process of {options.sessions_per_hour:g} sessions/h, seed {options.seed}",
        where=f"{head.name}, column 't_s'",
        fix="Choose another rate or seed in the import options",
    )
    return replace(plan, recipe=recipe, findings=(*plan.findings, drawn))


AGENT_SESSIONS = Reader(
    format="agent_sessions",
    title="Agent sessions (table of requests)",
    kind=Kind.SESSIONS,
    time_unit=TimeUnit.S,
    shape=Shape.CHAINS,
    columns=(
        Column(role="session", names=("session_id",), cast=Cast.TEXT),
        Column(role="depth", names=("depth",), cast=Cast.INTEGER),
        Column(role="subagent", names=("subagent_id",), cast=Cast.TEXT, required=False),
        Column(role="position", names=("seq",), cast=Cast.INTEGER),
        Column(role="arrival", names=("t_s",), cast=Cast.TIME),
        Column(role="agent_type", names=("model",), cast=Cast.TEXT, required=False),
        Column(role="input_tokens", names=("input_tokens",), cast=Cast.INTEGER),
        Column(role="output_tokens", names=("output_tokens",), cast=Cast.INTEGER),
        Column(role="service", names=("api_time_s",), cast=Cast.NUMBER),
        Column(
            role="prefix_tokens",
            names=("prefix_blocks_reused",),
            cast=Cast.INTEGER,
            required=False,
            scale=BLOCK_TOKENS,
        ),
    ),
    also=frozenset(
        {
            "t_raw_s", "type", "n_blocks", "ttft_s", "think_time_s", "stop", "input_types",
            "output_types",
        }
    ),
    adapt=_with_arrivals,
)  # fmt: skip


def _is_canonical(head: Head) -> bool:
    names = {normal(name) for name in head.columns}
    return head.has_header and "arrival_s" in names and names <= _CANONICAL_NAMES


CANONICAL = Reader(
    format="smartscale",
    title="Requests as SmartScale writes them",
    kind=Kind.REQUESTS,
    time_unit=TimeUnit.S,
    keeps_zero=True,
    columns=(
        Column(role="arrival", names=("arrival_s",), cast=Cast.TIME),
        *(
            Column(role=role, names=(name,), cast=cast, required=False)
            for role, name, cast in (
                ("input_tokens", "input_tokens", Cast.INTEGER),
                ("output_tokens", "output_tokens", Cast.INTEGER),
                ("service", "service_s", Cast.NUMBER),
                ("agent_type", "agent_type", Cast.TEXT),
                ("tenant", "tenant", Cast.TEXT),
                ("session", "session", Cast.INTEGER),
                ("after_seq", "after_seq", Cast.INTEGER),
                ("think", "think_s", Cast.NUMBER),
                ("prefix_tokens", "prefix_tokens", Cast.INTEGER),
            )
        ),
    ),
    fits=_is_canonical,
)
_CANONICAL_NAMES = {column.names[0] for column in CANONICAL.columns}
