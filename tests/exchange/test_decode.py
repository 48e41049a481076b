"""ddcodec.decode: the images by default, every view when asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

import ddcodec
from tests.artifacts import encode_small


@pytest.mark.parametrize(("views", "pictures"), [(1, 12), (2, 24), (None, 36)])
def test_it_writes_images_and_their_views_when_asked_for(
    image_folder: Path, tmp_path: Path, views: int | None, pictures: int
) -> None:
    with encode_small(image_folder, tmp_path / "a.ddz") as artifact:
        made = ddcodec.decode(artifact, tmp_path / "out", views=views)
    assert made.images == pictures == len(list((tmp_path / "out").rglob("*.png")))
    assert ddcodec.decode(tmp_path / "a.ddz", tmp_path / "out", views=views).kept == pictures
