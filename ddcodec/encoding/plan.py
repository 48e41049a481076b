"""Expected bytes of an artifact by section kind, from a look at a few images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ddcodec.codecs.pixel_digest import stored_length
from ddcodec.container.canonical import pack_canonical
from ddcodec.container.prelude import PRELUDE_LEN
from ddcodec.encoding.inputs import Inputs
from ddcodec.labels.sections import expected_bytes

__all__ = ["expected_container", "expected_sizes"]

# Bytes of the index, as they were found: codecs and their parameters, those of soft labels, and
# what each section takes.
_CODECS, _LABEL_CODECS, _INDEX_ROW = 390, 330, 20


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
            options.coding, inputs.view, classes, ipc, options.views, options.variations
        )
        if inputs.method.generates and options.label_bytes is None:
            # Teachers have not seen such pictures, and are less of one mind about them.
            expected["labels"] = round(1.15 * expected["labels"])
    elif here:
        expected["teacher"] = _teacher_bytes(inputs)
    expected["pixels"] = stored_length(ipc) * classes * ipc
    expected["seeds"] = 8 + 4 * classes
    return expected


def expected_container(
    head: Mapping[str, Any], info: Mapping[str, Any], stores_pictures: bool
) -> int:
    """Expected bytes of prelude, header and index.

    Args:
        head, info: as they will be written, digests and statistics aside.
        stores_pictures: whether pictures and labels have a section for each class.
    """
    classes = len(head["classes"])
    sections = 4 + 2 * classes if stores_pictures else 6
    specs = _CODECS if head["recipe"]["labels"]["kind"] == "hard" else _CODECS + _LABEL_CODECS
    return (
        PRELUDE_LEN
        + len(pack_canonical(head))
        + len(pack_canonical(info))
        + specs
        + _INDEX_ROW * sections
    )


def _teacher_bytes(inputs: Inputs) -> int:
    """Expected: entropy coding saves 0.85 bits per weight (CIFAR-10, all widths within 0.1)."""
    from ddcodec.codecs.teacher_weights import TeacherWeights

    bits, classes = inputs.options.teacher_bits, len(inputs.source.classes)
    arch = "convnet3" if inputs.options.trains_teacher else inputs.teacher().arch
    codec = TeacherWeights(arch, bits, classes, inputs.size[0])
    return round(codec.plain_bytes / 32 * (bits - 0.85))
