"""A second implementation of spec/exact.md: numpy and Python integers, no torch, no ddcodec.

    python tools/read_exact.py TABLES

Checks the tables in a folder against the SHA-256 values of the specification. The rest is for
import: every operation of the page as a function of float32 arrays. It is written to be compared
with the page line by line, not to be fast.

How numpy is used. ``+ - * /`` of two float32 (float64) arrays is one binary32 (binary64) operation
an element, and ``rint`` rounds ties to even. Sums are taken of int64 only, so their order cannot
matter. ``astype`` from int64 or float64 to float32 rounds once. ``exp``, ``sin`` and ``cos`` are
computed with Python integers.
"""

from __future__ import annotations

import hashlib
import math
import struct
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import isqrt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
F32, F64 = np.float32, np.float64

TABLES = Path(__file__).resolve().parent.parent / "ddcodec" / "tables"
DIGESTS = {
    "exp.bin": "3a6721d8fb115089b27b28ecd8ee29d7b3a0b6e802d1dace93e78a4c34e7e99c",
    "sigmoid.bin": "c9d39b82a14a02ea32fe825255d24a533f5faed1bda907f2acdbdc4de16c20fe",
    "gaussian.bin": "86d98c44db60333daeaf41b8b6fc5593bc535c779b2900e0e0a3f9d28c081380",
}
MOST_TERMS = 65536  # a sum of products of digits then fits in 32 bits
MOST_VALUES = 2**23  # the sum of their squares is then exact in binary64
MOST_HEAD = 1008  # logits of 15-bit grids then fit in 31 bits
LOG2E_1024 = 1477.3197218702985  # RN64(1024 log2 e)


class Unsupported(ValueError):
    """The operation has no exact form."""


def require(condition: bool, what: str) -> None:
    if not condition:
        raise Unsupported(what)


def quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """Infinities and NaN are results like any other here, not occasions for a warning."""
    return np.errstate(all="ignore")(function)


def rn(values: Any) -> Array:
    """Round once to binary32."""
    return np.asarray(values).astype(F32)


def power(exponents: Array) -> Array:
    """2^e in binary32; every exponent used here gives a normal number."""
    return np.ldexp(np.ones(exponents.shape), exponents).astype(F32)


def table(name: str) -> Array:
    """The integers of a table, checked against its SHA-256."""
    data = (TABLES / name).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != DIGESTS[name]:
        raise ValueError(f"{name} has SHA-256 {digest}, not {DIGESTS[name]}")
    return np.frombuffer(data, "<i2" if name == "exp.bin" else "<i4").astype(np.int64)


# Grids


class Grid(NamedTuple):
    """Integers and the scale of each block (reduced axes of size 1; NaN if not finite)."""

    q: Array
    scale: Array


def largest(x: Array, axes: Sequence[int]) -> tuple[Array, Array]:
    """amax of each block, and whether all of a block is finite."""
    amax = np.abs(x).max(tuple(axes), keepdims=True)
    finite = np.isfinite(amax)  # max passes NaN on
    return np.where(finite, amax, F32(0)), finite


def block_exponent(amax: Array) -> Array:
    """E, so that amax < 2^E; from the 8 exponent bits."""
    biased = amax.view(np.uint32).astype(np.int64) >> 23
    return np.maximum(biased - 126, -59)


@quiet
def quantise_a15(x: Array, axes: Sequence[int]) -> Grid:
    amax, finite = largest(x, axes)
    e = block_exponent(amax)
    q = np.rint(x * power(14 - e))
    q = np.where(finite, np.clip(q, F32(-16384), F32(16384)), F32(0))
    return Grid(q.astype(np.int64), np.where(finite, power(e - 14), F32(np.nan)))


@quiet
def quantise_a8(x: Array, axes: Sequence[int]) -> Grid:
    amax, finite = largest(x, axes)
    a = np.maximum(amax, F32(2.0**-59))
    inverse = F32(127) / a
    q = np.clip(np.rint(x * inverse), F32(-127), F32(127))
    q = np.where(finite, q, F32(0))
    return Grid(q.astype(np.int64), np.where(finite, a / F32(127), F32(np.nan)))


def quantise(x: Array, axes: Sequence[int], digits: int) -> Grid:
    return quantise_a8(x, axes) if digits == 1 else quantise_a15(x, axes)


def split(q: Array) -> tuple[Array, Array]:
    """Digits h and l of 15-bit integers, q = 256 h + l."""
    h = (q + 128) >> 8
    return h, q - 256 * h


class Weight(NamedTuple):
    """Integers of the weight's shape, a scale for each output channel, and 1 or 2 digits."""

    q: Array
    scale: Array
    digits: int


@quiet
def quantise_weight(weight: Array, digits: int) -> Weight:
    n = 127 if digits == 1 else 16383
    w = weight.astype(F64).reshape(len(weight), -1)
    amax = np.abs(w).max(1)
    require(bool(np.isfinite(amax).all()), "a weight is not finite")
    small = amax < 2.0**-100
    scale = np.where(small, F32(1), rn(amax / F64(n)))
    q = np.clip(np.rint(w / scale.astype(F64)[:, None]), -n, n)
    q = np.where(small[:, None], 0.0, q).astype(np.int64)
    return Weight(q.reshape(weight.shape), scale, digits)


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
    result = t * (grid.scale * weight.scale[None, :, None, None])
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
    require(bool(np.isfinite(natural)) and natural > 0, "a scale that is not positive")
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
    return x * slope + offset


@quiet
def layer_norm(x: Array, gamma: Array | None, beta: Array | None, eps: float) -> Array:
    """x [..., width], over the last axis."""
    mu, rstd = statistics(x, (-1,), eps)
    y = (x - mu) * rstd
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
    return x * curve(x, "gaussian.bin")


@quiet
def tanh(x: Array) -> Array:
    return F32(2) * sigmoid(F32(2) * x) - F32(1)


@quiet
def quick_gelu(x: Array) -> Array:
    """The text encoder's composition of three operations, not a primitive."""
    return x * sigmoid(F32(1.702) * x)


# Elementary functions: an enclosure by Python integers, ever finer until both ends round alike

Bounds = tuple[Fraction, Fraction]


def round32(value: Fraction) -> float:
    """The binary32 number nearest to a rational, ties to even; infinity beyond the largest."""
    if value == 0:
        return 0.0
    size = abs(value)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= size < Fraction(2) ** exponent  # now 2^exponent <= size < 2^(exponent + 1)
    unit = Fraction(2) ** (max(exponent, -126) - 23)
    steps = round(size / unit)  # Python rounds a Fraction's ties to even
    result = math.ldexp(steps, max(exponent, -126) - 23)
    result = math.inf if result >= 2.0**128 else result
    return -result if value < 0 else result


def arctan_inverse(n: int, bits: int) -> Bounds:
    """arctan(1/n) by its alternating series."""
    one, total, k = 1 << bits, 0, 0
    term = one // n
    while term:
        total += term // (2 * k + 1) * (1 if k % 2 == 0 else -1)
        term //= n * n
        k += 1
    # Each of the k terms is cut by less than 2 units, the rest is below one unit.
    return Fraction(total - 2 * k - 1, one), Fraction(total + 2 * k + 1, one)


def half_pi(bits: int) -> Bounds:
    """Machin: pi / 4 = 4 arctan(1/5) - arctan(1/239)."""
    (a, b), (c, d) = arctan_inverse(5, bits), arctan_inverse(239, bits)
    return 2 * (4 * a - d), 2 * (4 * b - c)


def series(x: Fraction, first: int, step: int, alternating: bool, bits: int) -> Bounds:
    """Sum of x^k / k! over k = first, first + step, ...; signs in turn if alternating; |x| <= 2."""
    one = 1 << bits
    fixed = (x.numerator << bits) // x.denominator  # at most one unit too small
    total, term, sign, k = 0, one, 1, 0
    while k <= first or abs(term) > 2 or k < 8:
        if k >= first and (k - first) % step == 0:
            total += sign * term
            sign = -sign if alternating else sign
        k += 1
        term = term * fixed // (one * k)
    # An error of e in a term becomes 2 e / k + 2^(k+1) / k! + 1 in the next: never above 40 units.
    slack = 64 * (k + 1)
    return Fraction(total - slack, one), Fraction(total + slack, one)


def enclose_exp(x: Fraction, bits: int) -> Bounds:
    """exp(x) = exp(x / 2^n)^(2^n)."""
    n = max(0, math.ceil(abs(x)).bit_length())
    low, high = series(x / 2**n, 0, 1, False, bits + 4 * n + 64)
    one = 1 << (bits + 4 * n + 64)
    lower, upper = math.floor(low * one), math.ceil(high * one)
    for _ in range(n):
        lower, upper = lower * lower // one, -(-upper * upper // one)
    return Fraction(lower, one), Fraction(upper, one)


def enclose_wave(x: Fraction, quarter: int, bits: int) -> Bounds:
    """sin(x + quarter * pi / 2)."""
    low, high = half_pi(bits + 16 + max(0, math.ceil(abs(x)).bit_length()))
    turns = round(x / low)
    # x = turns * pi / 2 + rest; the two values of the rest enclose it.
    ends = sorted((x - turns * low, x - turns * high))
    middle, radius = sum(ends) / 2, (ends[1] - ends[0]) / 2
    place = (turns + quarter) % 4
    bounds = series(middle, 1 - place % 2, 2, True, bits)
    lower, upper = bounds[0] - radius, bounds[1] + radius  # no slope exceeds 1
    return (lower, upper) if place < 2 else (-upper, -lower)


def elementary(x: Array, enclose: Callable[[Fraction, int], Bounds]) -> Array:
    """Correctly rounded values; the function has no rational value but those handled before."""
    result = np.empty(x.size, F32)
    for i, value in enumerate(x.ravel()):
        exact, bits = Fraction(float(value)), 256
        while True:
            low, high = (round32(bound) for bound in enclose(exact, bits))
            if low == high:
                break
            bits *= 2
        result[i] = low
    return result.reshape(x.shape)


def exp(x: Array) -> Array:
    bounded = np.clip(x, F32(-200), F32(200))  # beyond, the result is 0 or infinity
    y = elementary(np.where(np.isnan(x), F32(0), bounded), enclose_exp)
    return np.where(np.isnan(x), x, y)


def wave(x: Array, quarter: int, at_zero: Array) -> Array:
    usable = np.isfinite(x) & (x != 0)
    y = elementary(
        np.where(usable, x, F32(1)), lambda value, bits: enclose_wave(value, quarter, bits)
    )
    return np.where(usable, y, np.where(x == 0, at_zero, F32(np.nan)))


def sin(x: Array) -> Array:
    return wave(x, 0, x)


def cos(x: Array) -> Array:
    return wave(x, 1, np.ones_like(x))


# The rest


@quiet
def divide(x: Array, number: float) -> Array:
    """Division by a constant: of binary32 numbers, not by way of a reciprocal."""
    return x / F32(number)


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
    return np.clip(np.rint(scaled), F32(0), F32(255)).astype(np.uint8)


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


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    wrong = 0
    for name, wanted in DIGESTS.items():
        path = Path(arguments[0]) / name
        found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
        print(f"{name}: {'as specified' if found == wanted else found}")
        wrong += found != wanted
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
