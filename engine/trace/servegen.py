"""Client windows of ServeGen become requests: arrival pattern and token lengths by client.

`engine.trace.servegen_files` parses the two files. A trace of this format holds up to a
thousand million requests, so cut a span or scale the load down.
"""

import math
from dataclasses import dataclass

import numpy as np

from engine.errors import ScenarioError
from engine.trace.schema import RequestTable, request_table
from engine.trace.servegen_files import (
    IDLE,
    WEIBULL,
    ClientWindows,
    TokenPdfs,
    read_token_pdfs,
    read_windows,
    token_pdfs_beside,
)
from engine.trace.streams import MICROSECOND_S, stream, whole_microseconds
from engine.units import AnyArray, FloatArray, Int32Array, IntArray

__all__ = [
    "ClientWindows", "TokenPdfs", "expand", "read_token_pdfs", "read_windows",
    "token_pdfs_beside",
]  # fmt: skip

MAX_REQUESTS = 20_000_000
"""Rows of one expansion unless more are asked for: about 1 GB as a `RequestTable`."""
_COUNTS, _GAPS, _TOKENS = 0, 1, 2  # purposes of the random streams


def expand(
    windows: ClientWindows,
    token_pdfs: TokenPdfs | None,
    *,
    seed: int,
    from_s: float = 0.0,
    to_s: float = math.inf,
    scale: float = 1.0,
    max_requests: int = MAX_REQUESTS,
) -> RequestTable:
    """Requests of a span, with the client as tenant.

    Each window holds exactly the requests counted in it (rate × length): gaps are drawn from
    the window's pattern, stretched to fill the window, and begun at a random phase. A cut gives
    exactly the rows that the whole expansion holds there. Input and output lengths are drawn
    independently, because the source says nothing of their correlation.

    Args:
        windows: what `read_windows` gave.
        token_pdfs: None leaves token lengths absent. A client without a distribution draws from
            those of the others, weighted by the load they carry in the same period.
        seed: same seed, same rows.
        from_s: start of the span, seconds since the trace's start; becomes time 0.
        to_s: end of the span, exclusive.
        scale: factor on every client's rate; gaps keep their coefficient of variation, and
            each client's total is right to one request.
        max_requests: larger expansions are refused before anything is drawn.

    Raises:
        ScenarioError: an empty span, a scale that is not positive, or more than `max_requests`.
    """
    _check_span(windows, from_s, to_s, scale)
    counts = _counts(windows, scale, seed)
    start_s = windows.start_s
    seen_s = np.minimum(start_s + windows.window_s, to_s) - np.maximum(start_s, from_s)
    _check_size(float(counts @ np.clip(seen_s / windows.window_s, 0, 1)), max_requests, scale)
    live = np.flatnonzero((counts > 0) & (seen_s > 0))
    live = live[np.argsort(start_s[live], kind="stable")]
    borders = np.flatnonzero(np.diff(start_s[live])) + 1
    draw = None if token_pdfs is None else _token_draw(windows, token_pdfs)
    parts = [
        _window_requests(windows, members, counts[members], draw, seed, (from_s, to_s))
        for members in np.split(live, borders)
        if len(members)
    ]
    return _joined(parts, from_s, np.unique(windows.client_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class _TokenDraw:
    """Which distribution each client window draws from."""

    pdfs: TokenPdfs
    period: IntArray
    """(n,) period of each client window."""
    donor: IntArray
    """(n,) index of the client's own distributions, -1: draws from the mixture of donors."""
    sets: IntArray
    """(periods, donors) set in force."""
    mixture: FloatArray
    """(periods, donors) cumulative share of the load."""

    def draw(
        self, members: IntArray, counts: IntArray, rng: np.random.Generator
    ) -> tuple[Int32Array, Int32Array]:
        """Input and output lengths of the requests of one window, client by client."""
        period = int(self.period[members[0]])
        donor = np.repeat(self.donor[members], counts)
        uniform = rng.random((3, len(donor)))
        lacking = donor < 0
        donor[lacking] = np.searchsorted(self.mixture[period], uniform[0, lacking], side="right")
        sets = self.sets[period, donor]
        return (
            self.pdfs.input_tokens.draw(sets, uniform[1]),
            self.pdfs.output_tokens.draw(sets, uniform[2]),
        )


def _token_draw(windows: ClientWindows, pdfs: TokenPdfs) -> _TokenDraw:
    periods = np.unique(pdfs.start_s)
    period = np.maximum(np.searchsorted(periods, windows.start_s, side="right") - 1, 0)
    donors = np.unique(pdfs.client_id)
    donor = np.searchsorted(donors, windows.client_id)
    known = donors[np.minimum(donor, len(donors) - 1)] == windows.client_id
    donor = np.where(known, donor, -1)
    # Sets are sorted by client and time: the one in force is the client's last that has begun,
    # or its first where none has.
    sets = np.empty((len(periods), len(donors)), np.int64)
    for column, client in enumerate(donors):
        first, end = np.searchsorted(pdfs.client_id, [client, client + 1])
        begun = np.searchsorted(pdfs.start_s[first:end], periods, side="right")
        sets[:, column] = first + np.maximum(begun - 1, 0)
    load = np.zeros(sets.shape)
    np.add.at(load, (period[known], donor[known]), windows.rate_rps[known])
    # A period in which no donor was active falls back on their load over all time.
    load[load.sum(axis=1) == 0] = load.sum(axis=0) if load.sum() > 0 else 1.0
    mixture = np.cumsum(load, axis=1)
    mixture /= mixture[:, -1:]
    return _TokenDraw(pdfs=pdfs, period=period, donor=donor, sets=sets, mixture=mixture)


def _counts(windows: ClientWindows, scale: float, seed: int) -> IntArray:
    """(n,) requests in each client window. Rounding carries over from window to window."""
    counted = windows.rate_rps * windows.window_s
    whole = np.round(counted)
    counted = scale * np.where(np.abs(counted - whole) < 1e-6, whole, counted)
    first = np.flatnonzero(np.diff(windows.client_id, prepend=-1))
    running = np.cumsum(counted)
    sizes = np.diff(np.append(first, len(counted)))
    running -= np.repeat((running - counted)[first], sizes)
    # The first window of a client starts from its own random fraction of a request.
    carried = stream(seed, _COUNTS).random(len(first))
    total = np.floor(np.round(running, 6) + np.repeat(carried, sizes)).astype(np.int64)
    counts = np.diff(total, prepend=0)
    counts[first] = total[first]
    return counts


def _window_requests(
    windows: ClientWindows,
    members: IntArray,
    counts: IntArray,
    draw: _TokenDraw | None,
    seed: int,
    span_s: tuple[float, float],
) -> tuple[AnyArray, ...]:
    """Arrival, input tokens, output tokens and client of one window's requests, in order."""
    number = round(float(windows.start_s[members[0]] / windows.window_s))
    arrival_s = _arrivals(windows, members, counts, stream(seed, _GAPS, number))
    client = np.repeat(windows.client_id[members], counts)
    absent = np.full(len(client), -1, np.int32)
    tokens = (
        (absent, absent)
        if draw is None
        else draw.draw(members, counts, stream(seed, _TOKENS, number))
    )
    order = np.argsort(arrival_s, kind="stable")
    inside = (arrival_s[order] >= span_s[0]) & (arrival_s[order] < span_s[1])
    order = order[inside]
    return arrival_s[order], tokens[0][order], tokens[1][order], client[order]


def _arrivals(
    windows: ClientWindows, members: IntArray, counts: IntArray, rng: np.random.Generator
) -> FloatArray:
    """Arrivals of one window, client by client: gaps that fill it, on a circle turned at random.

    The circle makes the requests before the first gap and after the last one equally likely,
    so that windows join without a bunch at their borders.
    """
    pattern = np.repeat(windows.arrival_pattern[members], counts)
    shape = np.repeat(windows.shape[members], counts)
    shape[pattern == IDLE] = 1.0
    gaps = np.empty(len(shape))
    weibull = pattern == WEIBULL
    gaps[weibull] = rng.weibull(shape[weibull])
    gaps[~weibull] = rng.standard_gamma(shape[~weibull])
    first = np.cumsum(counts) - counts
    total = np.add.reduceat(gaps, first)
    gaps /= np.repeat(np.where(total > 0, total, 1.0), counts)
    turned = np.cumsum(gaps) + np.repeat(rng.random(len(counts)), counts)
    start_s = windows.start_s[members[0]]
    arrival_s = start_s + windows.window_s * (turned - np.floor(turned))
    latest_s = start_s + windows.window_s - MICROSECOND_S
    return np.minimum(whole_microseconds(arrival_s), whole_microseconds(latest_s))


def _joined(parts: list[tuple[AnyArray, ...]], from_s: float, clients: IntArray) -> RequestTable:
    if not parts:
        return request_table(np.empty(0))
    arrival_s, input_tokens, output_tokens, client = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return request_table(
        whole_microseconds(arrival_s - from_s),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        tenant=np.searchsorted(clients, client),
        tenants=tuple(f"client {number}" for number in clients),
    )


def _check_span(windows: ClientWindows, from_s: float, to_s: float, scale: float) -> None:
    end_s = float(windows.start_s.max(initial=-windows.window_s) + windows.window_s)
    if not 0 <= from_s < min(to_s, end_s):
        raise ScenarioError(
            f"the span {from_s:g} s to {to_s:g} s holds nothing of a trace of {end_s:g} s",
            "from and to",
            f"Choose 0 <= from < to, and from below {end_s:g} s",
        )
    if not 0 < scale < math.inf:
        raise ScenarioError(f"the scale is {scale:g}", "scale", "Use a factor above 0, such as 1")


def _check_size(requests: float, most: int, scale: float) -> None:
    if requests > most:
        raise ScenarioError(
            f"the span holds about {requests:,.0f} requests, more than the {most:,} allowed",
            "expansion of client windows",
            "Choose a shorter span with from and to, or scale the load down to "
            f"{scale * most / requests:.2g} or less",
        )
