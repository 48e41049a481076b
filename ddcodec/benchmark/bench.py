"""Codecs compared on pictures and labels of one's own, in one call."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from ddcodec.arrays import Int16s
from ddcodec.artifact import Artifact, open_artifact
from ddcodec.benchmark.figures import (
    LEVELS,
    LabelFigures,
    PictureFigures,
    of_labels,
    of_pictures,
)
from ddcodec.benchmark.label_codings import HalfFloats, LabelCoding, StoredLabels, TopK
from ddcodec.benchmark.picture_codings import picture_codings
from ddcodec.benchmark.sample import Sample
from ddcodec.encoding.inputs import Inputs
from ddcodec.encoding.labelling import Labelling
from ddcodec.encoding.options import DEFAULT_IPC, EncodeOptions
from ddcodec.files import scratch_folder
from ddcodec.labels.options import LabelOptions
from ddcodec.methods.work import WorkFolder
from ddcodec.progress import ProgressOption, displayed
from ddcodec.sources.opening import AnySource, open_source
from ddcodec.sources.source import Source

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher
else:
    Teacher = Any

__all__ = ["Bench", "BenchResult", "bench"]

AnyPath = str | os.PathLike[str]

# Pixels of a sample whose size is not given: AV1 then takes about a minute.
_PIXELS = 1 << 19
# Qualities of soft labels beside the default, as parts of its divergence.
_QUALITIES = {4: "coarser (4 x the KL)", 1 / 4: "finer (1/4 of the KL)"}
_MOST_ENTRIES = 10


@dataclass(frozen=True)
class BenchResult:
    """Figures of all codecs on one sample.

    Attributes:
        source: the folder of the classes.
        classes: how many there are.
        ipc: pictures per class.
        size: (width, height) of a picture in pixels.
        pictures: one entry per way to keep pictures.
        views, temperature: of the labels.
        view: what views vary.
        teacher: architecture or name of who gave the labels; None where there are none.
        labels: one entry per way to keep labels; none without a teacher.
        warnings: one sentence each: what was converted, skipped or ignored.
    """

    source: str
    classes: int
    ipc: int
    size: tuple[int, int]
    pictures: tuple[PictureFigures, ...]
    views: int
    view: str
    temperature: float
    teacher: str | None
    labels: tuple[LabelFigures, ...]
    warnings: tuple[str, ...]

    def to_map(self) -> dict[str, Any]:
        """All figures as plain values, with bytes per picture at each of ``LEVELS``."""
        values = asdict(self)
        for one, found in zip(values["pictures"], self.pictures, strict=True):
            one["bytes_at"] = {str(level): found.bytes_at(level) for level in LEVELS}
        return values


def bench(
    src: AnySource,
    *,
    ipc: int | None = None,
    size: int | tuple[int, int] | None = None,
    seed: int = 0,
    teacher: AnyPath | Teacher | None = "auto",
    views: int = 30,
    view: str = "auto",
    label_temperature: float | str = 4,
    device: str = "auto",
    progress: ProgressOption = None,
) -> BenchResult:
    """Measure bytes, distortion and speed of codecs on a sample of pictures and its soft labels.

    Args:
        src: the pictures, as :func:`ddcodec.open_source` takes them; of several splits that for
            training.
        ipc: pictures per class; by default 10, fewer of large pictures or many classes.
        size: side, or (width, height), in pixels; by default that of the source.
        seed: decides which pictures are chosen, and how views vary.
        teacher: who gives labels, as for :func:`ddcodec.encode`; None for pictures alone.
        views: labels of each picture.
        view: what they vary.
        label_temperature: of the students.
        device: torch device of the teacher.
        progress: a function of (what, done, total), or whether to show bars; by default they are
            shown on a terminal and in a notebook.

    Raises:
        RequestError: something that makes no sense.
        SourceError: the pictures are not usable as they are.
        EncodeError: there are too few.
        ModelMismatchError, DecodeError: a teacher that does not fit, or is not there.

    >>> found = ddcodec.bench("photos", ipc=2, teacher=None)
    >>> [one.name for one in found.pictures if one.exact], found.labels
    (['PNG files', 'ddz, png'], ())
    """
    options = EncodeOptions(
        method="random",
        ipc=ipc,
        size=size,
        seed=seed,
        teacher="auto" if teacher is None else teacher,
        labels="hard" if teacher is None else "soft",
        views=views,
        view=view,
        label_temperature=label_temperature,
        device=device,
    )
    with displayed(progress) as tell:
        options = replace(options, progress=tell)
        return Bench(open_source(src), options, ipc).run()


class Bench:
    """One run of :func:`bench`, of which pictures are known before labels.

    Args:
        source: the pictures.
        options: of an encode by method ``random``, whose ``labels`` are ``soft``, or ``hard`` for
            pictures alone.
        ipc: pictures per class; by default as :func:`bench`.
    """

    def __init__(self, source: Source, options: EncodeOptions, ipc: int | None = None) -> None:
        width, height = options.size_of(source)
        most = _PIXELS // (width * height * len(source.classes))
        ipc = ipc or max(1, min(DEFAULT_IPC, most, *source.counts))
        options.check_classes(len(source.classes), ipc)
        self.inputs = Inputs(source, replace(options, ipc=ipc))
        self.options = self.inputs.options
        if options.asks_teacher and not options.trains_teacher:
            self.inputs.teacher()  # one that is not there, or does not fit, is found now
        self.sample = Sample(self.inputs)

    def run(self) -> BenchResult:
        """Everything.

        Raises: as :func:`bench`.
        """
        return self.result(self.pictures(), self.labels())

    def result(
        self, pictures: tuple[PictureFigures, ...], labels: tuple[LabelFigures, ...]
    ) -> BenchResult:
        """The figures, with what they were measured on."""
        inputs, options = self.inputs, self.options
        numerator, denominator = options.temperature
        return BenchResult(
            source=inputs.source.place,
            classes=len(inputs.source.classes),
            ipc=self.sample.ipc,
            size=inputs.size,
            pictures=pictures,
            views=options.views,
            view=inputs.view.describe(),
            temperature=numerator / denominator,
            teacher=self._teacher_name() if labels else None,
            labels=labels,
            warnings=inputs.warnings(),
        )

    def _teacher_name(self) -> str:
        given = self.options.teacher
        if isinstance(given, str) and not self.options.trains_teacher:
            return Path(given).name
        return self.inputs.teacher().arch

    def pictures(self) -> tuple[PictureFigures, ...]:
        """The sample in every way to keep pictures."""
        codings, found = picture_codings(), list[PictureFigures]()
        with threadpool_limits(1):
            for coding in codings:
                found.append(of_pictures(coding, self.sample))
                self.inputs.tell("picture codings", len(found), len(codings))
        return tuple(found)

    def labels(self) -> tuple[LabelFigures, ...]:
        """The teacher's labels of the sample in every way to keep them; none without a teacher."""
        if not self.options.asks_teacher:
            return ()
        with scratch_folder() as folder, self._draft(folder) as (draft, labels):
            return self._labels(draft, labels, folder / "labels")

    @contextmanager
    def _draft(self, folder: Path) -> Iterator[tuple[Artifact, Int16s]]:
        """The sample as an artifact, and its labels, int16 [n, V, K]."""
        inputs, options = self.inputs, self.options
        path = folder / "draft.ddz"
        self.sample.write(path, options.patches, in_views=True)
        with WorkFolder.held(folder / "work", {}) as work, open_artifact(path) as draft:
            labelling = Labelling(
                draft, work, prior=None, device=inputs.device, progress=options.tell
            )
            asked = labelling.logits(inputs.teacher())
            yield draft, asked.rows(slice(None)).reshape(asked.shape)

    def _labels(self, draft: Artifact, labels: Int16s, path: Path) -> tuple[LabelFigures, ...]:
        found = list[LabelFigures]()
        temperature = self.options.temperature

        def measure(coding: LabelCoding) -> LabelFigures:
            found.append(of_labels(coding, labels, temperature[0] / temperature[1], path))
            self.inputs.tell("label codings", len(found), len(others) + len(_QUALITIES) + 2)
            return found[-1]

        def ours(name: str, options: LabelOptions) -> LabelFigures:
            return measure(StoredLabels(draft, temperature, options, name))

        k = min(_MOST_ENTRIES, -(-labels.shape[2] // 2))
        others = HalfFloats(), HalfFloats(19), TopK(k, smoothed=True), TopK(k, smoothed=False)
        with threadpool_limits(1):
            for coding in others:
                measure(coding)
            usual = ours("ddz, default", LabelOptions()).divergence or 0.0
            for times, name in _QUALITIES.items():
                quality = min(1.0, max(1e-6, times * usual))
                ours(f"ddz, {name}", LabelOptions(quality=quality))
            ours("ddz, lossless", LabelOptions("lossless"))
        return tuple(found)
