"""Draws of views: what of a view is random, from Philox words keyed by the image's own seed.

A draw never depends on IPC, on the number of views or on the batch, and a partner's slot is never
above the row's own, so slot prefixes and view prefixes of an artifact keep every remaining row.

Source: spec/synthesis.md, "Words" and the sections after it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from ddcodec.arrays import Bools, Int64s, UInt32s
from ddcodec.errors import HeaderError
from ddcodec.randomness import DOMAIN_VIEWS, uniform_below, words_many
from ddcodec.recipe.view import View

__all__ = ["ViewDraw", "draw", "kept_pixels"]

# The area fraction of a resized crop is drawn in steps of 1 / (denominator * _FINE).
_FINE = 1 << 16

# The places of the words of a draw. They never move: an unused choice leaves its word unread.
_AREA, _TOP, _LEFT, _FLIP = range(4)
_PARTNER_CLASS, _PARTNER_SLOT, _MIX_AREA, _MIX_ROW, _MIX_COLUMN = range(4, 9)
_VFLIP, _ROTATE, _DEGREES, _TONE, _BRIGHTNESS, _CONTRAST, _CURVE, _GAMMA = range(9, 17)


@dataclass(frozen=True, eq=False)
class ViewDraw:
    """What was drawn for each of n images; every attribute is int64 [n].

    Attributes:
        top, left: first row and column of the crop; negative where it reaches into the padding.
        rows, columns: size of the crop, before it is resized back to the picture's size.
        flip, vflip: 1 where the crop is mirrored left to right, top to bottom.
        degrees: by how many the picture is then turned, anticlockwise.
        brightness, contrast, gamma: of the change of tone, in percent; 0, 0 and 100 for none.
        partner_class: the partner's class, counted from the start of the row's origin.
        partner_slot: the partner's slot, at most the row's own.
        mix_top, mix_bottom, mix_left, mix_right: the box that shows the partner, half open;
            empty where nothing is mixed, and the partner is then not needed.
    """

    top: Int64s
    left: Int64s
    rows: Int64s
    columns: Int64s
    flip: Int64s
    vflip: Int64s
    degrees: Int64s
    brightness: Int64s
    contrast: Int64s
    gamma: Int64s
    partner_class: Int64s
    partner_slot: Int64s
    mix_top: Int64s
    mix_bottom: Int64s
    mix_left: Int64s
    mix_right: Int64s

    @property
    def mixed(self) -> Bools:
        """bool [n]: where the partner is visible."""
        return (self.mix_bottom > self.mix_top) & (self.mix_right > self.mix_left)


def draw(
    view: View,
    seeds: npt.ArrayLike,
    slots: npt.ArrayLike,
    view_index: int | Int64s,
    height: int,
    width: int,
    origin_count: npt.ArrayLike,
    origin_class: npt.ArrayLike = 0,
) -> ViewDraw:
    """Draw a view of n images. Each row depends on its own seed and slot only.

    Args:
        view: the recipe's view.
        seeds: uint64 [n], the images' seeds.
        slots: integers [n], the images' slots.
        view_index: of each, [n], or of all: 0 for the pictures themselves, else 1 to 2**32 - 1.
        height: rows of a picture, at most ``MAX_SIDE``.
        width: columns of a picture, at most ``MAX_SIDE``.
        origin_count: classes in each row's origin, integers [n] or one for all.
        origin_class: each row's class, counted from the start of its origin, likewise; it bears
            on partners within groups of classes only.

    Raises:
        HeaderError: the view does not fit the size (``View.check_size``), or its draws are stored.

    Source: spec/synthesis.md, "Views".
    """
    view.check_size(height, width)
    if view.stored:
        raise HeaderError("recipe.view.kind says that draws are stored; seeds draw none")
    images = np.asarray(seeds, dtype=np.uint64).reshape(-1)
    pictures = np.asarray(view_index) == 0
    if pictures.all():
        view = View()
    drawn = words_many(images, DOMAIN_VIEWS, view_index, _words_of(view))
    values = {name: np.full(images.size, value) for name, value in _plain(height, width).items()}
    values |= _draw_crop(view, drawn, height, width)
    if view.flip:
        values["flip"] = _happens(drawn[:, _FLIP], view.flip_percent)
    if view.vflip:
        values["vflip"] = _happens(drawn[:, _VFLIP], view.vflip)
    if view.rotate[1]:
        values |= _draw_rotation(view, drawn)
    if view.brightness[2] or view.gamma[2]:
        values |= _draw_tone(view, drawn)
    if view.cutmix:
        values |= _draw_box(drawn, height, width)
        start, count = partners_of(view, origin_count, origin_class)
        values["partner_class"] = start + uniform_below(drawn[:, _PARTNER_CLASS], count)
        slot_count = np.asarray(slots, dtype=np.int64) + 1
        values["partner_slot"] = uniform_below(drawn[:, _PARTNER_SLOT], slot_count)
    if pictures.any() and not pictures.all():
        plain = _plain(height, width)
        values = {name: np.where(pictures, plain[name], v) for name, v in values.items()}
    return ViewDraw(**values)


def partners_of(
    view: View, origin_count: npt.ArrayLike, origin_class: npt.ArrayLike
) -> tuple[Int64s, Int64s]:
    """(first class, how many) that the partners of classes are of, counted from the origin's start.

    Args:
        view: the recipe's view.
        origin_count, origin_class: as for :func:`draw`.
    """
    counts, classes = np.asarray(origin_count, np.int64), np.asarray(origin_class, np.int64)
    if not view.partners:
        return np.zeros_like(classes), counts
    start = classes // view.partners * view.partners
    return start, np.minimum(view.partners, counts - start)


def kept_pixels(drawn: ViewDraw, height: int, width: int) -> tuple[Int64s, int]:
    """CutMix's lambda as a ratio: (int64 [n] pixels kept of the row's own picture, all pixels)."""
    box = (drawn.mix_bottom - drawn.mix_top) * (drawn.mix_right - drawn.mix_left)
    return height * width - box, height * width


def _plain(height: int, width: int) -> dict[str, int]:
    """The draw of a picture as it is."""
    names = [field.name for field in fields(ViewDraw)]
    return {**dict.fromkeys(names, 0), "rows": height, "columns": width, "gamma": 100}


def _words_of(view: View) -> int:
    """How many words, in blocks of four, the choices of a view need."""
    if view.brightness[2] or view.gamma[2]:
        return 20
    return 12 if view.cutmix or view.vflip or view.rotate[1] else 4


def _happens(word: UInt32s, percent: int) -> Int64s:
    """1 in so many percent of all cases, else 0; at 50, the word's highest bit."""
    return (uniform_below(word, 100) >= 100 - percent).astype(np.int64)


def _within(word: UInt32s, low: int, high: int) -> Int64s:
    return low + uniform_below(word, high - low + 1)


def _draw_crop(view: View, drawn: UInt32s, height: int, width: int) -> dict[str, Int64s]:
    count = len(drawn)
    rows = np.full(count, height, dtype=np.int64)
    columns = np.full(count, width, dtype=np.int64)
    if view.kind == "identity":
        return {}
    if view.kind == "resized-crop":
        smallest, largest, denominator = view.scale
        share = uniform_below(drawn[:, _AREA], (largest - smallest) * _FINE + 1)
        share += smallest * _FINE
        # At most 2**26 * 2**28 before the division.
        rows = np.maximum(1, _isqrt(height * height * share // (denominator * _FINE)))
        columns = np.maximum(1, _isqrt(width * width * share // (denominator * _FINE)))
    top = uniform_below(drawn[:, _TOP], height - rows + 2 * view.pad + 1) - view.pad
    left = uniform_below(drawn[:, _LEFT], width - columns + 2 * view.pad + 1) - view.pad
    return {"top": top, "left": left, "rows": rows, "columns": columns}


def _draw_rotation(view: View, drawn: UInt32s) -> dict[str, Int64s]:
    most, percent = view.rotate
    turned = _happens(drawn[:, _ROTATE], percent)
    return {"degrees": turned * _within(drawn[:, _DEGREES], -most, most)}


def _draw_tone(view: View, drawn: UInt32s) -> dict[str, Int64s]:
    brightness, contrast, percent = view.brightness
    changed = _happens(drawn[:, _TONE], percent)
    least, most, curved_percent = view.gamma
    curved = _happens(drawn[:, _CURVE], curved_percent)
    return {
        "brightness": changed * _within(drawn[:, _BRIGHTNESS], -brightness, brightness),
        "contrast": changed * _within(drawn[:, _CONTRAST], -contrast, contrast),
        "gamma": np.where(curved, _within(drawn[:, _GAMMA], least, most), 100),
    }


def _draw_box(drawn: UInt32s, height: int, width: int) -> dict[str, Int64s]:
    """A box of uniform area share word / 2**32 and uniform centre, clipped to the picture."""
    share = drawn[:, _MIX_AREA].astype(np.int64)
    rows = _isqrt(height * height * share >> 32)
    columns = _isqrt(width * width * share >> 32)
    top = uniform_below(drawn[:, _MIX_ROW], height) - rows // 2
    left = uniform_below(drawn[:, _MIX_COLUMN], width) - columns // 2
    return {
        "mix_top": np.maximum(top, 0),
        "mix_bottom": np.minimum(top + rows, height),
        "mix_left": np.maximum(left, 0),
        "mix_right": np.minimum(left + columns, width),
    }


def _isqrt(values: Int64s) -> Int64s:
    """floor(sqrt(v)) for 0 <= v < 2**60; the float root is a guess, off by at most one."""
    root = np.sqrt(values.astype(np.float64)).astype(np.int64)
    root -= root * root > values
    root += (root + 1) * (root + 1) <= values
    return root
