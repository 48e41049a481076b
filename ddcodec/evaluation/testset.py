"""Test pictures, matched to an artifact's classes by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ddcodec.arrays import Int64s, UInt8s
from ddcodec.artifact import Artifact
from ddcodec.errors import RequestError, SourceError
from ddcodec.sources.listed import ListedSource
from ddcodec.sources.opening import AnySource, open_source, training_source
from ddcodec.sources.pictures import LoadReport
from ddcodec.sources.source import load_images

__all__ = ["TestPictures", "TestSet", "find_training"]

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
class TestPictures:
    """A source of test pictures, read once for each size of picture and choice of classes."""

    __test__ = False

    source: ListedSource
    report: LoadReport = field(default_factory=LoadReport)
    _loaded: dict[tuple[tuple[int, int], tuple[int, ...]], _Loaded] = field(default_factory=dict)

    @classmethod
    def open(cls, test: AnySource) -> TestPictures:
        """A source as of an encode; of several splits the test or validation split is taken.

        Raises:
            RequestError: it is no source, or can be read in several ways.
            SourceError: no classes there, or only a training split.
        """
        return cls(open_source(test, "test"))

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
                f"no test pictures of {_some(missing)}: the classes in {self.source.place} "
                f"are called {_some(self.source.classes)}; rename them as the artifact's classes"
            )
        named = {*artifact.head.classes, *within}
        foreign = [name for name in self.source.classes if name not in named]
        if foreign:
            raise RequestError(
                f"the test pictures have classes the artifact does not name: {_some(foreign)}; "
                "test it on pictures of its own classes"
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


def find_training(train: AnySource | None, test: AnySource) -> ListedSource | None:
    """The given training pictures, else the training split in or beside the test pictures, if any.

    Raises: as :func:`ddcodec.open_source`.
    """
    return training_source(test) if train is None else open_source(train)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
