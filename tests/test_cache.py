"""Where what can be made again is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddcodec.cache import cache_folder


def test_the_environment_names_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DDCODEC_CACHE", "/some/where")
    assert cache_folder("teachers") == Path("/some/where/teachers")


def test_without_one_it_is_in_the_home_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DDCODEC_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder("weights") == tmp_path / ".cache" / "ddcodec" / "weights"
