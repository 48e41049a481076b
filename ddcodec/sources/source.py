"""The interface of sources: labelled pictures to be encoded, wherever they come from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, Protocol

import numpy as np

from ddcodec.arrays import Int64s, StepProgress, UInt8s
from ddcodec.errors import SourceError
from ddcodec.sources.findings import shared_finding
from ddcodec.sources.pictures import LoadReport, Size

__all__ = ["Source", "load_images", "source_findings"]

_BATCH = 256


class Source(Protocol):
    """Labelled pictures, in an order that depends on no machine.

    Attributes:
        classes: names, in index order.
        counts: pictures of each class.
        warnings: findings that did not stop the listing, one sentence each.
        place: where the pictures are, for people.
        shared_pictures: groups of identical pictures of different classes, (class index, number).
        fingerprint: SHA-256 (hex) over class names, picture names and contents.
    """

    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def counts(self) -> tuple[int, ...]: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...
    @property
    def place(self) -> str: ...
    @property
    def shared_pictures(self) -> tuple[tuple[tuple[int, int], ...], ...]: ...
    @property
    def fingerprint(self) -> str: ...

    def __len__(self) -> int: ...

    def name(self, class_index: int, number: int) -> str:
        """What to call a picture in messages and reports."""
        ...

    def read(self, class_index: int, number: int, size: Size | None) -> tuple[UInt8s, list[str]]:
        """A picture as uint8 [h, w, 3], and the kinds of conversion it needed.

        ``size`` is (width, height): the largest centred crop of that aspect ratio is resized;
        without it the picture keeps its size. Safe to call from several threads.

        Raises:
            SourceError: the picture is unreadable, damaged or too large.
        """
        ...

    def native_size(self) -> Size:
        """The (width, height) that most pictures have.

        Raises:
            SourceError: no size is shared by more than half of them.
        """
        ...


def source_findings(source: Source) -> tuple[str, ...]:
    """What is likely a mistake in a source, one sentence each; every picture's bytes are looked at.

    More than ``source.warnings``: pictures that stand under several classes are said, too.
    """
    groups = tuple(
        tuple((source.classes[c], source.name(c, n)) for c, n in group)
        for group in source.shared_pictures
    )
    shared = shared_finding(groups)
    return source.warnings if shared is None else (*source.warnings, shared)


def load_images(
    source: Source,
    size: Size,
    classes: Sequence[int] | None = None,
    limit: int | None = None,
    progress: StepProgress | None = None,
    *,
    on_error: Literal["raise", "skip"] = "raise",
    report: LoadReport | None = None,
) -> tuple[UInt8s, Int64s]:
    """Read pictures as (uint8 [n, h, w, 3], int64 [n] class indices), in class and name order.

    Args:
        source: the data set.
        size: (width, height) in pixels, see :meth:`Source.read`.
        classes: class indices to read; all when None. Labels keep the source's indices.
        limit: at most this many pictures per class, the first in order.
        progress: called with (done, total) pictures.
        on_error: ``skip`` counts damaged pictures in ``report`` instead of raising.
        report: where conversions and skipped files are counted.

    Raises:
        SourceError: a damaged picture (``raise``), or a class with none left (``skip``).
    """
    wanted = range(len(source.classes)) if classes is None else classes
    jobs = [(c, n) for c in wanted for n in range(source.counts[c])[:limit]]
    report = LoadReport() if report is None else report
    pixels = np.empty((len(jobs), size[1], size[0], 3), np.uint8)
    labels = np.empty(len(jobs), np.int64)
    kept = 0
    for done, (job, result) in enumerate(_load_all(source, jobs, size), start=1):
        name = source.name(*job)
        if isinstance(result, SourceError):
            if on_error == "raise":
                raise result
            report.skip(name, result)
        else:
            pixels[kept], notes = result
            labels[kept] = job[0]
            report.add(name, notes)
            kept += 1
        if progress is not None:
            progress(done, len(jobs))
    present = set(labels[:kept].tolist())
    for class_index in wanted:
        if class_index not in present:
            name = source.classes[class_index]
            raise SourceError(
                f"no picture of class {name!r} can be read: replace its files{report.example()}"
            )
    return pixels[:kept], labels[:kept]


def _load_all(
    source: Source, jobs: list[tuple[int, int]], size: Size
) -> Iterator[tuple[tuple[int, int], tuple[UInt8s, list[str]] | SourceError]]:
    """Decode in threads (Pillow releases the GIL), in batches so that memory stays bounded."""

    def attempt(job: tuple[int, int]) -> tuple[UInt8s, list[str]] | SourceError:
        try:
            return source.read(*job, size)
        except SourceError as error:
            return error

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        for start in range(0, len(jobs), _BATCH):
            batch = jobs[start : start + _BATCH]
            yield from zip(batch, pool.map(attempt, batch), strict=True)
