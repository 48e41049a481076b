"""Layouts: how patches make up a training image, and how a picture is cut into patches.

Source: spec/synthesis.md, "Layouts". A *collage* of g x g patches is one training image (RDED,
Sun et al. 2024; D3M at 224 px). ``cut`` is its inverse: a generated picture that holds a collage
yields g x g patches (D3M).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ddcodec.errors import DecodeError, HeaderError, UnsupportedFeatureError
from ddcodec.synthesis.resample import resize

__all__ = ["MAX_GRID", "Layout", "collage", "cut"]

Pictures = npt.NDArray[np.uint8]

KINDS = ("single", "collage")
MAX_GRID = 64


@dataclass(frozen=True)
class Layout:
    """How patches become training images.

    Attributes:
        kind: ``single`` (a patch is an image) or ``collage`` (grid x grid patches are an image).
        grid: 1 for ``single``, else 2 to ``MAX_GRID``, so that a layout is written in one way.

    Raises:
        HeaderError: ``grid`` does not fit ``kind``.
        UnsupportedFeatureError: ``kind`` is unknown.
    """

    kind: str = "single"
    grid: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnsupportedFeatureError(
                f"layout kind {self.kind!r} is unknown to this version; install a newer ddcodec"
            )
        low, high = (1, 1) if self.kind == "single" else (2, MAX_GRID)
        if type(self.grid) is not int or not low <= self.grid <= high:
            raise HeaderError(
                f"a {self.kind} layout needs a grid of {low}..{high}, not {self.grid!r}"
            )

    def to_map(self) -> dict[str, Any]:
        """The header form; ``from_map`` reads it back."""
        return {"kind": self.kind, "grid": self.grid}

    @classmethod
    def from_map(cls, value: Any) -> Layout:
        """Validate the header form.

        Raises:
            HeaderError: a field is missing, superfluous, of a wrong type or out of range.
            UnsupportedFeatureError: the kind is unknown.
        """
        if not isinstance(value, Mapping) or set(value) != {"kind", "grid"}:
            raise HeaderError("recipe.layout is not a map of kind and grid; the file is damaged")
        if not isinstance(value["kind"], str):
            raise HeaderError("recipe.layout.kind is not text; the file is damaged")
        return cls(value["kind"], value["grid"])


def collage(patches: Pictures, grid: int, height: int, width: int) -> Pictures:
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


def cut(collages: Pictures, grid: int) -> Pictures:
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
