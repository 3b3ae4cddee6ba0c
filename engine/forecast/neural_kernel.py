"""The recurrent networks without torch: compiled, many windows side by side in the vector lanes.

Gives what `models.forecaster.Forecaster` gives on the same weights, to about 1e-5: those are read
where torch keeps them, so a network that was trained further needs nothing here. Features that no
window of a block has are left out of every sum. A test holds the two against each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.forecast.neural_lanes import (
    GONE,
    HALF,
    NONE,
    ONE,
    Float32,
    add_bias,
    add_product,
    add_residual,
    add_silu,
    array,
    compiled,
    exp,
    fill,
    sigmoid,
    softmax,
    softplus,
    tanh,
    turn,
)
from engine.units import IntArray

if TYPE_CHECKING:
    from engine.forecast.neural_inputs import Encoded
    from models.forecaster import Forecaster

__all__ = ["RecurrentKernel"]

Flags = npt.NDArray[np.bool_]

LANES = 256
"""Windows that are computed side by side; more fall out of the fast cache."""


class RecurrentKernel:
    """A recurrent network's weights, shared with the module, and how to run them."""

    CORES = ("bilstm", "bilstm-no-attention", "lstm", "lstm-attention")

    def __init__(self, model: Forecaster) -> None:
        """Takes a network of one of `CORES` on the processor."""
        core: Any = model.core
        lstm, ends = core.lstm, ("", "_reverse") if core.lstm.bidirectional else ("", "")
        self._attends = core.features.score is not None
        self._directions = 2 if lstm.bidirectional else 1
        self._quantiles = len(model.config.levels)
        scored: tuple[Any, Any] = (core.features.score, core.steps.score)
        attention = scored if self._attends else (model.inner, model.inner)
        layers = [*attention, model.summary, model.context, model.inner, model.horizon, model.mix,
                  model.head.out]  # fmt: skip
        self._weights = tuple(
            _weights_of(getattr(lstm, f"{part}_l0{end}"))
            for end in ends
            for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ) + tuple(_weights_of(part) for layer in layers for part in (layer.weight, layer.bias))

    def __call__(self, encoded: Encoded) -> Float32:
        """(B, H, Q) quantiles in units of the window's level, sorted, ≥ 0."""
        size, horizons = encoded.anchors.shape[:2]
        out = np.empty((size, horizons, self._quantiles), np.float32)
        _run(*encoded.arrays(), *self._weights, self._directions, self._attends, out)
        return out


def _weights_of(parameter: Any) -> Float32:
    shared: Float32 = parameter.detach().numpy()
    return shared


@compiled
def _feature_attention(
    x: Float32, there: Float32, count: Float32, weight: Float32, bias: Float32, used: int,
    lanes: int, score: Float32, largest: Float32, total: Float32,
) -> None:  # fmt: skip
    """Steps (used, lanes) in place: times their weight and the number of features present."""
    for f in range(used):
        for lane in range(lanes):
            score[f, lane] = bias[f]
    add_product(weight[:used], x, used, lanes, score)
    largest[:] = GONE
    total[:] = NONE
    for f in range(used):
        for lane in range(lanes):
            seen = score[f, lane] if there[f, lane] > HALF else GONE
            largest[lane] = max(largest[lane], seen)
    for f in range(used):
        for lane in range(lanes):
            score[f, lane] = exp(min(score[f, lane] - largest[lane], NONE)) * there[f, lane]
            total[lane] += score[f, lane]
    for f in range(used):
        for lane in range(lanes):
            x[f, lane] *= score[f, lane] * count[lane] / total[lane]


@compiled
def _scan(
    x: Float32, backwards: bool, into: Float32, back: Float32, bias: Float32, used: int,
    lanes: int, gates: Float32, cell: Float32, out: Float32,
) -> None:  # fmt: skip
    """One direction of an LSTM over (L, used, lanes) into (L, H, lanes)."""
    steps, hidden = len(x), len(cell)
    cell[:] = 0.0
    for number in range(steps):
        at = steps - 1 - number if backwards else number
        fill(bias, lanes, gates)
        add_product(into, x[at], used, lanes, gates)
        if number:
            add_product(back, out[at + 1 if backwards else at - 1], hidden, lanes, gates)
        for k in range(hidden):
            for lane in range(lanes):
                kept = sigmoid(gates[hidden + k, lane]) * cell[k, lane]
                new = sigmoid(gates[k, lane]) * tanh(gates[2 * hidden + k, lane])
                cell[k, lane] = kept + new
                shown = tanh(cell[k, lane])
                out[at, k, lane] = sigmoid(gates[3 * hidden + k, lane]) * shown


@compiled
def _step_attention(
    states: Float32, weight: Float32, bias: Float32, lanes: int, score: Float32,
    largest: Float32, total: Float32, out: Float32,
) -> None:  # fmt: skip
    """(D, L, H, lanes) to (D·H, lanes)."""
    directions, steps, hidden = states.shape[:3]
    for at in range(steps):
        for lane in range(lanes):
            score[at, lane] = bias[0]
        for d in range(directions):
            for k in range(hidden):
                for lane in range(lanes):
                    score[at, lane] += weight[0, d * hidden + k] * tanh(states[d, at, k, lane])
    softmax(score, steps, lanes, largest, total)
    out[:] = NONE
    for d in range(directions):
        for at in range(steps):
            for k in range(hidden):
                for lane in range(lanes):
                    out[d * hidden + k, lane] += score[at, lane] * states[d, at, k, lane]


@compiled
def _mix(
    raw: Float32, start: int, lanes: int, values: Float32, there: Float32, largest: Float32,
    total: Float32, out: Float32,
) -> None:  # fmt: skip
    """(lanes,) Σ softmax(raw)·values over those of (A, lanes) that are there."""
    largest[:] = GONE
    total[:] = NONE
    out[:] = NONE
    for a in range(len(values)):
        for lane in range(lanes):
            seen = raw[start + a, lane] if there[a, lane] > HALF else GONE
            largest[lane] = max(largest[lane], seen)
    for a in range(len(values)):
        for lane in range(lanes):
            share = exp(min(raw[start + a, lane] - largest[lane], NONE)) * there[a, lane]
            total[lane] += share
            out[lane] += share * values[a, lane]
    for lane in range(lanes):
        out[lane] /= total[lane]


@compiled
def _head(
    raw: Float32, bend: int, lanes: int, middle: Float32, spread: Float32, out: Float32
) -> None:
    """The last layer's bends and gaps around the mixed anchor to sorted (lanes, Q) quantiles."""
    gap, quantiles = bend + 2, out.shape[1]
    centre = quantiles // 2
    for lane in range(lanes):
        bent = middle[lane] * exp(HALF * tanh(raw[bend, lane]))
        middle[lane] = bent + spread[lane] * tanh(raw[bend + 1, lane])
    for q in range(gap, gap + quantiles - 1):
        for lane in range(lanes):
            raw[q, lane] = spread[lane] * softplus(raw[q, lane])
    for lane in range(lanes):
        below = above = middle[lane]
        out[lane, centre] = max(middle[lane], NONE)
        for q in range(centre - 1, -1, -1):
            below -= raw[gap + q, lane]
            out[lane, q] = max(below, NONE)
        for q in range(centre + 1, quantiles):
            above += raw[gap + q - 1, lane]
            out[lane, q] = max(above, NONE)


@compiled
def _gather(
    steps: Float32, present: Flags, places: IntArray, x: Float32, there: Float32, count: Float32
) -> int:
    """Features that some window has, moved to the front: their number; `places` says which."""
    lanes, length, features = steps.shape
    used = 0
    count[:] = NONE
    for f in range(features):
        if not present[:, f].any():
            continue
        places[used] = f
        for lane in range(lanes):
            there[used, lane] = ONE if present[lane, f] else NONE
            count[lane] += there[used, lane]
            for at in range(length):
                x[at, used, lane] = steps[lane, at, f] * there[used, lane]
        used += 1
    return used


@compiled
def _columns(weight: Float32, places: IntArray, used: int, out: Float32) -> None:
    for number in range(used):
        for o in range(len(weight)):
            out[o, number] = weight[o, places[number]]


@compiled
def _run(  # noqa: C901 - one pass, a line a layer
    steps: Float32, present: Flags, context: Float32, anchors: Float32, anchor_present: Flags,
    spreads: Float32, horizon: Float32,
    into_f: Float32, back_f: Float32, bias_f: Float32, more_f: Float32,
    into_b: Float32, back_b: Float32, bias_b: Float32, more_b: Float32,
    feature_w: Float32, feature_b: Float32, step_w: Float32, step_b: Float32,
    summary_w: Float32, summary_b: Float32, context_w: Float32, context_b: Float32,
    inner_w: Float32, inner_b: Float32, horizon_w: Float32, horizon_b: Float32,
    mix_w: Float32, mix_b: Float32, out_w: Float32, out_b: Float32,
    directions: int, attends: bool, out: Float32,
) -> None:  # fmt: skip
    """All windows, `LANES` at a time. Shapes are those of `Inputs` and of the module's layers."""
    size, length, features = steps.shape
    hidden, wide, width = back_f.shape[1], len(summary_w), directions * back_f.shape[1]
    picks, scales, most = anchors.shape[2], spreads.shape[2], min(LANES, size)
    places = np.empty(features, np.int64)
    x, there = array(length * features, most), array(features, most)
    x = x.reshape(length, features, most)
    score, gates, cell = array(features, most), array(4 * hidden, most), array(hidden, most)
    states = array(directions * length * hidden, most).reshape(directions, length, hidden, most)
    summary, along = array(width, most), array(max(context.shape[1], horizon.shape[2]), most)
    window, mixed, own = array(wide, most), array(wide, most), array(wide, most)
    raw, picked, lane_values = array(len(out_w), most), array(picks, most), array(5, most)
    count, largest, total, middle, spread = lane_values
    every = np.ones((scales, most), np.float32)
    bias_f, bias_b = bias_f + more_f, bias_b + more_b
    used_w, used_b = np.empty((features, features), np.float32), np.empty(features, np.float32)
    used_f, used_r = array(4 * hidden, features), array(4 * hidden, features)
    for first in range(0, size, most):
        lanes = min(most, size - first)
        end = first + lanes
        used = _gather(steps[first:end], present[first:end], places, x, there, count)
        _columns(into_f, places, used, used_f)
        _columns(into_b, places, used, used_r)
        if attends:
            for number in range(used):
                used_b[number] = feature_b[places[number]]
                for other in range(used):
                    used_w[number, other] = feature_w[places[number], places[other]]
            for at in range(length):
                _feature_attention(
                    x[at], there, count, used_w, used_b, used, lanes, score, largest, total
                )
        _scan(x, False, used_f, back_f, bias_f, used, lanes, gates, cell, states[0])
        if directions > 1:
            _scan(x, True, used_r, back_b, bias_b, used, lanes, gates, cell, states[1])
        if attends:
            _step_attention(states, step_w, step_b, lanes, score, largest, total, summary)
        else:
            for d in range(directions):
                summary[d * hidden : (d + 1) * hidden] = states[d, length - 1]
        fill(summary_b, lanes, own)
        add_product(summary_w, summary, width, lanes, own)
        add_bias(context_b, lanes, own)
        turn(context[first:end], along)
        add_product(context_w, along, context.shape[1], lanes, own)
        window[:] = NONE
        add_silu(own, lanes, window)
        add_residual(inner_w, inner_b, window, lanes, own)
        for a in range(picks):
            for lane in range(lanes):
                picked[a, lane] = ONE if anchor_present[first + lane, a] else NONE
        for h in range(horizon.shape[1]):
            own[:] = window
            add_bias(horizon_b, lanes, own)
            turn(horizon[first:end, h], along)
            add_product(horizon_w, along, horizon.shape[2], lanes, own)
            mixed[:] = NONE
            add_silu(own, lanes, mixed)
            add_residual(mix_w, mix_b, mixed, lanes, own)
            fill(out_b, lanes, raw)
            add_product(out_w, mixed, wide, lanes, raw)
            turn(anchors[first:end, h], along)
            _mix(raw, 0, lanes, along[:picks], picked, largest, total, middle)
            turn(spreads[first:end, h], along)
            _mix(raw, picks, lanes, along[:scales], every, largest, total, spread)
            _head(raw, picks + scales, lanes, middle, spread, out[first:end, h])
