"""Stored patches as mosaics: how they are coded, and the sections that hold them."""

from __future__ import annotations

import os
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ddcodec.arrays import UInt8s
from ddcodec.codecs.mosaic import MAX_PIXELS, Mosaic
from ddcodec.codecs.mosaic_avif import MANY_PIXELS, MosaicAvif
from ddcodec.codecs.mosaic_png import MosaicPng
from ddcodec.codecs.mosaic_webp import MosaicWebp
from ddcodec.container import Box, NewSection
from ddcodec.errors import RequestError
from ddcodec.synthesis.resample import resize
from ddcodec.table.slots import slot_groups

__all__ = ["PatchCodec", "PatchCoding", "Sharing", "most_slots", "patch_boxes", "patch_sections"]

PatchCodec = Literal["webp", "avif", "png"]
Sharing = Literal["class", "all"]

# The two lossy codecs are then about as far from the patches (CIFAR-10: 31 dB).
_QUALITIES: dict[PatchCodec, int] = {"webp": 50, "avif": 35}


@dataclass(frozen=True)
class PatchCoding:
    """How stored patches are coded.

    Args:
        codec: ``webp``, ``avif`` (AV1) or ``png``, which is exact.
        quality: of a lossy codec, 1..100; None for its default.
        sharing: ``class`` for mosaics of one class each, ``all`` for mosaics of as many classes as
            they hold, which take fewer bytes and stay whole when classes are cut away.
        side: shorter side in pixels of what is stored, where a patch is larger; a reader resizes
            it to its place in the image. None stores patches as they are.

    >>> PatchCoding("avif").used_quality, PatchCoding("png").used_quality
    (35, None)
    >>> PatchCoding(side=24).mosaic(32, 64).width
    24
    """

    codec: PatchCodec = "webp"
    quality: int | None = None
    sharing: Sharing = "class"
    side: int | None = None

    @property
    def used_quality(self) -> int | None:
        """The quality; None where nothing is lost."""
        return self.quality or _QUALITIES.get(self.codec)

    def mosaic(self, width: int, height: int) -> Mosaic:
        """The codec for patches of a size in pixels, as it stores them."""
        quality, short = self.used_quality, min(width, height)
        if self.side is not None and self.side < short:
            width, height = (max(1, round(n * self.side / short)) for n in (width, height))
        if self.codec == "png" or quality is None:
            return MosaicPng(width, height)
        lossy = MosaicAvif if self.codec == "avif" else MosaicWebp
        return lossy(width, height, quality)


def most_slots(patch: tuple[int, int], per_slot: int, coding: PatchCoding) -> int:
    """How many slots of ``per_slot`` patches, (width, height) pixels each, a mosaic holds.

    Raises:
        RequestError: not even one.
    """
    width, height = patch
    codec = coding.mosaic(width, height)
    slots = codec.capacity // per_slot
    if not slots:
        what = f"{per_slot} patches" if per_slot > 1 else "a picture"
        raise RequestError(
            f"{what} of {codec.width}x{codec.height} pixels cannot be stored: a mosaic holds "
            f"{MAX_PIXELS} pixels and {codec.max_side} on a side; choose a smaller size"
        )
    return slots


def patch_sections(classes: Iterable[UInt8s], ipc: int, coding: PatchCoding) -> list[NewSection]:
    """Mosaics of the patches, for each group of slots.

    Args:
        classes: of each class in turn, its patches, uint8 [ipc * patches per slot, h, w, 3], by
            slot; all of one shape.

    Raises:
        RequestError: the patches of one slot are too large for a mosaic.
    """
    made, coding_now = list[NewSection](), deque[Future[NewSection]]()
    waiting = defaultdict[tuple[int, int], list[UInt8s]](list)
    workers = os.cpu_count() or 1
    # Pillow's encoders leave the interpreter to other threads; order and bytes stay the same.
    with ThreadPoolExecutor(workers) as pool:
        for c, patches in enumerate(classes):
            codec = coding.mosaic(patches.shape[2], patches.shape[1])
            per = len(patches) // ipc
            for slots in slot_groups(ipc, most_slots((codec.width, codec.height), per, coding)):
                first, count = slots[0] * per, slots[1] * per
                held = waiting[slots]
                part = patches[first : first + count]
                held.append(resize(part, codec.height, codec.width))
                if len(held) == _classes_each(codec, count, coding):
                    coding_now.append(pool.submit(_section, codec, c + 1, slots, tuple(held)))
                    held.clear()
            while len(coding_now) > 2 * workers:  # or all patches would be in memory
                made.append(coding_now.popleft().result())
        made += [one.result() for one in coding_now]
    return made + [_section(codec, c + 1, slots, held) for slots, held in waiting.items() if held]


def patch_boxes(classes: int, ipc: int, size: tuple[int, int], coding: PatchCoding) -> list[Box]:
    """The boxes of those sections, where a slot has one patch of (width, height) pixels.

    Raises:
        RequestError: as :func:`most_slots`.
    """
    codec, boxes = coding.mosaic(*size), []
    for start, count in slot_groups(ipc, most_slots(size, 1, coding)):
        each = _classes_each(codec, count, coding)
        for c in range(0, classes, each):
            boxes.append(Box(c, min(each, classes - c), start, count, 0, 0))
    return boxes


def _classes_each(codec: Mosaic, count: int, coding: PatchCoding) -> int:
    """How many classes share a mosaic that takes ``count`` patches of each."""
    if coding.sharing == "class":
        return 1
    most = codec.capacity
    if isinstance(codec, MosaicAvif):
        # Larger ones are coded faster and worse, and would take more bytes than those of a class.
        most = min(most, MANY_PIXELS // (codec.width * codec.height))
    return max(1, most // count)


def _section(
    codec: Mosaic, end: int, slots: tuple[int, int], classes: Sequence[UInt8s]
) -> NewSection:
    """A mosaic of the classes before ``end``, and of these slots of theirs."""
    box = Box(end - len(classes), len(classes), *slots, 0, 0)
    return NewSection("patches", codec.spec(), box, codec.encode(np.concatenate(classes)))
