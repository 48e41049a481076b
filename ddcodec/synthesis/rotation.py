"""Exact rotation about a picture's centre: integer sines, one rounding, the same bytes everywhere.

Source: spec/synthesis.md, "Rotation".
"""

from __future__ import annotations

import numpy as np

from ddcodec.arrays import Int64s, UInt8s, UInt64s

__all__ = ["MAX_DEGREES", "rotate", "sine"]

MAX_DEGREES = 180

# floor(65536 sin(d degrees) + 1/2) for d = 0, 1, ..., 90.
_SINES = """
    0 1144 2287 3430 4572 5712 6850 7987 9121 10252 11380 12505 13626
    14742 15855 16962 18064 19161 20252 21336 22415 23486 24550 25607 26656 27697
    28729 29753 30767 31772 32768 33754 34729 35693 36647 37590 38521 39441 40348
    41243 42126 42995 43852 44695 45525 46341 47143 47930 48703 49461 50203 50931
    51643 52339 53020 53684 54332 54963 55578 56175 56756 57319 57865 58393 58903
    59396 59870 60326 60764 61183 61584 61966 62328 62672 62997 63303 63589 63856
    64104 64332 64540 64729 64898 65048 65177 65287 65376 65446 65496 65526 65536
"""

# Bits of a position within a pixel: bilinear weights are products of two such fractions.
_BITS = 5
_ONE = 1 << _BITS

# A pixel's channels travel together in one word of 64 bits. A weighted sum takes 18 of a lane's.
_LANE = 21
_LANES = 3

# Pixels rotated in one go: few enough for a processor's cache.
_PIXELS = 1 << 14


def sine(degrees: Int64s) -> Int64s:
    """65536 sin, of whole degrees within -360..360, by the normative table."""
    turned = degrees % 360
    half = turned % 180
    values = np.array(_SINES.split(), np.int64)[np.minimum(half, 180 - half)]
    return np.where(turned >= 180, -values, values)


def rotate(pictures: UInt8s, degrees: Int64s) -> UInt8s:
    """Turn pictures anticlockwise about their centres; what lies outside is reflected.

    Args:
        pictures: uint8 [n, h, w, c].
        degrees: int64 [n], each within -``MAX_DEGREES``..``MAX_DEGREES``.

    Returns:
        uint8 [n, h, w, c], a new array.
    """
    count, height, width, channels = pictures.shape
    out = np.empty_like(pictures, order="C")
    rows = max(1, min(height, _PIXELS // width))
    step = max(1, _PIXELS // (rows * width))
    for first in range(0, count, step):
        part = slice(first, first + step)
        for lane in range(0, channels, _LANES):
            words = _packed(pictures[part, ..., lane : lane + _LANES])
            for top in range(0, height, rows):
                band = np.arange(top, min(top + rows, height), dtype=np.int64)
                sums = _rotated(words, degrees[part], band)
                for channel in range(lane, min(lane + _LANES, channels)):
                    shift = np.uint64((channel - lane) * _LANE + 2 * _BITS)
                    out[part, top : top + rows, :, channel] = (sums >> shift).astype(np.uint8)
    return out


def _packed(pictures: UInt8s) -> UInt64s:
    """uint64 [n, h, w]: the channels of each pixel, one in each lane."""
    words: UInt64s = pictures[..., 0].astype(np.uint64)
    for channel in range(1, pictures.shape[3]):
        words |= pictures[..., channel].astype(np.uint64) << np.uint64(channel * _LANE)
    return words


def _rotated(words: UInt64s, degrees: Int64s, band: Int64s) -> UInt64s:
    """uint64 [n, rows, w]: in each lane 2^10 times the value of a pixel of the band, plus half."""
    count, height, width = words.shape
    reach = height + width  # no position lies further outside
    s, c = sine(degrees)[:, None], sine(degrees + 90)[:, None]
    # Twice the distance from the centre, which is an integer: positions come in 2^-17 pixels.
    u = 2 * np.arange(width, dtype=np.int64) - (width - 1)
    v = 2 * band - (height - 1)
    half = 1 << (16 - _BITS)
    x = (c * u + _from_centre(width, reach, half))[:, None, :] - (s * v)[:, :, None]
    y = (s * u)[:, None, :] + (c * v + _from_centre(height, reach, half))[:, :, None]
    (left, right), across = _neighbours(x, _reflected(width, reach))
    (above, below), down = _neighbours(y, _reflected(height, reach) * width)
    start = (np.arange(count, dtype=np.int64) * (height * width))[:, None, None]
    above += start
    below += start
    top = _between(words.take(above + left), words.take(above + right), across)
    bottom = _between(words.take(below + left), words.take(below + right), across)
    sums = _between(top, bottom, down)
    sums += np.uint64(sum(1 << (2 * _BITS - 1 + lane * _LANE) for lane in range(_LANES)))
    return sums


def _from_centre(side: int, reach: int, half: int) -> int:
    """What makes a distance from the centre a position, counted from ``reach`` pixels before."""
    return (side - 1 << 16) + (reach << 17) + half


def _neighbours(at: Int64s, reflected: Int64s) -> tuple[tuple[Int64s, Int64s], UInt64s]:
    """The pixels before and after positions, as reflected, and 2^5 times the way between them."""
    at >>= 17 - _BITS
    way = (at & (_ONE - 1)).view(np.uint64)
    at >>= _BITS
    before = reflected.take(at)
    at += 1
    return (before, reflected.take(at)), way


def _reflected(side: int, reach: int) -> Int64s:
    """The pixel that stands at -reach, ..., side + reach: edges are not repeated."""
    period = max(1, 2 * (side - 1))
    at = np.arange(-reach, side + reach + 1, dtype=np.int64) % period
    return np.minimum(at, period - at) if side > 1 else np.zeros_like(at)


def _between(first: UInt64s, second: UInt64s, way: UInt64s) -> UInt64s:
    """(2^5 - way) first + way second, in every lane; differences are modulo 2^64, the sum is not.

    ``second`` is overwritten.
    """
    second -= first
    second *= way
    first = first << np.uint64(_BITS)
    first += second
    return first
