"""Exact picture resampling: integer weights, one rounding, the same bytes on every machine.

Both routines are normative; ``spec/synthesis.md``, "Resampling", states them without reference
to this code.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ddcodec.arrays import Array, Int64s, UInt8s
from ddcodec.errors import DecodeError, LimitExceededError
from ddcodec.recipe.fields import MAX_SIDE

__all__ = ["nearest", "resize"]


# Result rows or columns computed in one go. Their taps span few source pixels, so the matrix
# products stay small at any picture size.
_BAND = 64

# Values held at a time, which bounds the working memory to some tens of MiB.
_VALUES = 1 << 19


def resize(images: UInt8s, height: int, width: int) -> UInt8s:
    """Resize pictures by an antialiased triangle filter ("bilinear"), exactly.

    A result value is the rational weighted mean of the source values under the filter, over both
    axes at once, rounded half up. Same size is the identity: the input itself is returned.

    Args:
        images: uint8 [n, h, w, c].
        height: rows of the result, 1 to ``MAX_SIDE``.
        width: columns of the result, 1 to ``MAX_SIDE``.

    Returns:
        uint8 [n, height, width, c].

    Raises:
        DecodeError: ``images`` is not a uint8 array of four axes.
        LimitExceededError: a side is outside 1 to ``MAX_SIDE``.

    Source: spec/synthesis.md, "Resampling".
    """
    count, rows, columns, channels = _checked(images, height, width)
    if (rows, columns) == (height, width):
        return images
    out = np.empty((count, height, width, channels), dtype=np.uint8)
    step = max(1, _VALUES // (max(columns, width) * max(_BAND, min(rows, height)) * channels))
    for start in range(0, count, step):
        _resize_into(out[start : start + step], images[start : start + step])
    return out


def nearest(images: UInt8s, height: int, width: int) -> UInt8s:
    """Resize pictures by taking, for result pixel i, source pixel floor((i + 1/2) * S / D).

    Args:
        images: uint8 [n, h, w, c].
        height: rows of the result, 1 to ``MAX_SIDE``.
        width: columns of the result, 1 to ``MAX_SIDE``.

    Returns:
        uint8 [n, height, width, c].

    Raises:
        DecodeError: ``images`` is not a uint8 array of four axes.
        LimitExceededError: a side is outside 1 to ``MAX_SIDE``.

    Source: spec/synthesis.md, "Resampling".
    """
    _, rows, columns, _ = _checked(images, height, width)
    row = (2 * np.arange(height) + 1) * rows // (2 * height)
    column = (2 * np.arange(width) + 1) * columns // (2 * width)
    return np.ascontiguousarray(images[:, row[:, None], column[None, :]])


class _Band(NamedTuple):
    """Weights of result pixels ``start:stop`` of one axis over source pixels ``first:last``.

    ``weights`` is int64 [stop - start, last - first], each row in lowest terms; ``sums`` is
    int64 [stop - start], each row's own sum, which is its denominator.
    """

    start: int
    stop: int
    first: int
    last: int
    weights: Int64s
    sums: Int64s


@lru_cache(maxsize=256)
def _bands(source: int, target: int) -> tuple[_Band, ...]:
    """The filter of one axis from ``source`` to ``target`` pixels, in bands of the result.

    Weight j of result pixel i is max(0, 1 - abs(j + 1/2 - (i + 1/2) S/D) / max(1, S/D)) times
    2 max(S, D). With the distance abs((2j + 1) D - (2i + 1) S) / 2D that is an integer.
    """
    support = 2 * max(source, target)
    at = (2 * np.arange(source, dtype=np.int64) + 1) * target
    bands = []
    for start in range(0, target, _BAND):
        stop = min(start + _BAND, target)
        centre = (2 * np.arange(start, stop, dtype=np.int64) + 1) * source
        first = int(np.searchsorted(at, centre[0] - support, side="right"))
        last = int(np.searchsorted(at, centre[-1] + support, side="left"))
        weights = np.maximum(0, support - np.abs(at[None, first:last] - centre[:, None]))
        weights //= np.gcd.reduce(weights, axis=1)[:, None]
        bands.append(_Band(start, stop, first, last, weights, weights.sum(axis=1)))
    return tuple(bands)


def _carrier(rows: tuple[_Band, ...], columns: tuple[_Band, ...]) -> np.dtype[Any]:
    """The fastest number type in which every step of a resize is exact.

    With N = Nv * Nh, the product of two rows' sums, no value exceeds 2 * 255 N + N = 511 N, and
    all terms are non-negative integers, so no partial sum of a matrix product, in any order and
    with or without fused operations, leaves 0..511 N either. A float type of p significant bits
    holds them all if 511 N < 2**p.

    int64 always suffices. A row sums a tent of height 2M and half width 2M, M = max(S, D), at
    spacing 2D: at most 2 M**2 / D + 2 M if every tap exists. D = 1 has one row, whose taps
    sum to less than S * 2S; so N <= 2**27 for each axis, and 511 * 2**54 < 2**63.
    """
    bound = 511 * max(int(b.sums.max()) for b in rows) * max(int(b.sums.max()) for b in columns)
    if bound < 1 << 24:
        return np.dtype(np.float32)
    return np.dtype(np.float64 if bound < 1 << 53 else np.int64)


def _checked(images: UInt8s, height: int, width: int) -> tuple[int, int, int, int]:
    if images.dtype != np.uint8 or images.ndim != 4:
        raise DecodeError(
            f"the pictures to resize are {images.dtype} with {images.ndim} axes; "
            "pass uint8 [n, height, width, channels]"
        )
    count, rows, columns, channels = images.shape
    for side in (rows, columns, height, width):
        if not 1 <= side <= MAX_SIDE:
            raise LimitExceededError(
                f"a picture side of {side} pixels is outside 1..{MAX_SIDE}; use another size"
            )
    return count, rows, columns, channels


def _resize_into(out: UInt8s, images: UInt8s) -> None:
    count, rows, columns, channels = images.shape
    height, width = out.shape[1:3]
    vertical, horizontal = _bands(rows, height), _bands(columns, width)
    carrier = _carrier(vertical, horizontal)
    across = [band.weights.T.astype(carrier) for band in horizontal]
    column_sums = np.concatenate([band.sums for band in horizontal])
    for band in vertical:
        # Rows first, columns last: both filters become plain matrix products.
        planes = np.ascontiguousarray(images[:, band.first : band.last].transpose(1, 0, 3, 2))
        planes = planes.reshape(band.last - band.first, -1)
        lines = band.weights.astype(carrier) @ planes.astype(carrier)
        lines = lines.reshape(-1, columns)
        sums = np.empty((lines.shape[0], width), dtype=carrier)
        for part, matrix in zip(horizontal, across, strict=True):
            sums[:, part.start : part.stop] = lines[:, part.first : part.last] @ matrix
        shaped = sums.reshape(band.stop - band.start, count, channels, width)
        totals = (band.sums[:, None] * column_sums[None, :]).astype(carrier)
        _round(shaped, totals[:, None, None, :])
        rounded = shaped.astype(np.uint8)
        for channel in range(channels):  # three times faster than one transposed copy
            out[:, band.start : band.stop, :, channel] = rounded[:, :, channel].transpose(1, 0, 2)


def _round(sums: Array, totals: Array) -> None:
    """In place, sums -> a value whose integer part is floor((2 sums + N) / 2N)."""
    sums *= 2
    sums += totals
    if sums.dtype == np.int64:
        sums //= 2 * totals
    else:
        # A quotient is below 256, so rounding moves it by at most 2**-(p - 7). One that is not
        # an integer lies at least 1/2N below the next, and 511 N < 2**p makes that more than
        # 511 * 2**-(p + 1) > 2**-(p - 7): its integer part survives.
        sums /= 2 * totals
