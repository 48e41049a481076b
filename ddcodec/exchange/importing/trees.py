"""Label trees of FKD's form as the labels of imported pictures."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np

from ddcodec.arrays import Int64s, Progress
from ddcodec.encoding.given import GivenLabels
from ddcodec.errors import RequestError
from ddcodec.exchange.fkd.labels import TEMPERATURE, read_labels
from ddcodec.exchange.importing.options import ImportOptions
from ddcodec.exchange.importing.reading import Pictures
from ddcodec.sources.folder import ImageFolder

__all__ = ["TreeProvider"]


class TreeProvider:
    """Labels and stored views of a tree; see :func:`ddcodec.exchange.fkd.read_labels`.

    Args:
        tree: the folder of the tree.
        target: the artifact to be, beside which what is read is kept until it is written.
        options: of the import.
    """

    def __init__(self, tree: str | os.PathLike[str], target: Path, options: ImportOptions) -> None:
        self._tree, self._options = tree, options
        self._work = target.with_name(target.name + ".labels")

    def __call__(self, pictures: Pictures, ipc: int) -> GivenLabels:
        options = self._options
        if max(pictures.counts) != ipc:
            raise RequestError(
                f"a label tree labels every picture, and some of a class have no place among "
                f"{ipc:,} per class: give the pictures that it labels, no more"
            )
        progress: Progress | None = options.progress if callable(options.progress) else None
        size = pictures.native_size()
        found = read_labels(
            self._tree,
            classes=len(pictures.classes),
            ipc=ipc,
            size=size,
            work=self._work,
            order=_order(pictures, ipc),
            views=options.views,
            temperature=TEMPERATURE,
            progress=progress,
        )
        return GivenLabels(
            found.logits,
            found.digest,
            found.temperature,
            found.view,
            found.sections,
            None if found.listed is None else found.lists,
        )

    def remove(self) -> None:
        """Remove what was read, once it is in the artifact."""
        shutil.rmtree(self._work, ignore_errors=True)


def _order(pictures: Pictures, ipc: int) -> Int64s:
    """The row of each image as the tree counts them: by the names of folders, as text."""
    classes = range(len(pictures.classes))
    if isinstance(pictures, ImageFolder):
        folders = pictures.folders
        classes_by_name = sorted(classes, key=lambda c: folders[c].name)
        return (np.array(classes_by_name)[:, None] * ipc + np.arange(ipc)).reshape(-1)
    return np.arange(len(classes) * ipc)
