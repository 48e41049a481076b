"""``ddz verify``: four levels, said in words and in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Ddz


@pytest.mark.parametrize("level", ["structure", "crc", "digest", "pixels"])
def test_a_sound_file_passes_every_level(ddz: Ddz, artifact: Path, level: str) -> None:
    done = ddz("verify", artifact, "--level", level)
    assert done.code == 0
    assert done.out.startswith(f"ok: {artifact} at level {level}")
    assert ("12 pictures" in done.out) == (level == "pixels")


def test_json(ddz: Ddz, artifact: Path) -> None:
    values = json.loads(ddz("verify", artifact, "--json").out)
    assert values["schema"] == "ddcodec.verify/1"
    assert values["ok"] is True and values["level"] == "digest"
