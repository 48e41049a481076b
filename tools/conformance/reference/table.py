"""A second implementation of the rules of sections and boxes (spec/table.md, sections 1 and 2).

    python -m tools.conformance.reference.table FILE...

Checks that the head of each file is one (``head.py``), and that its sections make up a whole table:
their codecs, the axes they are divided by, and that sections of one kind cover their part of the
table exactly once. Whether the layers of soft labels fit each other is for ``labels.py`` to see.
Exit codes are those of ``container.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from tools.conformance.reference.container import read
from tools.conformance.reference.head import check_head
from tools.conformance.reference.parameters import check_parameters
from tools.conformance.reference.refusal import each_file, refuse, require

Range = tuple[int, int]
"""First, end."""


class Kind(NamedTuple):
    """What sections of a kind may be.

    ``axes`` is how many it is divided by, of class, slot and view; ``recipes`` are the kinds of
    pictures or labels that need it, or none if every recipe has it.
    """

    axes: int
    codecs: tuple[str, ...]
    recipes: tuple[str, ...] = ()


class Place(NamedTuple):
    """A section's kind, codec and box."""

    kind: str
    codec: dict[str, Any]
    box: list[int]


NUMBERS = 11  # of a stored draw
GENERATING = ("text2image", "image2image")
KINDS = {
    "draws": Kind(3, ("view-draws",), ("stored views",)),
    "label-fields": Kind(2, ("label-fields",), ("soft",)),
    "label-model": Kind(1, ("label-model",), ("soft",)),
    "labels": Kind(3, ("hard-labels", "soft-labels", "top-k-labels"), ("hard", "soft")),
    "latents": Kind(2, ("quantised-latents",), ("latents",)),
    "patches": Kind(2, ("mosaic-avif", "mosaic-png", "mosaic-webp"), ("stored", "patches")),
    "pixels": Kind(2, ("pixel-digest",)),
    "prompts": Kind(1, ("prompt-fp16", "prompt-int8", "prompt-text"), GENERATING),
    "schedule": Kind(0, ("schedule-table",), GENERATING),
    "seeds": Kind(2, ("seed-derived", "seed-list")),
    "teacher": Kind(1, ("teacher-weights",), ("teacher",)),
}


def patches_per_slot(recipe: dict[str, Any]) -> int:
    grid: int = recipe["layout"]["grid"]
    return grid * grid


def pictured_slots(recipe: dict[str, Any]) -> int:
    """L: the slots with pictures."""
    return int(recipe.get("view", {}).get("slots", recipe["ipc"]))


def seeds_per_class(recipe: dict[str, Any]) -> int:
    """S: slots of a class, or generated pictures if there are more."""
    if recipe["synthesis"]["kind"] == "stored":
        return pictured_slots(recipe)
    cells = recipe["synthesis"].get("grid", 1) ** 2
    generated = -(-pictured_slots(recipe) * patches_per_slot(recipe) // cells)
    return max(pictured_slots(recipe), int(generated))


def shape_of(kind: str, box: Sequence[int], head: dict[str, Any]) -> tuple[int, ...]:
    """The shape that a section's box implies: of soft labels, that of their logits; of patches,
    latents and pixels, without the axes that their codec gives.
    """
    recipe = head["recipe"]
    classes, slots, views = box[1], box[3] or recipe["ipc"], box[5] or recipe["views"]
    if kind == "seeds":
        return classes, box[3] or seeds_per_class(recipe)
    if kind == "prompts":
        count, *widths = recipe["synthesis"]["vectors"]
        return (classes, count, sum(widths)) if count else (classes,)
    if kind == "patches":
        return (classes * box[3] * patches_per_slot(recipe),)
    if kind == "draws":
        return classes, box[3] or pictured_slots(recipe), views, NUMBERS
    if kind == "latents":
        return classes, box[3] or pictured_slots(recipe), patches_per_slot(recipe)
    if kind == "labels" and recipe["labels"]["kind"] == "soft":
        origins = [count for start, count in head["origins"] if start <= box[0] < start + count]
        return classes, slots, views, *origins
    if kind == "labels":
        return classes, slots, views
    return (classes, slots) if kind == "pixels" else ()


def places(header: dict[str, Any]) -> list[Place]:
    index = header["index"]
    return [
        Place(
            index["kinds"][kind]["name"],
            index["codecs"][codec],
            index["box"][6 * number : 6 * number + 6],
        )
        for number, (kind, codec) in enumerate(zip(index["kind"], index["codec"], strict=True))
    ]


def check_table(header: dict[str, Any]) -> None:
    """Refuse a table whose sections are not those of section 2."""
    head, found = header["head"], places(header)
    check_head(head)
    for place in found:
        check_place(place, head)
    check_coverage(head, [place for place in found if place.kind in KINDS])


def check_place(place: Place, head: dict[str, Any]) -> None:
    """What a section's codec and box may be, whatever the other sections are."""
    if place.kind not in KINDS:
        return
    kind, box, name, recipe = KINDS[place.kind], place.box, place.codec["name"], head["recipe"]
    about = {recipe["synthesis"]["kind"], recipe["labels"]["kind"]}
    about.add(recipe["synthesis"].get("base", ""))
    about.add(f"{recipe['view']['kind']} views")
    require(not kind.recipes or bool(about & {*kind.recipes}), "header", f"no use for {place.kind}")
    codecs = kind.codecs
    if place.kind == "labels":
        codecs = ("hard-labels",) if "hard" in about else ("soft-labels", "top-k-labels")
    if place.kind == "prompts":
        codecs = codecs[:2] if recipe["synthesis"]["vectors"][0] else codecs[2:]
    require(name in codecs, "header", f"codec {name} of kind {place.kind}")
    check_parameters(name, place.codec["params"])
    if kind.axes == 0:
        require(not any(box), "header", f"{place.kind} with a box")
        return
    require(box[1] > 0, "header", f"{place.kind} of no class")
    require(box[0] + box[1] <= len(head["classes"]), "header", "a box beyond the classes")
    undivided = box[2:] if name == "seed-derived" else box[2 * kind.axes :]
    require(not any(undivided), "header", f"{place.kind} is divided by another axis")
    if place.kind == "draws":
        size = [place.codec["params"][name] for name in ("width", "height")]
        require(size == recipe["size"], "header", "draws for another size")
    require(place.kind != "patches" or box[3] > 0, "header", "patches without slots")
    start, end = origin(head, box[0])
    if place.kind in ("labels", "label-fields"):
        require(box[0] + box[1] <= end, "header", "a box of two origins")
    if place.kind in ("label-model", "teacher"):
        require(box[:2] == [start, end - start], "header", "not the box of a whole origin")
    if place.kind == "teacher":
        told = place.codec["params"]
        require(told["classes"] == end - start, "header", "a teacher of other classes")
        require([told["side"]] * 2 == recipe["size"], "header", "a teacher of another size")


def check_coverage(head: dict[str, Any], found: Sequence[Place]) -> None:
    """Every part of the table is covered exactly once."""
    recipe = head["recipe"]
    ipc, views, seeds = (0, recipe["ipc"]), (0, recipe["views"]), (0, seeds_per_class(recipe))
    slots = 0, pictured_slots(recipe)
    boxes = {kind: list(ranges_of(found, kind, recipe)) for kind in KINDS}
    rows = [(start, start + count) for start, count in head["rows"]]
    # Classes outside rows that have seeds are partners of rows: they need their pictures, too.
    pictured = [*rows, *outside(rows, [box[0] for box in boxes["seeds"]])]
    stored, labels = recipe["synthesis"]["kind"] == "stored", recipe["labels"]["kind"]
    base = recipe["synthesis"].get("base")
    for classes in pictured:
        tile("seeds", boxes["seeds"], (classes, seeds))
        if base == "latents":
            tile("latents", boxes["latents"], (classes, slots))
        if stored or base == "patches":
            tile("patches", [clipped(box, slots) for box in boxes["patches"]], (classes, slots))
        if recipe["view"]["kind"] == "stored":
            tile("draws", boxes["draws"], (classes, slots, views))
        if not stored:
            tile("prompts", boxes["prompts"], (classes,))
    require(stored or len(boxes["schedule"]) == 1, "header", "not one schedule")
    for classes in rows:
        if labels != "teacher":
            tile("labels", boxes["labels"], (classes, ipc, views))
        if boxes["pixels"]:
            tile("pixels", boxes["pixels"], (classes, ipc))
    for kind in ("labels", "pixels"):
        within = not outside(rows, [box[0] for box in boxes[kind]])
        require(within, "header", f"{kind} beyond rows")
    for kind in ("draws", "latents", "prompts"):
        within = not outside(pictured, [box[0] for box in boxes[kind]])
        require(within, "header", f"{kind} beyond pictures")
    if labels == "soft":
        check_layers(head, found, boxes, pictured)
    if labels == "teacher":
        tile_origins("teacher", boxes, [origin(head, c) for c, _ in cut(rows, head["origins"])])


def check_layers(
    head: dict[str, Any],
    found: Sequence[Place],
    boxes: dict[str, list[tuple[Range, ...]]],
    pictured: Sequence[Range],
) -> None:
    """Models of origins whose labels are told from one, and fields where it has atoms."""
    layered = {
        origin(head, place.box[0])
        for place in found
        if place.kind == "labels" and place.codec["name"] == "soft-labels"
    }
    tile_origins("label-model", boxes, sorted(layered))
    atoms = {
        origin(head, place.box[0]): place.codec["params"]["atoms"]
        for place in found
        if place.kind == "label-model"
    }
    needed = [
        (max(low, start), min(high, end))
        for start, end in sorted(layered)
        for low, high in pictured
        if atoms[start, end] and max(low, start) < min(high, end)
    ]
    for classes in needed:
        tile("label-fields", boxes["label-fields"], (classes, (0, pictured_slots(head["recipe"]))))
    within = not outside(needed, [box[0] for box in boxes["label-fields"]])
    require(within, "header", "label-fields that nothing needs")


def tile_origins(
    kind: str, boxes: dict[str, list[tuple[Range, ...]]], needed: Sequence[Range]
) -> None:
    """One section for each origin that needs one, and no origin with two."""
    have = [classes for (classes,) in boxes[kind]]
    require(len(have) == len(set(have)), "header", f"{kind} twice")
    require({*needed} <= {*have}, "header", f"no {kind} of an origin")


def cut(rows: Sequence[Range], origins: Sequence[Sequence[int]]) -> list[Range]:
    """The parts of rows, none of which is of two origins."""
    return [
        (max(low, start), min(high, start + count))
        for low, high in rows
        for start, count in origins
        if max(low, start) < min(high, start + count)
    ]


def ranges_of(
    found: Sequence[Place], kind: str, recipe: dict[str, Any]
) -> Iterator[tuple[Range, ...]]:
    """The boxes of a kind as ranges of the axes it is divided by."""
    slots = seeds_per_class(recipe) if kind == "seeds" else recipe["ipc"]
    if kind in ("draws", "latents", "label-fields"):
        slots = pictured_slots(recipe)
    every = (0, slots, recipe["views"])
    for place in found:
        if place.kind == kind:
            box = place.box
            counts = [box[2 * axis + 1] or every[axis] for axis in range(3)]
            ranges = [(box[2 * axis], box[2 * axis] + counts[axis]) for axis in range(3)]
            yield tuple(ranges[: KINDS[kind].axes])


def tile(what: str, boxes: Sequence[tuple[Range, ...]], wanted: tuple[Range, ...]) -> None:
    """Refuse boxes that do not cover ``wanted`` exactly once, one axis after the other."""
    (first, end), *rest = wanted
    inside = sorted(box for box in boxes if box[0][0] < end and box[0][1] > first)
    cuts = sorted({first, end, *(c for box in inside for c in box[0] if first < c < end)})
    for low, high in pairwise(cuts):
        here = [box[1:] for box in inside if box[0][0] < high and box[0][1] > low]
        require(bool(here), "header", f"a hole in {what}")
        if rest:
            least, most = rest[0]
            within = all(least <= box[0][0] and box[0][1] <= most for box in here)
            require(within, "header", f"{what} beyond the table")
            tile(what, here, tuple(rest))
        else:
            require(len(here) == 1, "header", f"{what} twice")


def clipped(box: tuple[Range, ...], slots: Range) -> tuple[Range, ...]:
    """The part of a mosaic's box within the table: it may reach beyond, and outlive a slice."""
    classes, (first, end) = box
    return classes, (min(first, slots[1]), min(end, slots[1]))


def outside(rows: Sequence[Range], covered: Sequence[Range]) -> list[Range]:
    """Ranges of classes that are covered and not in rows, as they lie between all bounds."""
    cuts = sorted({bound for part in (*rows, *covered) for bound in part})
    return [
        (low, high)
        for low, high in pairwise(cuts)
        if any(a <= low < b for a, b in covered) and not any(a <= low < b for a, b in rows)
    ]


def origin(head: dict[str, Any], c: int) -> Range:
    for start, count in head["origins"]:
        if start <= c < start + count:
            return start, start + count
    refuse("header", f"no origin holds class {c}")


def judged(data: bytes) -> str:
    """Say that a file is a whole table; raises ``Refused`` where it is not."""
    check_table(read(data)[0])
    return "a whole table"


if __name__ == "__main__":
    sys.exit(each_file(sys.argv[1:], __doc__, judged))
