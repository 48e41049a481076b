"""Views: replayable augmentations of pictures, in integers throughout.

View 0 of a row is the picture itself; view v >= 1 is a crop, flips, a rotation, a change of tone
and a CutMix with a partner, as drawn (spec/synthesis.md, "Views").
"""

from __future__ import annotations

import numpy as np

from ddcodec.arrays import UInt8s
from ddcodec.errors import DecodeError
from ddcodec.recipe.fields import MAX_SIDE
from ddcodec.synthesis.resample import resize
from ddcodec.synthesis.rotation import rotate
from ddcodec.synthesis.tone import change_tone
from ddcodec.synthesis.view_draw import ViewDraw

__all__ = ["apply", "augment", "mix"]


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
    """Crop, resize back, flip, turn and change the tone, as drawn; no mixing.

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
    upside_down = np.flatnonzero(drawn.vflip)
    out[upside_down] = out[upside_down, ::-1]
    turned = np.flatnonzero(drawn.degrees)
    out[turned] = rotate(out[turned], drawn.degrees[turned])
    change_tone(out, drawn.brightness, drawn.contrast, drawn.gamma)
    return out


def mix(augmented: UInt8s, partners: UInt8s, drawn: ViewDraw) -> UInt8s:
    """Paste each partner's box into its picture (CutMix).

    Args:
        augmented: uint8 [n, h, w, c], the pictures as ``augment`` gives them.
        partners: uint8 [n, h, w, c], the partners likewise.
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
