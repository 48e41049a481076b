"""Test pictures, matched to an artifact's classes by name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ddcodec.arrays import Int64s, UInt8s
from ddcodec.artifact import Artifact
from ddcodec.errors import MissingSourceError, RequestError, SourceError
from ddcodec.sources.folder import ImageFolder, scan
from ddcodec.sources.layout import training_split
from ddcodec.sources.pictures import LoadReport
from ddcodec.sources.source import load_images

__all__ = ["TestFolder", "TestSet", "find_train_folder"]

_Loaded = tuple[UInt8s, Int64s]


@dataclass(frozen=True)
class TestSet:
    """Test pictures of one artifact's classes.

    Attributes:
        images: uint8[n, h, w, 3].
        labels: int64[n], indices into ``artifact.head.classes``.
        notes: what a reader of the figures should know, one sentence each.
    """

    __test__ = False  # not a test case, whatever pytest makes of the name

    images: UInt8s
    labels: Int64s
    notes: tuple[str, ...] = ()


@dataclass
class TestFolder:
    """A folder of test pictures, read once for each size of picture and choice of classes."""

    __test__ = False

    source: ImageFolder
    report: LoadReport = field(default_factory=LoadReport)
    _loaded: dict[tuple[tuple[int, int], tuple[int, ...]], _Loaded] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> TestFolder:
        """A folder of class folders, or one that holds them as its test or validation split.

        Raises:
            SourceError: no classes there, or only a training split.
        """
        return cls(scan(folder, split="test"))

    def for_artifact(self, artifact: Artifact, within: Sequence[str] = ()) -> TestSet:
        """The test pictures of the classes that have rows, at the artifact's size.

        ``within`` names further classes that the folder may have: a baseline knows only the
        classes of a subset, while the folder has those of the whole.

        Raises:
            SourceError: a class of the artifact has no test pictures.
            RequestError: the folder has classes the artifact does not name.
        """
        known = {name: index for index, name in enumerate(self.source.classes)}
        missing = [name for name in artifact.classes if name not in known]
        if missing:
            raise SourceError(
                f"no test pictures of {_some(missing)}: the folders in {self.source.root.name} "
                f"are called {_some(self.source.classes)}; rename them as the artifact's classes"
            )
        named = {*artifact.head.classes, *within}
        foreign = [name for name in self.source.classes if name not in named]
        if foreign:
            raise RequestError(
                f"the test folder has classes the artifact does not name: {_some(foreign)}; "
                "test it on a folder of its own classes"
            )
        wanted = tuple(known[name] for name in artifact.classes)
        key = artifact.recipe.size, wanted
        if key not in self._loaded:
            self._loaded[key] = load_images(
                self.source,
                artifact.recipe.size,
                wanted,
                on_error="skip",
                report=self.report,
            )
        images, own = self._loaded[key]
        to_head = np.full(len(self.source.classes), -1, np.int64)
        to_head[list(wanted)] = artifact.head.row_classes
        notes = list(self.report.describe())
        if artifact.info.get("source") == bytes.fromhex(self.source.fingerprint):
            notes.append(
                "the test pictures are those that the artifact was made from: accuracies on other "
                "pictures are lower"
            )
        left_out = len(self.source.classes) - len(wanted)
        if left_out:
            notes.append(
                f"the artifact holds {len(wanted)} of {len(self.source.classes)} classes: only "
                "their test pictures are used, and only they can be predicted"
            )
        return TestSet(images, to_head[own], tuple(notes))


def find_train_folder(
    train: str | os.PathLike[str] | None, test: str | os.PathLike[str]
) -> Path | None:
    """The given training folder, else the training split in or beside the test folder, else None.

    Raises:
        SourceError: a folder was given and does not exist.
    """
    if train is not None:
        if not Path(train).is_dir():
            raise MissingSourceError(f"no such training folder: {train}")
        return Path(train)
    path = Path(test).resolve()
    for place in (path, path.parent):
        folder = training_split(place)
        if folder is not None and folder != path:
            return folder
    return None


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
