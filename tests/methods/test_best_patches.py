"""Teacher-scored patches: the easiest crop of each image, easiest images first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ddcodec.errors import EncodeError
from ddcodec.methods.base import Job
from ddcodec.methods.best_patches import best_patches, chosen_patches
from ddcodec.methods.work import WorkFolder
from ddcodec.sources.folder import scan


@dataclass
class Brightness:
    """A teacher that finds bright pictures easy, whatever their class."""

    size: tuple[int, int] = (16, 16)
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        bright = images.mean(axis=(1, 2, 3), dtype=np.float64).astype(np.float32) / 64
        return np.stack([bright, np.zeros_like(bright), np.zeros_like(bright)], axis=1)

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The share of each channel: the colour of a shape, however large it is."""
        means = images.mean(axis=(1, 2), dtype=np.float64)
        return (means - means.min(axis=1, keepdims=True)).astype(np.float32)


def job(folder: Path, work: Path, seed: int = 0) -> Job:
    teacher: Any = Brightness()
    return Job(
        source=scan(folder),
        names=scan(folder).classes,
        size=(16, 16),
        ipc=1,
        seed=seed,
        teacher=lambda: teacher,
        prior=lambda: teacher,
        work=WorkFolder(),
    )


def test_easiest_first(image_folder: Path, tmp_path: Path) -> None:
    scored = best_patches(
        job(image_folder, tmp_path), 0, size=(16, 16), images=12, crops=5, min_scale=0.08
    )
    assert scored.patches.shape == (12, 16, 16, 3)
    assert (np.diff(scored.losses) >= 0).all()
    means = scored.patches.mean(axis=(1, 2, 3))
    assert (np.diff(means) <= 1e-9).all()


def test_more_crops_find_easier_patches(image_folder: Path, tmp_path: Path) -> None:
    losses = [
        best_patches(
            job(image_folder, tmp_path), 0, size=(16, 16), images=12, crops=crops, min_scale=0.08
        ).losses.mean()
        for crops in (1, 10)
    ]
    assert losses[1] < losses[0]


def test_selection_is_seeded(image_folder: Path, tmp_path: Path) -> None:
    def chosen(seed: int) -> NDArray[np.uint8]:
        request = job(image_folder, tmp_path, seed)
        return best_patches(request, 1, size=(8, 8), images=6, crops=3, min_scale=0.25).patches

    assert (chosen(1) == chosen(1)).all()
    assert not np.array_equal(chosen(1), chosen(2))


def test_small_patches_are_shown_to_the_teacher_on_its_mean_colour(
    image_folder: Path, tmp_path: Path
) -> None:
    # A quarter of the picture is lit, so the loss reflects a quarter of the patch's brightness.
    scored = best_patches(
        job(image_folder, tmp_path), 0, size=(8, 8), images=1, crops=1, min_scale=1
    )
    lit = scored.patches[0].mean() / 4 / 64
    assert np.isclose(scored.losses[0], np.log(np.exp(lit) + 2) - lit, atol=1e-5)


def test_patches_are_kept_by_ease_or_for_what_they_stand_for(
    image_folder: Path, tmp_path: Path
) -> None:
    request = job(image_folder, tmp_path)
    how: dict[str, Any] = {"size": (16, 16), "images": 12, "crops": 3, "min_scale": 0.5}
    scored = best_patches(request, 0, **how)
    easiest = chosen_patches(request, 0, 4, "easiest", **how)
    assert (easiest == scored.patches[:4]).all()
    varied = chosen_patches(request, 0, 4, "submodular", **how)
    assert (chosen_patches(request, 0, 2, "submodular", **how) == varied[:2]).all()

    def cover(patches: NDArray[np.uint8]) -> float:
        """How like its nearest chosen one is the best patch of an image?"""
        some, all_of_them = (
            f / np.linalg.norm(f, axis=1, keepdims=True)
            for f in (Brightness().features(p) for p in (patches, scored.patches))
        )
        return float((all_of_them @ some.T).max(axis=1).mean())

    assert cover(varied) > cover(easiest) + 0.01
    with pytest.raises(EncodeError, match="'blob' has 12 usable images or patches"):
        chosen_patches(request, 0, 13, "submodular", **how)
