"""Places for labels of points, of which no two overlap, and none covers a point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import hypot

__all__ = ["LINE", "Box", "Label", "place_all", "width_of"]

LINE = 15.0
"""Height of a label in px."""

_LETTER = 6.9  # generous advance of a 12 px letter, in px
_GAP = 11.0  # from the middle of a point to its label
_SHIFTS = (0, -1, 1, -2, 2, -3, 3)  # lines by which a label may be above or below its point
_STEP = 6.0  # of the search for any free place


@dataclass(frozen=True)
class Box:
    """A rectangle in px."""

    left: float
    top: float
    right: float
    bottom: float

    def hits(self, other: Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def holds(self, other: Box) -> bool:
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )


@dataclass(frozen=True)
class Label:
    """A text in its place.

    Attributes:
        text: what it says.
        box: what it takes.
        anchor: ``start`` or ``end``: the side that stands by the point.
        leader: (x, y) of its end of a line to the point, where it stands far from it.
    """

    text: str
    box: Box
    anchor: str
    leader: tuple[float, float] | None = None

    @property
    def x(self) -> float:
        return self.box.left if self.anchor == "start" else self.box.right

    @property
    def y(self) -> float:
        return self.box.bottom - 4


def width_of(text: str) -> float:
    """px that a text of 12 px letters takes at most."""
    return _LETTER * max(1, len(text))


def place_all(
    texts: Sequence[str],
    at: Sequence[tuple[float, float]],
    taken: Sequence[Box],
    inside: Box,
    anywhere: Sequence[bool],
) -> list[Label | None]:
    """A label for each point, or None where there is no free place for it.

    Args:
        texts: of each point.
        at: (x, y) of each point.
        taken: what labels must not cover, such as the points themselves.
        inside: where they must stay.
        anywhere: of each: where there is no free place beside it, take the nearest one of all.
    """
    used, out = list(taken), list[Label | None]()
    for text, (x, y), far in zip(texts, at, anywhere, strict=True):
        found = next(
            (
                label
                for label in _candidates(text, x, y, inside, far)
                if inside.holds(label.box) and not any(label.box.hits(other) for other in used)
            ),
            None,
        )
        if found is not None:
            used.append(found.box)
        out.append(found)
    return out


def _candidates(text: str, x: float, y: float, inside: Box, anywhere: bool) -> Iterator[Label]:
    width = width_of(text)
    for shift in _SHIFTS:
        top = y - LINE / 2 + shift * LINE
        middle = top + LINE / 2
        right = Box(x + _GAP, top, x + _GAP + width, top + LINE)
        left = Box(x - _GAP - width, top, x - _GAP, top + LINE)
        far = abs(shift) > 1
        yield Label(text, right, "start", (right.left - 2, middle) if far else None)
        yield Label(text, left, "end", (left.right + 2, middle) if far else None)
    if anywhere:
        boxes = [
            Box(left, top, left + width, top + LINE)
            for left in _steps(inside.left, inside.right - width)
            for top in _steps(inside.top, inside.bottom - LINE)
        ]
        boxes.sort(key=lambda box: hypot(box.left + width / 2 - x, box.top + LINE / 2 - y))
        for box in boxes:
            edge = box.left - 2 if box.left > x else box.right + 2
            yield Label(text, box, "start", (edge, box.top + LINE / 2))


def _steps(start: float, stop: float) -> Iterator[float]:
    count = int(max(0.0, stop - start) // _STEP)
    return (start + i * _STEP for i in range(count + 1))
