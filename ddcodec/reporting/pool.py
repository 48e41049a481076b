"""Training pictures of an artifact's classes in a random order, as a source that encodes read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ddcodec.artifact import Artifact
from ddcodec.encoding.encode import Encoder
from ddcodec.encoding.options import EncodeOptions
from ddcodec.randomness import derive_seed, shuffled
from ddcodec.reporting.check import check_training_classes
from ddcodec.sources.listed import ListedSource

__all__ = ["Pool"]


class Pool:
    """Randomly chosen training pictures of the artifact's classes.

    The choice is made once, so that no trial has to list and hash all training pictures.

    Args:
        artifact: whose classes, views and size encodes have.
        source: the training pictures.
        most: pictures per class that are wanted, if there are as many; by default all.
        seed: of the choice.

    Attributes:
        smallest: pictures of the smallest class.
        limit: pictures per class in the pool.
        source: the pool.

    Raises:
        SourceError: the training pictures lack a class of the artifact.
    """

    def __init__(
        self, artifact: Artifact, source: ListedSource, *, most: int | None = None, seed: int = 0
    ) -> None:
        check_training_classes(source, artifact)
        self.artifact, self.seed = artifact, seed
        # As a folder of them would be read, whatever the order of the artifact's classes is.
        names = sorted(artifact.classes)
        own = source.with_classes([source.classes.index(name) for name in names])
        self.smallest = min(own.counts)
        self.limit = self.smallest if most is None else min(self.smallest, most)
        orders = (
            shuffled(derive_seed(seed, name), count)
            for name, count in zip(own.classes, own.counts, strict=True)
        )
        self.source = own.with_pictures([order[: self.limit].tolist() for order in orders])

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
        options = EncodeOptions(**self.options(ipc, **more))
        return Encoder(self.source, out, options).run().file_len
