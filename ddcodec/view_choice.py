"""From a user's words (``crop+flip+cutmix``) to the view recipe of an artifact."""

from __future__ import annotations

from ddcodec.errors import EncodeError
from ddcodec.synthesis.views import View

__all__ = ["choose_view"]

PARTS = ("crop", "resized-crop", "flip", "cutmix")
# Below this side the field crops with padding (DC, MTT, RDED's CIFAR set-up), from it on it
# takes resized crops.
SMALL_SIDE = 112
RESIZED_SCALE = (1, 4, 4)  # area 25 % to 100 %: RDED's (1/factor, 1) at factor 2, per side


def choose_view(text: str, size: tuple[int, int]) -> View:
    """The view recipe for ``auto``, ``none`` or parts joined by ``+``.

    ``auto`` is crop, flip and CutMix, the crop by the size (width, height) of the images.

    Raises:
        EncodeError: a part that is unknown or named twice, or both kinds of crop.
    """
    small = min(size) < SMALL_SIDE
    if text == "none":
        return View()
    words = ("crop" if small else "resized-crop", "flip", "cutmix") if text == "auto" else None
    parts = words or tuple(text.split("+"))
    unknown = [p for p in parts if p not in PARTS]
    if unknown or len(set(parts)) != len(parts) or {"crop", "resized-crop"} <= set(parts):
        raise EncodeError(
            f"view {text!r} is not auto, none, or parts of {', '.join(PARTS)} joined by +, "
            "each at most once and at most one crop"
        )
    flip, cutmix = int("flip" in parts), int("cutmix" in parts)
    if "resized-crop" in parts:
        return View("resized-crop", 0, RESIZED_SCALE, flip, cutmix)
    if "crop" in parts:
        return View("pad-crop", max(1, min(size) // 8), (1, 1, 1), flip, cutmix)
    return View("identity", 0, (1, 1, 1), flip, cutmix)
