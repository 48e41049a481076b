"""The size budget: where the bytes of an artifact go, from the header alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

from ddcodec.container import KINDS, Section
from ddcodec.recipe import Head

if TYPE_CHECKING:
    from ddcodec.artifact import Artifact, SizeNode

__all__ = ["LAYERS", "layer_of", "size_budget", "unpacked_bytes"]

# Sections of these kinds hold soft labels together, each a layer of them (spec/labels.md).
LAYERS = {"label-model": "means and basis", "label-fields": "fields", "labels": "innovations"}


def layer_of(section: Section) -> str | None:
    """The layer of soft labels that a section holds; None where it holds no layer."""
    codec = section.codec.name, section.codec.version
    if section.kind == "labels" and codec != ("soft-labels", 2):
        return None
    return LAYERS.get(section.kind)


def unpacked_bytes(section: Section, head: Head) -> int:
    """Bytes of the section's content in the plain form people ship today.

    uint8 pixels, fp16 soft labels, u16 hard labels, fp16 token vectors, u64 seeds, float32 weights
    of a teacher. Nothing for what labels in layers share: the labels stand for it.
    """
    from ddcodec.section_shapes import array_shape

    if section.kind == "schedule":
        return section.raw_len
    if section.kind == "teacher":
        return _plain_teacher(section)
    if section.kind in ("label-model", "label-fields"):
        return 0
    shape = array_shape(section, head)
    if section.kind == "labels":
        soft = head.recipe.labels.kind == "soft"
        return 2 * prod(shape[:3]) * (head.origin(section.box.class_start)[1] if soft else 1)
    elements = prod(shape)
    if section.kind == "patches":
        params = section.codec.params
        return elements * int(params["width"]) * int(params["height"]) * 3
    return elements * {"seeds": 8, "prompts": 2, "pixels": 1}.get(section.kind, 1)


def _plain_teacher(section: Section) -> int:
    from ddcodec import codecs
    from ddcodec.codecs.teacher_weights import TeacherWeights

    codec = codecs.get(section.codec)
    return codec.plain_bytes if isinstance(codec, TeacherWeights) else section.raw_len


def size_budget(artifact: Artifact) -> SizeNode:
    """Tree: file -> container and section kinds -> codecs, or layers of labels.

    Stored and raw bytes of children sum to their parent's; layers of labels have a plain form
    together only.
    """
    from ddcodec.artifact import SizeNode

    reader = artifact.reader
    parts: dict[str, dict[str, list[Section]]] = {}
    for section in reader.sections:
        layer = layer_of(section)
        kind = section.kind if layer is None else "labels"
        codec = f"{section.codec.name} v{section.codec.version}"
        name = codec if layer is None else f"{layer} ({codec})"
        parts.setdefault(kind, {}).setdefault(name, []).append(section)

    def leaf(name: str, sections: Sequence[Section]) -> SizeNode:
        stored, raw = sum(s.stored_len for s in sections), sum(s.raw_len for s in sections)
        whole = layer_of(sections[0]) is None
        return SizeNode(name, stored, raw, _unpacked(sections, artifact.head) if whole else 0)

    def parent(name: str, by_part: Mapping[str, list[Section]]) -> SizeNode:
        children = [leaf(part, sections) for part, sections in by_part.items()]
        inside = [section for sections in by_part.values() for section in sections]
        return SizeNode(
            name,
            sum(n.stored for n in children),
            sum(n.raw for n in children),
            _unpacked(inside, artifact.head),
            tuple(sorted(children, key=lambda n: -n.stored)),
        )

    container = 32 + reader.header_len
    nodes = [SizeNode("container", container, container, 0)]
    nodes += [parent(kind, by_part) for kind, by_part in parts.items()]
    return SizeNode(
        "file",
        sum(n.stored for n in nodes),
        sum(n.raw for n in nodes),
        sum(n.unpacked for n in nodes),
        tuple(sorted(nodes, key=lambda n: -n.stored)),
    )


def _unpacked(sections: Sequence[Section], head: Head) -> int:
    return sum(unpacked_bytes(s, head) for s in sections if s.kind in KINDS)
