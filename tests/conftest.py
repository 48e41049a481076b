"""Fixtures shared by all tests: a small synthetic image folder, and real images where they are."""

from __future__ import annotations

import os
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

# Two test processes with two threads each fight over the cores and take many times as long.
os.environ["OMP_NUM_THREADS"] = "1"

# How long an example takes says nothing on a shared machine; speed is measured in tools/bench.
settings.register_profile("ddcodec", deadline=None)
settings.load_profile("ddcodec")

SHAPES = ("blob", "cross", "stripes")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test sees, or leaves anything in, the user's teacher cache; nothing is downloaded."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DDCODEC_CACHE", str(folder))
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield folder


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train/ (12 pictures a class) and test/ (4) of three easy classes, 16x16 RGB PNGs.

    Shared by the whole session: copy it before changing anything in it.
    """
    root = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(7)
    for part, count in (("train", 12), ("test", 4)):
        for name in SHAPES:
            folder = root / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                draw(name, rng).save(folder / f"{number:02d}.png")
    return root


def draw(name: str, rng: np.random.Generator) -> Image.Image:
    """One 16x16 picture of a shape, in a random colour and place."""
    pixels = rng.integers(0, 60, (16, 16, 3), dtype=np.uint8)
    colour = rng.integers(150, 256, 3, dtype=np.uint8)
    x, y = (int(v) for v in rng.integers(3, 9, 2))
    if name == "blob":
        pixels[y : y + 5, x : x + 5] = colour
    elif name == "cross":
        pixels[y + 2, :] = colour
        pixels[:, x + 2] = colour
    else:
        pixels[x % 3 :: 3] = colour
    return Image.fromarray(pixels)


@pytest.fixture(scope="session")
def cifar10(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train/ (100 pictures a class) and test/ (20) of CIFAR-10, where the machine has it.

    Looked for in $DDCODEC_DATA and in ../shared/data, as ``cifar10/`` or ``cifar10.tar.xz``.
    """
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    places = [Path(p) for p in (os.environ.get("DDCODEC_DATA"),) if p] + [beside]
    for place in places:
        if (place / "cifar10" / "train").is_dir():
            return place / "cifar10"
        if (place / "cifar10.tar.xz").is_file():
            return _unpacked(place / "cifar10.tar.xz", tmp_path_factory.mktemp("cifar10"))
    pytest.skip("needs CIFAR-10: set DDCODEC_DATA to a folder with cifar10/ or cifar10.tar.xz")


def _unpacked(archive: Path, target: Path) -> Path:
    """The first pictures of each class, by their order in the archive."""
    seen: Counter[tuple[str, str]] = Counter()
    most = {"train": 100, "test": 20}
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = Path(member.name).parts[-3:]
            if not member.isfile() or len(parts) != 3 or parts[0] not in most:
                continue
            part, name, file = parts
            if seen[part, name] < most[part]:
                seen[part, name] += 1
                (target / part / name).mkdir(parents=True, exist_ok=True)
                stream = tar.extractfile(member)
                assert stream is not None
                (target / part / name / file).write_bytes(stream.read())
    return target


@pytest.fixture(scope="session")
def teacher_folder(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small teacher of ``image_folder``, trained for a second."""
    from ddcodec.classifiers.store import save_teacher
    from ddcodec.classifiers.teacher_training import TeacherSettings, train_teacher
    from ddcodec.sources.folder import scan
    from ddcodec.sources.source import load_images

    source = scan(image_folder)
    images, labels = load_images(source, (16, 16))
    settings = TeacherSettings(steps=40, batch_size=12, pad=2)
    folder = tmp_path_factory.mktemp("teachers") / "teacher"
    save_teacher(train_teacher(images, labels, source.classes, settings), folder)
    return folder
