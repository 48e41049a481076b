"""Views: what is varied in a picture, as stored and as people write it (spec/synthesis.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
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

__all__ = ["VIEW_CHANGES", "VIEW_PARTS", "View", "parse_view"]

VIEW_KINDS = ("identity", "pad-crop", "resized-crop", "stored")
MAX_DENOMINATOR = 4096
MAX_DEGREES = 180
GAMMAS = (10, 1000)
MAX_PARTNERS = (1 << 16) - 1
MAX_SLOTS = 1 << 24
_FIELDS = ("kind", "pad", "scale", "flip", "cutmix")
# Present only where they say something: what is older than they are stays as it is.
_OPTIONAL = ("flip_percent", "vflip", "rotate", "brightness", "gamma", "partners", "slots")

# Below this side the field crops with padding (DC, MTT, RDED's CIFAR set-up), from it on it
# takes resized crops.
_SMALL_SIDE = 112
_RESIZED_SCALE = (1, 4, 4)  # area 25 % to 100 %: RDED's (1/factor, 1) at factor 2, per side


@dataclass(frozen=True)
class View:
    """What views 1, 2, ... do to a picture. The defaults do nothing.

    Attributes:
        kind: ``identity``; ``pad-crop`` (shift by up to ``pad`` pixels, reflecting at the edges);
            ``resized-crop`` (crop a share of the area, resize back to the picture's size); or
            ``stored`` (every view, view 0 too, is a crop, a flip and a mix that the file holds).
        pad: pixels, 1 or more for ``pad-crop``, else 0.
        scale: (min, max, denominator) for ``resized-crop``: the crop's area is between
            min/denominator and max/denominator of the picture's; else (1, 1, 1).
        flip: 1 to mirror left to right in ``flip_percent`` of all views, else 0.
        cutmix: 1 to paste a box of a partner's view, else 0 (CutMix, Yun et al. 2019).
        flip_percent: 1..100; 50 where ``flip`` is 0.
        vflip: percent of all views that are mirrored top to bottom.
        rotate: (degrees, percent): in so many of all views, turned by up to so many degrees
            either way; (0, 0) for no rotation.
        brightness: (brightness, contrast, percent): in so many of all views, values grow by up to
            ``contrast`` percent and then by up to ``brightness`` percent of white, or shrink;
            (0, 0, 0) for neither.
        gamma: (least, most, percent): in so many of all views, values have an exponent within
            least..most percent; (100, 100, 0) for none.
        partners: with ``cutmix``, classes whose pictures are partners of one another: so many
            consecutive ones of an origin; 0 for all of it.
        slots: with ``stored`` and ``cutmix``, so many first slots have pictures, though fewer have
            rows: a slice by slots keeps partners. 0 where all slots have rows.

    Raises:
        HeaderError: a field does not fit the kind, or is out of range.
        UnsupportedFeatureError: ``kind`` is unknown.
    """

    kind: str = "identity"
    pad: int = 0
    scale: tuple[int, int, int] = (1, 1, 1)
    flip: int = 0
    cutmix: int = 0
    flip_percent: int = 50
    vflip: int = 0
    rotate: tuple[int, int] = (0, 0)
    brightness: tuple[int, int, int] = (0, 0, 0)
    gamma: tuple[int, int, int] = (100, 100, 0)
    partners: int = 0
    slots: int = 0

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
        least, most = (1, 100) if self.flip else (50, 50)
        check_integer("recipe.view.flip_percent", self.flip_percent, least, most)
        check_integer("recipe.view.vflip", self.vflip, 0, 100)
        if self.rotate != (0, 0):
            self._check_amounts("rotate", 2, 1, MAX_DEGREES)
        if self.brightness != (0, 0, 0):
            self._check_amounts("brightness", 3, 0, 100)
            if not any(self.brightness[:2]):
                raise HeaderError("recipe.view.brightness changes neither brightness nor contrast")
        if self.gamma != (100, 100, 0):
            self._check_amounts("gamma", 3, *GAMMAS)
            if not self.gamma[0] <= self.gamma[1]:
                raise HeaderError(f"recipe.view.gamma {self.gamma} is not in ascending order")
        top = MAX_PARTNERS if self.cutmix else 0
        check_integer("recipe.view.partners", self.partners, 0, top)
        top = MAX_SLOTS if self.stored and self.cutmix else 0
        check_integer("recipe.view.slots", self.slots, 0, top)
        if self.stored:
            self._check_stored()

    @property
    def stored(self) -> bool:
        """Whether the file says of every view what is done; else seeds draw it."""
        return self.kind == "stored"

    def _check_stored(self) -> None:
        """Nothing is drawn of views that are stored, so nothing is said of how."""
        for name in _OPTIONAL:
            if name != "slots" and getattr(self, name) != getattr(View, name):
                raise HeaderError(f"recipe.view.{name} says how to draw what is stored")

    def _check_amounts(self, name: str, count: int, low: int, high: int) -> None:
        """A field of amounts within low..high, and the percent of all views that get one."""
        where, values = f"recipe.view.{name}", getattr(self, name)
        check_integers(where, values, count, 0, max(high, 100))
        for value in values[:-1]:
            check_integer(where, value, low, high)
        check_integer(f"the percent of {where}", values[-1], 1, 100)

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

        No name of what is ``stored`` is one that it reads.

        >>> View("pad-crop", 4, flip=1).describe()
        'crop+flip'
        """
        crop = {"pad-crop": "crop"}.get(self.kind, self.kind)
        parts = [] if crop == "identity" else [crop]
        left = [name for name in VIEW_CHANGES if getattr(self, name) != getattr(_NOTHING, name)]
        if parts and all(getattr(self, name) == value for name, value in _PDA.items()):
            parts, left = ["pda"], [name for name in left if name not in _PDA]
        if self.partners:
            left[-1] = f"cutmix:{self.partners}"
        return "+".join([*parts, *left]) or "none"

    def to_map(self) -> dict[str, Any]:
        """The header form; ``from_map`` reads it back."""
        used = [n for n in _OPTIONAL if getattr(self, n) != getattr(_NOTHING, n)]
        values = {name: getattr(self, name) for name in (*_FIELDS, *used)}
        return {n: list(v) if isinstance(v, tuple) else v for n, v in values.items()}

    @classmethod
    def from_map(cls, value: Any) -> View:
        """Validate the header form.

        Raises:
            HeaderError: a field is missing, superfluous, of a wrong type or out of range.
            UnsupportedFeatureError: the kind is unknown.
        """
        check_kind("recipe.view.kind", read_kind(value, "recipe.view"), VIEW_KINDS)
        m = dict(read_map(value, "recipe.view", _FIELDS, _OPTIONAL))
        for name in ("scale", "rotate", "brightness", "gamma"):
            if name in m:
                m[name] = read_tuple(m[name], f"recipe.view.{name}")
        for name in _OPTIONAL:
            if name in m and m[name] == getattr(_NOTHING, name):
                raise HeaderError(f"recipe.view.{name} says what is so without it")
        return cls(**m)


_NOTHING = View()

# Post data augmentation of "Generative Dataset Distillation Based on Diffusion Model", section 4.1.
# What it leaves open is as in albumentations, which its code uses.
_PDA: dict[str, Any] = {
    "flip": 1,
    "flip_percent": 80,
    "vflip": 80,
    "rotate": (60, 80),
    "brightness": (20, 20, 50),
    "gamma": (80, 120, 50),
}
VIEW_CHANGES = ("flip", "vflip", "rotate", "brightness", "gamma", "cutmix")
_PDA_PARTS = [name for name in VIEW_CHANGES if name in _PDA]
_GROUPS = re.compile(r"cutmix:([1-9]\d{0,3})")
VIEW_PARTS = ("crop", "resized-crop", *VIEW_CHANGES, "pda")


def parse_view(text: str, size: tuple[int, int]) -> View:
    """The view recipe for ``auto``, ``none`` or parts joined by ``+``.

    ``auto`` is crop, flip and CutMix, the crop by the size (width, height) of the images. ``pda``
    is a crop, likewise, and post data augmentation: both flips, rotation, brightness and gamma.
    ``cutmix:5`` mixes pictures of five consecutive classes with one another, and with no others.

    Raises:
        RequestError: a part that is unknown or named twice, or both kinds of crop.

    >>> parse_view("crop+flip", (32, 32)) == View("pad-crop", pad=4, flip=1)
    True
    """
    if text == "none":
        return View()
    crop = "crop" if min(size) < _SMALL_SIDE else "resized-crop"
    words = {"auto": [crop, "flip", "cutmix"]}.get(text, text.split("+"))
    groups = [int(found[1]) for word in words if (found := _GROUPS.fullmatch(word))]
    words = [word.partition(":")[0] if _GROUPS.fullmatch(word) else word for word in words]
    parts = [part for word in words for part in ([crop, *_PDA_PARTS] if word == "pda" else [word])]
    unknown = [p for p in parts if p not in VIEW_PARTS]
    if unknown or len(set(parts)) != len(parts) or {"crop", "resized-crop"} <= set(parts):
        raise RequestError(
            f"view {text!r} is not auto, none, or parts of {', '.join(VIEW_PARTS)} joined by +, "
            "each at most once and at most one crop (pda has all but cutmix)"
        )
    view = View()
    if "resized-crop" in parts:
        view = View("resized-crop", scale=_RESIZED_SCALE)
    elif "crop" in parts:
        view = View("pad-crop", pad=max(1, min(size) // 8))
    chosen = {name: value for name, value in _PDA.items() if name in parts}
    if "pda" in words:
        chosen = _PDA
    partners = groups[0] if groups else 0
    return replace(view, **{**chosen, "cutmix": int("cutmix" in parts), "partners": partners})
