"""Artifacts to look at, with friendly and with hostile names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ddcodec.artifact import Artifact, open_artifact
from ddcodec.container import CopiedSection, write_container
from tests.artifacts import encode_small, soft_copy

HOSTILE = (
    "<script>alert(1)</script>",
    "\u202egpj.evil\u2066",
    "</script><img src=x onerror=alert(2)>",
)
"""Names of classes that are script, marks of direction, and the end of an element."""


@pytest.fixture(scope="session")
def shapes(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes x 4 pictures x 3 views with CutMix, and seeded soft labels."""
    folder = tmp_path_factory.mktemp("shapes")
    view = "crop+flip+cutmix"
    with encode_small(image_folder, folder / "hard.ddz", view=view) as hard:
        soft_copy(hard, folder / "shapes.ddz").close()
    return folder / "shapes.ddz"


@pytest.fixture
def artifact(shapes: Path) -> Iterator[Artifact]:
    with open_artifact(shapes) as opened:
        yield opened


@pytest.fixture(scope="session")
def hostile(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with hostile names of classes, and hostile words of whoever made it."""
    out = tmp_path_factory.mktemp("hostile") / "hostile.ddz"
    with open_artifact(shapes) as opened:
        head = replace(opened.head, classes=HOSTILE)
        sections = [CopiedSection(opened.reader, s, s.box) for s in opened.sections]
        info = {"method": HOSTILE[0], "source": "https://example.org/\u202e"}
        write_container(out, head=head.to_map(), sections=sections, info=info)
    return out


@pytest.fixture(scope="session")
def collage(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures enlarged from patches of 8 px."""
    out = tmp_path_factory.mktemp("small") / "small.ddz"
    encode_small(image_folder, out, patch_size=8).close()
    return out
