"""Operations of networks, as functions of float32 arrays (spec/exact.md): a second implementation.

Numpy and Python integers only. It is written to be compared with the page line by line, not to be
fast. Grids and weights are in ``grids.py``, which says how numpy is used; exp, sin and cos are in
``elementary.py``.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from math import isqrt

import numpy as np

from tools.conformance.reference.elementary import cos, exp, sin
from tools.conformance.reference.grids import (
    F32,
    F64,
    Array,
    Weight,
    block_exponent,
    largest,
    power,
    quantise,
    quiet,
    require,
    rn,
    split,
    table,
)

MOST_TERMS = 65536  # a sum of products of digits then fits in 32 bits
MOST_VALUES = 2**23  # the sum of their squares is then exact in binary64
MOST_HEAD = 1008  # logits of 15-bit grids then fit in 31 bits
LOG2E_1024 = 1477.3197218702985  # RN64(1024 log2 e)


# Products


@quiet
def combine(a: Array, w: Array, activation_digits: int, weight_digits: int) -> Array:
    """t of integer rows a [.., K] and w [out, K], or [.., out, K] -> float32 [.., out]."""
    require(a.shape[-1] <= MOST_TERMS, "more than 65,536 terms")

    def r(left: Array, right: Array) -> Array:
        p = left @ right.swapaxes(-1, -2)  # int64
        assert np.abs(p).max(initial=0) < 2**31
        return rn(p)

    if activation_digits == 1:
        require(weight_digits == 1, "15-bit weights with 8-bit activations")
        return r(a, w)
    ah, al = split(a)
    if weight_digits == 1:
        return F32(256) * r(ah, w) + r(al, w)
    wh, wl = split(w)
    mid = r(ah, wl) + r(al, wh)
    return F32(65536) * r(ah, wh) + (F32(256) * mid + r(al, wl))


@quiet
def linear(x: Array, weight: Weight, bias: Array | None, digits: int) -> Array:
    """x [..., K] -> [..., out]; ``digits`` are the activations'."""
    grid = quantise(x, (-1,), digits)
    t = combine(grid.q, weight.q, digits, weight.digits)
    y = (t * weight.scale) * grid.scale
    return y if bias is None else y + bias


@quiet
def conv2d(
    x: Array,
    weight: Weight,
    bias: Array | None,
    digits: int,
    *,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
) -> Array:
    """x [N, C, H, W], weight [out, C, kh, kw] -> [N, out, H', W']."""
    grid = quantise(x, (1, 2, 3), digits)
    count, channels, height, width = x.shape
    out, _, kh, kw = weight.q.shape
    padded = np.zeros(
        (count, channels, height + 2 * padding[0], width + 2 * padding[1]), dtype=np.int64
    )
    padded[:, :, padding[0] : padding[0] + height, padding[1] : padding[1] + width] = grid.q
    rows = (padded.shape[2] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    columns = (padded.shape[3] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    t = np.empty((count, out, rows, columns), dtype=F32)
    w = weight.q.reshape(out, -1)
    for y in range(rows):
        for z in range(columns):
            top, left = y * stride[0], z * stride[1]
            patch = padded[
                :,
                :,
                top : top + dilation[0] * (kh - 1) + 1 : dilation[0],
                left : left + dilation[1] * (kw - 1) + 1 : dilation[1],
            ]
            t[:, :, y, z] = combine(patch.reshape(count, -1), w, digits, weight.digits)
    result: Array = t * (grid.scale * weight.scale[None, :, None, None])
    return result if bias is None else result + bias[None, :, None, None]


# Attention


def key_mask(mask: Array | None, causal: bool, queries: int, keys: int) -> Array:
    """True where a query attends to a key, broadcastable to [B, H, Q, K]."""
    allowed = np.ones((queries, keys), dtype=bool)
    if causal:
        require(mask is None, "a mask and is_causal together")
        return np.tril(allowed)
    if mask is None:
        return allowed
    if mask.dtype == np.bool_:
        return allowed & mask
    dropped = mask <= -10000
    require(bool((dropped | (mask == 0)).all()), "an additive mask of other values")
    return allowed & ~dropped


@quiet
def attention(
    query: Array,
    key: Array,
    value: Array,
    digits: int,
    *,
    mask: Array | None = None,
    causal: bool = False,
    scale: float | None = None,
) -> Array:
    """query [B, H, Q, d], key and value [B, H, K, d] -> [B, H, Q, d]."""
    d, keys = query.shape[-1], key.shape[-2]
    require(d <= MOST_HEAD and keys <= MOST_TERMS, "the head or the number of keys is too large")
    q, k, v = (quantise(side, (2, 3), digits) for side in (query, key, value))
    if digits == 1:
        logits = q.q @ k.q.swapaxes(2, 3)
        unit = q.scale * k.scale
    else:
        (qh, ql), (kh, kl) = split(q.q), split(k.q)
        kh, kl = kh.swapaxes(2, 3), kl.swapaxes(2, 3)
        logits = 256 * (qh @ kh) + (qh @ kl + ql @ kh)
        unit = (q.scale * k.scale) * F32(256)
    assert np.abs(logits).max(initial=0) <= 2**30
    natural = F64(1) / np.sqrt(F64(d)) if scale is None else F64(scale)
    require(bool(np.isfinite(natural) and natural > 0), "a scale that is not positive")
    c = unit * rn(natural * F64(LOG2E_1024))

    allowed = np.broadcast_to(key_mask(mask, causal, query.shape[2], keys), logits.shape)
    top = np.where(allowed, logits, -(2**40)).max(3, keepdims=True)
    distance = np.where(allowed, top - logits, 0)
    u = np.minimum(np.rint(rn(distance) * c), F32(16383))
    bad = ~np.isfinite(c)
    u = np.where(bad, F32(0), u).astype(np.int64)
    e = np.where(allowed, table("exp.bin")[u], 0)
    if digits == 1:
        e = (e + 64) >> 7
        t = rn(e @ v.q)
    else:
        t = combine(e, v.q.swapaxes(2, 3), 2, 2)
    y = (t * v.scale) / rn(e.sum(3, keepdims=True))
    return np.where(bad | ~allowed.any(3, keepdims=True), F32(np.nan), y)


# Norms


@quiet
def statistics(x: Array, axes: Sequence[int], eps: float) -> tuple[Array, Array]:
    """mu32 and rstd32 of each block."""
    amax, finite = largest(x, axes)
    e = block_exponent(amax)
    if eps > 0:
        e = np.maximum(e, (math.frexp(eps)[1] - 1) // 2)
    q = np.where(finite, np.rint(x * power(14 - e)), F32(0)).astype(np.int64)
    require(q.size // amax.size <= MOST_VALUES, "a norm over too many values")
    n = F64(q.size // amax.size)
    s1 = q.sum(tuple(axes), keepdims=True).astype(F64)
    s2 = (q * q).sum(tuple(axes), keepdims=True).astype(F64)
    mean = s1 / n
    var = s2 / n - mean * mean
    var = np.maximum(var + F64(eps) * np.ldexp(F64(1), 28 - 2 * e), 0.0)
    v = np.rint(var * 2.0**30)
    root = np.array([max(1, isqrt(int(i))) for i in v.ravel()], F64).reshape(v.shape)
    rstd = F64(2**15) / root
    mu32 = rn(mean * np.ldexp(F64(1), e - 14))
    rstd32 = rn(rstd * np.ldexp(F64(1), 14 - e))
    nan = F32(np.nan)
    return np.where(finite, mu32, nan), np.where(finite, rstd32, nan)


@quiet
def group_norm(x: Array, groups: int, gamma: Array | None, beta: Array | None, eps: float) -> Array:
    """x [N, C, ...]."""
    count, channels = x.shape[:2]
    require(channels % groups == 0, "groups do not divide the channels")
    mu, rstd = statistics(x.reshape(count, groups, -1), (2,), eps)
    each = (count, channels, *[1] * (x.ndim - 2))
    mu = np.repeat(mu[:, :, 0], channels // groups, axis=1).reshape(each)
    rstd = np.repeat(rstd[:, :, 0], channels // groups, axis=1).reshape(each)
    g = (np.ones(channels, F32) if gamma is None else gamma).reshape(1, *each[1:])
    b = (np.zeros(channels, F32) if beta is None else beta).reshape(1, *each[1:])
    slope = rstd * g
    offset = b - mu * slope
    y: Array = x * slope + offset
    return y


@quiet
def layer_norm(x: Array, gamma: Array | None, beta: Array | None, eps: float) -> Array:
    """x [..., width], over the last axis."""
    mu, rstd = statistics(x, (-1,), eps)
    y: Array = (x - mu) * rstd
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta


# Activations


@quiet
def curve(x: Array, name: str) -> Array:
    """sigma or Phi of x from its table; NaN for NaN."""
    entries = table(name)
    i = np.clip(np.rint(F32(2048) * x), F32(-32768), F32(32767))
    i = np.where(np.isnan(x), F32(0), i).astype(np.int64)
    s = np.where(i >= 0, entries[np.abs(i)], 2**24 - entries[np.abs(i)])
    s = np.where(i == -32768, 0, np.where(i == 32767, 2**24, s))
    return np.where(np.isnan(x), x, rn(s) / F32(2**24))


def sigmoid(x: Array) -> Array:
    return curve(x, "sigmoid.bin")


@quiet
def silu(x: Array) -> Array:
    return x * sigmoid(x)


@quiet
def gelu(x: Array) -> Array:
    y: Array = x * curve(x, "gaussian.bin")
    return y


@quiet
def tanh(x: Array) -> Array:
    return F32(2) * sigmoid(F32(2) * x) - F32(1)


@quiet
def quick_gelu(x: Array) -> Array:
    """The text encoder's composition of three operations, not a primitive."""
    return x * sigmoid(F32(1.702) * x)


# The rest


@quiet
def divide(x: Array, number: float) -> Array:
    """Division by a constant: of binary32 numbers, not by way of a reciprocal."""
    y: Array = x / F32(number)
    return y


@quiet
def timestep_embedding(timesteps: Array, width: int, shift: float, flip: bool) -> Array:
    """float32 [n] -> [n, width]: sines then cosines, or the other way round if ``flip``."""
    half = width // 2
    exponent = F32(-math.log(10000)) * np.arange(half).astype(F32)
    frequency = exp(divide(exponent, half - shift))
    angle = timesteps[:, None] * frequency[None, :]
    waves = [cos(angle), sin(angle)] if flip else [sin(angle), cos(angle)]
    return np.concatenate([*waves, np.zeros((len(timesteps), width % 2), F32)], axis=1)


def upsample(x: Array, factors: tuple[int, int]) -> Array:
    """Nearest, by integer factors: copies."""
    return x.repeat(factors[0], axis=2).repeat(factors[1], axis=3)


@quiet
def to_uint8(y: Array) -> Array:
    """spec/prior.md, section 4."""
    require(bool(np.isfinite(y).all()), "a value that is not finite")
    scaled = y * F32(127.5) + F32(127.5)
    pixels: Array = np.clip(np.rint(scaled), F32(0), F32(255)).astype(np.uint8)
    return pixels


def weights_digest(
    networks: Iterable[tuple[str, Mapping[str, Weight | Array]]],
) -> bytes:
    """SHA-256 over networks in the order given, each a map from parameter name to value."""
    state = hashlib.sha256()
    for network, parameters in networks:
        state.update(network.encode() + b"\0")
        for digest in sorted(map(_parameter_digest, parameters.values())):
            state.update(digest)
    return state.digest()


def _parameter_digest(value: Weight | Array) -> bytes:
    if isinstance(value, Weight):
        kind, shape = b"q", value.q.shape
        content = value.q.astype("<i2").tobytes() + value.scale.astype("<f4").tobytes()
    else:
        kind, shape, content = b"f", value.shape, value.astype("<f4").tobytes()
    axes = struct.pack(f"<{1 + len(shape)}I", len(shape), *shape)
    return hashlib.sha256(kind + axes + content).digest()
