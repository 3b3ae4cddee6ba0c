"""The allocator's actors without torch: compiled, pool after pool, attention kept where asked.

They give what `models.allocator` gives on the same weights, to about 1e-6; a test holds the two
against each other. One file with all that it needs, because numba does not notice changes of what
comes from another file.

Letters: P pools, F numbers of a pool, G priorities, W width, T tokens, L layers, H heads.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from engine.units import AnyArray

BOUND = 6.0
"""Of every standardised number."""
_LEAST = 1e-5  # torch's layer norm


class Mlp(NamedTuple):
    """Two hidden layers (SiLU) of width W."""

    w1: AnyArray
    """(F + G, W)"""
    b1: AnyArray
    w2: AnyArray
    b2: AnyArray
    w3: AnyArray
    """(W, 2) to the mean of the action before tanh, and its spread; or (W, A) to the worth of A
    positions of the dial, the best of which is taken."""
    b3: AnyArray


class Transformer(NamedTuple):
    """A token a group of numbers and one in front that decides; pre-norm layers."""

    embed: AnyArray
    """(F + G, T, W), 0 where a number is not of the token's group."""
    place: AnyArray
    """(T + 1, W) added to the tokens; the first is the deciding one."""
    qkv: AnyArray
    """(L, W, 3 W)"""
    qkv_b: AnyArray
    out: AnyArray
    """(L, W, W)"""
    out_b: AnyArray
    up: AnyArray
    """(L, W, 2 W)"""
    up_b: AnyArray
    down: AnyArray
    """(L, 2 W, W)"""
    down_b: AnyArray
    gain: AnyArray
    """(L, 2, W) of the norms before attention and before the inner layer."""
    bias: AnyArray
    last_gain: AnyArray
    """(W,)"""
    last_bias: AnyArray
    last: AnyArray
    """(W, 2)"""
    last_b: AnyArray


class Values(NamedTuple):
    """What each score will come to: as `Mlp`, from F + G + 2 numbers to G scores."""

    w1: AnyArray
    b1: AnyArray
    w2: AnyArray
    b2: AnyArray
    w3: AnyArray
    b3: AnyArray


@njit(nogil=True, cache=True)
def standardise(rows, shift, scale, weights, out):
    """Fills `out` (P, F + G), float32: standardised and bounded tokens, then told priorities."""
    numbers = len(shift)
    for p in range(len(rows)):
        for i in range(numbers):
            z = (np.float32(rows[p, i]) - shift[i]) / scale[i]
            out[p, i] = min(max(z, np.float32(-BOUND)), np.float32(BOUND))
        for k in range(weights.shape[1]):
            out[p, numbers + k] = weights[p, k]


@njit(nogil=True, cache=True)
def _dense(x, w, b, y):
    y[:] = b
    for i in range(len(x)):
        xi = x[i]
        for j in range(len(y)):
            y[j] += xi * w[i, j]


@njit(nogil=True, cache=True)
def _silu(x):
    for j in range(len(x)):
        x[j] = x[j] / (np.float32(1.0) + np.exp(-x[j]))


@njit(nogil=True, cache=True)
def act_mlp(net, seen, out):
    """Fills `out` (P,) with the mean actions, or the best ones, for `seen` (P, F + G)."""
    one, other = np.empty(len(net.b1), np.float32), np.empty(len(net.b2), np.float32)
    last = np.empty(len(net.b3), np.float32)
    for p in range(len(seen)):
        _dense(seen[p], net.w1, net.b1, one)
        _silu(one)
        _dense(one, net.w2, net.b2, other)
        _silu(other)
        _dense(other, net.w3, net.b3, last)
        if len(last) == 2:
            out[p] = np.tanh(np.float64(last[0]))
        else:
            out[p] = -1.0 + 2.0 * np.argmax(last) / (len(last) - 1)


@njit(nogil=True, cache=True)
def value(net, seen, actions, out):
    """Fills `out` (P, A, G) with the scores that A actions (P, A) would come to."""
    one, other = np.empty(len(net.b1), np.float32), np.empty(len(net.b2), np.float32)
    last, x = np.empty(len(net.b3), np.float32), np.empty(seen.shape[1] + 2, np.float32)
    for p in range(len(seen)):
        x[:-2] = seen[p]
        for a in range(actions.shape[1]):
            x[-2], x[-1] = actions[p, a], actions[p, a] ** 2
            _dense(x, net.w1, net.b1, one)
            _silu(one)
            _dense(one, net.w2, net.b2, other)
            _silu(other)
            _dense(other, net.w3, net.b3, last)
            out[p, a] = last


@njit(nogil=True, cache=True)
def outputs(net, seen, out):
    """Fills `out` (N, K) with what two hidden layers say of `seen` (N, F), row by row alike."""
    one, other = np.empty(len(net.b1), np.float32), np.empty(len(net.b2), np.float32)
    for n in range(len(seen)):
        _dense(seen[n], net.w1, net.b1, one)
        _silu(one)
        _dense(one, net.w2, net.b2, other)
        _silu(other)
        _dense(other, net.w3, net.b3, out[n])


@njit(nogil=True, cache=True)
def _norm(x, gain, bias, y):
    mean, spread = np.float32(0.0), np.float32(0.0)
    for j in range(len(x)):
        mean += x[j]
    mean /= np.float32(len(x))
    for j in range(len(x)):
        spread += (x[j] - mean) ** 2
    over = np.float32(1.0) / np.sqrt(spread / np.float32(len(x)) + np.float32(_LEAST))
    for j in range(len(x)):
        y[j] = (x[j] - mean) * over * gain[j] + bias[j]


@njit(nogil=True, cache=True)
def _embed(net, seen, tokens):
    tokens[:] = net.place
    for i in range(len(seen)):
        for t in range(net.embed.shape[1]):
            if net.embed[i, t, 0] != 0.0:
                for j in range(tokens.shape[1]):
                    tokens[t + 1, j] += seen[i] * net.embed[i, t, j]


@njit(nogil=True, cache=True)
def _attend(query, key, score):
    """Fills `score` (T + 1,) with the softmax of one head of one token."""
    top, total = np.float32(-np.inf), np.float32(0.0)
    over = np.float32(1.0) / np.sqrt(np.float32(len(query)))
    for t in range(len(score)):
        score[t] = 0.0
        for j in range(len(query)):
            score[t] += query[j] * key[t, j]
        score[t] *= over
        top = max(top, score[t])
    for t in range(len(score)):
        score[t] = np.exp(score[t] - top)
        total += score[t]
    for t in range(len(score)):
        score[t] /= total


@njit(nogil=True, cache=True)
def _layer(net, layer, heads, tokens, asking, work, attention):
    """One layer in place for the first `asking` tokens.

    work: room, (normed, qkv, mixed, inner) by token; attention (H, T + 1, T + 1) is filled.
    """
    normed, qkv, mixed, inner = work
    width = tokens.shape[1]
    part = width // heads
    for t in range(len(tokens)):
        _norm(tokens[t], net.gain[layer, 0], net.bias[layer, 0], normed[t])
        _dense(normed[t], net.qkv[layer], net.qkv_b[layer], qkv[t])
    for t in range(asking):
        mixed[:] = 0.0
        for h in range(heads):
            low, high = h * part, (h + 1) * part
            keys = qkv[:, width + low : width + high]
            _attend(qkv[t, low:high], keys, attention[h, t])
            for u in range(len(tokens)):
                for j in range(low, high):
                    mixed[j] += attention[h, t, u] * qkv[u, 2 * width + j]
        _dense(mixed, net.out[layer], net.out_b[layer], normed[t])
        for j in range(width):
            tokens[t, j] += normed[t, j]
        _norm(tokens[t], net.gain[layer, 1], net.bias[layer, 1], normed[t])
        _dense(normed[t], net.up[layer], net.up_b[layer], inner)
        _silu(inner)
        _dense(inner, net.down[layer], net.down_b[layer], normed[t])
        for j in range(width):
            tokens[t, j] += normed[t, j]


@njit(nogil=True, cache=True)
def act_transformer(net, heads, seen, out, attention):
    """Fills `out` (P,) with the mean actions for `seen` (P, F + G).

    attention (P, L, H, T + 1, T + 1): filled for the first of them; P = 0 keeps none.
    """
    layers, tokens = len(net.qkv), np.empty(net.place.shape, np.float32)
    count, width = tokens.shape
    normed = np.empty(tokens.shape, np.float32)
    qkv = np.empty((count, 3 * width), np.float32)
    work = (normed, qkv, np.empty(width, np.float32), np.empty(2 * width, np.float32))
    last, room = np.empty(2, np.float32), np.empty((heads, count, count), np.float32)
    for p in range(len(seen)):
        _embed(net, seen[p], tokens)
        for layer in range(layers):
            asking = 1 if layer == layers - 1 else count
            _layer(net, layer, heads, tokens, asking, work, room)
            if p < len(attention):
                attention[p, layer] = 0.0
                attention[p, layer, :, :asking] = room[:, :asking]
        _norm(tokens[0], net.last_gain, net.last_bias, normed[0])
        _dense(normed[0], net.last, net.last_b, last)
        out[p] = np.tanh(np.float64(last[0]))
