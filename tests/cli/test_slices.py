"""``ddz subset`` and ``ddz merge``: cut apart and put together again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ddcodec.cli.common import class_names
from tests.cli.conftest import Ddz


def test_parts_merge_to_the_whole(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    first, rest, whole = (tmp_path / f"{name}.ddz" for name in ("first", "rest", "whole"))
    assert ddz("subset", artifact, "-o", first, "--classes", "blob").code == 0
    assert ddz("subset", artifact, "-o", rest, "--classes", "cross, stripes").code == 0
    assert ddz("merge", first, rest, "-o", whole).code == 0
    assert ddz("verify", whole, "--level", "pixels").code == 0
    for name, path in (("before", artifact), ("after", whole)):
        assert ddz("decode", path, "-o", tmp_path / name).code == 0
    assert rows(tmp_path / "before") == rows(tmp_path / "after")


def rows(folder: Path) -> dict[str, tuple[bytes, bytes]]:
    """Picture and label of every row, by file name."""
    with np.load(folder / "labels.npz") as labels:
        pairs = zip(labels["files"].tolist(), labels["labels"], strict=True)
        return {file: ((folder / file).read_bytes(), label.tobytes()) for file, label in pairs}


def test_prefixes(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.ddz"
    done = ddz("subset", artifact, "-o", out, "--ipc", 1, "--views", 1)
    assert done.code == 0 and "content digest" in done.out
    assert json.loads(ddz("inspect", out, "--json").out)["table"]["labels"] == 3


def test_refusals(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.ddz"
    unknown = ddz("subset", artifact, "-o", out, "--classes", "whale")
    assert unknown.code == 2 and "no class 'whale'" in unknown.err
    twice = ddz("merge", artifact, artifact, "-o", out)
    assert twice.code == 2 and "'blob'" in twice.err
    assert ddz("merge", artifact, "-o", out).code == 2
    out.write_text("precious")
    assert ddz("subset", artifact, "-o", out, "--ipc", 1).code == 2
    assert out.read_text() == "precious"


def test_class_names_may_hold_commas() -> None:
    assert class_names(None) is None
    assert class_names("a, b") == ["a", "b"]
    assert class_names(r"bow\, knot,b") == ["bow, knot", "b"]
