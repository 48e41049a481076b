"""Views: what is varied in a picture, as stored and as people write it (spec/synthesis.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ddcodec.errors import HeaderError, RequestError
from ddcodec.recipe.fields import (
    MAX_SIDE,
    check_integer,
    check_integers,
    check_kind,
    read_kind,
    read_map,
    read_tuple,
)

__all__ = ["View", "parse_view"]

VIEW_KINDS = ("identity", "pad-crop", "resized-crop")
MAX_DENOMINATOR = 4096
_FIELDS = ("kind", "pad", "scale", "flip", "cutmix")

VIEW_PARTS = ("crop", "resized-crop", "flip", "cutmix")
# Below this side the field crops with padding (DC, MTT, RDED's CIFAR set-up), from it on it
# takes resized crops.
_SMALL_SIDE = 112
_RESIZED_SCALE = (1, 4, 4)  # area 25 % to 100 %: RDED's (1/factor, 1) at factor 2, per side


@dataclass(frozen=True)
class View:
    """What views 1, 2, ... do to a picture. The defaults do nothing.

    Attributes:
        kind: ``identity``; ``pad-crop`` (shift by up to ``pad`` pixels, reflecting at the edges);
            or ``resized-crop`` (crop a share of the area, resize back to the picture's size).
        pad: pixels, 1 or more for ``pad-crop``, else 0.
        scale: (min, max, denominator) for ``resized-crop``: the crop's area is between
            min/denominator and max/denominator of the picture's; else (1, 1, 1).
        flip: 1 to mirror left to right with probability 1/2, else 0.
        cutmix: 1 to paste a box of a partner's view, else 0 (CutMix, Yun et al. 2019).

    Raises:
        HeaderError: a field does not fit the kind, or is out of range.
        UnsupportedFeatureError: ``kind`` is unknown.
    """

    kind: str = "identity"
    pad: int = 0
    scale: tuple[int, int, int] = (1, 1, 1)
    flip: int = 0
    cutmix: int = 0

    def __post_init__(self) -> None:
        check_kind("recipe.view.kind", self.kind, VIEW_KINDS)
        low, high = (1, MAX_SIDE) if self.kind == "pad-crop" else (0, 0)
        check_integer("recipe.view.pad", self.pad, low, high)
        check_integer("recipe.view.flip", self.flip, 0, 1)
        check_integer("recipe.view.cutmix", self.cutmix, 0, 1)
        top = MAX_DENOMINATOR if self.kind == "resized-crop" else 1
        check_integers("recipe.view.scale", self.scale, 3, 1, top)
        smallest, largest, denominator = self.scale
        if not smallest <= largest <= denominator:
            raise HeaderError(f"recipe.view.scale {self.scale} is not in ascending order")

    def check_size(self, height: int, width: int) -> None:
        """Refuse a padding that a picture of this size cannot reflect.

        Raises:
            HeaderError: ``pad`` is not smaller than each side.
        """
        if self.pad >= min(height, width):
            raise HeaderError(
                f"recipe.view.pad: {self.pad} pixels do not fit a picture of "
                f"{width} x {height}; it must be smaller than each side"
            )

    def describe(self) -> str:
        """The parts as :func:`parse_view` reads them, such as ``crop+flip``; ``none`` for none.

        >>> View("pad-crop", 4, flip=1).describe()
        'crop+flip'
        """
        crop = {"pad-crop": "crop", "resized-crop": "resized-crop"}.get(self.kind)
        parts = [crop, "flip" if self.flip else None, "cutmix" if self.cutmix else None]
        return "+".join(part for part in parts if part) or "none"

    def to_map(self) -> dict[str, Any]:
        """The header form; ``from_map`` reads it back."""
        return {
            "kind": self.kind,
            "pad": self.pad,
            "scale": list(self.scale),
            "flip": self.flip,
            "cutmix": self.cutmix,
        }

    @classmethod
    def from_map(cls, value: Any) -> View:
        """Validate the header form.

        Raises:
            HeaderError: a field is missing, superfluous, of a wrong type or out of range.
            UnsupportedFeatureError: the kind is unknown.
        """
        check_kind("recipe.view.kind", read_kind(value, "recipe.view"), VIEW_KINDS)
        m = read_map(value, "recipe.view", _FIELDS)
        return cls(**{**m, "scale": read_tuple(m["scale"], "recipe.view.scale")})


def parse_view(text: str, size: tuple[int, int]) -> View:
    """The view recipe for ``auto``, ``none`` or parts joined by ``+``.

    ``auto`` is crop, flip and CutMix, the crop by the size (width, height) of the images.

    Raises:
        RequestError: a part that is unknown or named twice, or both kinds of crop.

    >>> parse_view("crop+flip", (32, 32))
    View(kind='pad-crop', pad=4, scale=(1, 1, 1), flip=1, cutmix=0)
    """
    small = min(size) < _SMALL_SIDE
    if text == "none":
        return View()
    words = ("crop" if small else "resized-crop", "flip", "cutmix") if text == "auto" else None
    parts = words or tuple(text.split("+"))
    unknown = [p for p in parts if p not in VIEW_PARTS]
    if unknown or len(set(parts)) != len(parts) or {"crop", "resized-crop"} <= set(parts):
        raise RequestError(
            f"view {text!r} is not auto, none, or parts of {', '.join(VIEW_PARTS)} joined by +, "
            "each at most once and at most one crop"
        )
    flip, cutmix = int("flip" in parts), int("cutmix" in parts)
    if "resized-crop" in parts:
        return View("resized-crop", 0, _RESIZED_SCALE, flip, cutmix)
    if "crop" in parts:
        return View("pad-crop", max(1, min(size) // 8), (1, 1, 1), flip, cutmix)
    return View("identity", 0, (1, 1, 1), flip, cutmix)
