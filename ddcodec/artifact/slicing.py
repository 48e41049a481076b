"""Slices and unions of tables: class subsets, IPC prefixes, view prefixes, merges.

Stored bytes are copied wherever a section lies wholly inside the slice. A section that is cut is
re-encoded without loss where its codec allows; a lossy mosaic is copied whole. So the images and
labels that stay are the same bytes, and class indices never change (spec/table.md, "Slices").
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ddcodec import codecs
from ddcodec.container import Box, CopiedSection, NewSection, Section, write_container
from ddcodec.errors import RequestError
from ddcodec.recipe.head import Head, Range, joined, to_ranges
from ddcodec.table.boxes import Ranks
from ddcodec.table.draws import draw_rows
from ddcodec.table.kinds import Kind, kind_of
from ddcodec.table.table import Table

__all__ = ["merge", "subset"]

NewSections = list[NewSection | CopiedSection]

# What the labels of a whole origin share, and what to call them coded or computed apart.
_OF_ORIGINS = {
    "label-model": "has another label model",
    "teacher": "stores another teacher",
}


def subset(
    table: Table,
    out: str | os.PathLike[str],
    *,
    classes: Sequence[str] | None = None,
    ipc: int | None = None,
    views: int | None = None,
    force: bool = False,
) -> str:
    """Write the rows of some classes, the first slots and the first views as a new artifact.

    CutMix partners outside the class subset stay as support: their pictures are kept, their
    labels are not. Partner slots never exceed the row's own slot, so IPC prefixes need none.

    Returns:
        The content digest in hex.

    Raises:
        RequestError: unknown or no class, or more slots or views than there are.
        EncodeError: ``out`` exists, or cannot be written.
        HeaderError: the table is incomplete, or holds something twice.
    """
    table.check()
    head, recipe = table.head, table.head.recipe
    ipc = _prefix("ipc", ipc, recipe.ipc)
    views = _prefix("views", views, recipe.views)
    keep = head.row_classes if classes is None else head.class_indices(classes)
    new = replace(head, rows=to_ranges(keep), recipe=replace(recipe, ipc=ipc, views=views))
    support = _support(table, new)
    cutter = _Cutter(table, new, rows=to_ranges(keep), pictures=to_ranges({*keep, *support}))
    sections = [part for section in table.reader.sections for part in cutter.cut(section)]
    info = dict(table.reader.info)
    return write_container(
        out, head=new.to_map(), sections=sections, info=info, overwrite=force
    ).hex()


def _prefix(name: str, wanted: int | None, have: int) -> int:
    if wanted is None:
        return have
    if type(wanted) is not int or not 1 <= wanted <= have:
        raise RequestError(
            f"{name}={wanted!r} is not an integer within 1..{have}, what the artifact holds"
        )
    return wanted


def _support(table: Table, head: Head) -> set[int]:
    """Classes outside the rows whose pictures the remaining views mix in."""
    if not head.recipe.view.cutmix or head.recipe.views == 1:
        return set()
    rows = [(c, s) for c in head.row_classes for s in range(head.recipe.ipc)]
    partners: set[int] = set()
    for view in range(1, head.recipe.views):
        _, drawn = draw_rows(table, rows, view)
        assert drawn is not None
        partners.update(drawn[:, 0].tolist())
    return partners - set(head.row_classes)


class _Cutter:
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


def merge(tables: Sequence[Table], out: str | os.PathLike[str], *, force: bool = False) -> str:
    """Unite tables of disjoint classes and of one recipe into a new artifact.

    Slices of one artifact unite to what they were cut from; artifacts of different class lists
    are put side by side, and their labels go on ranging over the classes of their own origin.

    Returns:
        The content digest in hex.

    Raises:
        RequestError: a class in both, recipes that differ (saying in what), or labels of the same
            classes that were coded, or are computed, apart.
        EncodeError: ``out`` exists, or cannot be written.
        HeaderError: a table is incomplete, or holds something twice.
    """
    if len(tables) < 2:
        raise RequestError("merge needs at least two artifacts")
    for table in tables:
        table.check()
    _check_mergeable(tables)
    first = tables[0].head
    if all(table.head.classes == first.classes for table in tables):
        _check_same_labels(tables)
        classes, origins, shifts = first.classes, first.origins, [0] * len(tables)
    else:
        classes, origins, shifts = _side_by_side(tables)
    rows = joined(
        (start + shift, count)
        for table, shift in zip(tables, shifts, strict=True)
        for start, count in table.head.rows
    )
    head = Head(classes, rows, origins, first.recipe, first.prior)
    info: dict[str, Any] = {**tables[0].reader.info, "merged": [_digest(t) for t in tables]}
    sections = _united_sections(tables, shifts)
    return write_container(
        out, head=head.to_map(), sections=sections, info=info, overwrite=force
    ).hex()


def _digest(table: Table) -> str:
    return table.reader.digest.hex()


def _check_mergeable(tables: Sequence[Table]) -> None:
    first = tables[0]
    seen: dict[str, Table] = {}
    for table in tables:
        path = table.reader.path
        ours, theirs = first.head.recipe.to_map(), table.head.recipe.to_map()
        # The evaluation is advice; no row depends on it.
        differing = sorted(k for k in ours if k != "evaluation" and ours[k] != theirs[k])
        if differing:
            raise RequestError(
                f"{path} differs from {first.reader.path} in {', '.join(differing)}; cut both to "
                "one IPC and number of views, as a subset, and merge only artifacts of one recipe"
            )
        if table.head.prior != first.head.prior:
            raise RequestError(f"{path} and {first.reader.path} were made with different priors")
        for name in table.head.row_names:
            if name in seen:
                raise RequestError(
                    f"class {name!r} is in {seen[name].reader.path} and in {path}; "
                    "leave it out of one, as a subset of its other classes"
                )
            seen[name] = table


def _check_same_labels(tables: Sequence[Table]) -> None:
    """Slices of one artifact share its teacher and label model; others mean other labels."""
    seen: dict[tuple[str, Box], tuple[Any, bytes]] = {}
    for table in tables:
        for kind, apart in _OF_ORIGINS.items():
            for section in table.sections(kind):
                content = codecs.get(section.codec), table.reader.read_raw(section)
                if seen.setdefault((kind, section.box), content) != content:
                    raise RequestError(
                        f"{table.reader.path} {apart} for the same classes: its labels were made "
                        "apart; merge only slices of one artifact, or artifacts of other classes"
                    )


def _side_by_side(
    tables: Sequence[Table],
) -> tuple[tuple[str, ...], tuple[Range, ...], list[int]]:
    classes: list[str] = []
    origins: list[Range] = []
    shifts = []
    for table in tables:
        shift = len(classes)
        both = sorted(set(classes) & set(table.head.classes))
        if both:
            raise RequestError(
                f"{table.reader.path} and another artifact both label over class {both[0]!r}, "
                "though their class lists differ; only slices of one artifact can share classes"
            )
        classes += table.head.classes
        origins += [(start + shift, count) for start, count in table.head.origins]
        shifts.append(shift)
    return tuple(classes), tuple(origins), shifts


def _united_sections(tables: Sequence[Table], shifts: Sequence[int]) -> NewSections:
    """All sections; what two slices share (the schedule, support pictures) is kept once.

    Pixel digests are of all rows or of none, so they are left out where an artifact has none.
    """
    united: NewSections = []
    have: dict[tuple[str, int, int], tuple[Range, ...]] = {}
    without_digests = any(not table.sections("pixels") for table in tables)
    for table, shift in zip(tables, shifts, strict=True):
        added: dict[tuple[str, int, int], list[Range]] = {}
        for section in table.reader.sections:
            box, kind = section.box, kind_of(section)
            if kind is None and not (section.safe_to_copy and box.class_count):
                continue
            if section.kind == "pixels" and without_digests:
                continue
            key = section.kind, box.slot_start, box.view_start
            if kind is not None and kind.scope == "artifact":
                if table is tables[0]:
                    united.append(CopiedSection(table.reader, section, box))
                continue
            start = box.class_start + shift
            fresh = Ranks(have.get(key, ())).missing(start, box.class_count)
            inside = [(first - shift, count) for first, count in fresh]
            if inside:
                united += _moved(table, section, inside, shift)
            added.setdefault(key, []).append((start, box.class_count))
        for key, ranges in added.items():
            have[key] = joined([*have.get(key, ()), *ranges])
    return united


def _moved(table: Table, section: Section, inside: Sequence[Range], shift: int) -> NewSections:
    """A section's part within ranges of classes, its classes counted on by ``shift``."""
    cutter = _Cutter(table, table.head, rows=inside, pictures=inside)
    return [
        replace(part, box=part.box._replace(class_start=part.box.class_start + shift))
        for part in cutter.cut(section)
    ]
