"""The tensor that track 1 of the ECCV 2024 contest takes (format ``contest``).

Source: DataDistillation/ECCV2024-Dataset-Distillation-Challenge, evaluate.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from ddcodec.errors import RequestError
from ddcodec.exchange.exporting.selection import Selection
from ddcodec.exchange.exporting.statistics import CIFAR100, IMAGENET, Normalisation
from ddcodec.exchange.exporting.tensors import TensorFormat, check_is_whole, described, save
from ddcodec.recipe.head import Recipe

__all__ = ["Contest"]

IPC = 10


class _Part(NamedTuple):
    file: str
    classes: int
    side: int
    statistics: Normalisation


_PARTS = (
    _Part("cifar100.pt", 100, 32, CIFAR100),
    _Part("tinyimagenet.pt", 200, 64, IMAGENET),
)


class Contest(TensorFormat):
    """``cifar100.pt`` or ``tinyimagenet.pt``, by the size of the pictures: a tensor, no labels."""

    name = "contest"
    summary = "one bare float32 tensor, as track 1 of the ECCV 2024 contest takes it; IPC 10"
    takes = ()
    labels = "none: image i is of class i // 10, the classes in the order of their names"

    def normalisation(self, recipe: Recipe) -> Normalisation:
        return self._part(recipe).statistics

    def _part(self, recipe: Recipe) -> _Part:
        for part in _PARTS:
            if recipe.size == (part.side, part.side):
                return part
        raise RequestError(
            f"the contest takes CIFAR-100 of 32 x 32 and Tiny ImageNet of 64 x 64 pixels, not "
            f"{recipe.width} x {recipe.height}"
        )

    def check(self, selection: Selection) -> None:
        head, data = selection.artifact.head, selection.data
        part = self._part(head.recipe)
        if selection.class_count != part.classes:
            raise RequestError(
                f"{part.file} has {part.classes} classes, and this artifact "
                f"{selection.class_count}: export to mtt, which takes any number"
            )
        check_is_whole(self.name, selection)
        if list(head.classes) != sorted(head.classes):
            raise RequestError(
                "the contest numbers classes in the order of their names, and this artifact has "
                "another order: encode from folders of the classes' own names"
            )
        if data.ipc != IPC:
            raise RequestError(
                f"the contest takes {IPC} images per class, not {data.ipc}: choose ipc={IPC}, or "
                "encode as many"
            )

    def write(self, selection: Selection, folder: Path) -> dict[str, Any]:
        file = self._part(selection.artifact.recipe).file
        images, _, used = self.tensors(selection, "none")
        save(images, folder / file)
        return described(used, images=file)
