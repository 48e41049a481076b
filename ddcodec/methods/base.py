"""The interface of methods: what one is given, and what it returns."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from ddcodec.arrays import Int64s, Progress, UInt8s
from ddcodec.container import NewSection
from ddcodec.errors import EncodeError, RequestError, SourceError
from ddcodec.methods.options import check_options, describe_value, options_of, read_options
from ddcodec.methods.patch_mosaics import PatchCoding, patch_sections
from ddcodec.methods.stages import Stage, seconds_each
from ddcodec.methods.work import WorkFolder
from ddcodec.randomness import derive_seed, shuffled
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.pin import PriorPin
from ddcodec.recipe.synthesis import Synthesis
from ddcodec.sources.pictures import LoadReport
from ddcodec.sources.source import Source
from ddcodec.workers import Pool

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher
    from ddcodec.prior.load import Prior

__all__ = [
    "Content",
    "Job",
    "Method",
    "check_features",
    "class_order",
    "each_class",
    "expected_patch_bytes",
    "read_seconds",
    "readable_images",
    "too_few",
]

# Classes whose images tell what those of all will take.
_LOOKED_AT = 10


@dataclass(frozen=True)
class Job:
    """One encode, as a method sees it.

    Attributes:
        names: what to call each class of the source, in prompts.
        size: (width, height) of a training image.
        teacher, prior: called when needed; the first call loads.
        work: finished pieces go here.
        patches: how stored patches are coded.
        flip: whether pictures of this set may be mirrored.
        trains_teacher: whether the teacher is a ConvNet that is trained when it is first asked
            for, so that looking at it takes long and is not needed.
        device: torch device of networks that the method trains itself.
        threads: of the CPU that it trains with, here and in workers; None for as many as there are.
        warn: told one sentence about what the user should know in the end.
        pool: workers that compute parts of the method; this process without one.
        sent: makes the same job in a worker; a function that can be sent there.
    """

    source: Source
    names: tuple[str, ...]
    size: tuple[int, int]
    ipc: int
    seed: int
    teacher: Callable[[], Teacher]
    prior: Callable[[], Prior]
    work: WorkFolder
    patches: PatchCoding = field(default_factory=PatchCoding)
    flip: bool = True
    trains_teacher: bool = False
    report: LoadReport = field(default_factory=LoadReport)
    progress: Progress | None = None
    device: str = "cpu"
    threads: int | None = None
    warn: Callable[[str], None] = warnings.warn
    pool: Pool | None = None
    sent: Callable[[], Job] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        assert self.sent is not None, "this job is not for workers"
        return self.sent, ()

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
    """One way to fill an artifact. Its options are the fields of the subclass.

    Class attributes:
        name: as users and the artifact's ``info`` spell it.
        summary: what it does, in one sentence.
        uses_teacher: whether :meth:`fill` asks the teacher.
        uses_prior: whether :meth:`fill` asks the prior.
        generates: whether pictures are drawn by the prior when they are decoded.
        trains: whether :meth:`fill` optimises something, so that its bits follow from the number of
            threads, too.
        stores_pictures: whether slots are filled with pictures of the source, so that a class
            must have at least as many as the IPC.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    uses_teacher: ClassVar[bool] = False
    uses_prior: ClassVar[bool] = False
    trains: ClassVar[bool] = False
    generates: ClassVar[bool] = False
    stores_pictures: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_options(self)

    @classmethod
    def from_options(cls, given: Mapping[str, Any]) -> Self:
        """The method with options from values or texts.

        Raises:
            RequestError: naming what is unknown or malformed.
        """
        return read_options(cls, given, f"method {cls.name}")

    def to_map(self) -> dict[str, Any]:
        """The options as texts and integers, for an artifact's ``info`` and the job key."""
        values = {one.name: getattr(self, one.name) for one in options_of(type(self))}
        return {k: v if type(v) is int else describe_value(v) for k, v in values.items()}

    def check(self, job: Job) -> None:
        """Refuse, before any work, what :meth:`fill` could not do.

        Raises:
            EncodeError: saying why, and what to change; a RequestError if an option is to blame.
        """
        for name, count in zip(job.source.classes, job.source.counts, strict=True):
            if self.stores_pictures and count < job.ipc:
                raise EncodeError(
                    f"class {name!r} has {count} images, fewer than ipc={job.ipc}; lower the IPC "
                    "or add images"
                )

    @abstractmethod
    def fill(self, job: Job) -> Content:
        """Do the work; every finished piece is kept in ``job.work``."""

    def trial(self, job: Job) -> Content:
        """Content whose pictures take as long to generate as those of :meth:`fill`, at once.

        Methods that use a prior have it, for time limits.

        Raises:
            RequestError: the method has no such content.
        """
        raise RequestError(f"method {self.name} cannot keep a time limit; give ipc in its place")

    @abstractmethod
    def estimate(self, job: Job) -> dict[str, int]:
        """Expected stored bytes by section kind, from a look at a few images."""

    def stages(self, job: Job) -> Sequence[Stage] | None:
        """How long the stages of :meth:`fill` take here, from doing a little of each.

        Args:
            job: whose teacher, where one has to be trained first, is an untrained one of the same
                architecture: as fast, and it knows nothing.

        Returns:
            The stages that may take more than a few seconds; None where the method cannot tell.
        """
        return None


def check_features(job: Job) -> None:
    """Refuse a teacher that has no features; a ConvNet that is trained here has them.

    Raises:
        ModelMismatchError: as :meth:`Teacher.features`.
    """
    if not job.trains_teacher:
        width, height = job.size
        job.teacher().features(np.zeros((1, height, width, 3), np.uint8))


def each_class(job: Job, what: str, patches_of: Callable[[int], UInt8s]) -> Iterator[UInt8s]:
    """What ``patches_of`` makes of each class index; progress is told under the name ``what``."""
    classes = len(job.source.classes)
    for c in range(classes):
        yield patches_of(c)
        job.tell(what, c + 1, classes)


def class_order(job: Job, class_index: int) -> Int64s:
    """A seeded order of a class's pictures."""
    name = job.source.classes[class_index]
    return shuffled(derive_seed(job.seed, name), job.source.counts[class_index])


def readable_images(
    job: Job, class_index: int, size: tuple[int, int] | None
) -> Iterator[tuple[int, UInt8s]]:
    """(number, image) of a class in its seeded order; damaged ones are counted and skipped."""
    for number in class_order(job, class_index).tolist():
        name = job.source.name(class_index, number)
        try:
            image, notes = job.source.read(class_index, number, size)
        except SourceError as error:
            job.report.skip(name, error)
            continue
        job.report.add(name, notes)
        yield number, image


def read_seconds(job: Job, size: tuple[int, int] | None) -> float:
    """About how long reading a picture of the source takes, at (width, height) or as it is."""
    return seconds_each(lambda count: list(islice(readable_images(job, 0, size), count)), 16)


def too_few(job: Job, class_index: int, found: int, wanted: int) -> EncodeError:
    """The error for a class with fewer usable images, or patches, than the IPC asks for."""
    name = job.source.classes[class_index]
    return EncodeError(
        f"class {name!r} has {found} usable images or patches, but ipc={job.ipc} needs {wanted}; "
        f"lower the IPC or add images{job.report.example()}"
    )


def expected_patch_bytes(job: Job, size: tuple[int, int]) -> float:
    """What a patch of (width, height) pixels takes in mosaics, from whole images of a few classes.

    Raises:
        SourceError: a class has no readable image.
        RequestError: the patches are too large for a mosaic.
    """
    classes, total, count = len(job.source.classes), 0, 0
    for c in range(0, classes, -(-classes // _LOOKED_AT)):
        sample = [image for _, image in islice(readable_images(job, c, size), job.ipc)]
        if not sample:
            raise too_few(job, c, 0, job.ipc)
        sections = patch_sections([np.stack(sample)], len(sample), job.patches)
        total, count = total + sum(len(s.raw) for s in sections), count + len(sample)
    return total / count
