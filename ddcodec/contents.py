"""The stored arrays of an open file, by class, slot and view; decoded on demand and kept a while.

Sections divide the table class x slot x view into boxes (spec/ddz.md, "Boxes"). This module
finds the box that covers a request, checks that boxes cover what the head promises, and
decodes through the codec registry.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from math import prod
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ddcodec import codecs
from ddcodec.codecs.hard_labels import OWN_CLASS
from ddcodec.codecs.label_innovations import LabelInnovations
from ddcodec.codecs.label_model import LabelModel, LabelModels
from ddcodec.codecs.mosaic import Mosaic
from ddcodec.codecs.schedule import Schedule
from ddcodec.codecs.teacher_weights import StoredWeights, TeacherWeights
from ddcodec.container import KINDS, Box, Reader, Section
from ddcodec.errors import HeaderError, LimitExceededError, PayloadError
from ddcodec.labels.appearances import FeatureSet
from ddcodec.recipe import Head, Stored
from ddcodec.section_shapes import array_shape

__all__ = ["Contents"]

# Decoded sections kept in memory; a section holds at most Limits.section_raw bytes raw.
CACHED_BYTES = 256 << 20
# A box is checked against this before any codec sees it: a few bytes of a lossless codec may
# stand for a large array (a derived seed list, one hard label for all rows).
MAX_ELEMENTS = 1 << 24
# Tables of all rows are made up to this size; beyond, rows are looked for one by one. The head
# may promise far more rows than the file holds.
MAX_TABLE = 1 << 24

_LABEL_KINDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "label-fields": ("soft",),
        "label-model": ("soft",),
        "labels": ("hard", "soft"),
        "teacher": ("teacher",),
    }
)


class Contents:
    """Random access to the arrays of one artifact.

    Args:
        reader: the open container.
        head: its validated head.
    """

    def __init__(self, reader: Reader, head: Head) -> None:
        self._reader = reader
        self._head = head
        self._boxes: dict[str, dict[int, list[Section]]] = {}
        self._cache: OrderedDict[int, NDArray[Any]] = OrderedDict()
        self._schedule: Schedule | None = None
        self._models: dict[int, tuple[LabelModels, LabelModel]] = {}
        self._held: dict[int, NDArray[np.intp]] = {}
        self._seeds: tuple[NDArray[np.uint64], NDArray[np.bool_]] | None = None
        self._teachers: dict[int, tuple[TeacherWeights, StoredWeights]] = {}
        for section in reader.sections:
            # Ancillary sections of a kind to come are nobody's business here.
            if section.kind in KINDS:
                self._place(section)

    def _place(self, section: Section) -> None:
        box, kind, recipe = section.box, section.kind, self._head.recipe
        by_class = self._boxes.setdefault(kind, {})
        if kind == "schedule":
            by_class.setdefault(0, []).append(section)
            return
        if recipe.labels.kind not in _LABEL_KINDS.get(kind, (recipe.labels.kind,)):
            raise HeaderError(
                f"the recipe's labels are of kind {recipe.labels.kind!r}", section=section.label
            )
        whole_origin = kind in ("teacher", "label-model")
        if whole_origin and box not in [Box(*origin) for origin in self._head.origins]:
            raise HeaderError(f"a {kind} is of one whole origin", section=section.label)
        slots = recipe.seeds_per_class if kind == "seeds" else recipe.ipc
        whole_tail = kind == "patches"  # a lossy mosaic may outlive a slice of its slots
        if box.class_count == 0 or box.class_start + box.class_count > len(self._head.classes):
            raise HeaderError("the section covers classes that do not exist", section=section.label)
        start, count = self._head.origin(box.class_start)
        if kind in ("labels", "label-fields") and sum(box[:2]) > start + count:
            raise HeaderError("the section spans two origins", section=section.label)
        if kind == "label-fields" and box.view_count:
            raise HeaderError("label fields are of no view", section=section.label)
        if (box.slot_start + box.slot_count > slots and not whole_tail) or (
            box.view_start + box.view_count > recipe.views
        ):
            raise HeaderError(
                "the section covers slots or views beyond the recipe", section=section.label
            )
        for c in range(box.class_start, box.class_start + box.class_count):
            by_class.setdefault(c, []).append(section)

    def seeds(self, class_index: int) -> NDArray[np.uint64]:
        """uint64[seeds_per_class]: the seeds of a class."""
        parts: list[NDArray[np.uint64]] = []
        count, wanted = 0, self._head.recipe.seeds_per_class
        while count < wanted:  # mostly one section holds them all
            section, array = self._array("seeds", class_index, count)
            box = section.box
            parts.append(array[class_index - box.class_start, count - box.slot_start :])
            count += len(parts[-1])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def seeds_of(self, rows: NDArray[np.intp]) -> NDArray[np.uint64]:
        """uint64[n]: the seeds of rows [n, 2] of (class index, slot)."""
        shape = len(self._head.classes), self._head.recipe.seeds_per_class
        if prod(shape) > MAX_TABLE:
            return np.array([self.seeds(c)[s] for c, s in rows.tolist()], np.uint64)
        if self._seeds is None:
            self._seeds = np.zeros(shape, np.uint64), np.zeros(shape[0], np.bool_)
        table, ready = self._seeds
        for c in np.unique(rows[~ready[rows[:, 0]], 0]).tolist():
            table[c] = self.seeds(c)
            ready[c] = True
        found: NDArray[np.uint64] = table[rows[:, 0], rows[:, 1]]
        return found

    def prompt(self, class_index: int) -> NDArray[np.float32]:
        """float32[vectors, width]: the token vectors of a class."""
        section, array = self._array("prompts", class_index)
        vectors: NDArray[np.float32] = array[class_index - section.box.class_start]
        return vectors

    def patches(self, class_index: int, slot: int) -> NDArray[np.uint8]:
        """uint8[patches_per_slot, h, w, 3]: the stored patches of one training image."""
        section, array = self._array("patches", class_index, slot)
        per = self._head.recipe.patches_per_slot
        slots = section.box.slot_count or self._head.recipe.ipc
        row = (class_index - section.box.class_start) * slots + slot - section.box.slot_start
        patches: NDArray[np.uint8] = array[row * per : (row + 1) * per]
        return patches

    def label_sections(
        self, places: NDArray[np.intp], view: int
    ) -> Iterator[tuple[Section, NDArray[np.intp]]]:
        """The sections with the soft labels of rows [n, 2] of (class index, slot) at a view.

        Yields:
            each section, and which of the rows it holds.
        """
        recipe = self._head.recipe
        ends = len(self._head.classes), recipe.ipc
        if not 0 <= view < recipe.views or (places < 0).any() or (places >= ends).any():
            raise HeaderError(f"labels of rows or of a view ({view}) beyond the table")
        held = self._holders(places, view)
        for index in np.unique(held).tolist():
            chosen = np.flatnonzero(held == index)
            if index < 0:
                c, s = places[chosen[0]].tolist()
                self._find_or_fail("labels", c, s, view)
            yield self._reader.sections[index], chosen

    def _holders(self, places: NDArray[np.intp], view: int) -> NDArray[np.intp]:
        """[n]: the index of the section that holds the label of each row [n, 2], or -1."""
        shape = len(self._head.classes), self._head.recipe.ipc
        if prod(shape) > MAX_TABLE:
            found = [self._find_or_fail("labels", c, s, view) for c, s in places.tolist()]
            return np.array([section.index for section in found], np.intp)
        if view not in self._held:
            held = np.full(shape, -1, np.intp)
            for section in self._reader.sections:
                box = section.box
                ends = box.view_start + (box.view_count or self._head.recipe.views)
                if section.kind == "labels" and box.view_start <= view < ends:
                    slots = slice(box.slot_start, box.slot_start + box.slot_count or None)
                    part = held[box.class_start : box.class_start + box.class_count, slots]
                    part[part < 0] = section.index  # the first, should two cover it
            if (1 + len(self._held)) * prod(shape) > MAX_TABLE:
                self._held.clear()
            self._held[view] = held
        holders: NDArray[np.intp] = self._held[view][places[:, 0], places[:, 1]]
        return holders

    def label_model(self, class_index: int) -> tuple[LabelModels, LabelModel]:
        """The model of the origin that holds a class, with its parameters."""
        section = self._find_or_fail("label-model", class_index)
        if section.index not in self._models:
            codec, model = self._model_codec(section), self.decode(section)
            assert isinstance(model, LabelModel)
            self._models[section.index] = codec, model
        return self._models[section.index]

    def label_field(self, class_index: int, slot: int) -> NDArray[np.int16]:
        """int16[M, r]: the label field of one picture."""
        section = self._find_or_fail("label-fields", class_index, slot)
        if self._cache.get(section.index) is None:
            self._check_fields(section)
        array, box = self.kept(section), section.box
        field: NDArray[np.int16] = array[class_index - box.class_start, slot - box.slot_start]
        return field

    def _model_codec(self, section: Section) -> LabelModels:
        """The codec, if its features are those of the recipe's views."""
        codec = codecs.get(section.codec)
        if not isinstance(codec, LabelModels):
            raise HeaderError("the section holds no label model", section=section.label)
        which = FeatureSet(codec.parts, codec.degree, codec.response)
        count = which.count(self._head.recipe.view)
        if codec.features != count or codec.classes != section.box.class_count:
            raise HeaderError(
                f"a label model of {codec.classes} classes and {codec.features} features, where "
                f"{section.box.class_count} classes have views of {count}; the file is damaged",
                section=section.label,
            )
        return codec

    def _check_fields(self, section: Section) -> None:
        model = self._model_codec(self._find_or_fail("label-model", section.box.class_start))
        if array_shape(section, self._head)[2:] != (model.features, model.atoms):
            raise HeaderError(
                f"label fields do not fit their model, which has {model.features} features and "
                f"{model.atoms} atoms; the file is damaged",
                section=section.label,
            )

    def check_columns(self, section: Section, codec: LabelInnovations) -> None:
        """That a section's labels fit the model of their origin.

        Raises:
            HeaderError: they do not.
        """
        model = self._model_codec(self._find_or_fail("label-model", section.box.class_start))
        wanted = model.classes if codec.step else model.atoms
        if codec.columns not in (0, wanted):
            raise HeaderError(
                f"labels of {codec.columns} columns do not fit their model, which has {wanted}; "
                "the file is damaged",
                section=section.label,
            )

    def hard_label(self, class_index: int, slot: int, view: int) -> int:
        """Class index of a row; hard labels only."""
        section, array = self._array("labels", class_index, slot, view)
        box = section.box
        label = int(
            array[class_index - box.class_start, slot - box.slot_start, view - box.view_start]
        )
        if label == OWN_CLASS:
            return class_index
        start, count = self._head.origin(class_index)
        if label >= count:
            raise PayloadError(f"label {label} of {count} classes", section=section.label)
        return start + label

    def teacher(self, class_index: int) -> tuple[TeacherWeights, StoredWeights]:
        """The stored teacher of the class's origin: its codec, and its numbers."""
        start, _ = self._head.origin(class_index)
        if start not in self._teachers:
            section = self._find("teacher", class_index, 0, 0)
            if section is None:
                raise HeaderError("the artifact holds no teacher to compute its labels with")
            codec = self._teacher_codec(section)
            try:
                weights = codec.decode(self._reader.read_raw(section))
            except PayloadError as error:
                raise PayloadError(error.message, section=section.label) from error
            self._teachers[start] = codec, weights
        return self._teachers[start]

    def _teacher_codec(self, section: Section) -> TeacherWeights:
        """The codec, if it is a teacher's of these classes and pictures."""
        codec, size = codecs.get(section.codec), self._head.recipe.size
        if not isinstance(codec, TeacherWeights):
            raise HeaderError("the section holds no teacher", section=section.label)
        if codec.classes != section.box.class_count or (codec.side, codec.side) != size:
            raise HeaderError(
                f"a teacher of {codec.classes} classes and {codec.side} px cannot label "
                f"{section.box.class_count} classes and {size[0]}x{size[1]} px",
                section=section.label,
            )
        return codec

    def pixel_digest(self, class_index: int, slot: int) -> bytes | None:
        """The stored pixel digest of one image, or None where the artifact has none."""
        if self._find("pixels", class_index, slot, 0) is None:
            return None
        section, array = self._array("pixels", class_index, slot)
        box = section.box
        return bytes(array[class_index - box.class_start, slot - box.slot_start].tobytes())

    def schedule(self) -> Schedule:
        """The schedule table of a generating artifact."""
        if self._schedule is None:
            sections = self._boxes.get("schedule", {}).get(0, [])
            if not sections:
                raise HeaderError("the artifact generates images but holds no schedule table")
            table = codecs.get(sections[0].codec).decode(self._reader.read_raw(sections[0]), ())
            if not isinstance(table, Schedule):
                raise HeaderError("the section holds no schedule table", section=sections[0].label)
            self._schedule = table
        return self._schedule

    def has(self, kind: str, class_index: int) -> bool:
        """Whether any section of this kind covers the class."""
        return class_index in self._boxes.get(kind, {})

    def check_coverage(self) -> None:
        """Raises HeaderError unless every row and every partner can be decoded."""
        recipe = self._head.recipe
        stored = isinstance(recipe.synthesis, Stored)
        for c in self._head.row_classes:
            self._require("seeds", c, recipe.seeds_per_class)
            self._require("patches" if stored else "prompts", c, recipe.ipc if stored else 1)
            if recipe.labels.kind != "teacher":
                self._require("labels", c, recipe.ipc, recipe.views)
                continue
            self._require("teacher", c, 1)
            for section in self._boxes["teacher"][c]:
                self._teacher_codec(section)
        self._check_label_layers()

    def _check_label_layers(self) -> None:
        """That labels that are coded against a model and fields have them, and they fit."""
        layered = set()
        for section in self._reader.sections:
            if section.kind == "label-model":
                self._model_codec(section)
            elif section.kind == "label-fields":
                self._check_fields(section)
            elif section.kind == "labels":
                codec = codecs.get(section.codec)
                if isinstance(codec, LabelInnovations):
                    self.check_columns(section, codec)
                    layered.add(section.index)
        ipc = self._head.recipe.ipc
        for c in self._head.row_classes:
            if any(s.index in layered for s in self._boxes.get("labels", {}).get(c, ())):
                model = self._model_codec(self._find_or_fail("label-model", c))
                if model.atoms:
                    self._require("label-fields", c, ipc)
        for c in self._boxes.get("label-fields", {}):  # of partners too
            self._require("label-fields", c, ipc)

    def _require(self, kind: str, class_index: int, slots: int, views: int = 1) -> None:
        def area(box: Box) -> int:
            end = min(box.slot_start + (box.slot_count or slots), slots)
            return max(0, end - box.slot_start) * (box.view_count or views)

        covered = sum(area(s.box) for s in self._boxes.get(kind, {}).get(class_index, []))
        name = self._head.classes[class_index]
        if covered < slots * views:
            raise HeaderError(f"{kind} of class {name!r} are missing; the artifact is incomplete")
        if covered > slots * views:
            raise HeaderError(f"{kind} of class {name!r} are stored twice; the file is damaged")

    def _find(self, kind: str, class_index: int, slot: int, view: int) -> Section | None:
        for section in self._boxes.get(kind, {}).get(class_index, ()):
            box = section.box
            in_slots = not box.slot_count or 0 <= slot - box.slot_start < box.slot_count
            in_views = not box.view_count or 0 <= view - box.view_start < box.view_count
            if in_slots and in_views:
                return section
        return None

    def _find_or_fail(self, kind: str, class_index: int, slot: int = 0, view: int = 0) -> Section:
        section = self._find(kind, class_index, slot, view)
        if section is None:
            raise HeaderError(
                f"no {kind} section covers class {class_index}, slot {slot}, view {view}; "
                "the artifact is incomplete"
            )
        return section

    def _array(
        self, kind: str, class_index: int, slot: int = 0, view: int = 0
    ) -> tuple[Section, NDArray[Any]]:
        section = self._find_or_fail(kind, class_index, slot, view)
        return section, self.kept(section)

    def kept(self, section: Section) -> NDArray[Any]:
        """The section's array, decoded if it is not in memory."""
        cached = self._cache.get(section.index)
        if cached is not None:
            self._cache.move_to_end(section.index)
            return cached
        array: NDArray[Any] = self.decode(section)
        self._cache[section.index] = array
        while len(self._cache) > 1 and sum(a.nbytes for a in self._cache.values()) > CACHED_BYTES:
            self._cache.popitem(last=False)
        return array

    def decode(self, section: Section) -> Any:
        """Decode one section to its array (or label model); errors name the section."""
        codec = codecs.get(section.codec)
        shape = array_shape(section, self._head)
        if isinstance(codec, Mosaic):
            shape = (*shape, codec.height, codec.width, 3)
        if prod(shape) > MAX_ELEMENTS:
            raise LimitExceededError(
                f"the section decodes to {prod(shape)} values, more than {MAX_ELEMENTS}; write "
                "the artifact with smaller sections",
                section=section.label,
            )
        try:
            return codec.decode(self._reader.read_raw(section), shape)
        except PayloadError as error:
            raise PayloadError(error.message, section=section.label) from error
