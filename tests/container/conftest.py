"""Shared by the container's tests: small sections to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddcodec.container import Box, CodecSpec, NewSection, write_container

HEAD = {"classes": ["cat", "dog"]}
LABELS = CodecSpec("soft-labels", 1, "zstd", {"classes": 2})
SEEDS = CodecSpec("seed-list", 1, "none")
PIXELS = CodecSpec("pixel-digest", 2, "none", {"length": 4})


@pytest.fixture
def sections() -> list[NewSection]:
    """Two slots of labels, seeds, and ancillary pixel digests, not in file order."""
    return [
        NewSection("labels", LABELS, Box(0, 2, 1, 1), b"slot one " * 40),
        NewSection("labels", LABELS, Box(0, 2, 0, 1), b"slot zero " * 40),
        NewSection("seeds", SEEDS, Box(0, 2), bytes(range(16))),
        NewSection("pixels", PIXELS, Box(0, 2, 0, 1), b"abcdefgh", flags=3),
    ]


@pytest.fixture
def path(tmp_path: Path, sections: list[NewSection]) -> Path:
    """A file with those sections."""
    target = tmp_path / "a.ddz"
    write_container(target, head=HEAD, sections=sections, info={"tool": "tests"})
    return target
