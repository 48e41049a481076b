"""Artifacts as notebooks show them."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
from PIL import Image

from ddcodec.artifact import open_artifact
from tests.artifacts import encode_small
from tools.conformance.vectors.maker import VECTORS


def pictures_in(html: str) -> list[Image.Image]:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [Image.open(io.BytesIO(base64.b64decode(one))) for one in found]


def test_stored_pictures_are_shown_class_by_class(image_folder: Path, tmp_path: Path) -> None:
    artifact = encode_small(image_folder, tmp_path / "a.ddz")
    html = artifact._repr_html_()
    shown = pictures_in(html)
    assert len(shown) == 3 * 4
    wanted = artifact.renderer().pictures([(1, 0)])[0]
    assert np.array_equal(np.asarray(shown[4]), wanted)
    for text in ("a.ddz", "blob", "cross", "stripes", f"{artifact.file_len:,} bytes"):
        assert text in html
    assert "http" not in html


def test_of_a_generating_artifact_nothing_is_drawn() -> None:
    html = open_artifact(VECTORS / "datasets" / "y_text2image.ddz")._repr_html_()
    assert pictures_in(html) == [] and "drawn by tiny" in html


def test_hostile_names_are_text(image_folder: Path, tmp_path: Path) -> None:
    hostile = tmp_path / "photos" / "<script>alert(1)<x>"
    hostile.mkdir(parents=True)
    for file in (image_folder / "train" / "blob").iterdir():
        (hostile / file.name).write_bytes(file.read_bytes())
    html = encode_small(tmp_path / "photos", tmp_path / "h.ddz")._repr_html_()
    assert "<script" not in html and "&lt;script&gt;alert(1)" in html
