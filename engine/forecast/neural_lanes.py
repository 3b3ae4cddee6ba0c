"""Layers of small networks over many windows at once, compiled: windows lie along the last axis.

Arrays are (features, lanes); every inner loop runs over lanes, so the compiler makes vectors of
them. Exponentials are series without branches for the same reason.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Float32 = npt.NDArray[np.float32]

NONE, HALF, ONE, _TWO = (np.float32(c) for c in (0.0, 0.5, 1.0, 2.0))
_LEAST, _SIXTEENTH, _MIDDLE = np.float32(-16.0), np.float32(1 / 16), np.float32(15 / 32)
_AT_MIDDLE = np.float32(math.exp(-15 / 32))
_F3, _F4, _F5, _F6, _F7, _F8 = (np.float32(1 / math.factorial(n)) for n in range(3, 9))
_L1, _L2, _L3, _L4, _L5 = (np.float32(1 / n) for n in (3, 5, 7, 9, 11))
GONE = np.float32(-1e30)
_FAR = np.float32(9.0)
"""Beyond this tanh is 1 in single precision."""
_P0, _P1, _P2, _P3, _P4 = (
    np.float32(c)
    for c in (0.99999988, 0.13371876, 3.4850168e-3, 2.0446264e-5, 1.3149092e-8)
)  # fmt: skip
_Q1, _Q2, _Q3, _Q4 = (np.float32(c) for c in (0.46705171, 0.025836011, 3.2688348e-4, 7.6882257e-7))
"""tanh(x) = x·P(x²)/Q(x²) for |x| ≤ 9, error < 3e-7: least squares, reweighted to equal errors."""

_OPTIONS: dict[str, Any] = {
    "nogil": True, "cache": True, "error_model": "numpy", "fastmath": {"contract", "reassoc"},
}  # fmt: skip
compiled = njit(**_OPTIONS)
inlined = njit(forceinline=True, **_OPTIONS)


@inlined
def tanh(x: np.float32) -> np.float32:
    """To 3e-7."""
    x = min(max(x, -_FAR), _FAR)
    z = x * x
    upper = (((_P4 * z + _P3) * z + _P2) * z + _P1) * z + _P0
    return x * upper / ((((_Q4 * z + _Q3) * z + _Q2) * z + _Q1) * z + ONE)


@inlined
def sigmoid(x: np.float32) -> np.float32:
    """1 / (1 + e⁻ˣ)."""
    made: np.float32 = HALF * tanh(HALF * x) + HALF
    return made


@inlined
def exp(x: np.float32) -> np.float32:
    """Of x ≤ 1; less than −16 counts as −16. A series for a 16th of it, squared four times."""
    y = max(x, _LEAST) * _SIXTEENTH + _MIDDLE
    series = ((_F8 * y + _F7) * y + _F6) * y + _F5
    y = _AT_MIDDLE * ((((series * y + _F4) * y + _F3) * y + HALF) * y * y + y + ONE)
    y = y * y
    y = y * y
    y = y * y
    made: np.float32 = y * y
    return made


@inlined
def softplus(x: np.float32) -> np.float32:
    """log(1 + eˣ); log(1 + u) = 2·artanh(u / (2 + u)) as a series."""
    u = exp(-abs(x))
    s = u / (_TWO + u)
    z = s * s
    series = ((((_L5 * z + _L4) * z + _L3) * z + _L2) * z + _L1) * z + ONE
    made: np.float32 = max(x, NONE) + _TWO * s * series
    return made


@compiled
def add_product(weight: Float32, x: Float32, inputs: int, lanes: int, out: Float32) -> None:
    """Adds weight · x, of (O, I) and (I, lanes), to `out`; four inputs at a time."""
    for o in range(len(weight)):
        row = weight[o]
        i = 0
        while i + 4 <= inputs:
            a, b, c, d = row[i], row[i + 1], row[i + 2], row[i + 3]
            for lane in range(lanes):
                out[o, lane] += (
                    a * x[i, lane] + b * x[i + 1, lane] + c * x[i + 2, lane] + d * x[i + 3, lane]
                )
            i += 4
        while i < inputs:
            a = row[i]
            for lane in range(lanes):
                out[o, lane] += a * x[i, lane]
            i += 1


@inlined
def fill(bias: Float32, lanes: int, out: Float32) -> None:
    """A bias to every lane."""
    for o in range(len(bias)):
        for lane in range(lanes):
            out[o, lane] = bias[o]


@compiled
def add_silu(x: Float32, lanes: int, out: Float32) -> None:
    """Adds x·sigmoid(x) to `out`."""
    for o in range(len(out)):
        for lane in range(lanes):
            out[o, lane] += x[o, lane] * sigmoid(x[o, lane])


@compiled
def softmax(score: Float32, rows: int, lanes: int, largest: Float32, total: Float32) -> None:
    """Softmax over the rows, in place."""
    largest[:] = GONE
    total[:] = NONE
    for at in range(rows):
        for lane in range(lanes):
            largest[lane] = max(largest[lane], score[at, lane])
    for at in range(rows):
        for lane in range(lanes):
            score[at, lane] = exp(score[at, lane] - largest[lane])
            total[lane] += score[at, lane]
    for at in range(rows):
        for lane in range(lanes):
            score[at, lane] /= total[lane]


@compiled
def turn(block: Float32, out: Float32) -> None:
    """(lanes, I) to (I, lanes)."""
    for lane in range(len(block)):
        for i in range(block.shape[1]):
            out[i, lane] = block[lane, i]


@compiled
def add_bias(bias: Float32, lanes: int, out: Float32) -> None:
    """Adds a bias to every lane."""
    for o in range(len(bias)):
        for lane in range(lanes):
            out[o, lane] += bias[o]


@compiled
def add_residual(weight: Float32, bias: Float32, x: Float32, lanes: int, own: Float32) -> None:
    """Adds silu(weight · x + bias) to x."""
    fill(bias, lanes, own)
    add_product(weight, x, len(x), lanes, own)
    add_silu(own, lanes, x)


@inlined
def array(rows: int, lanes: int) -> Float32:
    """Not filled."""
    return np.empty((rows, lanes), np.float32)
