"""``ddz card`` and ``ddz push``, up to where the hub is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Ddz


def test_a_card_goes_to_the_terminal_or_a_file(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    shown = ddz("card", artifact, "--license", "mit", "--repo", "owner/shapes")
    assert shown.code == 0 and shown.out.startswith("---\nlicense: mit\n")
    out = tmp_path / "README.md"
    wrote = ddz("card", artifact, "--license", "mit", "--repo", "owner/shapes", "-o", out)
    assert out.read_text(encoding="utf-8") == shown.out
    assert wrote.out == f"{out}: {out.stat().st_size:,} bytes\n"
    assert ddz("card", artifact, "-o", out).code == 2


def test_a_dry_run_lists_what_would_be_sent(ddz: Ddz, artifact: Path) -> None:
    words = ["push", artifact, "owner/shapes", "--license", "mit", "--dry-run"]
    text = ddz(*words).out
    assert text.splitlines()[0] == "owner/shapes: would hold"
    assert "README.md" in text and "preview/train-00000-of-00001.parquet" in text
    assert text.endswith("nothing was sent (--dry-run)\n")
    values = json.loads(ddz(*words, "--json").out)
    assert values["files"]["shapes.ddz"] == artifact.stat().st_size
    assert values["dry_run"] is True and values["commit"] == ""


def test_a_licence_is_asked_for(ddz: Ddz, artifact: Path) -> None:
    ran = ddz("push", artifact, "owner/shapes")
    assert ran.code == 2 and "--license" in ran.err


def test_nobody_logged_in_is_told(
    ddz: Ddz, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    ran = ddz("push", artifact, "owner/shapes", "--license", "mit")
    assert ran.code == 2 and "run `hf auth login`" in ran.err
