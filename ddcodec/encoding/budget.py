"""A file within a budget of bytes: what the options leave open follows from it.

The IPC comes first, from what a picture and its labels are expected to take; then the quality of
patches, from mosaics really coded; soft labels take the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from ddcodec.arrays import Array
from ddcodec.artifact import open_artifact
from ddcodec.container import NewSection, container_length
from ddcodec.encoding.costs import costs_of, label_bytes_each
from ddcodec.encoding.drafting import Drafting
from ddcodec.encoding.expected import expected_container
from ddcodec.encoding.inputs import Inputs
from ddcodec.encoding.labelling import Labelling
from ddcodec.encoding.patch_quality import LOWEST, Patches, fit_patches, stored_size
from ddcodec.encoding.plain_sections import (
    hard_label_sections,
    seed_sections,
    stand_in_pixel_sections,
)
from ddcodec.errors import RequestError
from ddcodec.methods.base import Content
from ddcodec.methods.work import WorkFolder
from ddcodec.recipe.head import MAX_IPC, MAX_ROWS, Head
from ddcodec.recipe.parts import LabelRecipe

__all__ = ["Fitting", "check_budget", "ipc_within"]

MARGIN = 16
"""Bytes that are kept free: a header is known but for how well its checksums deflate."""

# The least that labels can be told in.
_LEAST_LABEL = 0.1
# Of a look at a few pictures.
_SAMPLE = 10

# What is told from a few pictures may be wrong by so much.
_CLEARLY = 1.2
# What a header takes is expected to a few bytes; once more with what it really took is enough.
_TRIES = 4


def ipc_within(inputs: Inputs) -> int:
    """Images per class within the budget of an encode, at the quality and label rate that pay.

    Raises:
        RequestError: not even one; it says about how many bytes that takes.
    """
    options, classes = inputs.options, len(inputs.source.classes)
    sample = min(_SAMPLE, *inputs.source.counts)
    fixed, slot = _needs(inputs, sample, label_bytes_each(classes))
    room = options.budget_bytes - fixed
    ipc = int(room / (classes * slot))
    if ipc < 1:
        least = _least(inputs)
        if options.budget_bytes < least:
            raise too_small(inputs, least)
        ipc = 1  # coarser than what pays
    most = min(MAX_IPC, MAX_ROWS // (classes * options.views))
    if inputs.method.stores_pictures:
        most = min(most, *inputs.source.counts)
    return min(ipc, most)


def too_small(inputs: Inputs, least: float) -> RequestError:
    """The error for a budget that cannot be met."""
    return RequestError(
        f"budget={inputs.options.budget!r} is too small: one image per class at the lowest "
        f"quality takes about {math.ceil(least):,} bytes; allow more, or ask for smaller pictures "
        "or fewer views"
    )


def _needs(inputs: Inputs, ipc: int, label: float) -> tuple[float, float]:
    """Expected bytes of what does not grow with the IPC, and of each slot of each class."""
    options, costs = inputs.options, costs_of(inputs, ipc)
    fixed, slot = costs.fixed, costs.slot
    if options.labels != "soft":
        return fixed, slot
    if options.label_bytes is not None:
        return fixed + options.label_bytes, slot
    return fixed, slot + options.views * label


def check_budget(inputs: Inputs, ipc: int) -> None:
    """Refuse a budget that so many images per class will not fit, before any work.

    Raises:
        RequestError: even at the lowest quality, as far as that can be told now.
    """
    if _least(inputs, ipc) > _CLEARLY * inputs.options.budget_bytes:
        raise too_small_for(inputs, ipc)


def too_small_for(inputs: Inputs, ipc: int) -> RequestError:
    """The error for a budget that an IPC does not fit."""
    return RequestError(
        f"budget={inputs.options.budget!r} is too small for ipc={ipc}, even at the lowest "
        "quality; allow more bytes, or ask for fewer images per class"
    )


def _least(inputs: Inputs, ipc: int = 1) -> float:
    """About the bytes of so many images per class at the lowest quality."""
    options = inputs.options
    coding = options.patches
    if options.quality is None and coding.codec != "png":
        coarse = replace(
            options,
            patch_codec=coding.codec,
            quality=LOWEST,
            ipc=1,
            budget=None,
            time_limit=None,
        )
        inputs = Inputs(inputs.source, coarse)
    fixed, slot = _needs(inputs, min(ipc, _SAMPLE), _LEAST_LABEL)
    return fixed + len(inputs.source.classes) * ipc * slot


class Fitting:
    """What a draft is filled with under a budget, and its labels.

    Args:
        drafting: of the encode.
        work: finished pieces go here.
    """

    def __init__(self, drafting: Drafting, work: WorkFolder) -> None:
        self.drafting, self.inputs, self.work = drafting, drafting.inputs, work
        self.options, self.ipc = drafting.options, drafting.ipc
        self.patches: Patches | None = None

    def content(self) -> Content:
        """What the method fills the artifact with, patches at a quality that fits the budget."""
        job = self.inputs.job(self.ipc, self.work)
        content = self.inputs.method.fill(job)
        patches = [section for section in content.sections if section.kind == "patches"]
        others = [section for section in content.sections if section.kind != "patches"]
        if not patches or not self._quality_is_open:
            return content
        start = job.patches.used_quality
        assert start is not None, "no quality of what loses nothing is open"

        @cache
        def code(quality: int) -> list[NewSection]:
            if quality == start:
                return patches
            coding = replace(job.patches, quality=quality)
            made = self.inputs.method.fill(replace(job, patches=coding)).sections
            return [section for section in made if section.kind == "patches"]

        def fit() -> dict[str, Array]:
            room = self._patch_room(content, stored_size(patches))
            soft = self.options.labels == "soft"
            found = fit_patches(code, room, start, exactly=not soft) if room > 0 else None
            if found is None:
                raise too_small_for(self.inputs, self.ipc)
            return {"patches": np.array(found)}

        self.patches = Patches(*self.work.piece("patches", fit)["patches"].tolist())
        return replace(content, sections=[*self.patches.sections(code), *others])

    def used(self) -> dict[str, Any]:
        """The options that followed from the budget."""
        return {} if self.patches is None else {"quality": self.patches.quality}

    @property
    def _quality_is_open(self) -> bool:
        return self.options.quality is None and self.options.patches.codec != "png"

    def _patch_room(self, content: Content, patches: int) -> int:
        """Bytes that patches may take, of content whose patches take so many."""
        options, classes = self.options, len(self.inputs.source.classes)
        labels = 0.0
        if options.labels == "soft":
            each = label_bytes_each(classes)
            labels = options.label_bytes or each * classes * self.ipc * options.views
        elif options.labels == "teacher":
            labels = self._stored_teacher_bytes(content)
        room = options.budget_bytes - self._other_bytes(content, patches, round(labels))
        if options.labels == "soft" and options.label_bytes is None:
            return round(room * patches / (patches + labels))
        return round(room - labels)

    def _other_bytes(self, content: Content, patches: int, labels: int) -> int:
        """Bytes of all but patches and labels that are not hard, and a margin."""
        head = self.drafting.head(content, self.drafting.label_recipe())
        sections = [*content.sections, *seed_sections(head, 0), *stand_in_pixel_sections(head)]
        if self.options.labels == "hard":
            sections += hard_label_sections(head)
        rest = stored_size([section for section in sections if section.kind != "patches"])
        sizes = {"patches": patches, "labels": labels, "teacher": labels}
        info = self.drafting.info(content, *self.drafting.teacher_pin())
        return rest + expected_container(self.inputs, head, info, content, sizes) + MARGIN

    def _stored_teacher_bytes(self, content: Content) -> int:
        """Of the teacher in few bits, fitted to the pictures as they are at first."""
        hard = self.drafting.head(content, LabelRecipe("hard"))
        self.drafting.draft(content, hard, self.work.draft)
        with open_artifact(self.work.draft) as draft:
            labelling = self.drafting.labelling(draft, content, self.work)
            head = self.drafting.head(content, self.drafting.label_recipe())
            return stored_size(self.drafting.soft_labels(labelling, head))

    def labels(
        self, labelling: Labelling, head: Head, content: Content, others: Sequence[NewSection]
    ) -> list[NewSection]:
        """Soft labels that take what the other sections leave of the budget."""
        options, patches = self.options, [s for s in others if s.kind == "patches"]
        most, taken = options.budget_bytes, stored_size(patches)
        guess = options.label_bytes or max(1, most - taken)
        room = most - taken - self._other_bytes(content, taken, guess)
        room = min(room, options.label_bytes or room)
        for _ in range(_TRIES):
            if room < 1:
                raise too_small_for(self.inputs, self.ipc)
            found = self.drafting.soft_labels(labelling, head, room)
            info = self.drafting.info(content, *self.drafting.teacher_pin())
            length = container_length(head=head.to_map(), sections=[*others, *found], info=info)
            if length <= most:
                return found
            room -= length - most + MARGIN
        raise too_small_for(self.inputs, self.ipc)
