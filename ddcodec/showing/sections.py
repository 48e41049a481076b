"""Bytes of a file as a page shows them: its parts, their sections, and the share of a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ddcodec.artifact import Artifact
from ddcodec.artifact.budget import part_name, parts_of, purposes
from ddcodec.container import Box, Section
from ddcodec.table.boxes import span_of
from ddcodec.table.kinds import KINDS, layer_of, plain_bytes

__all__ = ["part_maps", "picture_shares", "section_maps"]


def part_maps(artifact: Artifact) -> Iterator[dict[str, Any]]:
    """The size budget: each part with its colour, and what it buys."""
    for part in parts_of(artifact.sizes(), purposes(artifact)):
        if part.colour is not None:  # else it is a part of the one before
            yield {
                "part": part.node.name,
                "name": part.name,
                "colour": part.colour,
                "stored": part.node.stored,
                "plain": part.node.plain,
                "buys": part.buys,
            }


def section_maps(artifact: Artifact, name: Callable[[int], str]) -> Iterator[dict[str, Any]]:
    """Every section of the index, with its part of the budget.

    Args:
        artifact: open.
        name: of a class, by its index.
    """
    for section in artifact.sections:
        box = section.box
        yield {
            "part": _part_of(section),
            "kind": section.kind,
            "codec": f"{section.codec.name} v{section.codec.version}",
            "scope": _scope(box, name),
            "stored": section.stored_len,
            "plain": plain_bytes(section, artifact.head),
            "classes": [box.class_start, box.class_count],
            "slots": [box.slot_start, box.slot_count],
            "views": [box.view_start, box.view_count],
        }


def picture_shares(artifact: Artifact, class_index: int, slot: int) -> list[tuple[str, float]]:
    """(part, bytes) of a picture, largest first: its share of sections that it has or shares.

    What all pictures of an origin share is nobody's.
    """
    recipe, found = artifact.recipe, dict[str, float]()
    for kind in KINDS.values():
        if kind.scope not in ("pictures", "rows"):
            continue
        by_slot, slots = "slot" in kind.axes, kind.slots(recipe)
        for section in artifact.table.index(kind.name).of_class(class_index):
            first, end = span_of(section.box, slots, 1).slots
            if by_slot and not first <= slot < end:
                continue
            pictures = section.box.class_count * (end - first if by_slot else recipe.ipc)
            name = part_name(_part_of(section))
            found[name] = found.get(name, 0.0) + section.stored_len / pictures
    return sorted(found.items(), key=lambda one: -one[1])


def _part_of(section: Section) -> str:
    """The part of the size budget that a section is counted in."""
    return section.kind if layer_of(section) is None else "labels"


def _scope(box: Box, name: Callable[[int], str]) -> str:
    """Whose a section is, such as ``cat, slots 0 to 4``."""
    if not box.class_count:
        return "the whole artifact"
    first, last = box.class_start, box.class_start + box.class_count - 1
    words = [" to ".join(name(c) for c in dict.fromkeys((first, last)))]
    for axis, start, count in (("slot", *box[2:4]), ("view", *box[4:6])):
        if count == 1:
            words.append(f"{axis} {start}")
        elif count:
            words.append(f"{axis}s {start} to {start + count - 1}")
    return ", ".join(words)
