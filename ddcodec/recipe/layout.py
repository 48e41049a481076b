"""Layouts: how many patches make up a training image (spec/synthesis.md, "Layouts")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ddcodec.recipe.fields import check_integer, check_kind, read_kind, read_map

__all__ = ["MAX_GRID", "Layout"]

LAYOUT_KINDS = ("single", "collage")
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

    >>> Layout("collage", 2).to_map()
    {'kind': 'collage', 'grid': 2}
    """

    kind: str = "single"
    grid: int = 1

    def __post_init__(self) -> None:
        check_kind("recipe.layout.kind", self.kind, LAYOUT_KINDS)
        low, high = (1, 1) if self.kind == "single" else (2, MAX_GRID)
        check_integer(f"recipe.layout.grid of a {self.kind}", self.grid, low, high)

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
        check_kind("recipe.layout.kind", read_kind(value, "recipe.layout"), LAYOUT_KINDS)
        m = read_map(value, "recipe.layout", ("kind", "grid"))
        return cls(m["kind"], m["grid"])
