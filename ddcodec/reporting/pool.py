"""Training pictures of an artifact's classes in a random order, as a folder that encodes read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from ddcodec.artifact import Artifact
from ddcodec.encoding.encode import encode
from ddcodec.randomness import derive_seed, shuffled
from ddcodec.reporting.check import check_training_classes
from ddcodec.sources.folder import ImageFolder

__all__ = ["Pool"]


class Pool:
    """Randomly chosen training pictures of the artifact's classes, as a folder of links.

    The choice is made once, so that no trial has to list and hash the whole training folder.

    Args:
        artifact: whose classes, views and size encodes have.
        source: the training folder.
        folder: where the links go.
        most: pictures per class that are wanted, if there are as many; by default all.
        seed: of the choice.

    Attributes:
        smallest: pictures of the smallest class.
        limit: pictures per class in the folder.

    Raises:
        SourceError: the training folder lacks a class of the artifact.
    """

    def __init__(
        self,
        artifact: Artifact,
        source: ImageFolder,
        folder: Path,
        *,
        most: int | None = None,
        seed: int = 0,
    ) -> None:
        check_training_classes(source, artifact)
        self.artifact, self.folder, self.seed = artifact, folder, seed
        index = {name: i for i, name in enumerate(source.classes)}
        self.smallest = min(len(source.files[index[name]]) for name in artifact.classes)
        self.limit = self.smallest if most is None else min(self.smallest, most)
        for name in artifact.classes:
            files = source.files[index[name]]
            order = shuffled(derive_seed(seed, name), len(files))[: self.limit]
            (folder / name).mkdir(parents=True)
            for rank, i in enumerate(order):
                _link(files[int(i)], folder / name / f"{rank:07d}{files[int(i)].suffix.lower()}")

    def options(self, ipc: int, **more: Any) -> dict[str, Any]:
        """Of an encode of ``ipc`` random pictures per class."""
        recipe = self.artifact.recipe
        return {
            "method": "random",
            "ipc": ipc,
            "views": recipe.views,
            "seed": self.seed,
            "view": recipe.view.describe(),
            "size": recipe.size,
            "force": True,
            **more,
        }

    def encode(self, ipc: int, out: Path, **more: Any) -> int:
        """Write an artifact of ``ipc`` random pictures per class; returns its bytes."""
        return encode(self.folder, out, **self.options(ipc, **more)).file_len


def _link(source: Path, target: Path) -> None:
    try:
        os.symlink(source.resolve(), target)
    except OSError:
        # Not every file system has links.
        shutil.copyfile(source, target)
