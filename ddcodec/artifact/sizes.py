"""The size budget: where the bytes of an artifact go, from the header alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ddcodec.container import PRELUDE_LEN, Section
from ddcodec.recipe.head import Head
from ddcodec.table.boxes import Ranks, span_of
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
    """What a slice keeps besides its own pictures (spec/table.md, "Slices").

    Bytes of a section that holds several pictures count by their share of it.

    Attributes:
        classes: how many classes have no rows, and pictures only because views of rows mix them in.
        stored: bytes of theirs in the file.
        surplus: bytes of pictures that nothing shows: a lossy mosaic is kept whole if any picture
            of it is.
    """

    classes: int
    stored: int
    surplus: int

    def describe(self) -> tuple[str, ...]:
        """Such as ``3 classes, 4,321 bytes, for CutMix``; nothing where there is none."""
        lines, classes = [], "class" if self.classes == 1 else "classes"
        if self.classes or self.stored:
            whose = f"{self.classes} {classes}" if self.classes else "other slots"
            lines.append(f"{whose}, {self.stored:,} bytes, for CutMix")
        if self.surplus:
            lines.append(f"{self.surplus:,} bytes of mosaics that cannot be cut without loss")
        return tuple(lines)


def support_of(table: Table) -> Support:
    """Of a slice; nothing in an artifact as it was encoded."""
    head = table.head
    rows = Ranks(head.rows)
    pictures = Ranks(picture_classes(head, table.sections("seeds")))
    stored = surplus = 0.0
    for section in table.reader.sections:
        kind, box = kind_of(section), section.box
        if kind is None or kind.scope != "pictures" or not box.class_count:
            continue
        slots = kind.slots(head.recipe)
        first, end = span_of(box, slots, 1).slots
        each = section.stored_len / (box.class_count * (box.slot_count or slots))
        shown, seen = (
            sum(count for _, count in ranks.shared(box.class_start, box.class_count))
            for ranks in (rows, pictures)
        )
        own = min(end, head.recipe.ipc) if head.recipe.view.slots else end
        stored += each * (seen * (end - first) - shown * max(0, own - first))
        surplus += section.stored_len - each * seen * (end - first)
    return Support(pictures.count - rows.count, round(stored), round(surplus))


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
