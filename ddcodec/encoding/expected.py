"""Expected bytes of an artifact by section kind, from a look at a few images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ddcodec.codecs.label_fields import LabelFields
from ddcodec.codecs.label_model import LabelModelCodec
from ddcodec.codecs.pixel_digest import PixelDigests, stored_length
from ddcodec.codecs.soft_labels import SoftLabels
from ddcodec.codecs.teacher_weights import TeacherWeights
from ddcodec.container import ANCILLARY, SAFE_TO_COPY, Box, NewSection
from ddcodec.container.compression import compress
from ddcodec.container.deflate import deflate
from ddcodec.container.index import IndexRow, build_header, order_key
from ddcodec.container.limits import DEFAULT_LIMITS
from ddcodec.container.prelude import PRELUDE_LEN
from ddcodec.encoding.inputs import Inputs
from ddcodec.encoding.plain_sections import hard_label_sections, seed_sections
from ddcodec.labels.encoder.encoder import MOST_ATOMS
from ddcodec.labels.sections import expected_bytes
from ddcodec.methods.base import Content
from ddcodec.methods.patch_mosaics import patch_boxes
from ddcodec.recipe.head import Head
from ddcodec.table.slots import prefix_groups

__all__ = ["expected_container", "expected_sizes", "stored_bytes"]


def expected_sizes(inputs: Inputs, ipc: int, *, here: bool) -> dict[str, int]:
    """Expected bytes by section kind.

    Args:
        inputs: of the encode.
        ipc: images per class.
        here: whether prior and teacher are on this machine; what is not cannot be asked for sizes.
    """
    options, classes = inputs.options, len(inputs.source.classes)
    expected = dict[str, int]()
    if here:
        job = inputs.job(ipc)
        inputs.method.check(job)
        expected = inputs.method.estimate(job)
    if options.labels == "hard":
        expected["labels"] = 10
    elif options.labels == "soft":
        expected["labels"] = expected_bytes(
            options.coding, inputs.view, classes, ipc, options.views, options.pictures_each
        )
        if inputs.method.generates and options.label_bytes is None:
            # Teachers have not seen such pictures, and are less of one mind about them.
            expected["labels"] = round(1.15 * expected["labels"])
    elif here:
        expected["teacher"] = _teacher_bytes(inputs)
    expected["pixels"] = stored_length(ipc) * classes * ipc
    expected["seeds"] = 8 + 4 * classes
    return expected


def stored_bytes(head: Head, content: Content) -> dict[str, int]:
    """Bytes by section kind of what is known before the work: seeds, and of a trial the schedule.

    Args:
        head: as it will be written.
        content: of a trial, or none.
    """
    sections = [*seed_sections(head, 0), *(s for s in content.sections if s.kind == "schedule")]
    stored = Counter[str]()
    for section in sections:
        stored[section.kind] += len(compress(section.raw, section.codec.compression))
    return dict(stored)


def expected_container(
    inputs: Inputs,
    head: Head,
    info: Mapping[str, Any],
    content: Content,
    expected: Mapping[str, int],
) -> int:
    """Expected bytes of prelude, header and index.

    Args:
        head, info: as they will be written, digests and statistics aside.
        content: of a trial, or none.
        expected: bytes by section kind.
    """
    sections = [
        *(content.sections or _picture_sections(inputs, head)),
        *seed_sections(head, 0),
        *_pixel_sections(head),
        *_label_sections(inputs, head),
    ]
    counts = Counter(section.kind for section in sections)
    rows, random = [], np.random.default_rng(0)
    for section in sections:
        each = expected.get(section.kind, 1) / counts[section.kind]
        size = max(1, round(each * random.uniform(0.8, 1.2)))
        crc = int(random.integers(1 << 32))
        rows.append(
            IndexRow(section.kind, section.flags, section.codec, section.box, size, size, crc)
        )
    if head.recipe.labels.kind == "soft" and not inputs.options.omit_provenance:
        info = {**info, "labels": {"divergence": "0.00123", "layers": inputs.options.label_layers}}
    rows.sort(key=lambda row: order_key(row.kind, row.box))
    # Sizes and checksums differ from one another, and hardly deflate.
    header = build_header(random.bytes(32), head.to_map(), info, rows, DEFAULT_LIMITS)
    return PRELUDE_LEN + len(deflate(header))


def _picture_sections(inputs: Inputs, head: Head) -> Iterator[NewSection]:
    """Of stored pictures."""
    recipe, coding = head.recipe, inputs.options.patches
    spec = coding.mosaic(recipe.width, recipe.height).spec()
    for box in patch_boxes(len(head.classes), recipe.ipc, recipe.size, coding):
        yield NewSection("patches", spec, box, b"")


def _pixel_sections(head: Head) -> Iterator[NewSection]:
    codec = PixelDigests(stored_length(head.recipe.ipc))
    for start, count in prefix_groups(head.recipe.ipc):
        box = Box(0, len(head.classes), start, count)
        yield NewSection("pixels", codec.spec(), box, b"", ANCILLARY | SAFE_TO_COPY)


def _label_sections(inputs: Inputs, head: Head) -> Iterator[NewSection]:
    recipe, classes = head.recipe, len(head.classes)
    whole = Box(0, classes)
    if recipe.labels.kind == "hard":
        yield from hard_label_sections(head)
    elif recipe.labels.kind == "soft":
        atoms = max(1, min(MOST_ATOMS, classes - 1))
        model = LabelModelCodec(classes, 3, atoms, atoms, 100, 4, 1, 1, 0)
        yield NewSection("label-model", model.spec(), whole, b"")
        yield NewSection("label-fields", LabelFields(1, 3, atoms, atoms).spec(), whole, b"")
        yield NewSection("labels", SoftLabels(atoms, atoms).spec(), whole, b"")
    else:
        codec = TeacherWeights("convnet3", inputs.options.teacher_bits, classes, recipe.width)
        yield NewSection("teacher", codec.spec(), whole, b"")


def _teacher_bytes(inputs: Inputs) -> int:
    """Expected: entropy coding saves 0.85 bits per weight (CIFAR-10, all widths within 0.1)."""
    bits, classes = inputs.options.teacher_bits, len(inputs.source.classes)
    arch = "convnet3" if inputs.options.trains_teacher else inputs.teacher().arch
    codec = TeacherWeights(arch, bits, classes, inputs.size[0])
    return round(codec.plain_bytes / 32 * (bits - 0.85))
