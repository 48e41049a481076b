"""A method in a package of its own: the brightest pictures of each class."""

from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

import numpy as np

from ddcodec.methods.base import Content, Job, Method, patch_sections, readable_images, too_few
from ddcodec.methods.options import option
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.synthesis import Stored


@dataclass(frozen=True)
class Brightest(Method):
    name: ClassVar[str] = "brightest"
    summary: ClassVar[str] = "The brightest pictures of each class, as WebP mosaics."
    stores_pictures: ClassVar[bool] = True
    images: int = option(300, "Pictures of a class that are looked at.", low=1)

    def fill(self, job: Job) -> Content:
        sections = []
        for c in range(len(job.source.classes)):
            found = [image for _, image in islice(readable_images(job, c, job.size), self.images)]
            if len(found) < job.ipc:
                raise too_few(job, c, len(found), job.ipc)
            found.sort(key=lambda image: -float(image.mean()))
            sections += patch_sections(np.stack(found[: job.ipc]), c, job.ipc, job.quality)
            job.tell("images", c + 1, len(job.source.classes))
        return Content(Stored(), Layout("single", 1), sections)

    def estimate(self, job: Job) -> dict[str, int]:
        return {"patches": job.size[0] * job.size[1] * job.ipc * len(job.source.classes) // 8}
