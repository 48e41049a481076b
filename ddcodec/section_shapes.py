"""What sections hold, by kind: which codecs, and arrays of which shape (spec/table.md)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ddcodec import codecs
from ddcodec.codecs.label_fields import LabelFields
from ddcodec.codecs.label_innovations import LabelInnovations
from ddcodec.codecs.label_model import LabelModels
from ddcodec.container import Section
from ddcodec.errors import HeaderError
from ddcodec.recipe import Head, Text2Image

__all__ = ["array_shape"]

_CODECS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "label-fields": ("label-fields",),
        "label-model": ("label-model",),
        "patches": ("mosaic-png", "mosaic-webp"),
        "pixels": ("pixel-digest",),
        "prompts": ("prompt-fp16", "prompt-int8"),
        "seeds": ("seed-derived", "seed-list"),
    }
)
_LABEL_CODECS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"hard": ("hard-labels",), "soft": ("soft-labels", "top-k-labels")}
)


def array_shape(section: Section, head: Head) -> tuple[int, ...]:
    """Shape of the array a section decodes to (spec/table.md, "Sections").

    Raises:
        HeaderError: the section holds no array, or its codec is not one of its kind.
    """
    kind, box, recipe = section.kind, section.box, head.recipe
    classes, slots, views = box.class_count, box.slot_count, box.view_count
    wanted = _LABEL_CODECS.get(recipe.labels.kind) if kind == "labels" else _CODECS.get(kind)
    if wanted is None:
        raise HeaderError(f"sections of kind {kind!r} hold no array", section=section.label)
    if section.codec.name not in wanted:
        raise HeaderError(
            f"codec {section.codec.name} is none of a {kind} section; the file is damaged",
            section=section.label,
        )
    if kind == "seeds":
        return classes, slots or recipe.seeds_per_class
    if kind == "prompts":
        if not isinstance(recipe.synthesis, Text2Image):
            raise HeaderError("a prompts section, but the recipe generates no images")
        return classes, *recipe.synthesis.vectors
    if kind == "patches":
        return (classes * (slots or recipe.ipc) * recipe.patches_per_slot,)
    if kind == "labels":
        rows = classes, slots or recipe.ipc, views or recipe.views
        if recipe.labels.kind != "soft":
            return rows
        codec = codecs.get(section.codec)
        if isinstance(codec, LabelInnovations):
            return (*rows, codec.columns)
        return (*rows, head.origin(box.class_start)[1])
    if kind == "pixels":
        return classes, slots or recipe.ipc, 4
    codec = codecs.get(section.codec)
    if isinstance(codec, LabelFields):
        return classes, slots or recipe.ipc, codec.features, codec.atoms
    assert isinstance(codec, LabelModels)
    return head.origin(box.class_start)[1], codec.features, codec.atoms
