"""Windows of pictures of any shape, which a network is to see in few shapes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from ddcodec.arrays import Int64s, UInt8s
from ddcodec.recipe.fields import Ratio
from ddcodec.synthesis.resample import resize

__all__ = ["alike", "cut", "framed", "seen_at", "window_of"]

# Longer sides are so many eighths of the shorter ones: pictures of one shape share a batch.
_PARTS, _MOST = 8, 16


def framed(image: UInt8s, side: int) -> UInt8s:
    """A picture with a shorter side of ``side`` pixels, in one of nine shapes.

    Its longer side is 8/8, 9/8, ... or 16/8 of the shorter one; what is more than that is cut off
    at both ends.

    Args:
        image: uint8 [height, width, 3].
    """
    short, long = sorted(image.shape[:2])
    parts = min(_MOST, _PARTS * long // short)
    height, width = (min(s, short * parts // _PARTS) for s in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    middle = image[None, top : top + height, left : left + width]
    larger = side * parts // _PARTS
    shape = (side, larger) if width >= height else (larger, side)
    result: UInt8s = resize(np.ascontiguousarray(middle), *shape)[0]
    return result


def alike(frames: Sequence[UInt8s] | UInt8s, most: int) -> Iterator[Int64s]:
    """Indices of pictures of one shape, in ascending order, at most ``most`` at a time."""
    by_shape = defaultdict[tuple[int, ...], list[int]](list)
    for row, frame in enumerate(frames):
        by_shape[frame.shape].append(row)
    for rows in by_shape.values():
        for start in range(0, len(rows), most):
            yield np.array(rows[start : start + most])


def seen_at(shape: tuple[int, int], side: int, multiple: int) -> tuple[int, int]:
    """(height, width) with a shorter side of ``side``, both rounded up to multiples.

    Args:
        shape: (height, width), whose aspect ratio is kept but for the rounding.
    """
    short = min(shape)
    height, width = (-(-side * s // (short * multiple)) * multiple for s in shape)
    return height, width


def window_of(shape: tuple[int, int], size: tuple[int, int], share: Ratio) -> tuple[int, int]:
    """(height, width) of a window: a share of the largest one of an aspect ratio.

    Args:
        shape: (height, width) of the picture.
        size: (width, height), whose aspect ratio the window has.
        share: of each side.
    """
    (height, width), (w, h) = shape, size
    box = (height, height * w // h) if width * h >= height * w else (width * h // w, width)
    of = [max(1, s * share[0] // share[1]) for s in box]
    return of[0], of[1]


def cut(images: UInt8s, corners: Int64s, window: tuple[int, int], size: tuple[int, int]) -> UInt8s:
    """The window of each picture, uint8 [n, height, width, 3].

    Args:
        images: uint8 [n, rows, columns, 3].
        corners: int64 [n, 2], top and left; windows that stick out are moved in.
        window: (height, width) in pixels of the pictures.
        size: (width, height) of the results.
    """
    most = np.array(images.shape[1:3]) - window
    found = [
        image[y : y + window[0], x : x + window[1]]
        for image, (y, x) in zip(images, np.clip(corners, 0, most), strict=True)
    ]
    return resize(np.stack(found), size[1], size[0])
