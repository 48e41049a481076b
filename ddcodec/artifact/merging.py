"""Unions of tables of disjoint classes, which may be slices of one artifact or strangers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ddcodec import codecs
from ddcodec.artifact.slicing import Cutter, NewSections
from ddcodec.container import Box, CopiedSection, Section, write_container
from ddcodec.errors import RequestError
from ddcodec.recipe.head import Head, Range, joined
from ddcodec.table.boxes import Ranks
from ddcodec.table.kind import AnyCodec
from ddcodec.table.kinds import kind_of
from ddcodec.table.table import Table

__all__ = ["merge"]

# What the labels of a whole origin share, and what to call them coded or computed apart.
_OF_ORIGINS = {
    "label-model": "has another label model",
    "teacher": "stores another teacher",
}


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
        table.check_lengths()
    _check_mergeable(tables)
    first = tables[0].head
    if all(table.head.classes == first.classes for table in tables):
        _check_same_labels(tables)
        _check_same_names(tables)
        classes, origins, shifts = first.classes, first.origins, [0] * len(tables)
        names = first.readable
    else:
        classes, origins, shifts = _side_by_side(tables)
        names = tuple(name for table in tables for name in table.head.readable)
    rows = joined(
        (start + shift, count)
        for table, shift in zip(tables, shifts, strict=True)
        for start, count in table.head.rows
    )
    named = None if names == classes else names
    head = Head(classes, rows, origins, first.recipe, first.prior, named)
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
        path = table.reader.name
        ours, theirs = first.head.recipe.to_map(), table.head.recipe.to_map()
        # The evaluation is advice; no row depends on it.
        differing = sorted(k for k in ours if k != "evaluation" and ours[k] != theirs[k])
        if differing:
            raise RequestError(
                f"{path} differs from {first.reader.name} in {', '.join(differing)}; cut both to "
                "one IPC and number of views, as a subset, and merge only artifacts of one recipe"
            )
        if table.head.prior != first.head.prior:
            raise RequestError(f"{path} and {first.reader.name} were made with different priors")
        for name in table.head.row_names:
            if name in seen:
                raise RequestError(
                    f"class {name!r} is in {seen[name].reader.name} and in {path}; "
                    "leave it out of one, as a subset of its other classes"
                )
            seen[name] = table


def _check_same_labels(tables: Sequence[Table]) -> None:
    """Slices of one artifact share its teacher and label model; others mean other labels."""
    seen: dict[tuple[str, Box], tuple[AnyCodec, bytes]] = {}
    for table in tables:
        for kind, apart in _OF_ORIGINS.items():
            for section in table.sections(kind):
                raw = table.reader.read_raw(section)
                content = codecs.get(section.codec), hashlib.sha256(raw).digest()
                if seen.setdefault((kind, section.box), content) != content:
                    raise RequestError(
                        f"{table.reader.name} {apart} for the same classes: its labels were made "
                        "apart; merge only slices of one artifact, or artifacts of other classes"
                    )


def _check_same_names(tables: Sequence[Table]) -> None:
    """A class has one readable name."""
    first = tables[0]
    for table in tables:
        both = zip(first.head.classes, first.head.readable, table.head.readable, strict=True)
        for one, ours, theirs in both:
            if ours != theirs:
                raise RequestError(
                    f"class {one!r} is called {ours!r} in {first.reader.name} and {theirs!r} in "
                    f"{table.reader.name}: encode one of them again with the names of the other"
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
                f"{table.reader.name} and another artifact both label over class {both[0]!r}, "
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
    cutter = Cutter(table, table.head, rows=inside, pictures=inside)
    return [
        replace(part, box=part.box._replace(class_start=part.box.class_start + shift))
        for part in cutter.cut(section)
    ]
