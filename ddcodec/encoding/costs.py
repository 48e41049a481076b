"""Bytes that an artifact is expected to take for each picture, each label, and in any case."""

from __future__ import annotations

from typing import NamedTuple

from ddcodec.codecs.pixel_digest import stored_length
from ddcodec.encoding.expected import expected_sizes
from ddcodec.encoding.inputs import Inputs

__all__ = ["Costs", "costs_of", "label_bytes_each"]

# Prelude, header and index of few classes.
_HEADER = 640
# Bytes of a soft label of ten classes: finer ones teach less than more pictures (CIFAR-10, 30 kB).
_LABEL = 0.8


class Costs(NamedTuple):
    """Expected bytes of an artifact, but for labels that are soft.

    Attributes:
        fixed: whatever the IPC, a stored teacher among them.
        teacher: of one that is stored; 0 where none is.
        picture: of what is stored of each picture; 0 where it is generated from its seed.
        slot: the same, and what else each slot of a class takes.
    """

    fixed: float
    teacher: float
    picture: float
    slot: float


def label_bytes_each(classes: int) -> float:
    """Bytes of a soft label of so many classes that a budget is planned with."""
    return _LABEL * float((classes / 10) ** 0.4)


def costs_of(inputs: Inputs, ipc: int) -> Costs:
    """What an encode is expected to take, from a look at so many pictures of a few classes."""
    classes = len(inputs.source.classes)
    sizes = expected_sizes(inputs, ipc, here=True)
    fixed = float(_HEADER + sizes.pop("seeds"))
    if inputs.options.labels == "soft":
        del sizes["labels"]
        # Of each class its mean label.
        fixed += 0.4 * classes * classes
    del sizes["pixels"]
    stored = sum(sizes.pop(kind, 0) for kind in ("patches", "latents"))
    picture, teacher = stored / (classes * ipc), float(sizes.get("teacher", 0))
    return Costs(fixed + sum(sizes.values()), teacher, picture, picture + stored_length(ipc))
