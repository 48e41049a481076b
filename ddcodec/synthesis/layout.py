"""Patches laid out as training images, and pictures cut into patches.

Source: spec/synthesis.md, "Layouts". A *collage* of g x g patches is one training image (RDED,
Sun et al. 2024; D3M at 224 px). ``cut`` is its inverse: a generated picture that holds a collage
yields g x g patches (D3M).
"""

from __future__ import annotations

import numpy as np

from ddcodec.arrays import UInt8s
from ddcodec.errors import DecodeError
from ddcodec.synthesis.resample import resize

__all__ = ["collage", "cut"]


def collage(patches: UInt8s, grid: int, height: int, width: int) -> UInt8s:
    """Lay out patches as images of grid x grid cells, in row-major order.

    Cell (r, c) covers rows floor(r * height / grid) up to floor((r + 1) * height / grid), and
    columns likewise; each patch is resized (bilinear) to its cell.

    Args:
        patches: uint8 [n * grid * grid, h, w, channels].
        grid: cells along each side of an image.
        height: rows of an image, at least ``grid``.
        width: columns of an image, at least ``grid``.

    Returns:
        uint8 [n, height, width, channels].

    Raises:
        DecodeError: the patches do not fill whole images, or the image is smaller than the grid.
    """
    _check_grid(grid, height, width)
    count, rest = divmod(len(patches), grid * grid)
    if rest:
        raise DecodeError(
            f"{len(patches)} patches do not fill collages of {grid} x {grid}; "
            "pass a whole number of collages"
        )
    cells = patches.reshape(count, grid, grid, *patches.shape[1:])
    out = np.empty((count, height, width, patches.shape[3]), dtype=np.uint8)
    for r, (top, bottom) in enumerate(_cells(height, grid)):
        for c, (left, right) in enumerate(_cells(width, grid)):
            out[:, top:bottom, left:right] = resize(cells[:, r, c], bottom - top, right - left)
    return out


def cut(collages: UInt8s, grid: int) -> UInt8s:
    """Cut pictures into grid x grid patches, in row-major order.

    Cells begin where ``collage`` begins them. All patches have the size of the smallest cell,
    floor(h / grid) by floor(w / grid): a cell one pixel larger loses its last row or column.

    Args:
        collages: uint8 [n, h, w, channels].
        grid: cells along each side of a picture.

    Returns:
        uint8 [n * grid * grid, h // grid, w // grid, channels].

    Raises:
        DecodeError: a picture is smaller than the grid.
    """
    count, height, width, channels = collages.shape
    _check_grid(grid, height, width)
    rows, columns = height // grid, width // grid
    out = np.empty((count, grid, grid, rows, columns, channels), dtype=np.uint8)
    for r, (top, _) in enumerate(_cells(height, grid)):
        for c, (left, _) in enumerate(_cells(width, grid)):
            out[:, r, c] = collages[:, top : top + rows, left : left + columns]
    return out.reshape(count * grid * grid, rows, columns, channels)


def _cells(side: int, grid: int) -> list[tuple[int, int]]:
    """Start and stop of each cell along one side."""
    return [(i * side // grid, (i + 1) * side // grid) for i in range(grid)]


def _check_grid(grid: int, height: int, width: int) -> None:
    if not 1 <= grid <= min(height, width):
        raise DecodeError(
            f"a grid of {grid} does not fit a picture of {width} x {height}; use a smaller grid"
        )
