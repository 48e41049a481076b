"""What a method is given, what it returns, and how its options are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ddcodec.codecs.mosaic import MosaicWebp
from ddcodec.container import Box, NewSection
from ddcodec.errors import EncodeError, SourceError
from ddcodec.prior.pin import PriorPin
from ddcodec.randomness import derive_seed, shuffled
from ddcodec.recipe import Synthesis
from ddcodec.source import LoadReport, Source, load_image
from ddcodec.synthesis.layout import Layout
from ddcodec.work import WorkFolder

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher
    from ddcodec.prior.load import Prior

__all__ = [
    "Content",
    "Job",
    "Method",
    "class_order",
    "patch_sections",
    "prefix_groups",
    "readable_images",
    "too_few",
]

Progress = Callable[[str, int, int], None]

# The field reports IPC 1, 10, 50: prefixes at these lengths are cut without re-encoding.
PREFIXES = (1, 10, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class Job:
    """One encode, as a method sees it.

    Attributes:
        size: (width, height) of a training image.
        teacher, prior: called when needed; the first call loads.
        work: finished pieces go here.
        quality: lossy quality of stored patches, 1..100.
        flip: whether pictures of this set may be mirrored.
    """

    source: Source
    size: tuple[int, int]
    ipc: int
    seed: int
    quality: int
    teacher: Callable[[], Teacher]
    prior: Callable[[], Prior]
    work: WorkFolder
    flip: bool = True
    report: LoadReport = field(default_factory=LoadReport)
    progress: Progress | None = None

    def tell(self, what: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(what, done, total)


@dataclass(frozen=True)
class Content:
    """What a method puts into an artifact, short of seeds, labels and pixel digests."""

    synthesis: Synthesis
    layout: Layout
    sections: Sequence[NewSection]
    prior: PriorPin | None = None
    info: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Method(ABC):
    """One way to fill an artifact. Options are the whole-number fields of the subclass."""

    name: ClassVar[str]
    uses_teacher: ClassVar[bool]
    uses_prior: ClassVar[bool]

    @classmethod
    def from_options(cls, options: Mapping[str, str]) -> Method:
        """Read ``key=value`` options; raises EncodeError naming what is unknown or malformed."""
        known = [f.name for f in fields(cls)]
        values: dict[str, int] = {}
        for key, text in options.items():
            if key not in known:
                raise EncodeError(
                    f"method {cls.name} has no option {key!r}; it has: {', '.join(known) or 'none'}"
                )
            try:
                values[key] = int(text)
            except ValueError as error:
                raise EncodeError(f"option {key}={text!r} is not a whole number") from error
        return cls(**values)

    @abstractmethod
    def fill(self, job: Job) -> Content:
        """Do the work; every finished piece is kept in ``job.work``."""

    @abstractmethod
    def plan(self, job: Job) -> dict[str, int]:
        """Expected stored bytes by section kind, from a look at a few images."""


def class_order(job: Job, class_index: int) -> NDArray[np.int64]:
    """A seeded order of a class's files, whatever their order on disk."""
    name = job.source.classes[class_index]
    return shuffled(derive_seed(job.seed, name), len(job.source.files[class_index]))


def readable_images(
    job: Job, class_index: int, size: tuple[int, int] | None
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """(file index, image) of a class in its seeded order; damaged files are counted and skipped."""
    files = job.source.files[class_index]
    for i in class_order(job, class_index):
        try:
            image = load_image(files[i], size, job.report)
        except SourceError:
            job.report.add(files[i], ["corrupt"])
            continue
        yield int(i), image


def too_few(job: Job, class_index: int, found: int, wanted: int) -> EncodeError:
    """The error for a class with fewer usable images, or patches, than the IPC asks for."""
    name = job.source.classes[class_index]
    return EncodeError(
        f"class {name!r} has {found} usable images or patches, but --ipc {job.ipc} needs {wanted}; "
        "lower --ipc or add images"
    )


def prefix_groups(total: int) -> Iterator[tuple[int, int]]:
    """(start, count) groups of slots whose ends are the usual prefixes."""
    start = 0
    for end in (*PREFIXES, *range(2000, total + 1000, 1000)):
        if start >= total:
            return
        end = min(end, total)
        yield start, end - start
        start = end


def patch_sections(
    patches: NDArray[np.uint8], class_index: int, ipc: int, quality: int
) -> list[NewSection]:
    """Mosaics of one class, one for each group of slots.

    Args:
        patches: uint8[ipc * patches per slot, h, w, 3], by slot.
    """
    codec = MosaicWebp(width=patches.shape[2], height=patches.shape[1], quality=quality)
    per = len(patches) // ipc
    return [
        NewSection(
            "patches",
            codec.spec(),
            Box(class_index, 1, start, count, 0, 0),
            codec.encode(patches[start * per : (start + count) * per]),
        )
        for start, count in prefix_groups(ipc)
    ]
