"""Synthetic traces: named kinds of demand, seeded, each with a recipe that makes it again.

Rates come from `synth_rates`, token lengths from `synth_tokens`, closed loops from
`synth_sessions`; here they are put together and their options are checked.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from engine.errors import ScenarioError, UsageError, did_you_mean
from engine.trace.sampler import MAX_REQUESTS, lognormal, place
from engine.trace.schema import RequestTable, request_table
from engine.trace.streams import MICROSECOND_S, stream
from engine.trace.synth_rates import Bursty, Diurnal, FlashCrowd, Growth, Shape, within
from engine.trace.synth_sessions import AgentSessions, session_requests
from engine.trace.synth_tokens import CHAT_INPUT, CHAT_OUTPUT
from engine.trace.writer import write
from engine.units import SECONDS_PER_DAY, FloatArray

__all__ = ["KINDS", "KindInfo", "Synthetic", "generate", "regenerate", "write"]

VERSION = 1
"""Of the generator. A change that gives other rows for the same recipe raises it."""
CELL_S = 1.0
"""The rate is constant for this long."""
MAX_DURATION_S = 366 * SECONDS_PER_DAY

_PATH, _BURSTS, _COUNTS, _PLACES, _INPUT, _OUTPUT, _SERVICE = range(7)  # random streams


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthetic:
    """A generated trace and how to generate it again."""

    table: RequestTable
    recipe: dict[str, Any]
    """JSON-able; `regenerate` turns it into the same table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindInfo:
    """What the command line and the pages say of a kind."""

    description: str
    defaults: Mapping[str, float | int | None]
    """Every option of the kind with its default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Options of all open-loop kinds: bursts within minutes, and what a request asks for."""

    burst_cv: float = 0.23
    """Standard deviation ÷ mean of a gamma factor on the rate; 0 is a Poisson process. The
    default gives variance ÷ mean of 3.9 in 10 s at 5.5 requests/s, as in the Azure LLM
    inference trace 2023 (conversation): 1 + 55·cv² = 3.9."""
    burst_s: float = 10.0
    """How long one factor holds."""
    service_mean_s: float | None = None
    """Mean service time, lognormal. None: requests carry token lengths of chat traffic."""
    service_cv: float = 1.0

    def __post_init__(self) -> None:
        within("burst_cv", self.burst_cv, 0, 10)
        within("burst_s", self.burst_s, 1, 30, "seconds")
        within("service_cv", self.service_cv, 0, 100)
        if self.service_mean_s is not None:
            within("service_mean_s", self.service_mean_s, MICROSECOND_S, 1e6, "seconds")


_SHAPES: MappingProxyType[str, tuple[type[Shape] | type[AgentSessions], str]] = MappingProxyType(
    {
        "diurnal": (Diurnal, "A daily wave: the peak is 5 times the trough."),
        "flash-crowd": (FlashCrowd, "Steady demand, and crowds of 10 times as much for minutes."),
        "growth": (Growth, "Demand that grows steadily to 4 times its start."),
        "bursty": (Bursty, "Four states from calm to hot that change every 1 to 8 minutes."),
        "agent-sessions": (
            AgentSessions,
            "Coding agents in a closed loop: a request waits for the last one and for a tool.",
        ),
    }
)


def _defaults(shape: type[Shape] | type[AgentSessions]) -> dict[str, float | int | None]:
    return asdict(shape()) | ({} if shape is AgentSessions else asdict(Load()))


KINDS: Mapping[str, KindInfo] = MappingProxyType(
    {
        name: KindInfo(description=text, defaults=MappingProxyType(_defaults(shape)))
        for name, (shape, text) in _SHAPES.items()
    }
)


def generate(
    kind: str, *, duration_s: float, mean_rate_per_s: float, seed: int, **options: Any
) -> Synthetic:
    """A trace of this kind; the same arguments give the same bytes.

    Args:
        kind: one of `KINDS`.
        duration_s: length of the trace.
        mean_rate_per_s: mean over the whole trace, crowds and bursts included.
        seed: 0 or more.
        options: of the kind, see `KINDS`; text such as "2.5" or "none" is understood.

    Raises:
        UsageError: an unknown kind or option, or an option that is not a number.
        ScenarioError: a value out of range.
    """
    if kind not in _SHAPES:
        raise UsageError(f"{kind!r} is no kind of trace", "kind", did_you_mean(kind, _SHAPES))
    shape_type = _SHAPES[kind][0]
    given = _parsed(kind, options)
    shape = _of(shape_type, given)
    _check_size(duration_s, mean_rate_per_s)
    if isinstance(shape, AgentSessions):
        used = asdict(shape)
        table = session_requests(
            shape, duration_s=duration_s, mean_rate_per_s=mean_rate_per_s, seed=seed
        )
    else:
        load = _of(Load, given)
        used = asdict(shape) | asdict(load)
        table = _open_loop(shape, load, duration_s, mean_rate_per_s, seed)
    recipe = {
        "generator": "smartscale synth",
        "version": VERSION,
        "kind": kind,
        "duration_s": float(duration_s),
        "mean_rate_per_s": float(mean_rate_per_s),
        "seed": int(seed),
        "options": used,
    }
    return Synthetic(table=table, recipe=recipe)


def regenerate(recipe: Mapping[str, Any]) -> RequestTable:
    """The table that a recipe stands for.

    Raises:
        UsageError: not a recipe of this generator, or its options are not known here.
        ScenarioError: a value out of range.
    """
    missing = {"version", "kind", "duration_s", "mean_rate_per_s", "seed", "options"} - set(recipe)
    if missing or recipe["version"] != VERSION:
        raise UsageError(
            f"the recipe lacks {', '.join(sorted(missing))}"
            if missing
            else f"the recipe is of version {recipe['version']}, this generator is {VERSION}",
            "recipe",
            "Use a recipe that this version of smartscale synth wrote",
        )
    return generate(
        str(recipe["kind"]),
        duration_s=recipe["duration_s"],
        mean_rate_per_s=recipe["mean_rate_per_s"],
        seed=recipe["seed"],
        **recipe["options"],
    ).table


def _open_loop(
    shape: Shape, load: Load, duration_s: float, mean_rate_per_s: float, seed: int
) -> RequestTable:
    """Poisson arrivals at the shape's rate, times a gamma factor for each burst."""
    start_s = np.arange(0.0, duration_s, CELL_S)
    width_s = np.minimum(CELL_S, duration_s - start_s)
    rate = shape.rate(start_s + width_s / 2, duration_s, stream(seed, _PATH))
    expected = rate * width_s
    expected *= mean_rate_per_s * duration_s / expected.sum()
    if load.burst_cv > 0:
        bursts = math.ceil(duration_s / load.burst_s) + 1
        alpha = load.burst_cv**-2
        factor = stream(seed, _BURSTS).standard_gamma(alpha, bursts) / alpha
        expected *= factor[(start_s // load.burst_s).astype(np.int64)]
    counts = stream(seed, _COUNTS).poisson(expected)
    return _requests(place(counts, start_s, width_s, stream(seed, _PLACES)), load, seed)


def _requests(arrival_s: FloatArray, load: Load, seed: int) -> RequestTable:
    size = len(arrival_s)
    if load.service_mean_s is not None:
        rng = stream(seed, _SERVICE)
        service_s = lognormal(load.service_mean_s, load.service_cv, size, rng)
        return request_table(arrival_s, service_s=service_s)
    return request_table(
        arrival_s,
        input_tokens=CHAT_INPUT.draw(size, stream(seed, _INPUT)),
        output_tokens=CHAT_OUTPUT.draw(size, stream(seed, _OUTPUT)),
    )


_Options = TypeVar("_Options")


def _of(wanted: type[_Options], given: Mapping[str, Any]) -> _Options:
    """An options object from those of the given values that it has fields for."""
    names = {field.name for field in fields(wanted)}  # type: ignore[arg-type]
    return wanted(**{name: value for name, value in given.items() if name in names})


def _parsed(kind: str, options: Mapping[str, Any]) -> dict[str, float | int | None]:
    """Options under their own names, as numbers."""
    defaults = KINDS[kind].defaults
    return {
        name.replace("-", "_"): _number(kind, name.replace("-", "_"), value, defaults)
        for name, value in options.items()
    }


def _number(
    kind: str, name: str, value: Any, defaults: Mapping[str, float | int | None]
) -> float | int | None:
    if name not in defaults:
        raise UsageError(
            f"{kind} has no option {name!r}", f"options of {kind}", did_you_mean(name, defaults)
        )
    default = defaults[name]
    if default is None and (value is None or str(value).lower() == "none"):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number) or (isinstance(default, int) and number % 1 != 0):
        raise UsageError(
            f"{name} is {value!r}", f"options of {kind}",
            f"Use a {'whole ' if isinstance(default, int) else ''}number, such as {default or 1}",
        )  # fmt: skip
    return int(number) if isinstance(default, int) else number


def _check_size(duration_s: float, mean_rate_per_s: float) -> None:
    if not 0 < duration_s <= MAX_DURATION_S:
        raise ScenarioError(
            f"the duration is {duration_s:g} s", "duration_s",
            f"Use more than 0 and at most {MAX_DURATION_S:g} seconds (366 days)",
        )  # fmt: skip
    if not 0 < mean_rate_per_s < math.inf:
        raise ScenarioError(
            f"the mean rate is {mean_rate_per_s:g} requests/s", "mean_rate_per_s",
            "Use a rate above 0, such as 2.0",
        )  # fmt: skip
    if duration_s * mean_rate_per_s > MAX_REQUESTS:
        raise ScenarioError(
            f"{duration_s * mean_rate_per_s:,.0f} requests were asked for, more than "
            f"{MAX_REQUESTS:,}",
            "duration_s × mean_rate_per_s",
            f"Use at most {MAX_REQUESTS / duration_s:.3g} requests/s, or a shorter trace",
        )
