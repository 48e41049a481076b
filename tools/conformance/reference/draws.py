"""Draws of stored views (spec/codecs.md, section 12; spec/synthesis.md, "Stored views")."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tools.conformance.reference.arrays import Shape
from tools.conformance.reference.packed import read_packed, unsigned
from tools.conformance.reference.parameters import Params
from tools.conformance.reference.refusal import require
from tools.conformance.reference.synthesis import Draw


def view_draws(raw: bytes, shape: Shape, params: Params) -> list[int]:
    """Section 12."""
    classes, slots, views, numbers = shape
    height, width = params["height"], params["width"]
    require(numbers == 11, "payload", f"draws of {numbers} numbers")
    require(len(raw) >= 8, "payload", "too few bytes")
    most, length = struct.unpack_from("<II", raw)
    require(most <= classes * slots, "payload", "more boxes than pictures")
    require(8 + length <= len(raw) and (most > 0 or length == 0), "payload", "cut, or no boxes")
    boxes = read_packed(raw[8 : 8 + length], views * most, [*range(4)]) if most else []
    for t, h, left, w in boxes:
        good = min(t, h, left, w) >= 0 and t + h <= height and left + w <= width
        require(good, "payload", "a box beyond the picture")
    rows = read_packed(raw[8 + length :], classes * slots * views, [*range(9)])
    batches: dict[tuple[int, int], list[int]] = {}
    for place, row in enumerate(rows):
        require(0 <= row[5] <= most, "payload", "a box that is not there")
        batches.setdefault((place % views, row[5]), []).append(place)
    flat: list[int] = []
    for place, (a, b, t, left, flip, m, k, x, y) in enumerate(rows):
        high = height - unsigned(a)
        wide = width - unsigned(a) * width // height - b
        require(1 <= high <= height and 1 <= wide <= width, "payload", "a crop's size")
        top, first = t + (height - high) // 2, left + (width - wide) // 2
        require(0 <= top <= height - high, "payload", "a crop's first row")
        require(0 <= first <= width - wide, "payload", "a crop's first column")
        require(flip in (0, 1), "payload", "a flip")
        flat += [top, first, high, wide, flip]
        if m == 0:
            require(k == x == y == 0, "payload", "a partner of nothing")
            flat += [0] * 6
            continue
        start, h, begin, w = boxes[most * (place % views) + m - 1]
        require(h * w > 0, "payload", "an empty box")
        if k == 0:
            require(abs(x) < 1 << 20 and abs(y) < 1 << 24, "payload", "a partner too far")
        else:
            batch = batches[place % views, m]
            require(x == y == 0 and 0 < k <= len(batch), "payload", "a partner beyond the batch")
            (c, s), (own, slot) = (divmod(p // views, slots) for p in (batch[k - 1], place))
            x, y = c - own, s - slot
        flat += [x, y, start, start + h, begin, begin + w]
    return flat


def stored_draw(
    numbers: Sequence[int], view: Params, own: int, slot: int, classes: int, slots: int
) -> Draw:
    """What is stored of picture (own class within the origin, slot), of so many with pictures."""
    top, left, rows, columns, flip, x, y, first, last, start, end = numbers
    partner = own + x, slot + y
    require(0 <= partner[0] < classes, "payload", "a partner of another origin")
    require(0 <= partner[1] < slots, "payload", "a partner without a picture")
    box = first, last, start, end
    drawn = Draw((top, left, rows, columns), flip, partner=partner, box=box)
    allowed = flip <= view["flip"] and drawn.mixed <= view["cutmix"]
    require(allowed, "payload", "a flip or a mix that the recipe denies")
    return drawn
