"""Hostile artifacts: small ones that stand for a lot, and ones whose parts do not fit.

Each is whole by its container: checksums and content digest are true. The tests of limits, and the
fuzzer, start from them. ``HOSTILE`` names them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from ddcodec.codecs.hard_labels import HardLabels
from ddcodec.codecs.label_model import LabelModel, LabelModelCodec
from ddcodec.codecs.mosaic_png import MosaicPng
from ddcodec.codecs.seed_derived import SeedDerived, SeedKeys
from ddcodec.codecs.seed_list import SeedList
from ddcodec.codecs.soft_labels import SoftLabels
from ddcodec.codecs.teacher_weights import LayerWeights, StoredWeights, TeacherWeights
from ddcodec.container import Box, CodecSpec, NewSection, write_container
from ddcodec.entropy.integers import encode_integers
from ddcodec.entropy.rans import Encoder
from ddcodec.recipe.head import Head, Range, Recipe
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.parts import Evaluation, LabelRecipe
from ddcodec.recipe.synthesis import Stored
from ddcodec.recipe.view import View

__all__ = ["HOSTILE", "MISFITS", "ODD_INFO", "head", "mosaic", "own_labels", "seeds", "write"]

Make = Callable[[Path], Path]


def head(
    classes: int | Sequence[str] = 1,
    *,
    ipc: int = 1,
    views: int = 1,
    size: tuple[int, int] = (16, 16),
    labels: str = "hard",
    origins: tuple[Range, ...] | None = None,
    view: View = View(),  # noqa: B008
) -> Head:
    """The head of a table of stored pictures; all classes have rows."""
    names = tuple(f"c{i}" for i in range(classes)) if isinstance(classes, int) else tuple(classes)
    recipe = Recipe(
        size=size,
        ipc=ipc,
        views=views,
        synthesis=Stored(),
        layout=Layout(),
        view=view,
        labels=LabelRecipe(labels),
        evaluation=Evaluation((1, 2, 3), (4, 5, 6), "ddz"),
    )
    whole = ((0, len(names)),)
    return Head(names, whole, origins or whole, recipe)


def write(path: Path, head: Head, sections: Iterable[NewSection], **info: Any) -> Path:
    """Write the file; returns its path."""
    write_container(path, head=head.to_map(), sections=list(sections), info=info)
    return path


def mosaic(box: Box, side: int = 16, count: int | None = None) -> NewSection:
    """Black pictures for a box."""
    codec = MosaicPng(side, side)
    number = box.class_count * box.slot_count if count is None else count
    return _section("patches", codec.spec(), box, codec.encode(_black(number, side)))


def seeds(box: Box) -> NewSection:
    """Derived seeds for a box, whatever its slots."""
    codec = SeedDerived()
    raw = codec.encode(SeedKeys(7, tuple(range(box.class_count))))
    return _section("seeds", codec.spec(), box, raw)


def own_labels(box: Box) -> NewSection:
    """Hard labels that are the class of the row: one byte."""
    return _section("labels", HardLabels().spec(), box, b"\0")


def plain(count: int, ipc: int = 1, side: int = 16) -> list[NewSection]:
    """The sections of a whole table of stored pictures with hard labels."""
    whole = Box(0, count)
    return [seeds(whole), own_labels(whole), mosaic(Box(0, count, 0, ipc), side)]


def _section(kind: str, spec: CodecSpec, box: Box, raw: bytes, flags: int = 0) -> NewSection:
    return NewSection(kind, spec, box, raw, flags)


def _black(count: int, side: int) -> Any:
    return np.zeros((count, side, side, 3), np.uint8)


# Tables that promise more than the file holds.


def promised_cells(path: Path) -> Path:
    """2^17 slots of one class in 2^14 views, of which one picture is stored."""
    sections = [seeds(Box(0, 1)), own_labels(Box(0, 1)), mosaic(Box(0, 1, 0, 1), 1)]
    return write(path, head(1, ipc=1 << 17, views=1 << 14), sections)


def promised_slots(path: Path) -> Path:
    """2^24 slots of one class, of which one picture is stored; views cut and mix."""
    view = View("pad-crop", 4, flip=1, cutmix=1)
    sections = [seeds(Box(0, 1)), own_labels(Box(0, 1)), mosaic(Box(0, 1, 0, 1), 1)]
    return write(path, head(1, ipc=1 << 24, views=2, view=view), sections)


def many_slots(path: Path) -> Path:
    """2^24 slots of one class, and a pixel for each: nothing is wrong with it."""
    view = View("pad-crop", 4, flip=1, cutmix=1)
    sections = [seeds(Box(0, 1)), own_labels(Box(0, 1)), mosaic(Box(0, 1, 0, 1 << 24), 1)]
    return write(path, head(1, ipc=1 << 24, views=2, view=view), sections)


def blown_up(side: int, count: int = 64) -> Make:
    """Pictures of side x side pixels from one pixel each."""
    return lambda path: write(path, head(1, ipc=count, size=(side, side)), plain(1, count, 1))


def long_name(count: int) -> Make:
    """A name of 1,024 letters among many of six."""

    def make(path: Path) -> Path:
        names = ["n" * 1024, *(f"c{i:05d}" for i in range(count - 1))]
        return write(path, head(names), plain(count, 1, 1))

    return make


def zeros_for_models(path: Path) -> Path:
    """A label model of one class, of 64 MiB of zeros."""
    codec, _ = zero_model(1)
    spec = replace(codec.spec(), compression="zstd")
    sections = [one for one in plain(1, 1, 1) if one.kind != "labels"]
    sections += [
        _section("label-model", spec, Box(0, 1), bytes(64 << 20)),
        _section("labels", SoftLabels(columns=0, band=1).spec(), Box(0, 1), b"\0"),
    ]
    return write(path, head([path.stem], labels="soft"), sections)


# Labels that take long, or stand for much memory.


def zero_model(classes: int) -> tuple[LabelModelCodec, bytes]:
    codec = LabelModelCodec(
        classes=classes,
        features=1,
        atoms=0,
        band=1,
        mean_step=1,
        shift=0,
        parts=1,
        degree=0,
        response=0,
    )
    means = np.zeros((classes, classes), np.int16)
    empty = np.zeros((0, classes), np.int8), np.zeros((classes, 1, 0), np.int16)
    one = np.ones(1, np.uint16)
    return codec, codec.encode(LabelModel(means, *empty, one, one, np.zeros(0, np.uint16)))


def label_models(count: int, classes: int = 4096) -> Make:
    """Origins of classes with a label model of zeros each."""

    def make(path: Path) -> Path:
        total = count * classes
        origins = tuple((i * classes, classes) for i in range(count))
        codec, raw = zero_model(classes)
        spec = replace(codec.spec(), compression="zstd")
        soft = SoftLabels(columns=0, band=1)
        sections = plain(total, 1, 1)
        sections = [one for one in sections if one.kind != "labels"]
        for start, size in origins:
            box = Box(start, size)
            sections += [
                _section("label-model", spec, box, raw),
                _section("labels", soft.spec(), box, b"\0"),
            ]
        return write(path, head(total, labels="soft", origins=origins), sections)

    return make


def teachers(count: int, arch: str = "resnet18") -> Make:
    """Origins of one class with a stored network of zeros each."""

    def make(path: Path) -> Path:
        codec = TeacherWeights(arch, 3, 1, 16)
        layers = tuple(
            LayerWeights(
                np.zeros(layer.shape, np.int8),
                np.ones(layer.shape[0], np.float32),
                np.zeros((layer.vectors, layer.shape[0]), np.float32),
            )
            for layer in codec.layers
        )
        raw = codec.encode(StoredWeights((1, 1, 1), (1, 1, 1), layers))
        origins = tuple((i, 1) for i in range(count))
        sections = [one for one in plain(count) if one.kind != "labels"]
        sections += [_section("teacher", codec.spec(), Box(i, 1), raw) for i in range(count)]
        return write(path, head(count, labels="teacher", origins=origins), sections)

    return make


def slow_labels(count: int, views: int = 1 << 17) -> Make:
    """Labels of one class in a section each, of as many steps of one lane as are allowed."""

    def make(path: Path) -> Path:
        codec = SoftLabels(columns=1, band=1, step=1)
        model, raw = zero_model(1)
        origins = tuple((i, 1) for i in range(count))
        encoder = Encoder(1)
        for _ in range(views):
            encode_integers(encoder, np.zeros(1, np.int64), 0, 0, 1)
        packed = b"\1\0" + b"\0\0" + encoder.finish()
        sections = [one for one in plain(count, 1, 1) if one.kind != "labels"]
        for i in range(count):
            box = Box(i, 1)
            sections += [
                _section("label-model", replace(model.spec(), compression="zstd"), box, raw),
                _section("labels", replace(codec.spec(), compression="zstd"), box, packed),
            ]
        return write(path, head(count, views=views, labels="soft", origins=origins), sections)

    return make


def untold_labels(views: int) -> Make:
    """Soft labels of one row that are their class's mean, in as many views, of one byte."""

    def make(path: Path) -> Path:
        model, raw = zero_model(1)
        sections = [one for one in plain(1) if one.kind != "labels"]
        sections += [
            _section("label-model", model.spec(), Box(0, 1), raw),
            _section("labels", SoftLabels(columns=0, band=1).spec(), Box(0, 1), b"\0"),
        ]
        return write(path, head(1, views=views, labels="soft"), sections)

    return make


def mixed(views: int) -> Make:
    """Eight classes of two pictures, which are one another's partners in as many views."""
    view = View("identity", cutmix=1)
    return lambda path: write(path, head(8, ipc=2, views=views, view=view), plain(8, 2))


# Many sections.


def many_origins(count: int, kind: str = "soft") -> Make:
    """Origins of one class each, with sections of their own."""

    def make(path: Path) -> Path:
        origins = tuple((i, 1) for i in range(count))
        model, raw = zero_model(1)
        soft = SoftLabels(columns=0, band=1)
        sections = [one for one in plain(count, 1, 1) if one.kind != "labels"]
        for i in range(count):
            if kind == "soft":
                sections.append(_section("label-model", model.spec(), Box(i, 1), raw))
                sections.append(_section("labels", soft.spec(), Box(i, 1), b"\0"))
            else:
                sections.append(own_labels(Box(i, 1)))
        return write(path, head(count, labels=kind, origins=origins), sections)

    return make


def scattered_seeds(count: int) -> Make:
    """The seeds of one class in as many sections."""

    def make(path: Path) -> Path:
        codec = SeedList()
        view = View("pad-crop", 4, flip=1, cutmix=1)
        sections = [own_labels(Box(0, 1)), mosaic(Box(0, 1, 0, count), 1)]
        for slot in range(count):
            raw = codec.encode(np.array([[slot]], np.uint64))
            sections.append(_section("seeds", codec.spec(), Box(0, 1, slot, 1), raw))
        return write(path, head(1, ipc=count, views=2, view=view), sections)

    return make


# Files whose sections are whole and cannot be decoded, or whose texts are none.


def misfit(**changes: Any) -> Make:
    """A picture with its label and seed, one section of which is another than it should be.

    Args:
        changes: kind of section -> what of it is replaced.
    """

    def make(path: Path) -> Path:
        sections = []
        for one in plain(1):
            change = dict(changes.get(one.kind, {}))
            spec = replace(one.codec, **change.pop("codec", {}))
            sections.append(replace(one, codec=spec, **change))
        return write(path, head(1), sections)

    return make


def provenance(**info: Any) -> Make:
    """A good file, whose provenance is not what programs write."""
    return lambda path: write(path, head(1), plain(1), **info)


MISFITS: Final[Mapping[str, Make]] = {
    "patches-of-labels": misfit(patches={"codec": {"name": "hard-labels", "params": {}}}),
    "patches-no-png": misfit(patches={"raw": b"no picture"}),
    "patches-unknown-codec": misfit(patches={"codec": {"name": "mosaic-jpeg"}}),
    "patches-newer-codec": misfit(patches={"codec": {"version": 2}}),
    "labels-no-mode": misfit(labels={"raw": b"\7\7"}),
    "labels-beyond": misfit(labels={"raw": b"\1\1\0"}),
    "seeds-short": misfit(seeds={"raw": b"xx"}),
    "params-negative": misfit(patches={"codec": {"params": {"width": -1, "height": 16}}}),
    "params-missing": misfit(patches={"codec": {"params": {}}}),
    "params-text": misfit(patches={"codec": {"params": {"width": "16", "height": [16]}}}),
    "params-huge": misfit(patches={"codec": {"params": {"width": 1 << 63, "height": 16}}}),
    "bytes-for-nothing": misfit(labels={"raw": bytes(64 << 20), "codec": {"compression": "zstd"}}),
}
"""Whole files that verify by their bytes, and of which a row cannot be read."""

ODD_INFO: Final[Mapping[str, Make]] = {
    "info-environment-text": provenance(environment="text"),
    "info-environment-list": provenance(environment=["a", 5]),
    "info-labels-list": provenance(labels=[1], method=["x"], tool=5, merged={"a": None}),
    "info-escapes": provenance(method="\x1b]0;x\x07", tool="\u202e", note="a\nok: forged"),
    "info-divergence": provenance(labels={"divergence": "1e999", "temperature": None}),
    "info-options": provenance(options={"a": {"b": [None, True, b"\xff"]}}, source=b"\0"),
}
"""Good files with odd provenance."""

HOSTILE: Final[Mapping[str, Make]] = {
    "promised-cells": promised_cells,
    "promised-slots": promised_slots,
    "many-slots": many_slots,
    "blown-up": blown_up(2048),
    "blown-up-most": blown_up(8192),
    "long-name": long_name(100_000),
    "zeros-for-models": zeros_for_models,
    "label-models-4": label_models(4),
    "label-models-16": label_models(16),
    "teachers-40": teachers(40),
    "slow-labels-4": slow_labels(4),
    "origins-soft-4000": many_origins(4000),
    "origins-soft-12000": many_origins(12000),
    "origins-hard-16000": many_origins(16000, "hard"),
    "scattered-seeds-10000": scattered_seeds(10000),
}
