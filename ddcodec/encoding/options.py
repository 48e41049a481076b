"""Checked options of an encode, and what follows from them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ddcodec.arrays import Progress
from ddcodec.codecs.label_model import MAX_LABEL_CLASSES
from ddcodec.encoding.amounts import parse_bytes
from ddcodec.encoding.option_fields import UNDER_A_BUDGET, OptionFields
from ddcodec.encoding.time_limit import parse_seconds
from ddcodec.errors import HeaderError, RequestError, shown
from ddcodec.labels.options import LabelOptions
from ddcodec.methods import METHODS, get_method
from ddcodec.methods.base import Method
from ddcodec.methods.options import AUTO, check_options
from ddcodec.methods.patch_mosaics import PatchCodec, PatchCoding
from ddcodec.recipe.fields import MAX_SIDE, Ratio
from ddcodec.recipe.head import MAX_ROWS
from ddcodec.recipe.view import View, parse_view
from ddcodec.sources.class_names import imagenet_names, names_from_file, unnamed_ids
from ddcodec.sources.source import Source
from ddcodec.workers import Workers

if TYPE_CHECKING:
    from ddcodec.classifiers.training import Statistics
    from ddcodec.encoding.given import GivenLabels

__all__ = ["EncodeOptions", "as_encode"]

DEFAULT_IPC = 10
# Coarser than without a budget: more pictures for the same bytes teach more (CIFAR-10, 30 kB).
BUDGET_QUALITY: dict[PatchCodec, int] = {"webp": 40, "avif": 28}


@dataclass(frozen=True, kw_only=True)
class EncodeOptions(OptionFields):
    """What an encode may be told; every value is checked when this is constructed.

    Raises:
        RequestError: naming the option, its value and what it may be.

    >>> EncodeOptions(method="random", ipc=5).views
    30
    """

    def __post_init__(self) -> None:
        for name in ("teacher", "prior"):
            if isinstance(getattr(self, name), os.PathLike):
                object.__setattr__(self, name, os.fspath(getattr(self, name)))
        check_options(self)
        self._choose_method()
        _check_teacher(self.teacher)
        _check_size(self.size)
        _ = self.filled_by, self.coding  # checked now, not after the work
        parse_view(self.view, (MAX_SIDE, MAX_SIDE))
        self._check_time_limit()
        self._check_budget()
        _ = Workers(self.workers, self.ray)
        if self.patch_codec == "png" and self.quality is not None:
            raise RequestError(
                f"quality={self.quality} says nothing to patch_codec='png', which loses nothing; "
                "leave it out, or choose webp or avif"
            )
        self._choose_variations()
        if self.pictures_each > 1 and not self.filled_by.generates:
            raise RequestError(
                f"variations={self.variations} is not possible with method {self.method}, whose "
                "slots have one stored picture each; use a method that generates pictures"
            )
        if self.pictures_each > self.views:
            raise RequestError(
                f"variations={self.variations} are more than views={self.views}, which show one "
                "each; ask for more views or fewer variations"
            )

    def _choose_method(self) -> None:
        """Under a budget there is a method that does well; without one, to choose is half of it."""
        if self.method != AUTO:
            return
        if self.budget is None:
            raise RequestError(
                f"no method is named: give method= one of {', '.join(sorted(METHODS))}, or a "
                "budget of bytes, under which one is chosen"
            )
        object.__setattr__(self, "method", UNDER_A_BUDGET)

    def _choose_variations(self) -> None:
        """Pictures that take no bytes are worth having wherever a label is paid for."""
        if self.variations is None:
            fresh = self.budget is not None and self.filled_by.generates and self.labels == "soft"
            object.__setattr__(self, "variations", self.views if fresh else 1)

    @property
    def pictures_each(self) -> int:
        """Pictures of each slot: the variations, once they are chosen."""
        return self.variations or 1

    def _check_time_limit(self) -> None:
        if self.time_limit is None:
            if self.budget is None:
                object.__setattr__(self, "ipc", self.ipc or DEFAULT_IPC)
            return
        parse_seconds(self.time_limit)
        if self.ipc is not None:
            raise RequestError(
                f"time_limit={self.time_limit!r} says how many images fit, so ipc={self.ipc} is "
                "one too many; give one of them"
            )
        if not self.filled_by.generates:
            raise RequestError(
                f"time_limit={self.time_limit!r} is not possible with method {self.method}, which "
                "generates no pictures; give ipc in its place"
            )

    def _check_budget(self) -> None:
        if self.budget is None:
            return
        if self.budget_bytes < 1:
            raise RequestError(f"budget={self.budget!r} is not allowed: it must be above 0")
        if self.labels == "soft" and self.label_quality is not None:
            raise RequestError(
                f"budget={self.budget!r} says how many bytes labels take, so "
                f"label_quality={self.label_quality:g} is one too many; give one of them"
            )
        if self.labels == "soft" and self.label_layers in ("class", "lossless"):
            raise RequestError(
                f"labels of label_layers={self.label_layers!r} have the bytes they have, which no "
                f"budget={self.budget!r} can choose; leave out one of them"
            )
        taken = self.labels != "soft" or self.label_bytes is not None
        adjustable = self.quality is None and self.patch_codec != "png"
        method = self.filled_by
        patches = method.stores_pictures or not method.generates
        if taken and not (adjustable and patches):
            raise RequestError(
                f"budget={self.budget!r} leaves nothing to choose: with these labels, only the "
                "quality of stored patches could follow from it. Let soft labels take the rest, or "
                "leave the quality out, of a method that stores patches and a codec that is lossy"
            )

    @property
    def budget_bytes(self) -> int:
        """Bytes that the whole file may take; 0 where nobody said."""
        if self.budget is None:
            return 0
        return parse_bytes(self.budget) if isinstance(self.budget, str) else self.budget

    @cached_property
    def filled_by(self) -> Method:
        """The method, with its own options."""
        return get_method(self.method).from_options(self.options)

    @cached_property
    def coding(self) -> LabelOptions:
        """How soft labels are coded."""
        return LabelOptions(self.label_layers, self.label_quality, self.label_bytes)

    @property
    def patches(self) -> PatchCoding:
        """How stored patches are coded."""
        within = self.budget is not None
        codec = self.patch_codec or ("avif" if within else "webp")
        # What a search for the quality under a budget begins with.
        quality = self.quality or (BUDGET_QUALITY.get(codec) if within else None)
        return PatchCoding(codec, quality, self.mosaics, self.patch_size)

    @property
    def tell(self) -> Progress | None:
        """What to call with progress, if that was given."""
        return self.progress if callable(self.progress) else None

    @property
    def trains_teacher(self) -> bool:
        """Whether the teacher is to be trained on the source."""
        return isinstance(self.teacher, str) and self.teacher == "auto"

    @property
    def temperature(self) -> Ratio:
        """The labels' temperature as a fraction."""
        assert isinstance(self.label_temperature, tuple)
        return self.label_temperature

    @property
    def asks_teacher(self) -> bool:
        """Whether the teacher has a part in the artifact."""
        return self.filled_by.uses_teacher or self.labels != "hard"

    @property
    def given_labels(self) -> GivenLabels | None:
        """Soft labels that stand in for the teacher's: an import may have them."""
        return None

    @property
    def given_statistics(self) -> Statistics | None:
        """Input statistics that are known without looking: an import may have them."""
        return None

    def size_of(self, source: Source) -> tuple[int, int]:
        """(width, height) of training images: as asked for, or the source's own.

        Raises:
            SourceError: the source has no size of its own.
            RequestError: its size is larger than an artifact's may be.
        """
        size = source.native_size() if self.size is None else self.size
        size = (size, size) if isinstance(size, int) else size
        _check_size(size)
        return size

    def names_of(self, source: Source) -> tuple[str, ...]:
        """What to call each class of a source: as a file says, or as ImageNet does.

        Raises:
            RequestError: the file does not fit, or prompts would speak of WordNet ids.
        """
        if self.class_names is not None:
            return names_from_file(self.class_names, source.classes)
        names = imagenet_names(source.classes)
        unnamed = unnamed_ids(names)
        if unnamed and self.filled_by.uses_prior:
            raise RequestError(
                f"{len(unnamed)} classes, {unnamed[0]!r} first, are called by WordNet ids that "
                "are not of ImageNet-1k, which no prior knows: give readable names, as a CSV "
                "file class_names='FILE'"
            )
        return names

    def view_of(self, size: tuple[int, int]) -> View:
        """What views of images of this size vary.

        Raises:
            RequestError: they cannot, at this size.
        """
        view = parse_view(self.view, size)
        if self.view == "auto" and self.pictures_each == self.views > 1:
            # Each view has a picture of its own, and labels of mixed ones teach less.
            view = replace(view, cutmix=0)
        try:
            view.check_size(size[1], size[0])
        except HeaderError as error:
            raise RequestError(
                f"images of {size[0]}x{size[1]} pixels are too small to be cropped; choose "
                "another view or a larger size"
            ) from error
        return view

    def check_classes(self, count: int, ipc: int) -> None:
        """Refuse a number of classes, of so many images, that these options cannot be met for.

        Raises:
            RequestError: saying what to change.
        """
        if self.labels == "soft" and count > MAX_LABEL_CLASSES:
            raise RequestError(
                f"{count} classes are too many for stored soft labels, which take at most "
                f"{MAX_LABEL_CLASSES}; use labels='teacher' or labels='hard'"
            )
        if count * ipc * self.views > MAX_ROWS:
            raise RequestError(
                f"{count} classes x ipc={ipc} x views={self.views} are more than the "
                f"{MAX_ROWS} labels that an artifact may have; ask for fewer"
            )

    def options_used(self) -> dict[str, Any]:
        """The options that bear on this artifact, without paths."""
        hidden = {"prior", "profile", "teacher", "options", "size"}
        if self.labels != "teacher":
            hidden.add("teacher_bits")
        if not self.filled_by.generates:
            hidden.add("variations")
        if self.labels == "hard":
            hidden.add("label_temperature")
        if self.labels != "soft":
            hidden |= {"label_layers", "label_quality", "label_bytes"}
        elif self.label_bytes is not None:
            hidden.add("label_quality")
        values = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.metadata.get("role") in ("content", "coding") and f.name not in hidden
        }
        if "patch_codec" in values:
            values["patch_codec"] = self.patches.codec
            values["quality"] = self.patches.used_quality
        return {name: value for name, value in values.items() if value is not None}

    def job_key(self) -> dict[str, Any]:
        """The options that finished parts follow from, as plain JSON values.

        Sources, teachers and priors are not among them: their content is, not their place. Nor is
        how labels are coded, once the teacher has given them.
        """
        hidden = {"prior", "teacher", "size"}
        values = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.metadata.get("role") in ("content", "machine") and f.name not in hidden
        }
        return {**values, "options": self.filled_by.to_map()}


def as_encode(name: str) -> Any:
    """A dataclass field that is an option as an encode has it, with its default, help and bounds.

    Args:
        name: of the option.
    """
    one = EncodeOptions.__dataclass_fields__[name]
    return field(default=one.default, metadata=one.metadata)


def _check_size(size: Any) -> None:
    sides = (size, size) if type(size) is int else size
    if sides is None:
        return
    ok = isinstance(sides, tuple) and len(sides) == 2
    if not ok or not all(type(side) is int and 1 <= side <= MAX_SIDE for side in sides):
        raise RequestError(
            f"size={shown(size)} is not allowed: it must be a number of pixels, or (width, "
            f"height), within 1..{MAX_SIDE}"
        )


def _check_teacher(teacher: Any) -> None:
    if isinstance(teacher, str) and teacher:
        return
    from torch import nn

    from ddcodec.classifiers.teacher import Teacher

    if isinstance(teacher, nn.Module):
        raise RequestError(
            "a torch module says neither which classes its outputs are nor how its pictures are "
            "normalised: give teacher=ddcodec.Teacher.from_module(module, classes=[...], "
            "mean=[...], std=[...], size=...)"
        )
    if not isinstance(teacher, Teacher):
        raise RequestError(
            f"a teacher cannot be a {type(teacher).__name__} or empty: it must be auto, a folder, "
            "a hub id, timm:NAME, or a ddcodec.Teacher, which ddcodec.Teacher.from_module(...) "
            "makes of any torch module"
        )
