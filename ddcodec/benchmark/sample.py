"""A few pictures of each class, and artifacts of them as an encode writes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ddcodec.artifact import open_artifact
from ddcodec.container import write_container
from ddcodec.encoding.drafting import Drafting
from ddcodec.encoding.inputs import Inputs
from ddcodec.encoding.plain_sections import hard_label_sections
from ddcodec.methods.base import Content, each_class
from ddcodec.methods.patch_mosaics import PatchCoding, patch_sections
from ddcodec.methods.random_images import RandomImages
from ddcodec.methods.work import WorkFolder
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.parts import Evaluation, LabelRecipe
from ddcodec.recipe.synthesis import Stored

__all__ = ["Sample"]


class Sample:
    """Randomly chosen pictures of each class, in memory.

    Args:
        inputs: of an encode by method ``random``, which would store these pictures.

    Attributes:
        ipc: pictures per class.
        by_class: of each class its pictures, uint8 [ipc, h, w, 3].
        pictures: all of them, uint8 [classes x ipc, h, w, 3].

    Raises:
        EncodeError: a class has fewer pictures than the IPC.
        RequestError: they are too large to be stored.
    """

    def __init__(self, inputs: Inputs) -> None:
        assert inputs.options.ipc is not None
        self.ipc, method = inputs.options.ipc, RandomImages()
        job = inputs.job(self.ipc)
        method.check(job)
        self.by_class = list(each_class(job, "pictures", lambda c: method.pictures(job, c)))
        self.pictures = np.concatenate(self.by_class)
        quiet = replace(inputs.options, labels="hard", omit_provenance=True, progress=None)
        self._in_views = Drafting(Inputs(inputs.source, quiet), self.ipc)
        self._plain = Drafting(Inputs(inputs.source, replace(quiet, views=1)), self.ipc)

    def write(self, path: Path, coding: PatchCoding, *, in_views: bool = False) -> None:
        """What an encode writes of these pictures, with hard labels and without provenance.

        Args:
            path: where, over what is there.
            coding: of the pictures.
            in_views: whether it has all views, or the plain pictures alone.
        """
        drafting = self._in_views if in_views else self._plain
        sections = patch_sections(self.by_class, self.ipc, coding)
        content = Content(Stored(), Layout("single", 1), sections)
        head = drafting.head(content, LabelRecipe("hard"), self._evaluation())
        base = drafting.draft(content, head, path)
        with open_artifact(path) as draft:
            pixels = drafting.labelling(draft, content, WorkFolder()).pixel_sections()
        write_container(
            path,
            head=head.to_map(),
            sections=[*base, *pixels, *hard_label_sections(head)],
            info=drafting.info(content, "", b""),
            overwrite=True,
        )

    def _evaluation(self) -> Evaluation:
        """Input statistics, without asking the teacher for its own."""
        values = self.pictures.reshape(-1, 3) / 255
        red, green, blue = (
            (round(65536 * float(one.mean())), max(1, round(65536 * float(one.std()))))
            for one in values.T
        )
        return Evaluation((red[0], green[0], blue[0]), (red[1], green[1], blue[1]), "ddz")
