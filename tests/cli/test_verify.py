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
    assert values["profile"] is None and values["backend"] is None


def test_generated_pictures_say_how_they_were_made(ddz: Ddz, generating: Path) -> None:
    done = ddz("verify", generating, "--level", "pixels")
    assert done.code == 0
    assert "6 pictures, profile w8a15 on back end " in done.out
    assert "profile" not in ddz("verify", generating).out
    values = json.loads(ddz("verify", generating, "--level", "pixels", "--json").out)
    assert (values["pictures"], values["profile"]) == (6, "w8a15")
    assert values["backend"] in ("int8", "float32", "float64")


def test_a_sample_says_of_how_many(ddz: Ddz, generating: Path) -> None:
    done = ddz("verify", generating, "--level", "pixels", "--sample", 2)
    assert "2 of 6 pictures" in done.out
    refused = ddz("verify", generating, "--sample", 2)
    assert refused.code == 2 and "--level pixels" in refused.err
    assert ddz("verify", generating, "--level", "pixels", "--sample", 0).code == 2
