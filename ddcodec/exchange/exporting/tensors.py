"""Tensors of one picture per row, as MTT and those after it save them, and their checks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ddcodec.arrays import Array, Float32s
from ddcodec.codecs.label_model import UNITS_PER_NAT
from ddcodec.errors import RequestError
from ddcodec.exchange.exporting.format import ExportFormat
from ddcodec.exchange.exporting.selection import LabelForm, Selection
from ddcodec.exchange.exporting.statistics import Normalisation, normalisation
from ddcodec.recipe.head import Recipe

if TYPE_CHECKING:
    from ddcodec.recipe.head import Head

__all__ = ["LARGEST", "TensorFormat", "check_has_logits", "check_is_whole", "save"]

LARGEST = 8 << 30
"""Most bytes of a tensor, which is held in memory."""


class TensorFormat(ExportFormat):
    """Pictures as one float32 tensor, normalised; subclasses say which files, and their labels."""

    takes: ClassVar[tuple[str, ...]] = ("classes", "statistics")

    def normalisation(self, recipe: Recipe) -> Normalisation:
        """The statistics that the project's own code applies to its test pictures."""
        return normalisation(self.options.statistics, recipe)

    def check(self, selection: Selection) -> None:
        self.normalisation(selection.artifact.recipe)
        width, height = selection.size
        size = 4 * 3 * width * height * len(selection.data)
        if size > LARGEST:
            raise RequestError(
                f"{self.name} is one tensor, which would take {size / 1e9:.0f} GB of memory: "
                "choose fewer classes or images, or export to webdataset or numpy"
            )

    def tensors(
        self, selection: Selection, labels: LabelForm
    ) -> tuple[Float32s, Float32s | None, Normalisation]:
        """All pictures, float32 [n, 3, h, w], the logits of their labels or None, the statistics.

        Logits are float32 [n, K], at temperature 1: exact, for they are multiples of 1/64.
        """
        recipe = selection.artifact.recipe
        used = self.normalisation(recipe)
        count = len(selection.data)
        images = np.empty((count, 3, recipe.height, recipe.width), np.float32)
        logits = np.empty((count, selection.class_count), np.float32)
        done = 0
        for batch in selection.batches(labels):
            rows = slice(done, done + len(batch.rows))
            images[rows] = used.apply(batch.images[:, 0])
            if batch.logits is not None:
                logits[rows] = batch.logits[:, 0].astype(np.float32) / UNITS_PER_NAT
            done = rows.stop
        return images, logits if labels == "logits" else None, used


def save(array: Array, path: Path) -> None:
    """Write an array as a tensor that ``torch.load(path, weights_only=True)`` reads."""
    import torch

    torch.save(torch.from_numpy(array), path)


def check_has_logits(name: str, head: Head) -> None:
    """Refuse an artifact whose labels are not one row of logits over all its classes.

    Raises:
        RequestError: with the reason, and what to do instead.
    """
    if not head.recipe.labels.soft:
        raise RequestError(
            f"{name} holds logits, and the labels of this artifact are hard: export to mtt, or "
            "encode with soft labels"
        )
    if len(head.origins) > 1:
        raise RequestError(
            f"{name} holds logits over all classes, and this artifact was merged of "
            f"{len(head.origins)} whose labels range over their own classes: export each of them "
            "before merging, or export to mtt or webdataset"
        )


def check_is_whole(name: str, selection: Selection) -> None:
    """Refuse a part of the classes where a reader numbers them by their place.

    Raises:
        RequestError: a class has no rows.
    """
    if not selection.is_whole:
        there, all_of_them = len(selection.data.row_classes), selection.class_count
        raise RequestError(
            f"{name} numbers classes by their place, so all {all_of_them} must be there, and this "
            f"artifact has images of {there}: export the artifact it was cut from"
        )


def described(used: Normalisation, **files: str) -> dict[str, Any]:
    """What a sidecar says of tensors: their files, and their statistics."""
    return {"files": files, **used.to_map()}
