"""ServeGen client windows: recognised here, expanded by `engine.trace.servegen`."""

from dataclasses import replace

from engine.errors import TraceError
from engine.trace.head import Head, normal
from engine.trace.options import ImportOptions
from engine.trace.plan import Cast, Plan, Shape, TimeUnit
from engine.trace.readers.base import Column, Reader, note
from engine.trace.schema import Kind

__all__ = ["SERVEGEN", "refuse_companion"]

_TOKEN_COLUMNS = {"client_id", "start_s", "field", "value", "prob"}


def refuse_companion(head: Head) -> None:
    """Raises where somebody names the token distributions instead of the windows.

    Raises:
        TraceError: it is that file.
    """
    if set(map(normal, head.columns)) == _TOKEN_COLUMNS:
        raise TraceError(
            "this file holds ServeGen's token distributions, not its load",
            head.name,
            "Import the …_traces file; the distributions beside it are found by name",
        )


def _with_span(head: Head, plan: Plan, options: ImportOptions) -> Plan:
    recipe = {
        "expansion": "servegen",
        "from_s": options.from_s,
        "to_s": options.to_s,
        "scale": options.scale,
        "seed": options.seed,
    }
    drawn = note(
        "requests_drawn",
        f"requests were drawn from the client windows {options.from_s:g} s to {options.to_s:g} s, "
        f"rates × {options.scale:g}, seed {options.seed}",
        head.name,
        "Choose another span, scale or seed in the import options",
    )
    return replace(plan, recipe=recipe, findings=(*plan.findings, drawn))


SERVEGEN = Reader(
    format="servegen",
    title="ServeGen client windows",
    kind=Kind.REQUESTS,
    time_unit=TimeUnit.S,
    shape=Shape.WINDOWS,
    columns=(
        Column(role="tenant", names=("client_id",), cast=Cast.TEXT),
        Column(role="arrival", names=("start_s",), cast=Cast.TIME),
        Column(role="rate", names=("rate_rps",), cast=Cast.NUMBER),
        Column(role="pattern", names=("arrival_pattern",), cast=Cast.TEXT),
    ),
    also=frozenset({"iat_cv", "shape", "scale"}),
    adapt=_with_span,
)
