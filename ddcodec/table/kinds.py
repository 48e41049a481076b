"""The closed registry of section kinds: what each holds, whose it is, how it tiles and is cut.

Source: spec/table.md, "Sections". Everything that treats kinds differently asks here.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from types import MappingProxyType
from typing import Final

from ddcodec.codecs.hard_labels import HardLabels
from ddcodec.codecs.label_fields import LabelFields
from ddcodec.codecs.label_model import LabelModelCodec
from ddcodec.codecs.mosaic import Mosaic
from ddcodec.codecs.mosaic_avif import MosaicAvif
from ddcodec.codecs.mosaic_png import MosaicPng
from ddcodec.codecs.mosaic_webp import MosaicWebp
from ddcodec.codecs.pixel_digest import PixelDigests
from ddcodec.codecs.prompt_fp16 import PromptFp16
from ddcodec.codecs.prompt_int8 import PromptInt8
from ddcodec.codecs.prompt_text import PromptText
from ddcodec.codecs.quantised_latents import QuantisedLatents
from ddcodec.codecs.schedule_table import ScheduleTable
from ddcodec.codecs.seed_derived import SeedDerived
from ddcodec.codecs.seed_list import SeedList
from ddcodec.codecs.soft_labels import SoftLabels
from ddcodec.codecs.teacher_weights import TeacherWeights
from ddcodec.codecs.top_k_labels import TopKLabels
from ddcodec.codecs.view_draws import NUMBERS, ViewDraws
from ddcodec.container import Box, Section
from ddcodec.errors import HeaderError
from ddcodec.recipe.head import Head, Recipe
from ddcodec.recipe.synthesis import Generated, Image2Image, Stored
from ddcodec.table.kind import AnyCodec, Kind

__all__ = ["KINDS", "LAYERS", "kind_of", "layer_of", "plain_bytes"]


class SeedsKind(Kind):
    """A seed of 64 bits for each picture."""

    name = "seeds"
    codecs = (SeedDerived, SeedList)
    axes = ("class", "slot")
    scope = "pictures"

    def slots(self, recipe: Recipe) -> int:
        return recipe.seeds_per_class

    def shape(self, section: Section, head: Head) -> tuple[int, ...]:
        return section.box.class_count, section.box.slot_count or self.slots(head.recipe)

    def plain_bytes(self, section: Section, head: Head) -> int:
        return 8 * prod(self.shape(section, head))

    def check(self, section: Section, head: Head) -> None:
        super().check(section, head)
        derived = section.codec.name == SeedDerived.name
        if derived and (section.box.slot_start or section.box.slot_count):
            raise HeaderError(
                "derived seeds are never divided by slots; the file is damaged",
                section=section.label,
            )


class PatchesKind(Kind):
    """Pictures or patches of them, as mosaics."""

    name = "patches"
    codecs = (MosaicAvif, MosaicPng, MosaicWebp)
    axes = ("class", "slot")
    scope = "pictures"
    whole = True

    def used(self, recipe: Recipe) -> bool:
        synthesis = recipe.synthesis
        based = isinstance(synthesis, Image2Image) and synthesis.base == self.name
        return based or isinstance(synthesis, Stored)

    def shape(self, section: Section, head: Head) -> tuple[int, ...]:
        codec = self.codec(section, head.recipe)
        assert isinstance(codec, Mosaic)
        box = section.box
        count = box.class_count * box.slot_count * head.recipe.patches_per_slot
        return count, codec.height, codec.width, 3

    def plain_bytes(self, section: Section, head: Head) -> int:
        return prod(self.shape(section, head))

    def _box_fault(self, box: Box, head: Head) -> str | None:
        # A mosaic outlives slices whole: without its slots, its places would move with the IPC.
        if not box.slot_count:
            return "does not say which slots its patches are of"
        return super()._box_fault(box, head)


class LatentsKind(Kind):
    """Latents that pictures are generated from."""

    name = "latents"
    codecs = (QuantisedLatents,)
    axes = ("class", "slot")
    scope = "pictures"

    def used(self, recipe: Recipe) -> bool:
        synthesis = recipe.synthesis
        return isinstance(synthesis, Image2Image) and synthesis.base == self.name

    def shape(self, section: Section, head: Head) -> tuple[int, ...]:
        codec, box, recipe = self.codec(section, head.recipe), section.box, head.recipe
        assert isinstance(codec, QuantisedLatents)
        slots = box.slot_count or self.slots(recipe)
        return box.class_count, slots, recipe.patches_per_slot, *codec.shape

    def plain_bytes(self, section: Section, head: Head) -> int:
        return 2 * prod(self.shape(section, head))


class PromptsKind(Kind):
    """Token vectors, or a text, of each class."""

    name = "prompts"
    codecs = (PromptFp16, PromptInt8, PromptText)
    axes = ("class",)
    scope = "pictures"

    def used(self, recipe: Recipe) -> bool:
        return isinstance(recipe.synthesis, Generated)

    def _allowed(self, recipe: Recipe) -> tuple[type[AnyCodec], ...]:
        return (PromptFp16, PromptInt8) if _of(recipe).vectors_per_class else (PromptText,)

    def shape(self, section: Section, head: Head) -> tuple[int, ...]:
        synthesis, count = _of(head.recipe), section.box.class_count
        if not synthesis.vectors_per_class:
            return (count,)
        return count, synthesis.vectors_per_class, synthesis.vector_width

    def plain_bytes(self, section: Section, head: Head) -> int:
        vectors = _of(head.recipe).vectors_per_class
        return 2 * prod(self.shape(section, head)) if vectors else section.raw_len


class ScheduleKind(Kind):
    """The diffusion schedule, as a table."""

    name = "schedule"
    codecs = (ScheduleTable,)
    axes = ()
    scope = "artifact"
    whole = True

    def used(self, recipe: Recipe) -> bool:
        return isinstance(recipe.synthesis, Generated)

    def shape(self, section: Section, head: Head) -> tuple[int, ...]:
        return ()


class LabelsKind(Kind):
    """Soft or hard labels."""

    name = "labels"
    codecs = (HardLabels, SoftLabels, TopKLabels)
    axes = ("class", "slot", "view")
    scope = "rows"

    def used(self, recipe: Recipe) -> bool:
        return recipe.labels.kind in ("hard", "soft")

    def _allowed(self, recipe: Recipe) -> tuple[type[AnyCodec], ...]:
        return (HardLabels,) if recipe.labels.kind == "hard" else (SoftLabels, TopKLabels)

    def shape(self, section: Section, head: Head) -> tuple[int, ...]:
        codec, rows = self.codec(section, head.recipe), self._rows(section, head)
        if isinstance(codec, HardLabels):
            return rows
        if isinstance(codec, SoftLabels):
            return *rows, codec.columns
        return *rows, head.origin(section.box.class_start)[1]

    def plain_bytes(self, section: Section, head: Head) -> int:
        soft = head.recipe.labels.kind == "soft"
        columns = head.origin(section.box.class_start)[1] if soft else 1
        return 2 * prod(self._rows(section, head)) * columns

    def _rows(self, section: Section, head: Head) -> tuple[int, int, int]:
        box, recipe = section.box, head.recipe
        return box.class_count, box.slot_count or recipe.ipc, box.view_count or recipe.views

    def _box_fault(self, box: Box, head: Head) -> str | None:
        return super()._box_fault(box, head) or _origins_fault(box, head)


class DrawsKind(Kind):
    """What is done to pictures in views that are stored."""

    name = "draws"
    codecs = (ViewDraws,)
    axes = ("class", "slot", "view")
    scope = "pictures"

    def used(self, recipe: Recipe) -> bool:
        return recipe.view.stored

    def shape(self, section: Section, head: Head) -> tuple[int, ...]:
        box, recipe = section.box, head.recipe
        slots = box.slot_count or self.slots(recipe)
        return box.class_count, slots, box.view_count or recipe.views, NUMBERS

    def plain_bytes(self, section: Section, head: Head) -> int:
        # As FKD has them: four float32 numbers, a boolean and, where views mix, an int64 number.
        return (25 if head.recipe.view.cutmix else 17) * prod(self.shape(section, head)[:3])

    def check(self, section: Section, head: Head) -> None:
        super().check(section, head)
        codec = self.codec(section, head.recipe)
        assert isinstance(codec, ViewDraws)
        if (codec.width, codec.height) != head.recipe.size:
            raise HeaderError(
                f"draws for pictures of {codec.width} x {codec.height}, which are "
                f"{head.recipe.width} x {head.recipe.height}; the file is damaged",
                section=section.label,
            )


class LabelModelKind(Kind):
    """What the soft labels of an origin share."""

    name = "label-model"
    codecs = (LabelModelCodec,)
    axes = ("class",)
    scope = "origin"
    whole = True

    def used(self, recipe: Recipe) -> bool:
        return recipe.labels.kind == "soft"

    def shape(self, section: Section, head: Head) -> tuple[int, ...]:
        codec = self.codec(section, head.recipe)
        assert isinstance(codec, LabelModelCodec)
        return section.box.class_count, codec.features, codec.atoms

    def plain_bytes(self, section: Section, head: Head) -> int:
        return 0  # the labels stand for it


class LabelFieldsKind(Kind):
    """Fields of pictures, of which their soft labels are made."""

    name = "label-fields"
    codecs = (LabelFields,)
    axes = ("class", "slot")
    scope = "pictures"

    def used(self, recipe: Recipe) -> bool:
        return recipe.labels.kind == "soft"

    def shape(self, section: Section, head: Head) -> tuple[int, ...]:
        codec, box = self.codec(section, head.recipe), section.box
        assert isinstance(codec, LabelFields)
        slots = box.slot_count or self.slots(head.recipe)
        return box.class_count, slots, *codec.shape

    def plain_bytes(self, section: Section, head: Head) -> int:
        return 0  # the labels stand for them

    def _box_fault(self, box: Box, head: Head) -> str | None:
        return super()._box_fault(box, head) or _origins_fault(box, head)


class TeacherKind(Kind):
    """A classifier that computes the labels."""

    name = "teacher"
    codecs = (TeacherWeights,)
    axes = ("class",)
    scope = "origin"
    whole = True

    def used(self, recipe: Recipe) -> bool:
        return recipe.labels.kind == "teacher"

    def shape(self, section: Section, head: Head) -> tuple[int, ...]:
        return ()

    def plain_bytes(self, section: Section, head: Head) -> int:
        codec = self.codec(section, head.recipe)
        assert isinstance(codec, TeacherWeights)
        return codec.plain_bytes

    def check(self, section: Section, head: Head) -> None:
        super().check(section, head)
        codec, size = self.codec(section, head.recipe), head.recipe.size
        assert isinstance(codec, TeacherWeights)
        if codec.classes != section.box.class_count or (codec.side, codec.side) != size:
            raise HeaderError(
                f"a teacher of {codec.classes} classes and {codec.side} px cannot label "
                f"{section.box.class_count} classes and {size[0]}x{size[1]} px",
                section=section.label,
            )


class PixelsKind(Kind):
    """Digests of the decoded pictures."""

    name = "pixels"
    codecs = (PixelDigests,)
    axes = ("class", "slot")
    scope = "rows"
    optional = True

    def shape(self, section: Section, head: Head) -> tuple[int, ...]:
        codec = self.codec(section, head.recipe)
        assert isinstance(codec, PixelDigests)
        return section.box.class_count, section.box.slot_count or head.recipe.ipc, codec.length

    def plain_bytes(self, section: Section, head: Head) -> int:
        return prod(self.shape(section, head))


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            DrawsKind(),
            LabelFieldsKind(),
            LabelModelKind(),
            LabelsKind(),
            LatentsKind(),
            PatchesKind(),
            PixelsKind(),
            PromptsKind(),
            ScheduleKind(),
            SeedsKind(),
            TeacherKind(),
        )
    }
)
"""Every registered kind by its name (spec/registry.md, "Kinds")."""

# Sections of these kinds hold soft labels together, each a layer of them (spec/labels.md).
_LAYERS = {"label-model": "means and basis", "label-fields": "fields", "labels": "innovations"}
LAYERS: Final[tuple[str, ...]] = tuple(_LAYERS.values())
"""The layers of soft labels, in the order they build on each other."""


def kind_of(section: Section) -> Kind | None:
    """The kind of a section; None for one to come, which a reader may ignore."""
    return KINDS.get(section.kind)


def layer_of(section: Section) -> str | None:
    """The layer of soft labels that a section holds; None where it holds no layer."""
    if section.kind == "labels" and section.codec.name != SoftLabels.name:
        return None
    return _LAYERS.get(section.kind)


def plain_bytes(section: Section, head: Head) -> int:
    """Bytes of a section's content in the plain form that people ship today.

    uint8 pixels, fp16 latents, soft labels and token vectors, u16 hard labels, u64 seeds, float32
    weights of a teacher. Nothing for what labels in layers share, and for kinds to come.
    """
    kind = kind_of(section)
    return 0 if kind is None else kind.plain_bytes(section, head)


def _of(recipe: Recipe) -> Generated:
    """The synthesis of a recipe that generates; the others have no such sections."""
    assert isinstance(recipe.synthesis, Generated)
    return recipe.synthesis


def _origins_fault(box: Box, head: Head) -> str | None:
    start, count = head.origin(box.class_start)
    if box.class_start + box.class_count > start + count:
        return "spans two origins"
    return None
