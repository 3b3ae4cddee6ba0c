"""Synthetic agent sessions: closed loops of request, tool or human wait, next request.

All fits are ours, on the recorded sessions of a coding agent published as kv-cache-tester
(github.com/callanjfox/kv-cache-tester, Apache-2.0): 360 sessions, 24,108 requests. Published
quantiles of that set are p10 / p50 / p90: requests per session 6 / 41 / 169, input tokens
43,304 / 106,538 / 251,449, output tokens 107 / 215 / 881, wait before a request 4 / 10 / 162 s;
96.4 % of the input repeats the request before it.
"""

import math
from dataclasses import dataclass

import numpy as np

from engine.trace.schema import RequestTable, request_table
from engine.trace.streams import stream, whole_microseconds
from engine.trace.synth_rates import Diurnal, within
from engine.trace.synth_tokens import QuantileFit
from engine.units import SECONDS_PER_DAY, AnyArray, BoolArray, FloatArray, IntArray

REQUESTS = QuantileFit(
    shares=(0.1, 0.5, 0.9, 0.99), values=(6, 41, 169, 295), lowest=3, highest=561
)
"""Requests of a session."""
FIRST_INPUT = QuantileFit(
    shares=(0.1, 0.5, 0.7, 0.9, 0.99),
    values=(15_600, 24_700, 89_500, 230_000, 567_000),
    lowest=9_700,
    highest=790_000,
)
"""Input tokens of a session's first request: fresh ones start at tools and system prompt, a
third resumes older work."""
LENGTH_CORRELATION = -0.23
"""Between the normal scores of a session's requests and of its first input: resumed sessions
are shorter."""
NEW_INPUT = QuantileFit(
    shares=(0.1, 0.5, 0.9, 0.99), values=(10, 280, 2_780, 16_200), lowest=1, highest=400_000
)
"""Tokens that a tool or a human adds between a reply and the next request."""
OUTPUT = QuantileFit(
    shares=(0.1, 0.5, 0.9, 0.99), values=(107, 215, 881, 3_625), lowest=20, highest=16_700
)
"""Output tokens of a request."""
COMPACTED = QuantileFit(
    shares=(0.1, 0.5, 0.9), values=(20_600, 47_200, 129_000), lowest=11_000, highest=150_000
)
"""Input tokens after a session's context was compacted (158 cases)."""
LONGEST_WAIT_S = SECONDS_PER_DAY
"""Our choice: whoever stays away longer starts a new session."""
TOOL_WAIT_S = (3.0, 6.0, 2.0)
HUMAN_WAIT_S = (0.0, 135.0, 2.0)
"""Offset, median and σ of lognormal waits: x = offset + median · exp(σz). Recorded p50 / p90:
9 / 77 s before requests that bring a tool's result, 135 / 1,756 s before those that a human
wrote (12.1 %). Mixed as recorded they give p50 11 s and p90 162 s."""
SYSTEM_TOKENS = 14_272
"""Tools and system prompt: what survives a compaction or a lost cache, in whole blocks."""
BLOCK_TOKENS = 64
"""Caches match whole blocks of this many tokens in that set."""
CACHE_LOST_SHARE = 0.011
"""Share of requests that shared less than a fifth with the one before."""
LONG_WINDOW_FROM_TOKENS, LONG_WINDOW_TOKENS = 140_000, 900_000
"""Sessions that begin above the first figure ran on a long context window."""
NOMINAL_S = (1.4, 0.0153, 1.3e-5)
"""Least-squares duration of a request: seconds + per output token + per input token. Only
`arrival_s` uses it, as the recorded arrival; a replay has durations of its own."""

_SIZES, _STARTS, _TOKENS, _CONTEXT, _WAITS = 10, 11, 12, 13, 14  # purposes of the streams
_BATCH_SESSIONS = 20_000  # about 1.3 M requests at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSessions:
    """Sessions start at random, follow the day if asked to, and hold chains of requests."""

    peak_to_trough: float = 1.0
    """Daily swing of session starts; 1 is a Poisson process."""
    day_s: float = SECONDS_PER_DAY
    peak_at_s: float = 15 * 3600.0
    human_share: float = 0.121
    """Share of requests that wait for a human; the others wait for a tool."""
    context_limit_tokens: int = 155_000
    """Input length at which a session compacts its context."""
    warmup_s: float = 12 * 3600.0
    """Sessions that began this long before the trace are in it with their remaining requests;
    0 starts with an idle cluster."""

    def __post_init__(self) -> None:
        self.starts()
        within("human_share", self.human_share, 0, 1)
        within("context_limit_tokens", self.context_limit_tokens, 20_000, 10_000_000, "tokens")
        within("warmup_s", self.warmup_s, 0, 30 * SECONDS_PER_DAY, "seconds")

    def starts(self) -> Diurnal:
        """The shape of the rate at which sessions start."""
        return Diurnal(
            peak_to_trough=self.peak_to_trough, day_s=self.day_s, peak_at_s=self.peak_at_s
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chains:
    """Requests session by session, each session in order of its chain. (n,) each."""

    session: IntArray
    arrival_s: FloatArray
    think_s: FloatArray
    input_tokens: IntArray
    output_tokens: IntArray
    prefix_tokens: IntArray

    def __len__(self) -> int:
        return len(self.session)

    def only(self, kept: BoolArray) -> "_Chains":
        return _Chains(**{name: getattr(self, name)[kept] for name in _Chains.__slots__})


def session_requests(
    options: AgentSessions, *, duration_s: float, mean_rate_per_s: float, seed: int
) -> RequestTable:
    """A closed-loop trace of `duration_s` with at least duration × mean rate requests.

    Sessions are added until that number is reached, so the mean rate is met to within the
    requests of one session. What a session did before the trace, or would do after it, is cut.
    """
    wanted = max(1, math.ceil(duration_s * mean_rate_per_s))
    mean_requests = 67  # of a recorded session
    sessions = wanted / mean_requests * (1 + options.warmup_s / duration_s)
    size = min(_BATCH_SESSIONS, math.ceil(sessions / 4) + 8)
    parts: list[_Chains] = []
    while wanted > 0:
        batch = _batch(options, size, duration_s, seed, len(parts))
        ends = np.cumsum(np.bincount(batch.session, minlength=size))
        batch = batch.only(batch.session <= np.searchsorted(ends, wanted))
        wanted -= len(batch)
        parts.append(batch)
    return _table(parts)


def _batch(
    options: AgentSessions, size: int, duration_s: float, seed: int, number: int
) -> _Chains:
    """What `size` sessions ask for within the trace."""
    own, common = stream(seed, _SIZES, number).standard_normal((2, size))
    sizes = REQUESTS.at(common)
    mixed = LENGTH_CORRELATION * common + math.sqrt(1 - LENGTH_CORRELATION**2) * own
    session = np.repeat(np.arange(size), sizes)
    first = np.cumsum(sizes) - sizes
    rng = stream(seed, _TOKENS, number)
    output = OUTPUT.draw(len(session), rng)
    added = NEW_INPUT.draw(len(session), rng)
    context, prefix = _contexts(
        options, sizes, FIRST_INPUT.at(mixed), output, added, stream(seed, _CONTEXT, number)
    )
    think_s = _waits(options, first, len(session), stream(seed, _WAITS, number))
    start_s = _start_times(options, size, duration_s, stream(seed, _STARTS, number))
    base_s, per_output_s, per_input_s = NOMINAL_S
    step_s = think_s.copy()
    step_s[1:] += (base_s + per_output_s * output + per_input_s * context)[:-1]
    step_s[first] = 0.0
    running_s = np.cumsum(step_s)
    arrival_s = whole_microseconds(running_s + np.repeat(start_s - running_s[first], sizes))
    return _Chains(
        session=session,
        arrival_s=arrival_s,
        think_s=think_s,
        input_tokens=context,
        output_tokens=output,
        prefix_tokens=prefix,
    ).only((arrival_s >= 0) & (arrival_s < duration_s))


def _contexts(
    options: AgentSessions,
    sizes: IntArray,
    begin: IntArray,
    output: IntArray,
    added: IntArray,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    """Input and shared prefix of each request: a context grows by reply and new input.

    At the limit it is compacted, after which only tools and system prompt are shared.
    """
    first = np.cumsum(sizes) - sizes
    short = begin < LONG_WINDOW_FROM_TOKENS
    limit = np.where(short, options.context_limit_tokens, LONG_WINDOW_TOKENS)
    compacted = COMPACTED.draw(len(output), rng)
    lost = rng.random(len(output)) < CACHE_LOST_SHARE
    context = np.zeros(len(output), np.int64)
    prefix = np.zeros(len(output), np.int64)
    context[first] = np.minimum(begin, limit)
    longest_first = np.argsort(-sizes, kind="stable")
    still_open = len(sizes) - np.searchsorted(np.sort(sizes), np.arange(sizes.max()), "right")
    for position in range(1, len(still_open)):
        going = longest_first[: still_open[position]]
        at = first[going] + position
        grown = context[at - 1] + output[at - 1] + added[at]
        full = grown > limit[going]
        context[at] = np.where(full, np.minimum(compacted[at], limit[going]), grown)
        shared = np.where(full | lost[at], SYSTEM_TOKENS, context[at - 1])
        prefix[at] = np.minimum(shared, context[at - 1]) // BLOCK_TOKENS * BLOCK_TOKENS
    return context, np.minimum(prefix, context // BLOCK_TOKENS * BLOCK_TOKENS)


def _waits(
    options: AgentSessions, first: IntArray, size: int, rng: np.random.Generator
) -> FloatArray:
    """Seconds between a reply and the next request of its session, 0 before the first one."""
    human = rng.random(size) < options.human_share
    offset, median, sigma = np.where(human, np.array([HUMAN_WAIT_S]).T, np.array([TOOL_WAIT_S]).T)
    wait_s: FloatArray = offset + median * np.exp(sigma * rng.standard_normal(size))
    wait_s[first] = 0.0
    np.minimum(wait_s, LONGEST_WAIT_S, out=wait_s)
    return np.round(wait_s, 3)


def _start_times(
    options: AgentSessions, size: int, duration_s: float, rng: np.random.Generator
) -> FloatArray:
    """When sessions start, from `warmup_s` before the trace to its end."""
    span_s = options.warmup_s + duration_s
    edges_s = np.linspace(-options.warmup_s, duration_s, math.ceil(span_s / 60) + 1)
    middle_s = (edges_s[1:] + edges_s[:-1]) / 2
    rate = options.starts().rate(middle_s, duration_s, rng)
    passed = np.append(0.0, np.cumsum(rate))
    start_s: FloatArray = np.interp(rng.random(size) * passed[-1], passed, edges_s)
    return start_s


def _table(parts: list[_Chains]) -> RequestTable:
    """All chains in order of arrival, each request with the index of the one before it."""
    number = np.concatenate([np.full(len(part), batch) for batch, part in enumerate(parts)])
    columns: dict[str, AnyArray] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in _Chains.__slots__
    }
    session = columns["session"]
    follows = np.zeros(len(session), np.bool_)
    follows[1:] = (session[1:] == session[:-1]) & (number[1:] == number[:-1])
    order = np.argsort(columns["arrival_s"], kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    before = np.where(follows, np.append(-1, place[:-1]), -1)
    # Sessions are numbered in the order in which they appear in the trace.
    chain = (np.cumsum(~follows) - 1)[order]
    _, seen, chain = np.unique(chain, return_index=True, return_inverse=True)
    appearance = np.empty(len(seen), np.int64)
    appearance[np.argsort(seen)] = np.arange(len(seen))
    return request_table(
        columns["arrival_s"][order],
        input_tokens=columns["input_tokens"][order],
        output_tokens=columns["output_tokens"][order],
        session=appearance[chain],
        after=before[order],
        think_s=np.where(follows, columns["think_s"], 0.0)[order],
        prefix_tokens=columns["prefix_tokens"][order],
    )
