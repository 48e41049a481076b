"""A table holds every row exactly once, or opening its arrays says where it does not."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddcodec.artifact import Artifact
from ddcodec.artifact.artifact import from_reader
from ddcodec.codecs.hard_labels import OWN_CLASS, HardLabels
from ddcodec.codecs.mosaic_png import MosaicPng
from ddcodec.codecs.pixel_digest import PixelDigests
from ddcodec.codecs.seed_derived import SeedDerived
from ddcodec.codecs.seed_list import SeedList
from ddcodec.container import (
    ANCILLARY,
    SAFE_TO_COPY,
    Box,
    CodecSpec,
    NewSection,
    Reader,
    write_container,
)
from ddcodec.errors import HeaderError, UnknownCodecError
from ddcodec.recipe.head import Head
from tests.artifacts import stored_head

Sections = list[NewSection]
IPC, VIEWS = 4, 3


def head(classes: int = 3, **changes: Any) -> Head:
    return stored_head(classes, ipc=IPC, views=VIEWS, **changes)


def patches(box: Box) -> NewSection:
    codec, count = MosaicPng(2, 2), max(1, box.class_count * (box.slot_count or IPC))
    pixels = np.zeros((count, 2, 2, 3), np.uint8)
    return NewSection("patches", codec.spec(), box, codec.encode(pixels))


def labels(box: Box) -> NewSection:
    raw = HardLabels().encode(np.full((1, 1, 1), OWN_CLASS, np.int32))
    return NewSection("labels", HardLabels().spec(), box, raw)


def seeds(box: Box) -> NewSection:
    values = np.arange(box.class_count * (box.slot_count or IPC), dtype=np.uint64)
    raw = SeedList().encode(values.reshape(box.class_count, -1))
    return NewSection("seeds", SeedList().spec(), box, raw)


def pixels(box: Box) -> NewSection:
    codec = PixelDigests(4)
    raw = codec.encode(np.zeros((box.class_count, box.slot_count or IPC, 4), np.uint8))
    return NewSection("pixels", codec.spec(), box, raw, ANCILLARY | SAFE_TO_COPY)


def whole(classes: int = 3) -> dict[str, Sections]:
    """By kind, the sections of a table that is right."""
    return {
        "seeds": [seeds(Box(0, classes))],
        "patches": [patches(Box(0, classes, 0, 1)), patches(Box(0, classes, 1, 3))],
        "labels": [labels(Box(0, classes))],
        "pixels": [pixels(Box(0, classes))],
    }


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Artifact]:
    def make(sections: dict[str, Sections], of: Head | None = None) -> Artifact:
        path = tmp_path / "table.ddz"
        flat = [section for some in sections.values() for section in some]
        write_container(path, head=(of or head()).to_map(), sections=flat, overwrite=True)
        return from_reader(Reader(path))

    return make


def test_a_table_that_is_right_is_accepted(opened: Callable[..., Artifact]) -> None:
    assert opened(whole()).verify("digest") == 0
    sections = whole()
    sections["labels"] = [labels(Box(0, 3, 0, 0, v, 1)) for v in range(VIEWS)]
    sections["seeds"] = [seeds(Box(0, 1)), seeds(Box(1, 2, 0, 1)), seeds(Box(1, 2, 1, 3))]
    sections["pixels"] = []
    assert opened(sections).verify("digest") == 0


@pytest.mark.parametrize(
    ("kind", "sections", "says"),
    [
        ("labels", [labels(Box(0, 2))], "labels of class 'class 2', slot 0, view 0 are missing"),
        ("labels", [], "labels of class 'class 0', slot 0, view 0 are missing"),
        (
            "labels",
            [labels(Box(0, 3, 0, 0, 0, 2)), labels(Box(0, 3, 0, 0, 1, 1))],
            "labels of class 'class 0', slot 0, view 1 are stored twice",
        ),
        (
            "labels",
            [labels(Box(0, 3, 0, 2)), labels(Box(0, 3, 1, 2))],
            "labels of class 'class 0', slot 1, view 0 are stored twice",
        ),
        ("labels", [labels(Box(0, 3)), labels(Box(1, 1))], "'class 1', slot 0, view 0 are stored"),
        (
            "seeds",
            [seeds(Box(0, 3, 0, 3)), seeds(Box(0, 3, 2, 1))],
            "seeds of class 'class 0', slot 2 are stored twice",
        ),
        (
            "patches",
            [patches(Box(0, 3, 0, 2)), patches(Box(0, 3, 1, 2))],
            "patches of class 'class 0', slot 1 are stored twice",
        ),
        ("patches", [patches(Box(0, 3, 0, 3))], "patches of class 'class 0', slot 3 are missing"),
        ("pixels", [pixels(Box(0, 2))], "pixels of class 'class 2', slot 0 are missing"),
        ("pixels", [pixels(Box(0, 3)), pixels(Box(1, 1))], "pixels of class 'class 1', slot 0"),
    ],
    ids=str,
)
def test_holes_and_overlaps_are_found_and_named(
    opened: Callable[..., Artifact], kind: str, sections: Sections, says: str
) -> None:
    artifact = opened({**whole(), kind: sections})
    with pytest.raises(HeaderError, match=says):
        artifact.verify("structure")
    with pytest.raises(HeaderError, match=says):
        artifact.table.seeds(0)  # nothing is decoded of a table that is wrong somewhere


@pytest.mark.parametrize(
    ("kind", "section", "says"),
    [
        ("patches", patches(Box(0, 3)), "does not say which slots"),
        ("patches", patches(Box(0, 3, 0, 4, 0, 1)), "divided by views"),
        ("seeds", seeds(Box(0, 3, 0, 4, 0, 1)), "divided by views"),
        ("seeds", seeds(Box(0, 3, 0, 5)), "beyond the recipe"),
        ("pixels", pixels(Box(0, 3, 0, 4, 1, 2)), "divided by views"),
        ("labels", labels(Box(0, 4)), "classes that do not exist"),
        ("labels", labels(Box()), "classes that do not exist"),
        ("labels", labels(Box(0, 3, 0, 0, 0, 4)), "beyond the recipe"),
        (
            "prompts",
            NewSection("prompts", CodecSpec("prompt-fp16", 1, "none", {}), Box(0, 3), b"x"),
            "stored pictures and hard labels does not have",
        ),
        (
            "teacher",
            NewSection("teacher", CodecSpec("x", 1, "none", {}), Box(0, 3), b"x"),
            "does not have",
        ),
        (
            "seeds",
            NewSection(
                "seeds", SeedDerived().spec(), Box(0, 3, 0, 4), SeedDerived.raw_from(0, "abc")
            ),
            "never divided by slots",
        ),
    ],
    ids=str,
)
def test_boxes_that_are_none_of_their_kind_are_refused(
    opened: Callable[..., Artifact], kind: str, section: NewSection, says: str
) -> None:
    artifact = opened({**whole(), kind: [section]})
    with pytest.raises(HeaderError, match=says):
        _ = artifact.table


def test_a_codec_of_another_kind_is_refused(opened: Callable[..., Artifact]) -> None:
    box, flags = Box(0, 3), ANCILLARY | SAFE_TO_COPY
    foreign = NewSection("pixels", HardLabels().spec(), box, labels(box).raw, flags)
    artifact = opened({**whole(), "pixels": [foreign]})
    with pytest.raises(HeaderError, match="codec hard-labels is none of a pixels section"):
        artifact.verify("structure")
    seedy = replace(patches(Box(0, 3, 0, 4)), codec=SeedList().spec())
    with pytest.raises(HeaderError, match="codec seed-list is none of a patches section"):
        opened({**whole(), "patches": [seedy]}).sizes()


def test_a_newer_codec_is_told_from_damage(opened: Callable[..., Artifact]) -> None:
    newer = replace(labels(Box(0, 3)), codec=CodecSpec("hard-labels", 2, "none", {}))
    with pytest.raises(UnknownCodecError, match="upgrade"):
        opened({**whole(), "labels": [newer]}).verify("structure")


def test_support_has_all_its_pictures_and_no_labels(opened: Callable[..., Artifact]) -> None:
    of = head(rows=((0, 1), (2, 1)))
    rows = {
        "labels": [labels(Box(0, 1)), labels(Box(2, 1))],
        "pixels": [pixels(Box(0, 1)), pixels(Box(2, 1))],
    }
    with_support = {**whole(), **rows}
    assert opened(with_support, of).verify("structure") == 0
    # Mosaics stay whole, so they may hold classes that are no support any more.
    without = {**with_support, "seeds": [seeds(Box(0, 1)), seeds(Box(2, 1))]}
    assert opened(without, of).verify("structure") == 0
    hole = {**with_support, "patches": [patches(Box(0, 1, 0, 4)), patches(Box(1, 2, 0, 3))]}
    hole["patches"].append(patches(Box(2, 1, 3, 1)))
    with pytest.raises(HeaderError, match="patches of class 'class 1', slot 3 are missing"):
        opened(hole, of).verify("structure")
    with pytest.raises(HeaderError, match="labels of classes that have no rows"):
        opened({**with_support, "labels": [labels(Box(0, 3))]}, of).verify("structure")


def test_opening_costs_by_sections_and_not_by_classes(opened: Callable[..., Artifact]) -> None:
    """50,000 classes in 2,000 sections of each kind: no list of classes is made for a section."""
    classes, step = 50_000, 50
    boxes = [Box(start, step * 2) for start in range(0, classes, step * 2)]
    of = head(classes)
    sections = {
        "seeds": [replace(labels(box), kind="seeds", codec=SeedList().spec()) for box in boxes],
        "labels": [labels(box) for box in boxes],
    }
    sections["patches"] = [
        replace(patches(Box(0, 1, 0, 1)), box=Box(box.class_start, box.class_count, slot, 1))
        for box in boxes
        for slot in range(IPC)
    ]
    artifact = opened(sections, of)
    tracemalloc.start()
    assert artifact.verify("structure") == 0
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(artifact.sections) == 3_000
    assert peak < 30 << 20
