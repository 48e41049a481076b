"""The head: classes bound to indices, and the recipe that makes their images and labels.

The container treats the head of a file as an opaque canonical map; this package is the only
place that knows its fields (spec/table.md, "Head"). Every number is an integer or a ratio.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ddcodec.errors import HeaderError, RequestError, shown
from ddcodec.recipe.fields import (
    MAX_SIDE,
    check_integer,
    check_integers,
    read_map,
    read_tuple,
)
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.parts import Evaluation, LabelRecipe
from ddcodec.recipe.pin import PriorPin
from ddcodec.recipe.rows import RowGrid
from ddcodec.recipe.synthesis import Generated, Stored, Synthesis, read_synthesis
from ddcodec.recipe.view import View
from ddcodec.suggestions import did_you_mean

__all__ = [
    "MAX_CLASSES",
    "MAX_IPC",
    "MAX_NAME_BYTES",
    "MAX_ROWS",
    "MAX_VIEWS",
    "Head",
    "Range",
    "Recipe",
    "joined",
    "to_ranges",
]

MAX_CLASSES = 1 << 20
MAX_IPC = 1 << 24
MAX_VIEWS = 1 << 24
MAX_ROWS = 1 << 31
"""Most rows times views of one table."""
MAX_NAME_BYTES = 1024
"""Most bytes of the name of a class in UTF-8: tables of names are as wide as the longest."""

_RECIPE = (
    "size",
    "ipc",
    "views",
    "variations",
    "synthesis",
    "layout",
    "view",
    "labels",
    "evaluation",
)

Range = tuple[int, int]
"""(start, count) of neighbouring class indices."""


@dataclass(frozen=True)
class Recipe:
    """From stored arrays to the table class x slot x view -> image, label.

    Attributes:
        size: (width, height) of a training image in pixels.
        ipc: images per class, the number of slots.
        views: labelled appearances of a slot; view 0 is its first picture itself, unless views
            are stored.
        variations: pictures of a slot, of which view v shows number v mod ``variations``; 1 where
            pixels are stored.

    Raises:
        HeaderError: a value is out of range, or two do not fit each other.
    """

    size: tuple[int, int]
    ipc: int
    views: int
    synthesis: Synthesis
    layout: Layout
    view: View
    labels: LabelRecipe
    evaluation: Evaluation
    variations: int = 1

    def __post_init__(self) -> None:
        check_integers("recipe.size", self.size, 2, 1, MAX_SIDE)
        check_integer("recipe.ipc", self.ipc, 1, MAX_IPC)
        check_integer("recipe.views", self.views, 1, MAX_VIEWS)
        most = 1 if isinstance(self.synthesis, Stored) else MAX_VIEWS
        check_integer("recipe.variations", self.variations, 1, most)
        self.view.check_size(self.height, self.width)
        if self.view.slots and self.view.slots <= self.ipc:
            raise HeaderError("recipe.view.slots says what is so without it")
        if self.layout.grid > min(self.size):
            raise HeaderError("recipe.layout.grid is larger than the image it divides")

    @property
    def width(self) -> int:
        return self.size[0]

    @property
    def height(self) -> int:
        return self.size[1]

    @property
    def plain_views(self) -> int:
        """The first views that show pictures as they are: all where views change nothing."""
        return self.views if self.view == View() else 1

    @property
    def patches_per_slot(self) -> int:
        """Patches that make one training image: grid^2 of a collage, else 1."""
        return self.layout.grid**2

    @property
    def picture_slots(self) -> int:
        """Slots that have pictures: those with rows and, of stored views, their partners'."""
        return max(self.ipc, self.view.slots)

    @property
    def generated_per_class(self) -> int:
        """Generated pictures that a class needs for all its slots (0 where pixels are stored)."""
        if isinstance(self.synthesis, Stored):
            return 0
        return -(-self.picture_slots * self.patches_per_slot // self.synthesis.grid**2)

    @property
    def seeds_per_class(self) -> int:
        """Length of a class's seed list: seed i serves slot i's views and generated picture i."""
        return max(self.picture_slots, self.generated_per_class)

    def to_map(self) -> dict[str, Any]:
        return {
            "size": list(self.size),
            "ipc": self.ipc,
            "views": self.views,
            "variations": self.variations,
            "synthesis": self.synthesis.to_map(),
            "layout": self.layout.to_map(),
            "view": self.view.to_map(),
            "labels": self.labels.to_map(),
            "evaluation": self.evaluation.to_map(),
        }

    @classmethod
    def from_map(cls, value: Any) -> Recipe:
        """Raises HeaderError for a malformed map, UnsupportedFeatureError for an unknown kind."""
        m = read_map(value, "recipe", _RECIPE)
        width_height = read_tuple(m["size"], "recipe.size")
        return cls(
            size=width_height,
            ipc=m["ipc"],
            views=m["views"],
            variations=m["variations"],
            synthesis=read_synthesis(m["synthesis"]),
            layout=Layout.from_map(m["layout"]),
            view=View.from_map(m["view"]),
            labels=LabelRecipe.from_map(m["labels"]),
            evaluation=Evaluation.from_map(m["evaluation"]),
        )


@dataclass(frozen=True)
class Head:
    """Everything that binds names to rows; part of the content digest.

    Attributes:
        classes: all class names; a class's index never changes in a subset.
        rows: ranges (start, count) of classes that have rows; the other classes that have
            seeds are support: CutMix partners of remaining rows.
        origins: ranges (start, count) that partition the classes into those encoded together;
            the columns of a soft label and the partners of a row range over its origin.
        names: what to call each class, for people and text encoders; None where that is
            ``classes``. Nothing is found by it, so two classes may be called alike.

    Raises:
        HeaderError: a value is out of range, or two do not fit each other.
    """

    classes: tuple[str, ...]
    rows: tuple[Range, ...]
    origins: tuple[Range, ...]
    recipe: Recipe
    prior: PriorPin | None = None
    names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        _check_classes(self.classes)
        _check_names(self.names, self.classes)
        _check_ranges("head.rows", self.rows, len(self.classes))
        _check_ranges("head.origins", self.origins, len(self.classes))
        if sum(count for _, count in self.origins) != len(self.classes):
            raise HeaderError("head.origins does not cover every class; the file is damaged")
        count = sum(count for _, count in self.rows)
        if count * self.recipe.ipc * self.recipe.views > MAX_ROWS:
            raise HeaderError(f"the table has more than {MAX_ROWS} rows; split the artifact")
        generates = isinstance(self.recipe.synthesis, Generated)
        if generates and self.prior is None:
            raise HeaderError("head.prior is missing, but the recipe generates images with one")
        if self.prior is not None and not generates:
            raise HeaderError("head.prior names a prior, which a recipe of stored pictures lacks")

    @cached_property
    def row_classes(self) -> tuple[int, ...]:
        """Class indices that have rows, ascending."""
        return tuple(i for start, count in self.rows for i in range(start, start + count))

    @property
    def all_rows(self) -> RowGrid:
        """Every slot of every class that has rows, by class and slot."""
        return RowGrid(self.row_classes, self.recipe.ipc)

    @cached_property
    def row_names(self) -> tuple[str, ...]:
        """The classes that have rows, in index order."""
        return tuple(self.classes[i] for i in self.row_classes)

    @property
    def readable(self) -> tuple[str, ...]:
        """What to call each class: its readable name, where it has one."""
        return self.classes if self.names is None else self.names

    def title(self, class_index: int) -> str:
        """A class for people, such as ``n01440764 (tench)``."""
        name, readable = self.classes[class_index], self.readable[class_index]
        return name if name == readable else f"{name} ({readable})"

    def class_indices(self, names: Sequence[str]) -> tuple[int, ...]:
        """Indices of classes that have rows, ascending.

        Args:
            names: of classes, or readable names that only one of these classes has.

        Raises:
            RequestError: no name, one that no such class has, or a readable name of several.
        """
        if isinstance(names, str) or not names:
            raise RequestError("give a list of at least one class name, or None for all classes")
        found = {name: self._called(name) for name in names}
        unknown = [name for name, indices in found.items() if not indices]
        if unknown:
            some = ", ".join(map(self.title, self.row_classes[:12]))
            spoken = (self.classes, self.classes if self.names is None else self.names)
            known = [called[c] for called in spoken for c in self.row_classes]
            raise RequestError(
                f"no class {', '.join(map(repr, unknown))} in this artifact"
                f"{did_you_mean(unknown[0], known)}; it has: {some}"
            )
        for name, indices in found.items():
            if len(indices) > 1:
                several = ", ".join(map(self.title, indices[:12]))
                raise RequestError(f"{name!r} may be any of {several}: give the first of the names")
        return tuple(sorted({indices[0] for indices in found.values()}))

    def _called(self, name: str) -> tuple[int, ...]:
        """The classes with rows that a name may mean; one that is called exactly so is meant."""
        if name in self._row_index:
            return (self._row_index[name],)
        return tuple(c for c in self.row_classes if self.readable[c] == name)

    @cached_property
    def _row_index(self) -> dict[str, int]:
        return dict(zip(self.row_names, self.row_classes, strict=True))

    @cached_property
    def _origin_starts(self) -> list[int]:
        return [start for start, _ in self.origins]

    @cached_property
    def origin_set(self) -> frozenset[Range]:
        """The origins, to ask whether a range is one."""
        return frozenset(self.origins)

    def origin(self, class_index: int) -> Range:
        """The (start, count) range of the classes encoded together with this one."""
        if not 0 <= class_index < len(self.classes):
            raise HeaderError(f"class {class_index} belongs to no origin; the head is damaged")
        return self.origins[bisect_right(self._origin_starts, class_index) - 1]

    def to_map(self) -> dict[str, Any]:
        m: dict[str, Any] = {
            "classes": list(self.classes),
            "rows": [list(r) for r in self.rows],
            "origins": [list(r) for r in self.origins],
            "recipe": self.recipe.to_map(),
        }
        if self.prior is not None:
            m["prior"] = self.prior.to_map()
        if self.names is not None:
            m["names"] = list(self.names)
        return m

    @classmethod
    def from_map(cls, value: Any) -> Head:
        """Raises HeaderError or UnsupportedFeatureError, naming the field."""
        m = read_map(value, "head", ("classes", "rows", "origins", "recipe"), ("names", "prior"))
        lists = {key: read_tuple(m[key], f"head.{key}") for key in ("rows", "origins")}
        return cls(
            classes=read_tuple(m["classes"], "head.classes"),
            rows=tuple(tuple(read_tuple(r, "head.rows")) for r in lists["rows"]),
            origins=tuple(tuple(read_tuple(r, "head.origins")) for r in lists["origins"]),
            recipe=Recipe.from_map(m["recipe"]),
            prior=PriorPin.from_map(m["prior"]) if "prior" in m else None,
            names=read_tuple(m["names"], "head.names") if "names" in m else None,
        )


def to_ranges(indices: Iterable[int]) -> tuple[Range, ...]:
    """Class indices -> (start, count) ranges, ascending and apart.

    >>> to_ranges([4, 0, 1, 5])
    ((0, 2), (4, 2))
    """
    return joined((i, 1) for i in indices)


def joined(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The union of ranges as the fewest ranges, ascending and apart.

    >>> joined([(4, 2), (0, 2), (1, 2), (3, 1)])
    ((0, 6),)
    """
    union: list[Range] = []
    for start, count in sorted(ranges):
        end = start + count
        if union and start <= sum(union[-1]):
            first = union[-1][0]
            union[-1] = (first, max(end, sum(union[-1])) - first)
        else:
            union.append((start, count))
    return tuple(union)


def _check_classes(classes: Any) -> None:
    if not isinstance(classes, tuple) or not 0 < len(classes) <= MAX_CLASSES:
        raise HeaderError(f"head.classes is not a list of 1..{MAX_CLASSES} names")
    if not all(isinstance(name, str) and name for name in classes):
        raise HeaderError("head.classes holds something that is not a name")
    _check_lengths("head.classes", classes)
    if len(set(classes)) != len(classes):
        raise HeaderError("head.classes names a class twice")


def _check_lengths(where: str, names: tuple[str, ...]) -> None:
    for name in names:
        # At most four bytes for each character: most names need not be encoded.
        if 4 * len(name) > MAX_NAME_BYTES and len(name.encode()) > MAX_NAME_BYTES:
            raise HeaderError(
                f"{where} holds a name of {len(name.encode())} bytes, {shown(name)}; a class has "
                f"one of at most {MAX_NAME_BYTES}"
            )


def _check_names(names: Any, classes: tuple[str, ...]) -> None:
    """One way to write them: names that are those of the classes are left out."""
    if names is None:
        return
    if not isinstance(names, tuple) or len(names) != len(classes):
        raise HeaderError(f"head.names is not a list of {len(classes)} names, one per class")
    if not all(isinstance(name, str) and name for name in names):
        raise HeaderError("head.names holds something that is not a name")
    _check_lengths("head.names", names)
    if any(c < " " or c == "\x7f" for name in names for c in name):
        raise HeaderError("head.names holds a control character")
    if names == classes:
        raise HeaderError("head.names repeats head.classes; it is left out where they are equal")


def _check_ranges(where: str, ranges: Any, classes: int) -> None:
    if not isinstance(ranges, tuple) or not ranges:
        raise HeaderError(f"{where} is not a list of ranges")
    end = 0
    for one in ranges:
        check_integers(where, one, 2, 0, classes)
        start, count = one
        if count == 0 or start < end or start + count > classes:
            raise HeaderError(f"{where} holds an empty, unsorted or overlong range {one}")
        end = start + count
