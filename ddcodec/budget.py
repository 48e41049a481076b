"""The size budget: where the bytes of an artifact go, from the header alone."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

from ddcodec.container import KINDS, Section
from ddcodec.recipe import Head

if TYPE_CHECKING:
    from ddcodec.artifact import Artifact, SizeNode

__all__ = ["size_budget", "unpacked_bytes"]


def unpacked_bytes(section: Section, head: Head) -> int:
    """Bytes of the section's content in the plain form people ship today.

    uint8 pixels, fp16 soft labels, u16 hard labels, fp16 token vectors, u64 seeds, float32 weights
    of a teacher.
    """
    from ddcodec.contents import array_shape

    if section.kind == "schedule":
        return section.raw_len
    if section.kind == "teacher":
        return _plain_teacher(section)
    elements = prod(array_shape(section, head))
    if section.kind == "patches":
        params = section.codec.params
        return elements * int(params["width"]) * int(params["height"]) * 3
    return elements * {"seeds": 8, "prompts": 2, "labels": 2, "pixels": 1}.get(section.kind, 1)


def _plain_teacher(section: Section) -> int:
    from ddcodec import codecs
    from ddcodec.codecs.teacher_weights import TeacherWeights

    codec = codecs.get(section.codec)
    return codec.plain_bytes if isinstance(codec, TeacherWeights) else section.raw_len


def size_budget(artifact: Artifact) -> SizeNode:
    """Tree: file -> container and section kinds -> codecs. Children sum to their parent."""
    from ddcodec.artifact import SizeNode

    reader = artifact.reader
    kinds: dict[str, dict[str, list[Section]]] = {}
    for section in reader.sections:
        by_codec = kinds.setdefault(section.kind, {})
        by_codec.setdefault(f"{section.codec.name} v{section.codec.version}", []).append(section)

    def leaf(name: str, sections: Sequence[Section]) -> SizeNode:
        unpacked = sum(unpacked_bytes(s, artifact.head) for s in sections if s.kind in KINDS)
        return SizeNode(
            name, sum(s.stored_len for s in sections), sum(s.raw_len for s in sections), unpacked
        )

    def parent(name: str, children: Sequence[SizeNode]) -> SizeNode:
        return SizeNode(
            name,
            sum(n.stored for n in children),
            sum(n.raw for n in children),
            sum(n.unpacked for n in children),
            tuple(sorted(children, key=lambda n: -n.stored)),
        )

    container = 32 + reader.header_len
    nodes = [SizeNode("container", container, container, 0)]
    nodes += [
        parent(kind, [leaf(name, sections) for name, sections in codecs.items()])
        for kind, codecs in kinds.items()
    ]
    return parent("file", nodes)
