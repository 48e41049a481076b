"""Slices of a table: class subsets, IPC prefixes, view prefixes.

Stored bytes are copied wherever a section lies wholly inside the slice. A section that is cut is
re-encoded without loss where its codec allows; a lossy mosaic is copied whole. So the images and
labels that stay are the same bytes, and class indices never change (spec/table.md, "Slices").
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ddcodec import codecs
from ddcodec.container import Box, CopiedSection, NewSection, Section, write_container
from ddcodec.errors import RequestError
from ddcodec.recipe.head import Head, Range, to_ranges
from ddcodec.table.boxes import Ranks
from ddcodec.table.draws import draw_rows
from ddcodec.table.kind import Kind
from ddcodec.table.kinds import kind_of
from ddcodec.table.table import Table

__all__ = ["Cutter", "NewSections", "at_most", "subset"]

_DRAWN = 1 << 16  # rows whose views are drawn at once

NewSections = list[NewSection | CopiedSection]


def subset(
    table: Table,
    out: str | os.PathLike[str],
    *,
    classes: Sequence[str] | None = None,
    ipc: int | None = None,
    views: int | None = None,
    support: bool = True,
    force: bool = False,
) -> str:
    """Write the rows of some classes, the first slots and the first views as a new artifact.

    CutMix partners outside the class subset stay as support: their pictures are kept, their
    labels are not. Partner slots never exceed the row's own slot, so IPC prefixes need none; but
    of stored views they may, and then all slots keep their pictures. Without ``support`` the views
    that need it are dropped: all but the plain images.

    Returns:
        The content digest in hex.

    Raises:
        RequestError: unknown or no class, more slots or views than there are, or no support where
            every view needs it.
        EncodeError: ``out`` exists, or cannot be written.
        HeaderError: the table is incomplete, or holds something twice.
    """
    table.check()
    table.check_lengths()
    head, recipe = table.head, table.head.recipe
    ipc = at_most("ipc", ipc, recipe.ipc)
    views = at_most("views", views, recipe.views)
    keep = head.row_classes if classes is None else head.class_indices(classes)
    view = recipe.view
    if view.stored and view.cutmix:
        slots = recipe.picture_slots if recipe.picture_slots > ipc else 0
        view = replace(view, slots=slots)
    cut = replace(recipe, ipc=ipc, views=views, view=view)
    new = replace(head, rows=to_ranges(keep), recipe=cut)
    needed = _support(table, new)
    if (needed or view.slots) and not support and view.stored:
        raise RequestError(
            "every view of this artifact mixes, and its partners are stored: none is left without "
            "their pictures, so keep these as support"
        )
    if needed and not support:  # every view but the first mixes
        new, needed = replace(new, recipe=replace(new.recipe, views=1)), set()
    cutter = Cutter(table, new, rows=to_ranges(keep), pictures=to_ranges({*keep, *needed}))
    sections = [part for section in table.reader.sections for part in cutter.cut(section)]
    info = dict(table.reader.info)
    return write_container(
        out, head=new.to_map(), sections=sections, info=info, overwrite=force
    ).hex()


def at_most(name: str, wanted: int | None, have: int) -> int:
    """How many are taken of ``have``; raises RequestError for more, or none."""
    if wanted is None:
        return have
    if type(wanted) is not int or not 1 <= wanted <= have:
        raise RequestError(
            f"{name}={wanted!r} is not an integer within 1..{have}, what the artifact holds"
        )
    return wanted


def _support(table: Table, head: Head) -> set[int]:
    """Classes outside the rows whose pictures the remaining views mix in."""
    first = 0 if head.recipe.view.stored else 1
    if not head.recipe.view.cutmix or head.recipe.views == first:
        return set()
    rows = head.all_rows
    others = _others(head)
    partners: set[int] = set()
    for view in range(first, head.recipe.views):
        for start in range(0, len(rows), _DRAWN):
            if partners >= others:  # more cannot be: a slice of few bytes may have 2^31 views
                return partners
            _, drawn = draw_rows(table, rows[start : start + _DRAWN], view)
            assert drawn is not None
            partners |= others.intersection(np.unique(drawn[:, 0]).tolist())
    return partners


def _others(head: Head) -> set[int]:
    """The classes without rows that are encoded together with some that have them."""
    have, others = Ranks(head.rows), set[int]()
    for start, count in head.origins:
        if have.of(start + count) > have.of(start):
            for first, number in have.missing(start, count):
                others.update(range(first, first + number))
    return others


class Cutter:
    """Cuts sections of a table to a slice.

    Args:
        table: what is cut.
        head: of the slice.
        rows: ranges of the classes whose rows stay.
        pictures: ranges of the classes whose pictures stay.
    """

    def __init__(
        self, table: Table, head: Head, *, rows: Sequence[Range], pictures: Sequence[Range]
    ) -> None:
        self._table = table
        self._head = head
        self._classes = {"rows": Ranks(rows), "pictures": Ranks(pictures)}

    def cut(self, section: Section) -> NewSections:
        """The part of a section that lies in the slice, as few sections as possible."""
        kind = kind_of(section)
        if kind is None:
            return self._unknown(section)
        if kind.scope == "artifact":
            return [self._copied(section)]
        scope = "rows" if kind.scope == "rows" else "pictures"
        box = section.box
        inside = self._classes[scope].shared(box.class_start, box.class_count)
        if kind.scope == "origin":  # every row of its origin needs all of it
            return [self._copied(section)] if inside else []
        slots = _kept(box.slot_start, box.slot_count, kind.slots(self._head.recipe))
        views = _kept(box.view_start, box.view_count, kind.views(self._head.recipe))
        if not inside or slots is None or views is None:
            return []
        unchanged = (slots, views) == (box.slot_count, box.view_count) and not self._shortened(
            kind, section
        )
        whole = sum(count for _, count in inside) == box.class_count
        if kind.whole or (unchanged and whole):
            return [self._copied(section)]
        return self._parts(kind, section, inside, slots, views)

    def _parts(
        self, kind: Kind, section: Section, inside: Sequence[Range], slots: int, views: int
    ) -> NewSections:
        box, recipe = section.box, self._head.recipe
        codec = codecs.get(section.codec)
        raw, shape = self._table.reader.read_raw(section), kind.shape(section, self._table.head)
        new: NewSections = []
        for start, count in inside:
            first = start - box.class_start
            part = codec.slice_raw(
                raw,
                slice(first, first + count),
                slice(0, slots or kind.slots(recipe)),
                shape,
                slice(0, views or kind.views(recipe)),
            )
            new_box = Box(start, count, box.slot_start, slots, box.view_start, views)
            new.append(NewSection(section.kind, codec.spec(), new_box, part, section.flags))
        return new

    def _copied(self, section: Section) -> CopiedSection:
        return CopiedSection(self._table.reader, section, section.box)

    def _shortened(self, kind: Kind, section: Section) -> bool:
        """Whether an axis that the box does not divide is shorter in the slice.

        A derived seed list stores no entry per slot, so it outlives any slice.
        """
        old, new, box = self._table.head.recipe, self._head.recipe, section.box
        slots = not box.slot_count and kind.slots(old) != kind.slots(new)
        views = not box.view_count and kind.views(old) != kind.views(new)
        return (slots and section.codec.name != "seed-derived") or views

    def _unknown(self, section: Section) -> NewSections:
        """A section of a kind to come: copied if that is safe and its box is kept whole."""
        box, old, new = section.box, self._table.head, self._head
        kept = (
            old.rows == new.rows
            if not box.class_count
            else self._classes["rows"].holds(box.class_start, box.class_count)
        )
        for start, count, before, after in (
            (box.slot_start, box.slot_count, old.recipe.ipc, new.recipe.ipc),
            (box.view_start, box.view_count, old.recipe.views, new.recipe.views),
        ):
            kept &= start + count <= after if count else before == after
        return [self._copied(section)] if section.safe_to_copy and kept else []


def _kept(start: int, count: int, length: int) -> int | None:
    """How much of a divided axis stays (0: all of an undivided one); None for nothing."""
    if not count:
        return 0
    return min(count, length - start) if start < length else None
