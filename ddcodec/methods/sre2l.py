"""sre2l: images that are optimised against the teacher (squeeze, recover, relabel).

SRe2L (arXiv 2306.13092), as VILA-Lab/SRe2L 8d00cba does it: the teacher is the squeezed data set;
images are recovered from it, one of each class in a batch, and relabelled by it. Large images take
4,000 iterations at a rate of .25 and weigh statistics by .01; small ones 1,000 at .1 and .05. With
``curriculum`` the crops begin as whole images and shrink (CDA, arXiv 2311.18838).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ddcodec.arrays import Array, Float32s, Int64s, UInt8s
from ddcodec.devices import computing_threads
from ddcodec.errors import RequestError
from ddcodec.methods.base import (
    Content,
    Job,
    Method,
    expected_patch_bytes,
    readable_images,
)
from ddcodec.methods.options import option
from ddcodec.methods.patch_mosaics import most_slots, patch_sections
from ddcodec.methods.pieces import each_piece
from ddcodec.methods.stages import Stage, seconds_each
from ddcodec.randomness import derive_seed, shuffled
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.synthesis import Stored

if TYPE_CHECKING:
    from ddcodec.methods.recovery import Recovery

__all__ = ["SRe2L"]

_SMALL = 128  # the published settings are for 32 and 64 pixels, and for 224
_DETAIL = 1.6  # bytes of a recovered image to those of a real one (CIFAR-10, at any quality)


@dataclass(frozen=True)
class SRe2L(Method):
    """Images optimised until the teacher sees in them what it saw in training."""

    name: ClassVar[str] = "sre2l"
    summary: ClassVar[str] = "Images optimised against the teacher (arXiv 2306.13092)."
    uses_teacher: ClassVar[bool] = True
    trains: ClassVar[bool] = True

    iterations: int | None = option(
        None, "Steps of the optimisation; by default 4000, or 1000 below 128 pixels.", low=1
    )
    lr: float | None = option(
        None, "Its rate; by default 0.25, or 0.1 below 128 pixels.", low=1e-6, high=100.0
    )
    matching: float | None = option(
        None,
        "Weight of the distance from the teacher's statistics; by default 0.01, or 0.05 below 128 "
        "pixels.",
        low=0.0,
        high=1000.0,
    )
    min_scale: float = option(
        0.08, "Smallest area of a crop, as a share of the image's.", low=0.0001, high=1.0
    )
    curriculum: float = option(
        0.0,
        "Share of the steps in which crops shrink from whole images to the smallest; CDA takes 1.",
        low=0.0,
        high=1.0,
    )
    batch: int = option(100, "Most images that are optimised together.", low=2)
    sample: int = option(
        2000,
        "Real images that statistics are measured on, where the teacher has kept none.",
        low=1,
    )

    def check(self, job: Job) -> None:
        super().check(job)
        most_slots(job.size, 1, job.patches)
        if job.trains_teacher:  # a ConvNet, which has group normalisation
            return
        from ddcodec.methods.recovery import normalising_layers

        if not normalising_layers(job.teacher().module):
            raise RequestError(
                f"sre2l matches statistics of batch or group normalisation, and the teacher "
                f"{job.teacher().arch} has neither: use a ResNet or a ConvNet, such as those that "
                "ddcodec trains"
            )

    def fill(self, job: Job) -> Content:
        classes, (width, height) = len(job.source.classes), job.size
        images = np.empty((classes, job.ipc, height, width, 3), np.uint8)
        groups = self._groups(job)
        recovered = partial(self._recovered, self._moments(job))
        pieces = each_piece(job, "groups", self.name, recovered, range(len(groups)))
        for rows, piece in zip(groups, pieces, strict=True):
            images[rows[:, 0], rows[:, 1]] = piece["images"]
        sections = patch_sections(images, job.ipc, job.patches)
        return Content(Stored(), Layout("single", 1), sections)

    def estimate(self, job: Job) -> dict[str, int]:
        # Real images stand in for those that a plan cannot wait for, which have more detail.
        images = job.ipc * len(job.source.classes)
        return {"patches": round(_DETAIL * expected_patch_bytes(job, job.size) * images)}

    def stages(self, job: Job) -> list[Stage]:
        from ddcodec.methods.recovery import layer_moments, recover

        settings, rows = self.settings(job, 0), self._groups(job)[0]
        few = replace(self, sample=len(job.source.classes))
        moments = layer_moments(job.teacher(), partial(few._real, job))

        def run(images: int) -> None:
            once = replace(settings, iterations=1)
            recover(job.teacher(), rows[:images, 0], moments, once)

        steps = settings.iterations * job.ipc * len(job.source.classes)
        return [Stage("recovery", steps * seconds_each(run, len(rows)))]

    def settings(self, job: Job, seed: int) -> Recovery:
        """Settings of a recovery: those given, or the published ones for this size."""
        from ddcodec.methods.recovery import Recovery

        small = min(job.size) < _SMALL
        return Recovery(
            size=job.size,
            iterations=self.iterations or (1000 if small else 4000),
            lr=self.lr or (0.1 if small else 0.25),
            matching=(0.05 if small else 0.01) if self.matching is None else self.matching,
            min_scale=self.min_scale,
            curriculum=self.curriculum,
            flip=job.flip,
            seed=seed,
        )

    def _groups(self, job: Job) -> list[Int64s]:
        """int64[n, 2] of class and slot: images that are optimised together.

        A slot of every class, in a seeded order, before the next slot: statistics are those of
        all classes, and neighbours in the list of classes are often alike.
        """
        classes = len(job.source.classes)
        rows = [
            (c, slot)
            for slot in range(job.ipc)
            for c in shuffled(derive_seed(job.seed, f"sre2l order {slot}"), classes).tolist()
        ]
        return np.array_split(np.array(rows, np.int64), -(-len(rows) // self.batch))

    def _moments(self, job: Job) -> list[Float32s]:
        from ddcodec.methods.recovery import layer_moments

        def find() -> dict[str, Array]:
            found = layer_moments(job.teacher(), partial(self._real, job))
            return {f"{layer:05d}": both for layer, both in enumerate(found)}

        piece = job.work.piece("sre2l-moments", find)
        return [piece[layer] for layer in sorted(piece)]

    def _real(self, job: Job) -> UInt8s:
        """About ``sample`` images of the source, the first of each class in a seeded order."""
        classes = len(job.source.classes)
        each = -(-self.sample // classes)
        found = [
            image
            for c in range(classes)
            for _, image in islice(readable_images(job, c, job.size), each)
        ]
        return np.stack(found)

    def _recovered(self, moments: list[Float32s], job: Job, number: int) -> dict[str, Array]:
        from ddcodec.methods.recovery import recover

        settings = self.settings(job, derive_seed(job.seed, f"sre2l {number}"))
        groups = self._groups(job)
        classes = groups[number][:, 0]
        before, total = number * settings.iterations, len(groups) * settings.iterations

        def tell(done: int, _: int) -> None:
            job.tell("recovery", before + done, total)

        saved = job.work.checkpoint(f"{self.name}-{number:05d}")
        with computing_threads(job.threads):
            found = recover(job.teacher(), classes, moments, settings, tell, saved)
        return {"images": found.images, "losses": found.losses}
