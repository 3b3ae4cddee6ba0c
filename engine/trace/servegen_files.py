"""The two ServeGen files, parsed once into arrays that `engine.trace.servegen` expands.

`*_traces.csv[.gz|.zst]` holds the load of each client by window, `*_token_pdfs.csv[.gz|.zst]`
the distributions of token lengths by client and period.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv

from engine.errors import TraceError
from engine.units import AnyArray, BoolArray, ByteArray, FloatArray, Int32Array, IntArray

IDLE, GAMMA, WEIBULL = 0, 1, 2
PATTERNS = {"": IDLE, "Gamma": GAMMA, "Weibull": WEIBULL}
ONLY_WINDOW_S = 600.0
"""Window length where a file holds a single start: the publisher's own."""

_WINDOW_NUMBERS = ("client_id", "start_s", "rate_rps", "iat_cv", "shape", "scale")
_TOKEN_NUMBERS = ("client_id", "start_s", "value", "prob")
_FIELDS = ("input_tokens", "output_tokens")
_MOST_TOKENS = 2_147_483_647  # what an int32 column holds


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientWindows:
    """One entry a client and window, sorted by client and time. (n,) each."""

    client_id: IntArray
    start_s: FloatArray
    """Start of the window, seconds since the trace's start: a multiple of `window_s`."""
    rate_rps: FloatArray
    """Mean requests per second in the window: requests counted ÷ window length."""
    iat_cv: FloatArray
    """Measured coefficient of variation of inter-arrival times; informative only."""
    arrival_pattern: ByteArray
    """`IDLE`, `GAMMA` or `WEIBULL`. Requests of an `IDLE` window arrive as a Poisson process."""
    shape: FloatArray
    scale: FloatArray
    """Of the pattern, seconds; informative only, because gaps are stretched to the rate."""
    window_s: float

    def __len__(self) -> int:
        return len(self.client_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Discrete distributions of one token field, one set after the other. (rows,) each."""

    value: Int32Array
    """Tokens."""
    cumulative: FloatArray
    """Number of the set + cumulative probability in it, so that one search finds any draw."""

    def draw(self, sets: IntArray, uniform: FloatArray) -> Int32Array:
        """One length for each entry of `sets` by inverse transform; `uniform` in [0, 1)."""
        below = np.minimum(uniform, 1.0 - 1e-9)  # set + uniform must not round to the next set
        return self.value[np.searchsorted(self.cumulative, sets + below, side="right")]


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
    """Parses a `*_traces` file.

    Raises:
        TraceError: not such a file, or a row is impossible; names the first row concerned.
    """
    frame = _read(path, _WINDOW_NUMBERS, "arrival_pattern")
    pattern = frame["arrival_pattern"].astype(object).fillna("").map(PATTERNS)
    _refuse(pattern.isna(), path, "arrival_pattern is not known", "Use Gamma, Weibull or nothing")
    for name in ("rate_rps", "shape", "scale", "start_s"):
        _refuse(frame[name] < 0, path, f"{name} is below 0", "Correct or remove the row")
    shapeless = (pattern != IDLE) & (frame["shape"] <= 0)
    _refuse(shapeless, path, "an arrival pattern without a shape", "Give a shape above 0")
    _refuse(
        frame.duplicated(["client_id", "start_s"]), path,
        "a second row for the same client and window", "Keep one row a client and window",
    )  # fmt: skip
    starts = np.unique(frame["start_s"].to_numpy())
    window_s = float(np.diff(starts).min()) if len(starts) > 1 else ONLY_WINDOW_S
    _refuse(
        np.abs(np.remainder(frame["start_s"] / window_s + 0.5, 1.0) - 0.5) > 1e-6, path,
        f"start_s is not a multiple of the window of {window_s:g} s",
        "Give all windows the same length",
    )  # fmt: skip
    order = np.lexsort((frame["start_s"], frame["client_id"]))
    numbers = {name: frame[name].to_numpy(np.float64)[order] for name in _WINDOW_NUMBERS[1:]}
    return ClientWindows(
        client_id=frame["client_id"].to_numpy(np.int64)[order],
        arrival_pattern=pattern.to_numpy().astype(np.uint8)[order],
        window_s=window_s,
        **numbers,
    )


def read_token_pdfs(path: Path) -> TokenPdfs:
    """Parses a `*_token_pdfs` file; rows of other fields than token lengths are left out.

    Probabilities are normalised in each set, because the source rounds them.

    Raises:
        TraceError: not such a file, or a row is impossible; names the first row concerned.
    """
    frame = _read(path, _TOKEN_NUMBERS, "field")
    _refuse(frame["prob"] < 0, path, "prob is below 0", "Correct or remove the row")
    mine = frame["field"].isin(_FIELDS)
    absurd = mine & ~frame["value"].between(0, _MOST_TOKENS)
    _refuse(absurd, path, "a token length is out of range", f"Use 0 to {_MOST_TOKENS}")
    frame = frame[mine & (frame["prob"] > 0)].sort_values(
        ["client_id", "start_s", "value"], kind="stable"
    )
    sets = {name: _sets(frame[frame["field"] == name]) for name in _FIELDS}
    keys = sets["input_tokens"][0]
    if not len(keys) or not np.array_equal(keys, sets["output_tokens"][0]):
        raise TraceError(
            "input_tokens and output_tokens are not given for the same clients and times",
            path.name,
            "Give both distributions for each client and start_s that occurs",
        )
    return TokenPdfs(
        client_id=keys[:, 0].astype(np.int64),
        start_s=keys[:, 1],
        input_tokens=sets["input_tokens"][1],
        output_tokens=sets["output_tokens"][1],
    )


def _sets(frame: pd.DataFrame) -> tuple[FloatArray, Lengths]:
    """Keys (sets, 2) of client and start, and the cumulative distributions of one field."""
    keys = frame[["client_id", "start_s"]].to_numpy(np.float64)
    first = np.ones(len(keys), np.bool_)
    first[1:] = np.any(keys[1:] != keys[:-1], axis=1)
    number = np.cumsum(first) - 1
    prob = frame["prob"].to_numpy(np.float64)
    # Each set sums to 1, so the running sum is already the set's number + its own sum, but for
    # rounding: the last value of each set is made exact.
    running = np.cumsum(prob / np.bincount(number, prob)[number])
    last = np.append(first[1:], True)[: len(first)]
    running[last] = number[last] + 1.0
    return keys[first], Lengths(value=frame["value"].to_numpy(np.int32), cumulative=running)


def _read(path: Path, numbers: tuple[str, ...], text: str) -> pd.DataFrame:
    """The named columns of the file, numbers finite, the text column as categories."""
    types = dict.fromkeys(numbers, pa.float64()) | {text: pa.dictionary(pa.int32(), pa.string())}
    convert = csv.ConvertOptions(column_types=types, include_columns=list(types))
    # One thread, because only then the errors name the row; it counts the header as row 1.
    reading = csv.ReadOptions(use_threads=False)
    try:
        frame: pd.DataFrame = csv.read_csv(path, reading, convert_options=convert).to_pandas()
    except KeyError as error:
        raise TraceError(
            f"a column is missing: {error.args[0]}", path.name, f"Give {', '.join(types)}"
        ) from error
    except FileNotFoundError as error:
        raise TraceError("there is no such file", str(path.name), "Check the path") from error
    except (OSError, ValueError) as error:  # Arrow's errors derive from these
        raise TraceError(
            f"the file cannot be parsed: {str(error).splitlines()[0]}", path.name,
            "It must be a whole archive of comma-separated UTF-8 text with numbers in "
            + ", ".join(numbers),
        ) from error  # fmt: skip
    bad = ~np.isfinite(frame[list(numbers)].to_numpy()).all(axis=1)
    _refuse(bad, path, "a number is missing or not finite", "Correct or remove the row")
    uneven = frame["client_id"] != np.floor(frame["client_id"])
    _refuse(uneven, path, "client_id is not a whole number", "Number the clients")
    return frame


def _refuse(bad: "pd.Series[bool] | BoolArray", path: Path, what: str, fix: str) -> None:
    """Raises for the first row that is bad."""
    rows: AnyArray = np.flatnonzero(np.asarray(bad))
    if len(rows):
        raise TraceError(f"{what} ({len(rows)} rows)", f"{path.name}, row {rows[0] + 1}", fix)
