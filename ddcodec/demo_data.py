"""A real data set that needs no download: scikit-learn's handwritten digits as an image folder.

1,797 digits of 8x8 pixels (UCI "Optical Recognition of Handwritten Digits"), enlarged to 32x32.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ddcodec.errors import SourceError

__all__ = ["CLASSES", "write_digits"]

CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIDE = 32
# Centred with a margin, as MNIST's digits are: the convention of digit pictures.
INK_SIDE = 22


def write_digits(folder: str | os.PathLike[str], *, test_share: float = 0.2, seed: int = 0) -> Path:
    """Write ``train/<class>/<number>.png`` and ``test/...``; the same split for the same seed.

    The split is stratified: every class gives ``test_share`` of its pictures to the test set.
    The folder appears whole or not at all; one that exists is left as it is.

    Raises:
        SourceError: the folder exists, but holds something else.
    """
    target = Path(folder)
    if target.exists():
        if not ((target / "train").is_dir() and (target / "test").is_dir()):
            raise SourceError(f"{target} exists and is not the digits: choose another folder")
        return target
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels: NDArray[np.float64] = digits.images
    labels: NDArray[np.int64] = digits.target
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for class_index, name in enumerate(CLASSES):
            members = np.flatnonzero(labels == class_index).tolist()
            random.Random(f"{seed}/{name}").shuffle(members)
            tests = set(members[: round(test_share * len(members))])
            for number in members:
                part = temporary / ("test" if number in tests else "train") / name
                part.mkdir(parents=True, exist_ok=True)
                _picture(pixels[number]).save(part / f"{number:04d}.png")
        temporary.chmod(0o755)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return target


def _picture(ink: NDArray[np.float64]) -> Image.Image:
    """Light ink on black, from 0..16 to 0..255, enlarged bicubically and centred, as RGB."""
    grey = Image.fromarray(np.rint(ink * 255 / 16).astype(np.uint8))
    enlarged = grey.resize((INK_SIDE, INK_SIDE), Image.Resampling.BICUBIC)
    margin = (SIDE - INK_SIDE) // 2
    picture = Image.new("RGB", (SIDE, SIDE))
    picture.paste(enlarged.convert("RGB"), (margin, margin))
    return picture
