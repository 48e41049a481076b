"""The size budget: where the bytes of an artifact go, from the header alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ddcodec.container import PRELUDE_LEN, Section
from ddcodec.recipe.head import Head
from ddcodec.table.kinds import layer_of, plain_bytes
from ddcodec.table.table import Table

__all__ = ["SizeNode", "size_budget"]


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
