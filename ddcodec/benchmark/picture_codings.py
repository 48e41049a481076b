"""Ways to keep pictures in files: those that everybody has, and ours."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image, features

from ddcodec.arrays import UInt8s
from ddcodec.artifact import open_artifact
from ddcodec.benchmark.sample import Sample
from ddcodec.methods.patch_mosaics import PatchCodec, PatchCoding, Sharing

__all__ = ["PictureCoding", "PictureFiles", "StoredPictures", "picture_codings"]

# 1.5 to 3 dB apart, between which interpolated bytes are within about a per cent.
_QUALITIES = (1, 15, 30, 45, 60, 75, 90, 100)


@dataclass(frozen=True)
class PictureCoding(ABC):
    """One way to keep pictures.

    Attributes:
        name: for people.
        qualities: to be tried, ascending; none where nothing is lost.
        ours: whether it is a ``.ddz``.
    """

    name: str
    qualities: Sequence[int]
    ours: ClassVar[bool]

    @abstractmethod
    def write(self, sample: Sample, folder: Path, quality: int | None) -> None:
        """Write all pictures into an empty folder, or over what was written there before."""

    @abstractmethod
    def read(self, folder: Path) -> UInt8s:
        """All pictures, uint8 [n, h, w, 3]."""


@dataclass(frozen=True)
class PictureFiles(PictureCoding):
    """A file per picture.

    Args:
        image_format: as Pillow calls it.
        options: for Pillow's writer.
    """

    image_format: str
    options: Mapping[str, object] = field(default_factory=dict)
    ours: ClassVar[bool] = False

    def write(self, sample: Sample, folder: Path, quality: int | None) -> None:
        options = dict(self.options) if quality is None else {**self.options, "quality": quality}
        for number, picture in enumerate(sample.pictures):
            Image.fromarray(picture).save(folder / f"{number:06d}", self.image_format, **options)

    def read(self, folder: Path) -> UInt8s:
        pictures = []
        for path in sorted(folder.iterdir()):
            with Image.open(path, formats=(self.image_format,)) as picture:
                pictures.append(np.asarray(picture.convert("RGB")))
        return np.stack(pictures)


@dataclass(frozen=True)
class StoredPictures(PictureCoding):
    """One ``.ddz`` of all pictures, with hard labels."""

    codec: PatchCodec
    sharing: Sharing = "class"
    ours: ClassVar[bool] = True

    def write(self, sample: Sample, folder: Path, quality: int | None) -> None:
        coding = PatchCoding(self.codec, quality, self.sharing)
        sample.write(folder / "sample.ddz", coding)

    def read(self, folder: Path) -> UInt8s:
        with open_artifact(folder / "sample.ddz") as artifact:
            return artifact.renderer().pictures(artifact.head.all_rows)


def picture_codings() -> list[PictureCoding]:
    """All that are compared; those of AV1 only where this Pillow has it."""
    found: list[PictureCoding] = [
        PictureFiles("JPEG files", _QUALITIES, "JPEG", {"optimize": True}),
        PictureFiles("WebP files", _QUALITIES, "WEBP", {"method": 6}),
        StoredPictures("ddz, webp", _QUALITIES, "webp"),
        PictureFiles("PNG files", (), "PNG", {"optimize": True}),
        StoredPictures("ddz, png", (), "png"),
    ]
    if features.check("avif"):
        found[2:2] = [PictureFiles("AVIF files", _QUALITIES, "AVIF", {"max_threads": 1})]
        found[4:4] = [
            StoredPictures("ddz, avif", _QUALITIES, "avif"),
            StoredPictures("ddz, avif, mosaics of all", _QUALITIES, "avif", "all"),
        ]
    return found
