"""The base of coresets: whole images of the source, the highest ranking of each class.

A subclass says what it looks at and how it ranks. A ranking is the order of slots, and a shorter
one is the beginning of a longer one, so that one encode serves every smaller IPC by slicing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np

from ddcodec.arrays import Float32s, Int64s, UInt8s
from ddcodec.methods.base import (
    Content,
    Job,
    Method,
    check_features,
    readable_images,
    too_few,
)
from ddcodec.methods.options import option
from ddcodec.methods.patch_mosaics import most_slots, patch_sections
from ddcodec.methods.pieces import each_piece
from ddcodec.methods.random_images import RandomImages
from ddcodec.methods.stages import Stage, seconds_each
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.synthesis import Stored

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher

__all__ = ["Look", "RankedByFeatures", "RankedImages"]

Look: TypeAlias = Callable[[UInt8s, int], Float32s]
"""(images uint8[n, h, w, 3], class index) -> what their ranking goes by, float32[n, d]."""

# Images that are in memory at a time: a class may have more than there is room for.
_BATCH = 256


@dataclass(frozen=True)
class RankedImages(Method):
    """The ``ipc`` images of each class that rank first, as mosaics."""

    stores_pictures: ClassVar[bool] = True

    images: int | None = option(
        None, "Images of a class that are looked at, in a seeded order; by default all.", low=1
    )

    @abstractmethod
    def look(self, job: Job) -> Look:
        """What the ranking goes by, as a function of images that can be sent to workers."""

    @abstractmethod
    def rank(self, seen: Float32s, count: int) -> Int64s:
        """The ``count`` first of the images whose ``look`` is float32[n, d], n >= count, in order.

        Ties go to the earlier image; a smaller ``count`` gives the beginning of this.
        """

    def check(self, job: Job) -> None:
        super().check(job)
        most_slots(job.size, 1, job.patches)

    def fill(self, job: Job) -> Content:
        pieces = each_piece(job, "coreset", self.name, partial(self._chosen, self.look(job)))
        sections = patch_sections((p["images"] for p in pieces), job.ipc, job.patches)
        return Content(Stored(), Layout("single", 1), sections)

    def estimate(self, job: Job) -> dict[str, int]:
        # Random images stand in for chosen ones: a plan must not train a teacher.
        return RandomImages().estimate(job)

    def stages(self, job: Job) -> list[Stage]:
        return [Stage("coreset", self.looking_seconds(job, self.look(job)))]

    def looking_seconds(self, job: Job, look: Look) -> float:
        """About how long it takes to look at the images of all classes."""

        def run(count: int) -> None:
            _, images = next(_batches(islice(readable_images(job, 0, job.size), count)))
            look(images, 0)

        most = max(job.source.counts) if self.images is None else max(self.images, job.ipc)
        looked_at = [min(n, most) for n in job.source.counts]
        return sum(looked_at) * seconds_each(run, min(_BATCH, max(looked_at)))

    def _chosen(self, look: Look, job: Job, class_index: int) -> dict[str, UInt8s]:
        """The chosen images of a class, uint8[ipc, h, w, 3], by rank."""
        most = max(self.images or job.source.counts[class_index], job.ipc)
        numbers, seen = list[int](), list[Float32s]()
        for some, images in _batches(islice(readable_images(job, class_index, job.size), most)):
            numbers += some
            seen.append(look(images, class_index))
        if len(numbers) < job.ipc:
            raise too_few(job, class_index, len(numbers), job.ipc)
        ranking = self.rank(np.concatenate(seen), job.ipc)
        chosen = [job.source.read(class_index, numbers[i], job.size)[0] for i in ranking]
        return {"images": np.stack(chosen)}


@dataclass(frozen=True)
class RankedByFeatures(RankedImages):
    """A coreset that is ranked by features of the teacher."""

    uses_teacher: ClassVar[bool] = True

    def check(self, job: Job) -> None:
        super().check(job)
        check_features(job)

    def look(self, job: Job) -> Look:
        return partial(_features, job.teacher())


def _features(teacher: Teacher, images: UInt8s, _: int) -> Float32s:
    return teacher.features(images)


def _batches(images: Iterator[tuple[int, UInt8s]]) -> Iterator[tuple[list[int], UInt8s]]:
    """(numbers, uint8[n, h, w, 3]) of the next few images each."""
    while some := list(islice(images, _BATCH)):
        yield [number for number, _ in some], np.stack([image for _, image in some])
