"""One open artifact, read by eight threads whose caches turn over all the time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcodec
from ddcodec.rendering.renderer import Renderer
from ddcodec.table import table
from tests.artifacts import encode_small, quick_teacher


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns as often as Python lets them."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty")
def test_labels_and_pictures_are_right(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "KEPT_BYTES", 1000)
    teacher = quick_teacher(image_folder, tmp_path / "t", steps=1)
    artifact = encode_small(
        image_folder, tmp_path / "a.ddz", labels="soft", teacher=str(teacher), view="crop+cutmix"
    )
    rows = [(c, s) for c in range(3) for s in range(4)]
    with ddcodec.open(tmp_path / "a.ddz") as alone:
        wanted: dict[Any, Any] = {
            (row, v): (alone.labels.logits([row], v)[0], alone.renderer().images([row], v)[0])
            for row in rows
            for v in range(3)
        }
    # Two pictures of 16 px are kept, of twelve.
    renderer = Renderer(artifact.table, cache_bytes=2 * 3 * 16 * 16)

    def read(number: int) -> None:
        random = np.random.default_rng(number)
        for _ in range(20):
            row, view = rows[random.integers(len(rows))], int(random.integers(3))
            logits, image = wanted[row, view]
            assert (artifact.labels.logits([row], view)[0] == logits).all()
            assert (renderer.images([row], view)[0] == image).all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(8)))  # raises what they raise
