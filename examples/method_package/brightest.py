"""A method in a package of its own: the brightest pictures of each class."""

from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

import numpy as np

from ddcodec.arrays import UInt8s
from ddcodec.methods.base import Content, Job, Method, each_class, readable_images, too_few
from ddcodec.methods.options import option
from ddcodec.methods.patch_mosaics import patch_sections
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.synthesis import Stored


@dataclass(frozen=True)
class Brightest(Method):
    name: ClassVar[str] = "brightest"
    summary: ClassVar[str] = "The brightest pictures of each class, as mosaics."
    stores_pictures: ClassVar[bool] = True
    images: int = option(300, "Pictures of a class that are looked at.", low=1)

    def fill(self, job: Job) -> Content:
        images = each_class(job, "images", lambda c: self._brightest(job, c))
        sections = patch_sections(images, job.ipc, job.patches)
        return Content(Stored(), Layout("single", 1), sections)

    def estimate(self, job: Job) -> dict[str, int]:
        return {"patches": job.size[0] * job.size[1] * job.ipc * len(job.source.classes) // 8}

    def _brightest(self, job: Job, class_index: int) -> UInt8s:
        readable = readable_images(job, class_index, job.size)
        found = [image for _, image in islice(readable, self.images)]
        if len(found) < job.ipc:
            raise too_few(job, class_index, len(found), job.ipc)
        found.sort(key=lambda image: -float(image.mean()))
        return np.stack(found[: job.ipc])
