"""Latents of a prior as integers: a step for each channel, prediction from neighbours, rANS.

Source: spec/codecs.md, "Latents".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import ClassVar, NamedTuple

import numpy as np

from ddcodec.arrays import Float32s, Int32s, Int64s, Integers
from ddcodec.codecs.base import ALL, Codec, check_array, check_axes
from ddcodec.codecs.packed import pack_matrix, unpack_matrix
from ddcodec.errors import EncodeError, PayloadError
from ddcodec.recipe.fields import MAX_SIDE

__all__ = ["Quantised", "QuantisedLatents", "quantise"]

AXES = "[classes, slots, patches, channels, height, width]"
MAX_CHANNELS = 64
# Products of 16-bit integers and such steps are normal numbers of binary32, or zero.
_STEPS = 2.0**-32, 2.0**32
# Weights of neighbours are sixteenths; with at most 16 of them, errors cannot grow on the way.
_ONE = 16
_LARGEST = 0x7FFF


class Quantised(NamedTuple):
    """Latents as integers.

    Attributes:
        values: integers [classes, slots, patches, channels, height, width], of 16 bits.
        steps: float32 [channels], what the integers of each channel are multiples of.
        weights: int8 [channels, 2], in 1/16: how far a value is expected to be its left and its
            upper neighbour's; None to have them fitted.
    """

    values: Int32s
    steps: Float32s
    weights: Int64s | None = None


def quantise(latents: Float32s, steps: Float32s) -> Quantised:
    """The nearest multiples of the steps.

    Args:
        latents: float32 [classes, slots, patches, channels, height, width].
        steps: float32 [channels].

    Raises:
        EncodeError: a step is out of range, or a latent not finite or too large for its step.
    """
    low, high = _STEPS
    if not ((steps >= low) & (steps <= high)).all():
        raise EncodeError("a step of latents is not within 2^-32..2^32; choose another")
    scaled = np.rint(latents.astype(np.float64) / steps.astype(np.float64)[:, None, None])
    if not (np.abs(scaled) <= _LARGEST).all():  # this is so for no NaN either
        raise EncodeError(
            f"latents are not finite, or beyond {_LARGEST} of their steps; choose a larger step"
        )
    return Quantised(scaled.astype(np.int32), steps)


@dataclass(frozen=True)
class QuantisedLatents(Codec[Quantised, Float32s]):
    """float32 [classes, slots, patches, channels, height, width]: an integer times a step each.

    Raw: f32 step [channels]; i8 weight [channels][2]; a packed matrix of residuals, a row for
    each position and a column for each channel.

    Args:
        channels, height, width: of a latent.
    """

    channels: int
    height: int
    width: int

    name: ClassVar[str] = "quantised-latents"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "none"
    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {
        "channels": (1, MAX_CHANNELS),
        "height": (1, MAX_SIDE),
        "width": (1, MAX_SIDE),
    }

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of a latent."""
        return self.channels, self.height, self.width

    def encode(self, array: Quantised) -> bytes:
        values = check_array(self.name, array.values, (np.int32,), 6, AXES)
        if values.shape[3:] != self.shape or array.steps.shape != (self.channels,):
            raise EncodeError(
                f"{self} cannot encode latents of shape {values.shape} with "
                f"{len(array.steps)} steps"
            )
        flat = values.reshape(-1, *self.shape)
        weights = _fitted(flat) if array.weights is None else array.weights
        residuals = flat - _predicted(flat, weights)
        rows = residuals.transpose(0, 2, 3, 1).reshape(-1, self.channels)
        head = array.steps.astype("<f4").tobytes() + weights.astype(np.int8).tobytes()
        return head + pack_matrix(rows, np.arange(self.channels))

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> Float32s:
        found = self.integers(raw, shape)
        latents: Float32s = found.values.astype(np.float32)
        latents *= found.steps[:, None, None]
        return latents

    def integers(self, raw: bytes, shape: tuple[int, ...]) -> Quantised:
        """The stored integers of the shape that the section's box implies.

        Raises:
            PayloadError: the bytes do not decode to that shape.
        """
        check_axes(self.name, shape, 6, AXES)
        if shape[3:] != self.shape:
            raise PayloadError(f"{self.name} of {self.shape} are not of shape {shape}; damaged")
        ends = 4 * self.channels, 6 * self.channels
        if len(raw) < ends[1]:
            raise PayloadError(f"{self.name}: {len(raw)} raw bytes are too few; damaged")
        steps = np.frombuffer(raw, "<f4", self.channels).astype(np.float32)
        weights = np.frombuffer(raw, np.int8, 2 * self.channels, ends[0]).astype(np.int64)
        weights = weights.reshape(self.channels, 2)
        low, high = _STEPS
        if not ((steps >= low) & (steps <= high)).all():
            raise PayloadError(f"{self.name}: a step is out of range; the section is damaged")
        if (np.abs(weights).sum(axis=1) > _ONE).any():
            raise PayloadError(f"{self.name}: weights exceed one; the section is damaged")
        count = prod(shape[:3])
        positions = count * self.height * self.width
        rows = unpack_matrix(self.name, raw[ends[1] :], positions, np.arange(self.channels))
        residuals = rows.reshape(count, self.height, self.width, self.channels)
        values = _restored(residuals, weights)
        if values.min() < -_LARGEST or values.max() > _LARGEST:
            raise PayloadError(f"{self.name}: a value does not fit 16 bits; damaged")
        found: Int32s = np.ascontiguousarray(values.transpose(0, 3, 1, 2), np.int32)
        return Quantised(found.reshape(shape), steps, weights)

    def slice_raw(
        self,
        raw: bytes,
        class_slice: slice,
        slot_slice: slice,
        shape: tuple[int, ...],
        view_slice: slice = ALL,
    ) -> bytes:
        """Cut the stored integers themselves; steps and weights stay."""
        whole = self.integers(raw, shape)
        return self.encode(whole._replace(values=whole.values[class_slice, slot_slice]))


def _fitted(values: Int32s) -> Int64s:
    """int64 [channels, 2]: weights of the left and the upper neighbour, by least squares."""
    padded = np.pad(values.astype(np.int64), ((0, 0), (0, 0), (1, 0), (1, 0)))
    own, left, up = padded[:, :, 1:, 1:], padded[:, :, 1:, :-1], padded[:, :, :-1, 1:]
    axes = (0, 2, 3)
    sums = [(one * other).sum(axes).tolist() for one, other in _pairs(own, left, up)]
    return np.array([_solved(*each) for each in zip(*sums, strict=True)], np.int64)


def _pairs(own: Int64s, left: Int64s, up: Int64s) -> tuple[tuple[Int64s, Int64s], ...]:
    return (left, left), (up, up), (left, up), (own, left), (own, up)


def _solved(ll: int, uu: int, lu: int, ol: int, ou: int) -> tuple[int, int]:
    """Of the normal equations, in sixteenths; in integers, so that every machine finds the same."""
    determinant = ll * uu - lu * lu
    if determinant == 0:
        return 0, 0
    a = round(Fraction(_ONE * (ol * uu - ou * lu), determinant))
    b = round(Fraction(_ONE * (ou * ll - ol * lu), determinant))
    size = abs(a) + abs(b)
    # Towards zero, so that the two stay within one.
    return (a, b) if size <= _ONE else (int(a * _ONE / size), int(b * _ONE / size))


def _predicted(values: Int32s, weights: Int64s) -> Int64s:
    """int64 [n, channels, height, width]: what the neighbours say of each value."""
    padded = np.pad(values.astype(np.int64), ((0, 0), (0, 0), (1, 0), (1, 0)))
    left, up = weights.T[:, :, None, None]
    return _weighed(padded[:, :, 1:, :-1], padded[:, :, :-1, 1:], left, up)


def _restored(residuals: Integers, weights: Int64s) -> Int64s:
    """int64 [n, height, width, channels]: the values, one diagonal after the other."""
    count, height, width, channels = residuals.shape
    values = np.zeros((height + 1, width + 1, count, channels), np.int64)
    values[1:, 1:] = residuals.transpose(1, 2, 0, 3)
    left, up = weights.T
    for diagonal in range(height + width - 1 if weights.any() else 0):
        y = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        x = diagonal - y
        values[y + 1, x + 1] += _weighed(values[y + 1, x], values[y, x + 1], left, up)
    return values[1:, 1:].transpose(2, 0, 1, 3)


def _weighed(left: Int64s, up: Int64s, of_left: Int64s, of_up: Int64s) -> Int64s:
    return (of_left * left + of_up * up + _ONE // 2) >> 4
