"""The size budget: where the bytes of an artifact go, from the header alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ddcodec.container import PRELUDE_LEN, Section
from ddcodec.recipe.head import Head
from ddcodec.table.boxes import Ranks
from ddcodec.table.coverage import picture_classes
from ddcodec.table.kinds import kind_of, layer_of, plain_bytes
from ddcodec.table.table import Table

__all__ = ["SizeNode", "Support", "size_budget", "support_of"]


@dataclass(frozen=True, repr=False)
class SizeNode:
    """One line of the size budget.

    Attributes:
        name: section kind, codec or part of the container.
        stored: bytes in the file.
        raw: bytes before the container's compression.
        plain: bytes of the plain arrays (uint8 pixels, fp16 labels and vectors, u64 seeds).
        children: the parts this line is the sum of.
    """

    name: str
    stored: int
    raw: int
    plain: int
    children: tuple[SizeNode, ...] = ()

    def __repr__(self) -> str:
        parts = ", ".join(f"{child.name} {child.stored:,}" for child in self.children)
        return f"SizeNode({self.name}: {self.stored:,} bytes{parts and ' = '}{parts})"

    def to_map(self) -> dict[str, Any]:
        """The node and its children as plain values."""
        return {
            "name": self.name,
            "stored": self.stored,
            "raw": self.raw,
            "plain": self.plain,
            "children": [child.to_map() for child in self.children],
        }


@dataclass(frozen=True)
class Support:
    """Pictures without rows, kept because views of rows mix them in (spec/table.md, "Slices").

    Attributes:
        classes: how many classes are only that.
        stored: bytes of theirs in the file; a section shared with rows counts by its classes.
    """

    classes: int
    stored: int

    def describe(self) -> str:
        """Such as ``3 classes, 4,321 bytes``."""
        classes = "class" if self.classes == 1 else "classes"
        return f"{self.classes} {classes}, {self.stored:,} bytes"


def support_of(table: Table) -> Support:
    """Of a slice by classes; nothing in an artifact as it was encoded."""
    rows = Ranks(table.head.rows)
    with_pictures = picture_classes(table.head, table.sections("seeds"))
    classes = sum(count for _, count in with_pictures) - len(table.head.row_classes)
    stored = 0
    for section in table.reader.sections if classes else ():
        kind, box = kind_of(section), section.box
        if kind is not None and kind.scope == "pictures" and box.class_count:
            used = sum(count for _, count in rows.shared(box.class_start, box.class_count))
            stored += section.stored_len * (box.class_count - used) // box.class_count
    return Support(classes, stored)


def size_budget(table: Table) -> SizeNode:
    """Tree: file -> container and section kinds -> codecs, or layers of labels.

    Largest first. The children's bytes sum to their parent's, except that what labels in layers
    are in plain form is the label section's alone.

    Raises:
        HeaderError: a section that is none of its kind.
    """
    reader, head = table.reader, table.head
    parts: dict[str, dict[str, list[Section]]] = {}
    for section in reader.sections:
        layer = layer_of(section)
        kind = section.kind if layer is None else "labels"
        codec = f"{section.codec.name} v{section.codec.version}"
        name = codec if layer is None else f"{layer} ({codec})"
        parts.setdefault(kind, {}).setdefault(name, []).append(section)
    container = PRELUDE_LEN + reader.header_len
    nodes = [SizeNode("container", container, container, 0)]
    nodes += [_kind_node(kind, by_part, head) for kind, by_part in parts.items()]
    return SizeNode(
        "file",
        sum(n.stored for n in nodes),
        sum(n.raw for n in nodes),
        sum(n.plain for n in nodes),
        tuple(sorted(nodes, key=lambda n: -n.stored)),
    )


def _kind_node(name: str, by_part: Mapping[str, list[Section]], head: Head) -> SizeNode:
    children = [_part_node(part, sections, head) for part, sections in by_part.items()]
    inside = [section for sections in by_part.values() for section in sections]
    return SizeNode(
        name,
        sum(n.stored for n in children),
        sum(n.raw for n in children),
        sum(plain_bytes(s, head) for s in inside),
        tuple(sorted(children, key=lambda n: -n.stored)),
    )


def _part_node(name: str, sections: Sequence[Section], head: Head) -> SizeNode:
    stored, raw = sum(s.stored_len for s in sections), sum(s.raw_len for s in sections)
    whole = layer_of(sections[0]) is None
    return SizeNode(name, stored, raw, sum(plain_bytes(s, head) for s in sections) if whole else 0)
