"""Sections that every artifact has, whatever its method: seeds, hard labels, pixel digests."""

from __future__ import annotations

import numpy as np

from ddcodec.arrays import UInt8s
from ddcodec.codecs.hard_labels import OWN_CLASS, HardLabels
from ddcodec.codecs.pixel_digest import PixelDigests, stored_length
from ddcodec.codecs.seed_derived import SeedDerived
from ddcodec.container import ANCILLARY, SAFE_TO_COPY, Box, NewSection
from ddcodec.recipe.head import Head
from ddcodec.table.slots import class_groups, prefix_groups

__all__ = ["hard_label_sections", "pixel_sections", "seed_sections", "stand_in_pixel_sections"]

# Hard labels: a reader decodes a section whole.
_SECTION_ROWS = 1 << 22


def seed_sections(head: Head, seed: int) -> list[NewSection]:
    """Derived seed lists, one for all classes where a section holds them: 4 bytes per class."""
    codec, classes = SeedDerived(), head.classes
    return [
        NewSection(
            "seeds",
            codec.spec(),
            Box(start, count),
            codec.raw_from(seed, classes[start : start + count]),
        )
        for start, count in class_groups(len(classes), head.recipe.seeds_per_class)
    ]


def hard_label_sections(head: Head) -> list[NewSection]:
    """One byte per section, which says: the label of a row is its class."""
    recipe, codec = head.recipe, HardLabels()
    one = codec.encode(np.full((1, 1, 1), OWN_CLASS, np.int32))
    views = max(1, min(recipe.views, _SECTION_ROWS // recipe.ipc))
    groups = class_groups(len(head.classes), recipe.ipc * views, _SECTION_ROWS)
    if views == recipe.views:
        return [NewSection("labels", codec.spec(), Box(*group), one) for group in groups]
    return [
        NewSection("labels", codec.spec(), Box(*group, 0, 0, view, count), one)
        for group in groups
        for view, count in class_groups(recipe.views, 1, views)
    ]


def pixel_sections(head: Head, digests: UInt8s) -> list[NewSection]:
    """Pixel digests of every slot, uint8 [classes, ipc, length], by group of slots and classes."""
    codec, classes = PixelDigests(digests.shape[2]), len(head.classes)
    return [
        NewSection(
            "pixels",
            codec.spec(),
            Box(first, some, start, count),
            codec.encode(
                np.ascontiguousarray(digests[first : first + some, start : start + count])
            ),
            ANCILLARY | SAFE_TO_COPY,
        )
        for start, count in prefix_groups(head.recipe.ipc)
        for first, some in class_groups(classes, codec.length * count)
    ]


def stand_in_pixel_sections(head: Head) -> list[NewSection]:
    """Sections that take the bytes of pixel digests which nobody has computed yet."""
    shape = len(head.classes), head.recipe.ipc, stored_length(head.recipe.ipc)
    noise = np.random.default_rng(0)  # as incompressible as digests
    return pixel_sections(head, noise.integers(0, 256, shape).astype(np.uint8))
