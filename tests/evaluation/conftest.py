"""A small set of coloured pictures, and an artifact of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddcodec import encode

COLOURS = {"blue": 2, "green": 1, "red": 0}


def _write(root: Path, classes: Sequence[str], count: int, *, seed: int) -> Path:
    """Noisy 8 px pictures of one colour a class."""
    generator = np.random.default_rng(seed)
    for name in classes:
        folder = root / name
        folder.mkdir(parents=True)
        for i in range(count):
            pixels = generator.integers(0, 60, (8, 8, 3), dtype=np.uint8)
            pixels[:, :, COLOURS.get(name, 0)] += 150
            Image.fromarray(pixels).save(folder / f"{i:03d}.png")
    return root


@pytest.fixture
def write_pictures() -> Callable[..., Path]:
    """``write_pictures(folder, classes, count, seed=...)`` -> folder."""
    return _write


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``train`` (12 a class) and ``test`` (5 a class)."""
    root = tmp_path_factory.mktemp("colours")
    _write(root / "train", tuple(COLOURS), 12, seed=1)
    _write(root / "test", tuple(COLOURS), 5, seed=2)
    return root


@pytest.fixture(scope="session")
def artifact_path(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three random pictures per class with hard labels and two views."""
    path = tmp_path_factory.mktemp("artifacts") / "three.ddz"
    encode(folders / "train", path, method="random", ipc=3, views=2, labels="hard", view="crop")
    return path
