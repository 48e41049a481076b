"""Figures of one coding: bytes, distortion and speed, measured on files that it wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ddcodec.arrays import Float32s, Int16s, UInt8s
from ddcodec.benchmark.label_codings import LabelCoding, in_nats
from ddcodec.benchmark.picture_codings import PictureCoding
from ddcodec.benchmark.sample import Sample
from ddcodec.benchmark.timing import timed
from ddcodec.files import scratch_folder
from ddcodec.labels.encoder.label_set import divergence, softmax

__all__ = [
    "LEVELS",
    "LabelFigures",
    "PictureFigures",
    "PicturePoint",
    "distortion",
    "of_labels",
    "of_pictures",
]

LEVELS = (25, 30, 35)
"""Peak signal-to-noise ratios in dB at which lossy codings are compared."""

# Labels whose distortion is computed at once.
_LABELS = 1 << 14


@dataclass(frozen=True)
class PicturePoint:
    """Pictures coded at one quality.

    Attributes:
        quality: None where nothing is lost.
        bytes: of the files, per picture.
        psnr: in dB, of the mean squared error over all pictures and channels; None where nothing
            is lost.
        written, read: pictures per second of one core.
    """

    quality: int | None
    bytes: float
    psnr: float | None
    written: float
    read: float


@dataclass(frozen=True)
class PictureFigures:
    """Pictures in one coding.

    Attributes:
        name: for people.
        ours: whether it is a ``.ddz``.
        points: by quality, up to the first that reaches the highest of ``LEVELS``.
    """

    name: str
    ours: bool
    points: tuple[PicturePoint, ...]

    @property
    def exact(self) -> bool:
        """Whether nothing is lost."""
        return all(point.psnr is None for point in self.points)

    def bytes_at(self, level: float) -> float | None:
        """Bytes per picture at so many dB, interpolated between measured points.

        The logarithm of bytes is taken to be linear in dB. None where the points do not enclose
        the level.
        """
        known = sorted((p.psnr, p.bytes) for p in self.points if p.psnr is not None)
        if not known or not known[0][0] <= level <= known[-1][0]:
            return None
        psnr, sizes = zip(*known, strict=True)
        return float(np.exp(np.interp(level, psnr, np.log(sizes))))

    def near(self, level: float) -> PicturePoint:
        """The measured point nearest to so many dB."""
        return min(self.points, key=lambda p: 0 if p.psnr is None else abs(p.psnr - level))


@dataclass(frozen=True)
class LabelFigures:
    """Labels in one coding.

    Attributes:
        name: for people.
        ours: whether it is a ``.ddz``.
        bytes: per label.
        divergence: mean KL divergence of the teacher's labels from those read, in nats at the
            temperature; None where it is infinite.
        displaced: the mean share of a label's probability that is on other classes than before,
            0..1 (the total variation distance), at the temperature.
        written, read: labels per second of one core.
    """

    name: str
    ours: bool
    bytes: float
    divergence: float | None
    displaced: float
    written: float
    read: float


def of_pictures(coding: PictureCoding, sample: Sample) -> PictureFigures:
    """Figures of a coding at all qualities that are of interest."""
    points = []
    with scratch_folder() as folder:
        for quality in coding.qualities or (None,):
            points.append(_point(coding, sample, folder, quality))
            reached = points[-1].psnr
            if reached is None or reached >= LEVELS[-1]:
                break
    return PictureFigures(coding.name, coding.ours, tuple(points))


def _point(
    coding: PictureCoding, sample: Sample, folder: Path, quality: int | None
) -> PicturePoint:
    count = len(sample.pictures)
    _, seconds = timed(lambda: coding.write(sample, folder, quality))
    size = sum(path.stat().st_size for path in folder.iterdir())
    found, read_seconds = timed(lambda: coding.read(folder))
    error = _squared_error(sample.pictures, found)
    psnr = 10 * float(np.log10(255**2 / error)) if error else None
    return PicturePoint(quality, size / count, psnr, count / seconds, count / read_seconds)


def _squared_error(pictures: UInt8s, found: UInt8s) -> float:
    each = [np.square(a.astype(np.int32) - b).mean() for a, b in zip(pictures, found, strict=True)]
    return float(np.mean(each))


def of_labels(coding: LabelCoding, labels: Int16s, temperature: float, path: Path) -> LabelFigures:
    """Figures of a coding.

    Args:
        coding: what to measure.
        labels: int16 [n, V, K] in 1/64 nat.
        temperature: of the students.
        path: of a file to write.
    """
    count = labels.shape[0] * labels.shape[1]
    size, seconds = timed(lambda: coding.write(labels, path))
    found, read_seconds = timed(lambda: coding.read(path, labels.shape))
    kl, displaced = distortion(labels, found, temperature)
    return LabelFigures(
        coding.name,
        coding.ours,
        size / count,
        kl if np.isfinite(kl) else None,
        displaced,
        count / seconds,
        count / read_seconds,
    )


def distortion(labels: Int16s, found: Float32s, temperature: float) -> tuple[float, float]:
    """Mean divergence in nats, and mean share of displaced probability.

    Args:
        labels: int16 [..., K] in 1/64 nat.
        found: float32 [..., K] in nats; minus infinity for classes that are left out.
        temperature: at which both are measured.
    """
    width = labels.shape[-1]
    kl, displaced = list[float](), list[float]()
    for want, got in _parts(labels.reshape(-1, width), found.reshape(-1, width)):
        # A class that is left out costs infinitely much, even where its share is too small to tell.
        with np.errstate(invalid="ignore"):
            kl += np.nan_to_num(
                divergence(want, got, temperature), nan=np.inf, posinf=np.inf
            ).tolist()
        apart = np.abs(softmax(want, temperature) - softmax(got, temperature))
        displaced += (apart.sum(axis=1) / 2).tolist()
    return float(np.mean(kl)), float(np.mean(displaced))


def _parts(labels: Int16s, found: Float32s) -> Iterator[tuple[Float32s, Float32s]]:
    for start in range(0, len(labels), _LABELS):
        part = slice(start, start + _LABELS)
        yield in_nats(labels[part]), found[part]
