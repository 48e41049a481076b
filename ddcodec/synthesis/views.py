"""Views: replayable augmentations, drawn from the image's seed, in integers throughout.

View 0 of a row is the picture itself; view v >= 1 is a crop, a flip and a CutMix with a partner,
all drawn from Philox words keyed by the image's own seed and v (spec/synthesis.md, "Views"). A
draw never depends on IPC, on the number of views or on the batch, and a partner's slot is never
above the row's own, so slot prefixes and view prefixes of an artifact keep every remaining row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ddcodec.arrays import Bools, Int64s, UInt8s, UInt32s
from ddcodec.errors import DecodeError
from ddcodec.randomness import DOMAIN_VIEWS, uniform_below, words_many
from ddcodec.recipe.fields import MAX_SIDE
from ddcodec.recipe.view import View
from ddcodec.synthesis.resample import resize

__all__ = ["ViewDraw", "apply", "augment", "draw", "kept_pixels", "mix"]


# The area fraction of a resized crop is drawn in steps of 1 / (denominator * _FINE).
_FINE = 1 << 16

# The places of the words of a draw. They never move: an unused choice leaves its word unread.
_AREA, _TOP, _LEFT, _FLIP = range(4)
_PARTNER_CLASS, _PARTNER_SLOT, _MIX_AREA, _MIX_ROW, _MIX_COLUMN = range(4, 9)


@dataclass(frozen=True, eq=False)
class ViewDraw:
    """What was drawn for each of n images; every attribute is int64 [n].

    Attributes:
        top, left: first row and column of the crop; negative where it reaches into the padding.
        rows, columns: size of the crop, before it is resized back to the picture's size.
        flip: 1 where the crop is mirrored left to right.
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

    Raises:
        HeaderError: the view does not fit the size (``View.check_size``).

    Source: spec/synthesis.md, "Views".
    """
    view.check_size(height, width)
    images = np.asarray(seeds, dtype=np.uint64).reshape(-1)
    pictures = np.asarray(view_index) == 0
    if pictures.all():
        view = View()
    drawn = words_many(images, DOMAIN_VIEWS, view_index, 12 if view.cutmix else 4)
    zero = np.zeros(images.size, dtype=np.int64)
    top, left, rows, columns = _draw_crop(view, drawn, height, width)
    box, partner = (zero,) * 4, (zero,) * 2
    if view.cutmix:
        box = _draw_box(drawn, height, width)
        partner = (
            uniform_below(drawn[:, _PARTNER_CLASS], origin_count),
            uniform_below(drawn[:, _PARTNER_SLOT], np.asarray(slots, dtype=np.int64) + 1),
        )
    flip = uniform_below(drawn[:, _FLIP], 2) if view.flip else zero
    values: Iterable[Int64s] = (top, left, rows, columns, flip, *partner, *box)
    if pictures.any() and not pictures.all():
        plain = (0, 0, height, width, *(0,) * 7)
        values = (np.where(pictures, p, v) for p, v in zip(plain, values, strict=True))
    return ViewDraw(*values)


def apply(
    drawn: ViewDraw,
    pictures: UInt8s,
    partner_drawn: ViewDraw | None = None,
    partners: UInt8s | None = None,
) -> UInt8s:
    """The drawn view of pictures: ``augment``, then ``mix`` where partners are given.

    Args:
        drawn: the draw of these pictures.
        pictures: uint8 [n, h, w, c], view 0.
        partner_drawn: the partners' own draw, at the same view index, from their own seeds.
        partners: uint8 [n, h, w, c], the partners' view 0.

    Returns:
        uint8 [n, h, w, c].
    """
    augmented = augment(pictures, drawn)
    if partner_drawn is None or partners is None:
        return augmented
    return mix(augmented, augment(partners, partner_drawn), drawn)


def augment(pictures: UInt8s, drawn: ViewDraw) -> UInt8s:
    """Crop, resize back and flip, as drawn; no mixing.

    Args:
        pictures: uint8 [n, h, w, c], view 0.
        drawn: the draw of these n pictures.

    Returns:
        uint8 [n, h, w, c], a new array.

    Raises:
        DecodeError: the draw is for another number of pictures.
    """
    _check_count(drawn, pictures)
    count, height, width, channels = pictures.shape
    out = np.empty_like(pictures, order="C")
    pad = _reach(drawn, height, width)
    # Reflection takes pixel -t for -t and 2 (side - 1) - t beyond the end: numpy's "reflect".
    padded = np.pad(pictures, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="reflect")
    flat = np.ascontiguousarray(padded).reshape(
        count, height + 2 * pad, (width + 2 * pad) * channels
    )
    # Crops of one size are taken together: each is one strided copy, and they share the filter.
    sizes, group = np.unique(drawn.rows * (MAX_SIDE + 1) + drawn.columns, return_inverse=True)
    for number, size in enumerate(sizes.tolist()):
        rows, columns = divmod(size, MAX_SIDE + 1)
        members = np.flatnonzero(group == number)
        windows = np.lib.stride_tricks.sliding_window_view(
            flat, (rows, columns * channels), axis=(1, 2)
        )
        crops = windows[members, drawn.top[members] + pad, (drawn.left[members] + pad) * channels]
        crops = crops.reshape(members.size, rows, columns, channels)
        out[members] = resize(crops, height, width)
    mirrored = np.flatnonzero(drawn.flip)
    for channel in range(channels):  # three times faster than all channels at once
        out[mirrored, :, :, channel] = out[mirrored, :, ::-1, channel]
    return out


def mix(augmented: UInt8s, partners: UInt8s, drawn: ViewDraw) -> UInt8s:
    """Paste each partner's box into its picture (CutMix).

    Args:
        augmented: uint8 [n, h, w, c], the pictures after their own crop and flip.
        partners: uint8 [n, h, w, c], the partners after theirs.
        drawn: the draw of the pictures (not of the partners).

    Returns:
        uint8 [n, h, w, c], a new array.

    Raises:
        DecodeError: the draw or the partners are for another number or size of pictures.
    """
    _check_count(drawn, augmented)
    if partners.shape != augmented.shape:
        raise DecodeError(
            f"partners of shape {partners.shape} cannot be mixed into pictures of shape "
            f"{augmented.shape}; render one partner for each picture"
        )
    out = augmented.copy()
    for i in np.flatnonzero(drawn.mixed).tolist():
        box = (
            slice(drawn.mix_top[i], drawn.mix_bottom[i]),
            slice(drawn.mix_left[i], drawn.mix_right[i]),
        )
        out[i][box] = partners[i][box]
    return out


def kept_pixels(drawn: ViewDraw, height: int, width: int) -> tuple[Int64s, int]:
    """CutMix's lambda as a ratio: (int64 [n] pixels kept of the row's own picture, all pixels)."""
    box = (drawn.mix_bottom - drawn.mix_top) * (drawn.mix_right - drawn.mix_left)
    return height * width - box, height * width


def _draw_crop(
    view: View, drawn: UInt32s, height: int, width: int
) -> tuple[Int64s, Int64s, Int64s, Int64s]:
    count = len(drawn)
    rows = np.full(count, height, dtype=np.int64)
    columns = np.full(count, width, dtype=np.int64)
    if view.kind == "resized-crop":
        smallest, largest, denominator = view.scale
        share = uniform_below(drawn[:, _AREA], (largest - smallest) * _FINE + 1)
        share += smallest * _FINE
        # At most 2**26 * 2**28 before the division.
        rows = np.maximum(1, _isqrt(height * height * share // (denominator * _FINE)))
        columns = np.maximum(1, _isqrt(width * width * share // (denominator * _FINE)))
    if view.kind == "identity":
        return np.zeros_like(rows), np.zeros_like(rows), rows, columns
    top = uniform_below(drawn[:, _TOP], height - rows + 2 * view.pad + 1) - view.pad
    left = uniform_below(drawn[:, _LEFT], width - columns + 2 * view.pad + 1) - view.pad
    return top, left, rows, columns


def _draw_box(drawn: UInt32s, height: int, width: int) -> tuple[Int64s, Int64s, Int64s, Int64s]:
    """A box of uniform area share word / 2**32 and uniform centre, clipped to the picture."""
    share = drawn[:, _MIX_AREA].astype(np.int64)
    rows = _isqrt(height * height * share >> 32)
    columns = _isqrt(width * width * share >> 32)
    top = uniform_below(drawn[:, _MIX_ROW], height) - rows // 2
    left = uniform_below(drawn[:, _MIX_COLUMN], width) - columns // 2
    return (
        np.maximum(top, 0),
        np.minimum(top + rows, height),
        np.maximum(left, 0),
        np.minimum(left + columns, width),
    )


def _isqrt(values: Int64s) -> Int64s:
    """floor(sqrt(v)) for 0 <= v < 2**60; the float root is a guess, off by at most one."""
    root = np.sqrt(values.astype(np.float64)).astype(np.int64)
    root -= root * root > values
    root += (root + 1) * (root + 1) <= values
    return root


def _reach(drawn: ViewDraw, height: int, width: int) -> int:
    """How many pixels the crops reach beyond the picture."""
    if not drawn.top.size:
        return 0
    before = -min(int(drawn.top.min()), int(drawn.left.min()))
    below = int((drawn.top + drawn.rows).max()) - height
    right = int((drawn.left + drawn.columns).max()) - width
    return max(0, before, below, right)


def _check_count(drawn: ViewDraw, pictures: UInt8s) -> None:
    if pictures.ndim != 4 or len(pictures) != drawn.top.size:
        raise DecodeError(
            f"a draw of {drawn.top.size} rows does not fit pictures of shape {pictures.shape}; "
            "draw once for each picture"
        )
