"""Artifacts that break one rule of spec/table.md each, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools.conformance.vectors.artifacts import (
    STORED,
    VIEW,
    generated_items,
    generated_table,
    head_of,
    labels,
    latents,
    patches,
    redrawn_items,
    redrawn_table,
    seeds,
)
from tools.conformance.vectors.files import LABELS, SEEDS, Box, Item, file_of, in_order
from tools.conformance.vectors.labels.draws import ROWS as DRAWS
from tools.conformance.vectors.labels.draws import STORED_VIEW, draws
from tools.conformance.vectors.labels.raw import (
    codec,
    fields_codec,
    model_codec,
    model_raw,
    table_raw,
)

ALL: Box = (0, 2, 0, 2, 0, 2)
ROWS: Box = (0, 2, 0, 2, 0, 0)
WHOLE: Box = (0, 2, 0, 0, 0, 0)
FIRST_SLOT: Box = (0, 2, 0, 1, 0, 0)
FIRST_CLASS: Box = (0, 1, 0, 2, 0, 0)  # overlaps with FIRST_SLOT, and leaves as large a hole


def table(*more: Item, head: Any = None, **kinds: list[Item]) -> bytes:
    """Two classes, slots and views of stored pictures; some kinds replaced, sections added."""
    good = {"labels": [labels(ALL)], "patches": [patches(ROWS)], "seeds": [seeds(ROWS)]}
    items = [item for items in (good | kinds).values() for item in items]
    top = head_of(STORED, "hard", ipc=2) if head is None else head
    return file_of(*in_order([*items, *more]), head=top)


def generated(kind: str, box: Box, *, added: bool = False) -> bytes:
    """The generated table with the section of a kind in another box, or with a second one there."""
    items = generated_items()
    place = next(i for i, item in enumerate(items) if item.kind == kind)
    other = items[place]._replace(box=box)
    changed = [other if i == place else item for i, item in enumerate(items)]
    return generated_table("float", 1, None, [*items, other] if added else changed)


def redrawn(*stored: Item) -> bytes:
    """The table of image2image of latents, with other ones."""
    others = [item for item in redrawn_items("latents") if item.kind != "latents"]
    return redrawn_table("latents", [*others, *stored])


def plain_draws() -> Item:
    """Draws of pictures as they are."""
    return draws(ALL, (4, 4), boxes=[], rows=[[0] * 9] * 8, most=0)


def stored_views(*more: Item) -> bytes:
    """The table of stored pictures, its views stored, too."""
    return table(*more, head=head_of(STORED, "hard", ipc=2, view=STORED_VIEW))


def holes() -> Iterator[tuple[str, str, bytes]]:
    """Sections of a kind that do not tile their part of the table."""
    same = "a hole and an overlap of the same area"
    yield "labels_hole", "no labels of view 1", table(labels=[labels((0, 2, 0, 2, 0, 1))])
    overlap = [labels((0, 2, 0, 2, 0, 1)), labels((0, 1, 0, 2, 0, 2))]
    yield "labels_overlap", f"labels: {same}", table(labels=overlap)
    both = (FIRST_SLOT, FIRST_CLASS)
    yield "seeds_overlap", f"seeds: {same}", table(seeds=[seeds(box) for box in both])
    yield "patches_overlap", f"patches: {same}", table(patches=[patches(box) for box in both])
    yield "fields_overlap", f"label fields: {same}", fields_overlap()
    three = head_of(STORED, "hard", classes=("cat", "dog", "fox"), ipc=2)
    yield (
        "support_hole",
        "class 2 has seeds of two slots, but patches of one",
        table(
            head=three,
            patches=[patches((0, 3, 0, 1, 0, 0)), patches((0, 2, 1, 1, 0, 0))],
            seeds=[seeds((0, 3, 0, 2, 0, 0))],
        ),
    )
    yield (
        "labels_outside",
        "labels that cover class 1, which has no rows",
        table(
            head=head_of(STORED, "hard", rows=1, ipc=2),
            patches=[patches((0, 1, 0, 2, 0, 0))],
            seeds=[seeds((0, 1, 0, 2, 0, 0))],
        ),
    )


def fields_overlap() -> bytes:
    """Soft labels without innovations, whose fields are there twice and not at all."""
    model = model_codec(2, 1, VIEW, degree=0)
    nothing = codec("soft-labels", columns=0, band=1, step=0)
    fields = [
        Item("label-fields", fields_codec(model), box, table_raw(2, [0], 610))
        for box in (FIRST_SLOT, FIRST_CLASS)
    ]
    return table(
        Item("label-model", model, (0, 2, 0, 0, 0, 0), model_raw(model, 600)),
        *fields,
        head=head_of(STORED, "soft", ipc=2),
        labels=[Item("labels", nothing, ALL, b"\0")],
    )


def boxes() -> Iterator[tuple[str, str, bytes]]:
    """Sections in boxes, or of codecs, that their kind may not have."""
    yield (
        "two_schedules",
        "a second schedule, in a box of classes",
        generated("schedule", (0, 2, 0, 0, 0, 0), added=True),
    )
    yield (
        "schedule_box",
        "a schedule in a box of classes",
        generated("schedule", (0, 2, 0, 0, 0, 0)),
    )
    yield (
        "latents_hole",
        "latents of class 0 alone",
        redrawn(latents((0, 1, 0, 0, 0, 0))),
    )
    yield (
        "latents_base",
        "latents beside the patches that pictures start from",
        redrawn_table("patches", [*redrawn_items("patches"), latents(WHOLE)]),
    )
    yield (
        "latents_codec",
        "latents of the codec of seeds",
        redrawn(latents(WHOLE)._replace(codec=SEEDS)),
    )
    yield "prompts_slots", "prompts in a box of slots", generated("prompts", FIRST_SLOT)
    yield "seeds_views", "seeds in a box of views", table(seeds=[seeds(ALL)])
    undivided = [patches((0, 2, 0, 0, 0, 0))]
    yield "patches_undivided", "patches in a box without slots", table(patches=undivided)
    first: Box = (0, 2, 0, 2, 0, 1)
    some = draws(first, (4, 4), rows=DRAWS[::2], boxes=[[0, 4, 1, 2], [1, 1, 0, 4]])
    yield "draws_hole", "no draws of view 1", stored_views(some)
    yield "draws_size", "draws for pictures of another size", stored_views(draws(ALL, (6, 4)))
    yield "draws_of_drawn", "draws of views that seeds draw", table(plain_draws())
    pixels = Item("pixels", LABELS, ROWS, b"\0", flags=3)
    yield "pixels_codec", "pixel digests of the codec of hard labels", table(pixels)


def heads() -> Iterator[tuple[str, str, bytes]]:
    """Readable names that do not go with the classes."""
    wrong = {
        "names_short": ("readable names of one class of two", ["tabby"]),
        "names_empty": ("a readable name without a letter", ["tabby", ""]),
        "names_control": ("a readable name that ends a line", ["tabby", "dog\n"]),
        "names_equal": ("readable names that are those of the classes", ["cat", "dog"]),
    }
    for name, (what, names) in wrong.items():
        yield name, what, table(head=head_of(STORED, "hard", ipc=2, names=names))


def broken() -> Iterator[tuple[str, str, bytes]]:
    """Name, what is wrong, and bytes of tables to refuse as ``header``."""
    yield from heads()
    yield from holes()
    yield from boxes()
