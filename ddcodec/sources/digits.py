"""A real data set that needs no download: scikit-learn's handwritten digits as an image folder.

1,797 digits of 8x8 pixels (UCI "Optical Recognition of Handwritten Digits"), enlarged to 32x32.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
from PIL import Image

from ddcodec.arrays import Float64s, Int64s
from ddcodec.errors import RequestError
from ddcodec.files import whole_folder

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
        RequestError: the folder exists, but holds something else.
    """
    target = Path(folder)
    if target.exists():
        if not ((target / "train").is_dir() and (target / "test").is_dir()):
            raise RequestError(f"{target} exists and is not the digits: choose another folder")
        return target
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels: Float64s = digits.images
    labels: Int64s = digits.target
    with whole_folder(target) as temporary:
        for class_index, name in enumerate(CLASSES):
            members = np.flatnonzero(labels == class_index).tolist()
            random.Random(f"{seed}/{name}").shuffle(members)
            tests = set(members[: round(test_share * len(members))])
            for number in members:
                part = temporary / ("test" if number in tests else "train") / name
                part.mkdir(parents=True, exist_ok=True)
                _picture(pixels[number]).save(part / f"{number:04d}.png")
    return target


def _picture(ink: Float64s) -> Image.Image:
    """Light ink on black, from 0..16 to 0..255, enlarged bicubically and centred, as RGB."""
    grey = Image.fromarray(np.rint(ink * 255 / 16).astype(np.uint8))
    enlarged = grey.resize((INK_SIDE, INK_SIDE), Image.Resampling.BICUBIC)
    margin = (SIDE - INK_SIDE) // 2
    picture = Image.new("RGB", (SIDE, SIDE))
    picture.paste(enlarged.convert("RGB"), (margin, margin))
    return picture
