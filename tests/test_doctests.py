"""The examples of docstrings run, and every public name has one."""

from __future__ import annotations

import doctest
import importlib
import shutil
from pathlib import Path

import pytest

import ddcodec

ROOT = Path(__file__).resolve().parents[1]
WITH_EXAMPLES = [
    path
    for path in sorted((ROOT / "ddcodec").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.fixture
def photos(image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with ``photos/`` of three classes and ``shapes.ddz`` made of them."""
    shutil.copytree(image_folder / "train", tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    request = {"method": "random", "ipc": 4, "views": 3, "labels": "hard"}
    ddcodec.encode("photos", "shapes.ddz", **request)  # type: ignore[arg-type]
    return tmp_path


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=module_name)
def test_examples_run(path: Path, photos: Path) -> None:
    module = importlib.import_module(module_name(path))
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    found = doctest.testmod(module, extraglobs={"ddcodec": ddcodec}, optionflags=flags)
    assert found.attempted and not found.failed


@pytest.mark.parametrize("name", sorted(set(ddcodec.__all__) - {"__version__"}))
def test_every_public_name_has_an_example(name: str) -> None:
    assert ">>> " in (getattr(ddcodec, name).__doc__ or "")
