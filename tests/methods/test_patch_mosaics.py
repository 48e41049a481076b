"""Stored patches: coded as asked for, in mosaics of one class or of all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddcodec import codecs
from ddcodec.arrays import UInt8s
from ddcodec.container import NewSection
from ddcodec.methods.patch_mosaics import PatchCoding, patch_boxes, patch_sections
from ddcodec.synthesis.resample import resize
from tests.artifacts import encode_small


def patches(classes: int, ipc: int, side: int = 4) -> UInt8s:
    """Patches [classes, ipc, side, side, 3], each of one colour."""
    c, s = np.indices((classes, ipc))
    colours = np.stack([40 * c, 20 * s, 0 * s], axis=-1).astype(np.uint8)
    return np.broadcast_to(colours[:, :, None, None], (classes, ipc, side, side, 3))


def decoded(section: NewSection, height: int = 4, width: int | None = None) -> Any:
    """Patches [classes, slots, ...] of the box of a section; square without a width."""
    box, codec = section.box, codecs.get(section.codec)
    shape = box.class_count, box.slot_count, height, width or height, 3
    return codec.decode(section.raw, shape)


@pytest.mark.parametrize(
    ("sharing", "boxes"),
    [
        ("class", [(0, 1, 0, 1), (0, 1, 1, 2), (1, 1, 0, 1), (1, 1, 1, 2)]),
        ("all", [(0, 2, 0, 1), (0, 2, 1, 2)]),
    ],
)
def test_every_patch_is_in_the_mosaic_of_its_classes_and_slots(
    sharing: Any, boxes: list[tuple[int, ...]]
) -> None:
    stored = patches(2, 3)
    made = patch_sections(stored, 3, PatchCoding("png", sharing=sharing))
    assert [tuple(section.box)[:4] for section in made] == boxes
    for section in made:
        c, classes, s, slots, *_ = section.box
        part = stored[c : c + classes, s : s + slots]
        np.testing.assert_array_equal(decoded(section), part)


def test_a_mosaic_of_all_classes_ends_where_no_more_of_them_fit() -> None:
    wide = np.zeros((3, 6, 16, 4096, 3), np.uint8)  # a mosaic holds 9
    made = patch_sections(wide, 6, PatchCoding("webp", sharing="all"))
    assert sorted(tuple(section.box)[:4] for section in made) == [
        (0, 1, 1, 5),
        (0, 3, 0, 1),
        (1, 1, 1, 5),
        (2, 1, 1, 5),
    ]


def test_several_patches_of_a_slot_stay_together() -> None:
    stored = patches(2, 8)  # two slots of four patches
    made = patch_sections(stored, 2, PatchCoding("png", sharing="all"))
    assert [len(decoded_all(section, 4)) for section in made] == [8, 8]
    np.testing.assert_array_equal(decoded_all(made[0], 4), stored[:, :4].reshape(8, 4, 4, 3))


def decoded_all(section: NewSection, per: int) -> Any:
    count = section.box.class_count * section.box.slot_count * per
    return codecs.get(section.codec).decode(section.raw, (count, 4, 4, 3))


@pytest.mark.parametrize("codec", ["webp", "avif", "png"])
def test_an_encode_stores_patches_as_it_is_told(
    image_folder: Path, tmp_path: Path, codec: Any
) -> None:
    quality = None if codec == "png" else 95
    settings: dict[str, Any] = {"ipc": 2, "patch_codec": codec, "quality": quality}
    made = encode_small(image_folder, tmp_path / "a.ddz", **settings)
    used = {section.codec.name for section in made.sections if section.kind == "patches"}
    assert used == {f"mosaic-{codec}"}
    made.verify("pixels")
    exact = encode_small(image_folder, tmp_path / "exact.ddz", ipc=2, patch_codec="png")
    rows = [(c, s) for c in range(3) for s in range(2)]
    error = made.renderer().pictures(rows).astype(int) - exact.renderer().pictures(rows)
    # Noise, of which WebP halves the chroma; other pictures would be 60 off.
    assert np.abs(error).mean() < (14 if quality else 0.1)


def test_mosaics_of_all_classes_are_no_larger_than_are_coded_well() -> None:
    """Of AV1, 2^20 pixels: beyond them its encoder is faster and takes more bytes."""
    boxes = patch_boxes(10, 8, (256, 128), PatchCoding("avif", sharing="all"))
    assert all(box.class_count * box.slot_count * 256 * 128 <= 1 << 20 for box in boxes)


def test_patches_can_be_stored_smaller_than_they_are_shown(
    tmp_path: Path, image_folder: Path
) -> None:
    """A reader needs to know nothing of it: patches are resized to their place anyway."""
    wide = np.full((1, 1, 6, 12, 3), 9, np.uint8)
    (section,) = patch_sections([wide[0]], 1, PatchCoding("png", side=3))
    assert decoded(section, 3, 6).tolist() == wide[:, :, ::2, ::2].tolist()

    with encode_small(
        image_folder, tmp_path / "small.ddz", patch_codec="png", patch_size=8
    ) as small:
        stored = small.table.patches(0, 0)
        assert stored.shape == (1, 8, 8, 3)
        shown = small.renderer().pictures([(0, 0)])
        np.testing.assert_array_equal(shown, resize(stored, 16, 16))
