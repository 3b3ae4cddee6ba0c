"""Client windows of ServeGen become requests: arrival pattern and token lengths by client.

The two files are parsed here into arrays; `expand` draws the requests. A trace of this format
holds up to a thousand million requests, so cut a span or scale the load down.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from engine.errors import ScenarioError, TraceError
from engine.trace.schema import RequestTable, request_table
from engine.units import AnyArray, ByteArray, FloatArray, Int32Array, IntArray

WINDOW_COLUMNS = (
    "client_id", "start_s", "rate_rps", "iat_cv", "arrival_pattern", "shape", "scale",
)  # fmt: skip
TOKEN_COLUMNS = ("client_id", "start_s", "field", "value", "prob")
MAX_REQUESTS = 20_000_000
"""Rows of one expansion unless more are asked for: about 1 GB as a `RequestTable`."""

IDLE, GAMMA, WEIBULL = 0, 1, 2
_PATTERNS = {"": IDLE, "gamma": GAMMA, "weibull": WEIBULL}
_WINDOW_S = 600.0  # the publisher's window, used where a file holds a single one
_SHARED, _COUNT_ROUNDING = 0, 1  # purposes of the random streams


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientWindows:
    """One entry a client and window, sorted by client and time. (n,) each."""

    client_id: IntArray
    start_s: FloatArray
    """Start of the window, seconds since the trace's start."""
    rate_rps: FloatArray
    """Mean requests per second in the window: requests counted ÷ window length."""
    iat_cv: FloatArray
    """Measured coefficient of variation of inter-arrival times; informative only."""
    arrival_pattern: ByteArray
    """`IDLE`, `GAMMA` or `WEIBULL`."""
    shape: FloatArray
    scale: FloatArray
    """Of the pattern, seconds; only the shape matters here, because gaps are fitted to the rate."""
    window_s: float

    def __len__(self) -> int:
        return len(self.client_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Discrete distributions of one token field, one set after the other. (rows,) each."""

    value: Int32Array
    """Tokens."""
    cumulative: FloatArray
    """Set number + cumulative probability in the set, so that one search finds any draw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPdfs:
    """Token-length distributions: a set a client and period (6 h), sorted by both. (sets,)."""

    client_id: IntArray
    start_s: FloatArray
    """From when the set holds, until the client's next one."""
    input_tokens: Lengths
    output_tokens: Lengths
    """Reasoning tokens included; the share of reasoning itself is not read."""


def token_pdfs_beside(traces_path: Path) -> Path | None:
    """The token file that belongs to `…_traces.csv.gz`, None where there is none."""
    beside = traces_path.with_name(traces_path.name.replace("_traces.", "_token_pdfs."))
    return beside if beside != traces_path and beside.is_file() else None


def read_windows(path: Path) -> ClientWindows:
    """Parses a `*_traces.csv[.gz|.zst]` file.

    Raises:
        TraceError: not such a file, or a row is impossible; names the first row concerned.
    """
    raise NotImplementedError


def read_token_pdfs(path: Path) -> TokenPdfs:
    """Parses a `*_token_pdfs.csv[.gz|.zst]` file; probabilities are normalised per set.

    Raises:
        TraceError: not such a file, or a row is impossible; names the first row concerned.
    """
    raise NotImplementedError


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
    """Requests for `from_s <= t < to_s`, times shifted so that `from_s` is 0; tenant = client.

    A cut gives exactly the rows that the whole expansion would hold there.

    Args:
        token_pdfs: None leaves token lengths absent.
        scale: factor on every client's rate; gaps keep their distribution.

    Raises:
        ScenarioError: an empty span, a scale that is not positive, or more than `max_requests`.
    """
    raise NotImplementedError
