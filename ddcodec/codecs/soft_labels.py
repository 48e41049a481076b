"""Soft labels as integer logits, and their probabilities by integer arithmetic.

Source: spec/codecs.md, "soft-labels" and "Probabilities". A coarse uniform step without a floor
keeps what a student learns from: the tail (measured; cutting it, as top-k does, costs points).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from ddcodec.codecs.base import (
    Codec,
    check_array,
    check_axes,
    check_length,
    check_params,
    int_param,
)
from ddcodec.errors import EncodeError, HeaderError, PayloadError

__all__ = ["DEFAULT_STEP", "MAX_STEP", "SoftLabels", "probabilities", "quantise", "weights"]

Int16s = npt.NDArray[np.int16]
Int64s = npt.NDArray[np.int64]

UNITS_PER_NAT = 64
DEFAULT_STEP = 32  # half a nat
MAX_STEP = 2048
LOWEST_NATS = 511

_FRACTION_BITS = 128
_WEIGHT_BITS = 30
_ENTRIES = 1 << 16
_CHUNK = 1 << 20


def quantise(logprobs: npt.ArrayLike, step: int = DEFAULT_STEP) -> Int16s:
    """Round log-probabilities to multiples of ``step`` / 64 nat (encoder-side).

    Args:
        logprobs: float [..., K], natural logarithms, at most 0; -inf is allowed. Values below
            -511 nats are raised to that; there is no other floor.
        step: in 1/64 nat, 1..2048.

    Returns:
        int16 [..., K]: logits on the 1/64-nat grid, each a multiple of ``step``.

    Raises:
        EncodeError: a value is NaN or above 0, or the step is out of range.
    """
    if not 1 <= step <= MAX_STEP:
        raise EncodeError(f"step {step} is not within 1..{MAX_STEP} (units of 1/64 nat)")
    values = np.asarray(logprobs, dtype=np.float64)
    if not (values <= 1e-3).all():
        raise EncodeError("soft labels are log-probabilities, at most 0; apply log_softmax first")
    lowest = -(LOWEST_NATS * UNITS_PER_NAT // step)
    q = np.rint(np.maximum(values, -LOWEST_NATS - 1) * (UNITS_PER_NAT / step))
    return (np.clip(q, lowest, 0) * step).astype(np.int16)


@lru_cache(maxsize=16)
def weights(numerator: int, denominator: int) -> npt.NDArray[np.int32]:
    """Softmax weights at temperature T = numerator / denominator, int32 [65536], read-only.

    Entry d is 2^30 * exp(-d / (64 T)) rounded half up, from 128-bit fixed-point integers as
    spec/codecs.md lays down, so that every reader has the same table.

    Raises:
        HeaderError: T is not within 1/64..1024, or a part is not within 1..2^31-1.
    """
    parts_fit = 1 <= numerator < 1 << 31 and 1 <= denominator < 1 << 31
    if not parts_fit or not denominator <= 64 * numerator <= 65536 * denominator:
        raise HeaderError(f"temperature {numerator}/{denominator} is not within 1/64..1024")
    one = 1 << _FRACTION_BITS
    ratio, term, k = 0, one, 0
    while term:
        ratio += -term if k % 2 else term
        k += 1
        term = term * denominator // (UNITS_PER_NAT * numerator * k)
    table = np.zeros(_ENTRIES, dtype=np.int32)
    half = 1 << (_FRACTION_BITS - _WEIGHT_BITS - 1)
    power = one
    for d in range(_ENTRIES):
        weight = (power + half) >> (_FRACTION_BITS - _WEIGHT_BITS)
        if not weight:
            break
        table[d] = weight
        power = power * ratio >> _FRACTION_BITS
    table.flags.writeable = False
    return table


def probabilities(logits: Int16s, temperature: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Softmax of integer logits at a rational temperature; bit-identical everywhere.

    e = weights[max(z) - z]; p = RN32(RN64(e / sum e)), with the sum in integers. Both roundings
    are IEEE 754 to nearest even.

    Args:
        logits: int16 [..., K] on the 1/64-nat grid.
        temperature: T as (numerator, denominator).

    Returns:
        float32 [..., K].

    Raises:
        HeaderError: the temperature is out of range.
    """
    table = weights(*temperature)
    z = np.asarray(logits)
    classes = z.shape[-1]
    rows = z.reshape(-1, classes)
    result = np.empty(rows.shape, dtype=np.float32)
    chunk = max(1, _CHUNK // classes)
    for start in range(0, len(rows), chunk):
        part = rows[start : start + chunk].astype(np.int32)
        e = table[part.max(axis=-1, keepdims=True) - part].astype(np.int64)
        total = e.sum(axis=-1, keepdims=True)
        result[start : start + chunk] = (e / total).astype(np.float32)
    return result.reshape(z.shape)


@dataclass(frozen=True)
class SoftLabels(Codec[Int16s, Int16s]):
    """int16 [classes, slots, views, K] on the 1/64-nat grid, each value a multiple of ``step``.

    Coded as q = z / step: a mean row a class, then residuals, zig-zag, in byte planes.

    Args:
        classes: K, the columns of a label.
        step: in 1/64 nat.
    """

    classes: int
    step: int = DEFAULT_STEP

    name: ClassVar[str] = "soft-labels"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "zstd"
    sliced_axes: ClassVar[int] = 3

    def params(self) -> dict[str, Any]:
        return {"classes": self.classes, "step": self.step}

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Self:
        check_params(cls.name, params, ("classes", "step"))
        classes = int_param(cls.name, params, "classes", 1, 0xFFFF)
        return cls(classes, int_param(cls.name, params, "step", 1, MAX_STEP))

    def encode(self, array: Int16s) -> bytes:
        z = check_array(self.name, array, (np.int16,), 4, "[classes, slots, views, K]")
        if z.shape[3] != self.classes or not 1 <= self.step <= MAX_STEP:
            raise EncodeError(f"{self} cannot encode labels of shape {z.shape}")
        q = z.astype(np.int32).reshape(len(z), -1, self.classes) // self.step
        if (q * self.step != z.reshape(q.shape)).any():
            raise EncodeError(f"logits are not multiples of the step {self.step}; quantise first")
        n = q.shape[1]
        mean = (2 * q.sum(axis=1, dtype=np.int64) + n) // (2 * n)
        residual = q - mean[:, None, :]
        return _planes(mean) + _planes(residual)

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> Int16s:
        check_axes(self.name, shape, 4, "[classes, slots, views, K]")
        count, slots, views, columns = shape
        if columns != self.classes:
            raise PayloadError(f"{self.name} of {self.classes} columns; the origin has {columns}")
        rows = slots * views
        check_length(self.name, raw, 2 * count * columns * (1 + rows))
        split = 2 * count * columns
        mean = _unplanes(raw[:split]).reshape(count, 1, columns)
        residual = _unplanes(raw[split:]).reshape(count, rows, columns)
        # Modulo 2^16, as encoded: at a fine step a residual may not fit 16 bits, but q does.
        q = (mean + residual).astype(np.int16)
        z = q.astype(np.int32) * self.step
        if z.min() < -0x8000 or z.max() > 0x7FFF:
            raise PayloadError(f"{self.name}: a logit does not fit 16 bits; the section is damaged")
        return z.astype(np.int16).reshape(shape)


def _planes(values: Int64s) -> bytes:
    """Zig-zag modulo 2^16: all low bytes, then all high bytes."""
    wrapped = values.astype(np.int16).astype(np.int32)
    zigzag = ((wrapped << 1) ^ (wrapped >> 15)).astype("<u2")
    return zigzag.reshape(-1, 1).view(np.uint8).T.tobytes()


def _unplanes(raw: bytes) -> npt.NDArray[np.int32]:
    planes = np.frombuffer(raw, dtype=np.uint8).reshape(2, -1).astype(np.int32)
    zigzag = planes[0] | (planes[1] << 8)
    values: npt.NDArray[np.int32] = (zigzag >> 1) ^ -(zigzag & 1)
    return values
