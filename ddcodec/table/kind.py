"""The base of every section kind: whose sections are, how their boxes tile, what they hold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

from ddcodec import codecs
from ddcodec.codecs import Codec
from ddcodec.container import Box, Section
from ddcodec.errors import HeaderError
from ddcodec.recipe.head import Head, Recipe
from ddcodec.recipe.synthesis import Stored

__all__ = ["AnyCodec", "Axis", "Kind", "Scope"]

Axis = Literal["class", "slot", "view"]
Scope = Literal["artifact", "origin", "pictures", "rows"]
AnyCodec = Codec[Any, Any]


class Kind(ABC):
    """One kind of section.

    Class attributes:
        name: as the file's index spells it.
        codecs: those that a section of this kind may have.
        axes: along which boxes may be divided.
        scope: whose the sections are. ``artifact``: one for all. ``origin``: one for each range
            of classes encoded together. ``pictures``: of every class with seeds, which are those
            that have rows and their support. ``rows``: of classes that have rows.
        whole: a slice copies sections whole, surplus classes and slots included.
        optional: the artifact decodes without them.
    """

    name: ClassVar[str]
    codecs: ClassVar[tuple[type[AnyCodec], ...]]
    axes: ClassVar[tuple[Axis, ...]]
    scope: ClassVar[Scope]
    whole: ClassVar[bool] = False
    optional: ClassVar[bool] = False

    def used(self, recipe: Recipe) -> bool:
        """Whether artifacts of this recipe have such sections."""
        return True

    @abstractmethod
    def shape(self, section: Section, head: Head) -> tuple[int, ...]:
        """Shape of the array a section decodes to."""

    def plain_bytes(self, section: Section, head: Head) -> int:
        """Bytes of the content in the plain form that people ship today."""
        return section.raw_len

    def slots(self, recipe: Recipe) -> int:
        """Length of the slot axis."""
        if "slot" not in self.axes:
            return 1
        return recipe.picture_slots if self.scope == "pictures" else recipe.ipc

    def views(self, recipe: Recipe) -> int:
        """Length of the view axis."""
        return recipe.views if "view" in self.axes else 1

    def codec(self, section: Section, recipe: Recipe) -> AnyCodec:
        """The codec of a section.

        Raises:
            UnknownCodecError: this reader lacks it.
            HeaderError: its parameters are malformed, or it is none of this kind's.
        """
        codec = codecs.get(section.codec)
        if not isinstance(codec, self._allowed(recipe)):
            raise HeaderError(
                f"codec {section.codec.name} is none of a {self.name} section; the file is damaged",
                section=section.label,
            )
        return codec

    def _allowed(self, recipe: Recipe) -> tuple[type[AnyCodec], ...]:
        return self.codecs

    def check(self, section: Section, head: Head) -> None:
        """That the recipe has such sections, and that the box is one of this kind's.

        Raises:
            HeaderError: it is not.
        """
        if not self.used(head.recipe):
            raise HeaderError(
                f"a {self.name} section, which a recipe of {_recipe_in_words(head.recipe)} does "
                "not have; the file is damaged",
                section=section.label,
            )
        fault = self._box_fault(section.box, head)
        if fault is not None:
            raise HeaderError(f"the section {fault}; the file is damaged", section=section.label)

    def _box_fault(self, box: Box, head: Head) -> str | None:
        """What is wrong with a box, as the rest of a sentence."""
        if self.scope == "artifact":
            return None if not any(box) else "is of the whole artifact, but has a box"
        if box.class_count == 0 or box.class_start + box.class_count > len(head.classes):
            return "covers classes that do not exist"
        if self.scope == "origin" and (box.class_start, box.class_count) not in head.origin_set:
            return "is not of one whole origin"
        for axis, count in (("slot", box.slot_count), ("view", box.view_count)):
            if count and axis not in self.axes:
                return f"is divided by {axis}s, which a {self.name} section never is"
        surplus = self.whole or box.slot_start + box.slot_count <= self.slots(head.recipe)
        if not surplus or box.view_start + box.view_count > self.views(head.recipe):
            return "covers slots or views beyond the recipe"
        return None


def _recipe_in_words(recipe: Recipe) -> str:
    synthesis = "stored pictures" if isinstance(recipe.synthesis, Stored) else "generated pictures"
    views = ", stored views" if recipe.view.stored else ""
    return f"{synthesis}{views} and {recipe.labels.kind} labels"
