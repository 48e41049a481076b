"""The open table: a reader, its head, and the arrays of its sections, decoded on demand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np

from ddcodec import codecs
from ddcodec.arrays import (
    Array,
    Bools,
    Float32s,
    Indices,
    Int32s,
    Int64s,
    Integers,
    Rows,
    UInt8s,
    UInt32s,
    UInt64s,
)
from ddcodec.byte_cache import ByteCache, BytePool
from ddcodec.codecs import Codec
from ddcodec.codecs.hard_labels import OWN_CLASS
from ddcodec.codecs.mosaic import Mosaic
from ddcodec.codecs.schedule_table import Schedule
from ddcodec.codecs.seed_derived import SeedDerived
from ddcodec.codecs.view_draws import NUMBERS
from ddcodec.container import Reader, Section
from ddcodec.errors import HeaderError, LimitExceededError, PayloadError
from ddcodec.recipe.head import Head
from ddcodec.table.boxes import BoxIndex
from ddcodec.table.coverage import check_coverage
from ddcodec.table.kinds import KINDS, kind_of
from ddcodec.table.slots import MAX_VALUES

__all__ = ["KEPT_BYTES", "Table"]

KEPT_BYTES = 512 << 20
"""What is decoded of an artifact and kept in memory, of all kinds together, but for pictures."""

# Tables of all rows are made up to this size; beyond, a search finds the section of a row. The
# head may promise far more rows than the file holds.
_MAX_CELLS = 1 << 20


class Table:
    """Random access to the arrays of one artifact, by class, slot and view.

    Opening costs by the number of sections. Before the first array is decoded, the boxes are
    checked to hold every row exactly once, so that whatever is found is what was written.

    Args:
        reader: the open container.
        head: its validated head.

    Attributes:
        kept: the bytes that caches of what is decoded share, here and wherever a table is read.

    Raises:
        HeaderError: a section that the recipe does not have, or whose box is none of its kind.
    """

    def __init__(self, reader: Reader, head: Head) -> None:
        self.reader = reader
        self.head = head
        self._checked = False
        self.kept = BytePool(KEPT_BYTES)
        self._arrays: ByteCache[int, Array] = ByteCache(self.kept, lambda a: a.nbytes)
        self._tables: ByteCache[tuple[str, int], Int32s] = ByteCache(self.kept, lambda a: a.nbytes)
        self._numbers: ByteCache[int, UInt32s] = ByteCache(self.kept, lambda a: a.nbytes)
        self._texts: ByteCache[int, tuple[str, ...]] = ByteCache(
            self.kept, lambda texts: sum(map(len, texts)) + 64 * len(texts)
        )
        self._schedule: Schedule | None = None
        self._seeds: tuple[UInt64s, Bools] | None = None
        by_kind: dict[str, list[Section]] = {name: [] for name in KINDS}
        for section in reader.sections:
            kind = kind_of(section)
            if kind is not None:  # sections of a kind to come are nobody's business here
                kind.check(section, head)
                by_kind[section.kind].append(section)
        self._index = {name: BoxIndex(sections, self.kept) for name, sections in by_kind.items()}

    def __getstate__(self) -> dict[str, Any]:
        return {"reader": self.reader, "head": self.head}  # a worker decodes for itself

    def __setstate__(self, state: dict[str, Any]) -> None:
        Table.__init__(self, state["reader"], state["head"])

    def check(self) -> None:
        """Check that every row is held exactly once; done once, however often it is called.

        Raises:
            HeaderError: something is missing, stored twice, or not of this table.
            UnknownCodecError: a section's codec, which this reader lacks.
        """
        if not self._checked:
            check_coverage(self.reader.sections, self.head)
            self._checked = True

    def sections(self, kind: str) -> tuple[Section, ...]:
        """The sections of a kind, in file order."""
        return self._index[kind].sections

    def index(self, kind: str) -> BoxIndex:
        """The sections of a kind, to be found by class, slot and view."""
        self.check()
        return self._index[kind]

    def find(self, kind: str, class_index: int, slot: int = 0, view: int = 0) -> Section:
        """The section that holds a cell.

        Raises:
            HeaderError: none does.
        """
        section = self.index(kind).find(class_index, slot, view)
        if section is None:
            raise HeaderError(
                f"no {kind} section covers class {class_index}, slot {slot}, view {view}; "
                "the artifact is incomplete"
            )
        return section

    def array(self, section: Section) -> Array:
        """The array of a section, kept in memory for a while."""
        return self._arrays.get(section.index, lambda: self._decoded_array(section))

    def _decoded_array(self, section: Section) -> Array:
        array: Array = self.decode(section)
        return array

    def decode(self, section: Section) -> Any:
        """Decode one section to its array, or to what else its codec stands for.

        Raises:
            FormatError: the section is damaged, or larger than a section may be.
            UnknownCodecError: its codec, which this reader lacks.
        """
        self.check()
        codec, shape = self._form(section)
        with _said_of(section):
            return codec.decode(self.reader.read_raw(section), shape)

    def check_lengths(self) -> None:
        """Check that no section has more raw bytes than its values can need; reads none of them.

        Raises:
            HeaderError: a section is none of its kind.
            LimitExceededError: one decodes to more than a section may.
            PayloadError: one has more raw bytes: a few stored bytes would become gigabytes.
        """
        for section in self.reader.sections:
            if kind_of(section) is not None:
                self._form(section)

    def check_content(self) -> None:
        """Check every stored byte, that every section decodes, and the content digest.

        Raises:
            FormatError, IntegrityError: what is wrong, and where.
            UnknownCodecError, MissingDependencyError: what cannot be decoded here.
        """
        self.check_lengths()
        faults: list[PayloadError] = []

        def look(section: Section, raw: bytes) -> None:
            if kind_of(section) is not None and not faults:
                codec, shape = self._form(section)
                try:
                    with _said_of(section):
                        codec.check(raw, shape)
                except PayloadError as error:
                    faults.append(error)  # of altered content, the digest is the first to be told

        self.reader.verify("digest", look=look)
        if faults:
            raise faults[0]

    def _form(self, section: Section) -> tuple[Codec[Any, Any], tuple[int, ...]]:
        """A section's codec and the shape it decodes to, if it is no larger than it may be."""
        kind = kind_of(section)
        if kind is None:
            raise HeaderError(f"nobody knows sections of kind {section.kind!r}")
        codec, shape = kind.codec(section, self.head.recipe), kind.shape(section, self.head)
        pixels = isinstance(codec, Mosaic)
        values = prod(shape[:-1] if pixels else shape)
        # A few bytes of a lossless codec may stand for a large array (derived seeds, one hard
        # label for all rows): this is checked before any codec sees them.
        if values > MAX_VALUES:
            what = "pixels" if pixels else "values"
            raise LimitExceededError(
                f"the section decodes to {values} {what}, more than {MAX_VALUES}; write "
                "the artifact with smaller sections",
                section=section.label,
            )
        most = codec.most_raw(shape)
        if section.raw_len > most:
            raise PayloadError(
                f"the section has {section.raw_len} raw bytes, where {most} are more than enough; "
                "it is damaged",
                section=section.label,
            )
        return codec, shape

    def seeds(self, class_index: int) -> UInt64s:
        """uint64 [seeds_per_class]: the seeds of a class."""
        self.find("seeds", class_index)
        out = np.empty(self.head.recipe.seeds_per_class, np.uint64)
        for section in self.index("seeds").of_class(class_index):
            box, part = section.box, self.array(section)[class_index - section.box.class_start]
            out[box.slot_start : box.slot_start + len(part)] = part
        return out

    def seeds_of(self, rows: Rows) -> UInt64s:
        """uint64 [n]: the seeds of rows [n, 2] of (class index, slot)."""
        shape = len(self.head.classes), self.head.recipe.seeds_per_class
        if prod(shape) > _MAX_CELLS:
            return self._seeds_found(rows)
        if self._seeds is None:
            self._seeds = np.zeros(shape, np.uint64), np.zeros(shape[0], np.bool_)
        table, ready = self._seeds
        for c in np.unique(rows[~ready[rows[:, 0]], 0]).tolist():
            table[c] = self.seeds(c)
            ready[c] = True
        found: UInt64s = table[rows[:, 0], rows[:, 1]]
        return found

    def _seeds_found(self, rows: Rows) -> UInt64s:
        out = np.empty(len(rows), np.uint64)
        for section, members in self._held_by("seeds", rows, 0):
            box, codec = section.box, codecs.get(section.codec)
            classes, slots = (rows[members] - [box.class_start, box.slot_start]).T
            if isinstance(codec, SeedDerived):  # a few bytes stand for any number of them
                out[members] = codec.seeds_at(self._seed_numbers(section, codec), classes, slots)
            else:
                out[members] = self.array(section)[classes, slots]
        return out

    def _seed_numbers(self, section: Section, codec: SeedDerived) -> UInt32s:
        def made() -> UInt32s:
            return codec.numbers(self.reader.read_raw(section), section.box.class_count)

        return self._numbers.get(section.index, made)

    def prompt(self, class_index: int) -> Float32s:
        """float32 [vectors, width]: the token vectors of a class."""
        section = self.find("prompts", class_index)
        vectors: Float32s = self.array(section)[class_index - section.box.class_start]
        return vectors

    def prompt_text(self, class_index: int) -> str:
        """The text that stands for a class in its prompt: the class's name where none is stored."""
        section = self.find("prompts", class_index)
        texts = self._texts.get(section.index, lambda: self._decoded_texts(section))
        text = texts[class_index - section.box.class_start]
        return text or self.head.readable[class_index].replace("_", " ")

    def _decoded_texts(self, section: Section) -> tuple[str, ...]:
        texts: tuple[str, ...] = self.decode(section)
        return texts

    def patches(self, class_index: int, slot: int) -> UInt8s:
        """uint8 [patches_per_slot, h, w, 3]: the stored patches of one training image."""
        section = self.find("patches", class_index, slot)
        per, box = self.head.recipe.patches_per_slot, section.box
        row = (class_index - box.class_start) * box.slot_count + slot - box.slot_start
        patches: UInt8s = self.array(section)[row * per : (row + 1) * per]
        return patches

    def latents(self, class_index: int, slot: int) -> Float32s:
        """float32 [patches_per_slot, c, h, w]: the stored latents of one training image."""
        section = self.find("latents", class_index, slot)
        box = section.box
        latents: Float32s = self.array(section)[
            class_index - box.class_start, slot - box.slot_start
        ]
        return latents

    def draws(self, rows: Rows, view: int | Int64s) -> Int64s:
        """int64 [n, 11]: stored draws of rows [n, 2], in one view or in that of each, [n].

        What the numbers are, :class:`ddcodec.codecs.view_draws.ViewDraws` says.
        """
        views = np.broadcast_to(np.asarray(view, np.int64), len(rows))
        out = np.empty((len(rows), NUMBERS), np.int64)
        for v in np.unique(views).tolist():
            (seen,) = np.nonzero(views == v)
            for section, members in self._held_by("draws", rows[seen], v):
                box, chosen = section.box, seen[members]
                c, s = (rows[chosen] - [box.class_start, box.slot_start]).T
                out[chosen] = self.array(section)[c, s, v - box.view_start]
        return out

    def hard_label(self, class_index: int, slot: int, view: int) -> int:
        """Class index of a row; hard labels only."""
        section = self.find("labels", class_index, slot, view)
        box = section.box
        place = class_index - box.class_start, slot - box.slot_start, view - box.view_start
        label = int(self.array(section)[place])
        if label == OWN_CLASS:
            return class_index
        start, count = self.head.origin(class_index)
        if label >= count:
            raise PayloadError(f"label {label} of {count} classes", section=section.label)
        return start + label

    def pixel_digest(self, class_index: int, slot: int) -> bytes | None:
        """What is stored of the digest of one slot, or None where the artifact has none."""
        section = self.index("pixels").find(class_index, slot)
        if section is None:
            return None
        place = class_index - section.box.class_start, slot - section.box.slot_start
        return bytes(self.array(section)[place].tobytes())

    def schedule(self) -> Schedule:
        """The schedule table of a generating artifact."""
        if self._schedule is None:
            self.check()
            self._schedule = self.decode(self.sections("schedule")[0])
        return self._schedule

    def holders(self, kind: str, rows: Rows, view: int) -> Iterable[tuple[Section, Indices]]:
        """The sections that hold rows [n, 2] of (class index, slot) at a view.

        Yields:
            each section, and which of the rows it holds.

        Raises:
            HeaderError: rows or a view beyond the table, or that no section holds.
        """
        head = self.head
        ends = len(head.classes), head.recipe.ipc
        if not 0 <= view < head.recipe.views or (rows < 0).any() or (rows >= ends).any():
            raise HeaderError(f"labels of rows or of a view ({view}) beyond the table")
        yield from self._held_by(kind, rows, view)

    def _held_by(self, kind: str, rows: Rows, view: int) -> Iterable[tuple[Section, Indices]]:
        held = self._held(kind, rows, view)
        for place in np.unique(held).tolist():
            chosen = np.flatnonzero(held == place)
            if place < 0:
                c, s = rows[chosen[0]].tolist()
                self.find(kind, c, s, view)
            yield self._index[kind].sections[place], chosen

    def _held(self, kind: str, rows: Rows, view: int) -> Integers:
        """[n]: which section of a kind holds each row [n, 2] at a view, or -1."""
        shape = len(self.head.classes), KINDS[kind].slots(self.head.recipe)
        if prod(shape) > _MAX_CELLS:
            return self.index(kind).find_all(rows, view)
        table = self._tables.get((kind, view), lambda: self._painted(kind, view, shape))
        return table[rows[:, 0], rows[:, 1]]

    def _painted(self, kind: str, view: int, shape: tuple[int, int]) -> Int32s:
        index = self.index(kind)
        held = np.full(shape, -1, np.int32)
        places = {section.index: place for place, section in enumerate(index.sections)}
        for section in index.of_view(view):
            box = section.box
            slots = slice(box.slot_start, box.slot_start + box.slot_count or None)
            here = slice(box.class_start, box.class_start + box.class_count)
            held[here, slots] = places[section.index]
        return held


@contextmanager
def _said_of(section: Section) -> Iterator[None]:
    """Codecs know nothing of sections: here the message learns which one it is about."""
    try:
        yield
    except PayloadError as error:
        raise PayloadError(error.message, section=section.label) from error
