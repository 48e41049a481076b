"""Draws of views that come from elsewhere: crops, flips, partners and mixing boxes, as they are.

Source: spec/codecs.md, "Draws". What was random is incompressible, so a draw takes about the bits
of its choices; what a batch shares, its box, is stored once.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import ClassVar, NamedTuple

import numpy as np

from ddcodec.arrays import Bools, Int32s, Int64s, Integers
from ddcodec.codecs.base import Codec, check_array, check_axes
from ddcodec.codecs.packed import pack_matrix, unpack_matrix
from ddcodec.errors import EncodeError, PayloadError
from ddcodec.recipe.fields import MAX_SIDE

__all__ = ["NUMBERS", "ViewDraws"]

NUMBERS = 11
"""Numbers of a draw: top, left, rows and columns of the crop; flip; the partner's class and slot,
less the row's own; top, bottom, left and right of the mixing box, the ends not included."""

_AXES = f"[classes, slots, views, {NUMBERS}]"
_HEAD = struct.Struct("<II")
_CROP, _PARTNER, _BOX = slice(0, 4), slice(5, 7), slice(7, 11)
_COLUMNS, _BOX_COLUMNS = np.arange(9), np.arange(4)
# Beyond these no table has classes or slots.
_FARTHEST = (1 << 20, 1 << 24)


@dataclass(frozen=True)
class ViewDraws(Codec[Int32s, Int32s]):
    """int32 [classes, slots, views, 11]: what is done to each picture in each view.

    Args:
        height: rows of a picture.
        width: columns of a picture.
    """

    height: int
    width: int

    name: ClassVar[str] = "view-draws"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "none"
    sliced_axes: ClassVar[int] = 3
    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {
        "height": (1, MAX_SIDE),
        "width": (1, MAX_SIDE),
    }

    def encode(self, array: Int32s) -> bytes:
        draws = check_array(self.name, array, (np.int32,), 4, _AXES)
        if draws.shape[3] != NUMBERS:
            raise EncodeError(f"{self.name} encodes arrays {_AXES}; got shape {draws.shape}")
        grid = _Grid(*draws.shape[:3])
        rows = draws.reshape(grid.rows, NUMBERS).astype(np.int64)
        self._check_draws(rows)
        mixed = _area(rows[:, _BOX]) > 0
        boxes, most, number = _boxes_of(rows, mixed, grid)
        columns = np.zeros((grid.rows, len(_COLUMNS)), np.int64)
        columns[:, :5] = self._crops_coded(rows)
        columns[:, 5] = number
        batches = _Batches(number, grid)
        columns[:, 6] = place = batches.places_of(rows[:, 5], rows[:, 6])
        columns[:, 7:] = np.where(place[:, None] > 0, 0, rows[:, _PARTNER])
        listed = pack_matrix(boxes, _BOX_COLUMNS) if most else b""
        return _HEAD.pack(most, len(listed)) + listed + pack_matrix(columns, _COLUMNS)

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> Int32s:
        check_axes(self.name, shape, 4, _AXES)
        if shape[3] != NUMBERS:
            raise PayloadError(f"{self.name} decodes to {_AXES}; the box says {shape}")
        grid = _Grid(*shape[:3])
        boxes, most, rest = self._boxes(raw, grid)
        columns = unpack_matrix(self.name, rest, grid.rows, _COLUMNS)
        out = np.zeros((grid.rows, NUMBERS), np.int32)
        self._read_crops(columns, out)
        number, place, partner = columns[:, 5], columns[:, 6], columns[:, 7:]
        mixed = number > 0
        far = (np.abs(partner.astype(np.int64)) >= _FARTHEST).any(axis=1)
        # A row that mixes with nobody has no partner, one of its batch no other.
        alone = (partner != 0).any(axis=1) & ((place > 0) | ~mixed) | ((place != 0) & ~mixed)
        if ((number < 0) | (number > most) | (place < 0) | alone | far).any():
            raise self._damaged("a partner or the number of a box")
        if most:
            out[mixed, _BOX] = boxes[(grid.views_of() * most + number - 1)[mixed]]
            if (_area(out[mixed, _BOX]) == 0).any():
                raise self._damaged("an empty box")
        out[:, _PARTNER] = partner
        (theirs,) = np.nonzero(place)
        if theirs.size:
            batches = _Batches(number, grid)
            if (place[theirs] > batches.sizes[theirs]).any():
                raise self._damaged("a partner beyond its batch")
            out[theirs, _PARTNER] = batches.partners_at(theirs, place[theirs])
        return out.reshape(shape)

    def _crops_coded(self, rows: Int64s) -> Int64s:
        """[n, 5]: crops as residuals, and flips."""
        top, left, high, wide, flip = rows[:, :5].T
        less = self.height - high
        narrower = self.width - wide
        middle = (top - less // 2, left - narrower // 2)
        beside = narrower - less * self.width // self.height
        return np.stack([(less >> 1) ^ -(less & 1), beside, *middle, flip], axis=1)

    def _read_crops(self, columns: Int32s, out: Int32s) -> None:
        less, beside, top, left, flip = columns[:, :5].T
        less = (less << 1) ^ (less >> 31)
        wrong = (less < 0) | (less >= self.height) | (flip < 0) | (flip > 1)
        if wrong.any():
            raise self._damaged("the height of a crop or a flip")
        narrower = beside + less * self.width // self.height
        if ((narrower < 0) | (narrower >= self.width)).any():
            raise self._damaged("the width of a crop")
        out[:, 0], out[:, 1] = top + less // 2, left + narrower // 2
        out[:, 2], out[:, 3], out[:, 4] = self.height - less, self.width - narrower, flip
        if ((out[:, 0] < 0) | (out[:, 0] > less)).any():
            raise self._damaged("the first row of a crop")
        if ((out[:, 1] < 0) | (out[:, 1] > narrower)).any():
            raise self._damaged("the first column of a crop")

    def _boxes(self, raw: bytes, grid: _Grid) -> tuple[Int32s, int, bytes]:
        """The boxes [views x most, 4] as top, bottom, left, right; ``most``; the rest of the raw.

        Raises:
            PayloadError: they are cut off, or beyond the picture.
        """
        if len(raw) < _HEAD.size:
            raise self._damaged("the number of boxes")
        most, length = _HEAD.unpack_from(raw)
        end = _HEAD.size + length
        if most > grid.pictures or len(raw) < end or (length and not most):
            raise self._damaged("the number of boxes")
        if not most:
            return np.zeros((0, 4), np.int32), 0, raw[end:]
        stored = unpack_matrix(self.name, raw[_HEAD.size : end], grid.views * most, _BOX_COLUMNS)
        if stored.min() < 0 or stored.max() > MAX_SIDE:
            raise self._damaged("a box")
        boxes = np.stack(
            [stored[:, 0], stored[:, 0] + stored[:, 1], stored[:, 2], stored[:, 2] + stored[:, 3]],
            axis=1,
        )
        if (boxes > (self.height, self.height, self.width, self.width)).any():
            raise self._damaged("a box")
        return boxes, most, raw[end:]

    def _check_draws(self, rows: Int64s) -> None:
        """Raises EncodeError for a draw that is none of a picture of this size."""
        top, left, high, wide, flip = rows[:, :5].T
        first, last, start, end = rows[:, _BOX].T
        good = (top >= 0) & (high >= 1) & (top + high <= self.height)
        good &= (left >= 0) & (wide >= 1) & (left + wide <= self.width)
        good &= (flip == 0) | (flip == 1)
        good &= (first >= 0) & (first <= last) & (last <= self.height)
        good &= (start >= 0) & (start <= end) & (end <= self.width)
        good &= (np.abs(rows[:, _PARTNER]) < _FARTHEST).all(axis=1)
        unmixed = _area(rows[:, _BOX]) == 0
        good &= ~unmixed | (rows[:, 5:] == 0).all(axis=1)
        if not good.all():
            n = int(np.flatnonzero(~good)[0])
            raise EncodeError(
                f"draw {n} of {rows[n].tolist()} is none of a picture of {self.width} x "
                f"{self.height}: its crop and box lie within the picture, a flip is 0 or 1, and a "
                "row that nothing is mixed into has no partner and a box of zeros"
            )

    def _damaged(self, what: str) -> PayloadError:
        return PayloadError(f"{self.name}: {what} is out of range; the section is damaged")


class _Grid(NamedTuple):
    """The rows of a section, in the order class, slot, view."""

    classes: int
    slots: int
    views: int

    @property
    def rows(self) -> int:
        return prod(self)

    @property
    def pictures(self) -> int:
        return self.classes * self.slots

    def views_of(self) -> Int64s:
        """int64 [rows]: the view of each row."""
        return np.arange(self.rows) % self.views


class _Batches:
    """Rows of one view that share a box, in order: partners are mostly found among them.

    Args:
        number: [n], of each row's box among those of its view, from 1; 0 for none.
        grid: of the rows.

    Attributes:
        sizes: int64 [n], how many rows are in the batch of each; 0 where nothing is mixed.
    """

    def __init__(self, number: Integers, grid: _Grid) -> None:
        self._grid = grid
        key = np.where(number > 0, grid.views_of() * (grid.pictures + 1) + number, -1)
        self._order = np.argsort(key, kind="stable")
        ordered = key[self._order]
        self._starts = np.searchsorted(ordered, key)
        self.sizes: Int64s = np.searchsorted(ordered, key, side="right") - self._starts
        self.sizes[key < 0] = 0
        self._key = key

    def partners_at(self, rows: Int64s, place: Integers) -> Int64s:
        """[n, 2]: class and slot, less the row's own, of the row at a place, from 1, of a batch."""
        partners = self._order[self._starts[rows] + place - 1]
        return self._places(partners) - self._places(rows)

    def places_of(self, classes: Int64s, slots: Int64s) -> Int64s:
        """[n]: the place, from 1, of each row's partner; 0 where its batch has none such.

        Args:
            classes, slots: of the partner, less the row's own.
        """
        grid, rows = self._grid, np.arange(self._grid.rows)
        c, s = (self._places(rows) + np.stack([classes, slots], axis=1)).T
        inside: Bools = (c >= 0) & (c < grid.classes) & (s >= 0) & (s < grid.slots)
        partner = (c * grid.slots + s) * grid.views + rows % grid.views
        partner[~inside] = 0
        together = inside & (self._key >= 0) & (self._key[partner] == self._key)
        place = np.empty(grid.rows, np.int64)
        place[self._order] = rows
        found: Int64s = np.where(together, place[partner] - self._starts + 1, 0)
        return found

    def _places(self, rows: Int64s) -> Int64s:
        """[n, 2]: class and slot of rows, from the section's first."""
        return np.stack(np.divmod(rows // self._grid.views, self._grid.slots), axis=1)


def _area(boxes: Integers) -> Integers:
    return (boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2])


def _boxes_of(rows: Int64s, mixed: Bools, grid: _Grid) -> tuple[Int64s, int, Int64s]:
    """The boxes of each view and of each row its number among them, from 1, or 0 for none.

    Returns:
        int64 [views x most, 4] of top, rows, left, columns, each view's filled up with zeros;
        how many the view with the most has; int64 [n].
    """
    number = np.zeros(grid.rows, np.int64)
    views = grid.views_of()
    keyed = np.concatenate([views[mixed, None], rows[mixed, _BOX]], axis=1)
    found, which = np.unique(keyed, axis=0, return_inverse=True)
    counts = np.bincount(found[:, 0], minlength=grid.views)
    starts = np.cumsum(counts) - counts
    place = np.arange(len(found)) - starts[found[:, 0]]
    most = int(counts.max())
    boxes = np.zeros((grid.views * most, 4), np.int64)
    top, bottom, left, right = found[:, 1:].T
    boxes[found[:, 0] * most + place] = np.stack([top, bottom - top, left, right - left], axis=1)
    number[mixed] = place[which.reshape(-1)] + 1
    return boxes, most, number
