"""The open table: a reader, its head, and the arrays of its sections, decoded on demand."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

import numpy as np

from ddcodec.arrays import Array, Bools, Float32s, Indices, Rows, UInt8s, UInt64s
from ddcodec.byte_cache import ByteCache
from ddcodec.codecs.hard_labels import OWN_CLASS
from ddcodec.codecs.mosaic import Mosaic
from ddcodec.codecs.schedule_table import Schedule
from ddcodec.container import Reader, Section
from ddcodec.errors import HeaderError, LimitExceededError, PayloadError
from ddcodec.recipe.head import Head
from ddcodec.table.boxes import BoxIndex
from ddcodec.table.coverage import check_coverage
from ddcodec.table.kinds import KINDS, kind_of
from ddcodec.table.slots import MAX_VALUES

__all__ = ["Table"]

# Decoded sections kept in memory; a section holds at most Limits.section_raw bytes raw.
_KEPT_BYTES = 256 << 20
# Tables of all rows are made up to this size; beyond, rows are looked for one by one. The head
# may promise far more rows than the file holds.
_MAX_CELLS = 1 << 24


class Table:
    """Random access to the arrays of one artifact, by class, slot and view.

    Opening costs by the number of sections. Before the first array is decoded, the boxes are
    checked to hold every row exactly once, so that whatever is found is what was written.

    Args:
        reader: the open container.
        head: its validated head.

    Raises:
        HeaderError: a section that the recipe does not have, or whose box is none of its kind.
    """

    def __init__(self, reader: Reader, head: Head) -> None:
        self.reader = reader
        self.head = head
        self._checked = False
        self._arrays: ByteCache[int, Array] = ByteCache(_KEPT_BYTES, lambda a: a.nbytes)
        self._tables: ByteCache[tuple[str, int], Indices] = ByteCache(
            _KEPT_BYTES, lambda a: a.nbytes
        )
        self._texts: ByteCache[int, tuple[str, ...]] = ByteCache(
            _KEPT_BYTES, lambda texts: sum(map(len, texts)) + 64 * len(texts)
        )
        self._schedule: Schedule | None = None
        self._seeds: tuple[UInt64s, Bools] | None = None
        by_kind: dict[str, list[Section]] = {name: [] for name in KINDS}
        for section in reader.sections:
            kind = kind_of(section)
            if kind is not None:  # sections of a kind to come are nobody's business here
                kind.check(section, head)
                by_kind[section.kind].append(section)
        self._index = {name: BoxIndex(sections) for name, sections in by_kind.items()}

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
        try:
            return codec.decode(self.reader.read_raw(section), shape)
        except PayloadError as error:
            raise PayloadError(error.message, section=section.label) from error

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
            return self._seeds_one_by_one(rows)
        if self._seeds is None:
            self._seeds = np.zeros(shape, np.uint64), np.zeros(shape[0], np.bool_)
        table, ready = self._seeds
        for c in np.unique(rows[~ready[rows[:, 0]], 0]).tolist():
            table[c] = self.seeds(c)
            ready[c] = True
        found: UInt64s = table[rows[:, 0], rows[:, 1]]
        return found

    def _seeds_one_by_one(self, rows: Rows) -> UInt64s:
        out = np.empty(len(rows), np.uint64)
        for n, (c, slot) in enumerate(rows.tolist()):
            section = self.find("seeds", c, slot)
            box = section.box
            out[n] = self.array(section)[c - box.class_start, slot - box.slot_start]
        return out

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
        held = self._held(kind, rows, view)
        for index in np.unique(held).tolist():
            chosen = np.flatnonzero(held == index)
            if index < 0:
                c, s = rows[chosen[0]].tolist()
                self.find(kind, c, s, view)
            yield self.reader.sections[index], chosen

    def _held(self, kind: str, rows: Rows, view: int) -> Indices:
        """[n]: the index of the section that holds each row [n, 2] at a view, or -1."""
        shape = len(self.head.classes), self.head.recipe.ipc
        if prod(shape) > _MAX_CELLS:
            found = [self.find(kind, c, s, view) for c, s in rows.tolist()]
            return np.array([section.index for section in found], np.intp)
        table = self._tables.get((kind, view), lambda: self._painted(kind, view, shape))
        holders: Indices = table[rows[:, 0], rows[:, 1]]
        return holders

    def _painted(self, kind: str, view: int, shape: tuple[int, int]) -> Indices:
        held = np.full(shape, -1, np.intp)
        for section in self.index(kind).of_view(view):
            box = section.box
            slots = slice(box.slot_start, box.slot_start + box.slot_count or None)
            held[box.class_start : box.class_start + box.class_count, slots] = section.index
        return held
