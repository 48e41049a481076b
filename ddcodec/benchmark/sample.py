"""A few pictures of each class, and artifacts of them as an encode writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ddcodec.artifact import open_artifact
from ddcodec.container import write_container
from ddcodec.encoding.inputs import Inputs
from ddcodec.encoding.labelling import Labelling, hard_label_sections, seed_sections
from ddcodec.methods.base import each_class
from ddcodec.methods.patch_mosaics import PatchCoding, patch_sections
from ddcodec.methods.random_images import RandomImages
from ddcodec.methods.work import WorkFolder
from ddcodec.recipe.head import Head, Recipe
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.parts import Evaluation, LabelRecipe
from ddcodec.recipe.synthesis import Stored
from ddcodec.recipe.view import View
from ddcodec.version import __version__

__all__ = ["Sample"]


class Sample:
    """Randomly chosen pictures of each class, in memory.

    Args:
        inputs: of an encode by method ``random``, which would store these pictures.

    Attributes:
        by_class: of each class its pictures, uint8 [ipc, h, w, 3].
        pictures: all of them, uint8 [classes x ipc, h, w, 3].

    Raises:
        EncodeError: a class has fewer pictures than the IPC.
        RequestError: they are too large to be stored.
    """

    def __init__(self, inputs: Inputs) -> None:
        assert inputs.options.ipc is not None
        self.inputs, self.ipc, method = inputs, inputs.options.ipc, RandomImages()
        job = inputs.job(self.ipc)
        method.check(job)
        self.by_class = list(each_class(job, "pictures", lambda c: method.pictures(job, c)))
        self.pictures = np.concatenate(self.by_class)

    def write(self, path: Path, coding: PatchCoding, views: int = 1) -> None:
        """The artifact that an encode of these pictures writes, with hard labels, over ``path``.

        Of what may be left out, only the method and its options are.
        """
        head, info = self.head(views), {"tool": f"ddcodec {__version__}"}
        sections = [
            *patch_sections(self.by_class, self.ipc, coding),
            *seed_sections(head, self.inputs.options.seed),
            *hard_label_sections(head),
        ]
        write_container(path, head=head.to_map(), sections=sections, overwrite=True)
        with open_artifact(path) as draft:
            work = WorkFolder()
            labelling = Labelling(draft, work, prior=None, device="cpu", progress=None)
            sections += labelling.pixel_sections()
        write_container(path, head=head.to_map(), sections=sections, info=info, overwrite=True)

    def head(self, views: int) -> Head:
        """The head of such an artifact."""
        inputs, classes = self.inputs, self.inputs.source.classes
        recipe = Recipe(
            size=inputs.size,
            ipc=self.ipc,
            views=views,
            variations=1,
            synthesis=Stored(),
            layout=Layout("single", 1),
            view=inputs.view if views > 1 else View("identity"),
            labels=LabelRecipe("hard"),
            evaluation=self._evaluation(),
        )
        whole = ((0, len(classes)),)
        names = None if inputs.names == classes else inputs.names
        return Head(classes, whole, whole, recipe, None, names)

    def _evaluation(self) -> Evaluation:
        values = self.pictures.reshape(-1, 3) / 255
        red, green, blue = (
            (round(65536 * float(one.mean())), max(1, round(65536 * float(one.std()))))
            for one in values.T
        )
        return Evaluation((red[0], green[0], blue[0]), (red[1], green[1], blue[1]), "ddz")
