"""What all makers of vectors have in common: a change is seen, and files are written whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.conformance.vectors.__main__ import MAKERS
from tools.conformance.vectors.maker import CONTAINER, TABLES, VECTORS, Maker, as_list, as_map


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker("examples", tmp_path / "new", lambda: {"a.json": b"{}", "b.ddz": b"abc"})


def test_it_writes_what_it_then_finds(maker: Maker) -> None:
    assert maker.main(["--check"]) == 1
    assert maker.main([]) == 0
    assert maker.main(["--check"]) == 0


def test_files_that_differ_are_surplus_or_missing_are_named(
    maker: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    maker.write()
    (maker.folder / "a.json").write_bytes(b"[]")
    (maker.folder / "b.ddz").unlink()
    (maker.folder / "old.ddz").write_bytes(b"abc")
    assert maker.differences() == ["a.json", "b.ddz", "old.ddz"]
    assert not maker.check()
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"differs: new/{name}" for name in ("a.json", "b.ddz", "old.ddz")]
    maker.write()
    assert maker.differences() == []


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    for name in ("mine.bin", "others.bin", "module.py"):
        (tmp_path / name).write_text("old")
    maker = Maker("x", tmp_path, lambda: {}, pattern="*.bin", others=("others.bin",))
    maker.write()
    assert {path.name for path in tmp_path.iterdir()} == {"others.bin", "module.py"}


def test_every_file_of_the_vectors_has_one_maker() -> None:
    made = [maker.folder / name for maker in MAKERS for name in maker.there()]
    assert len(made) == len(set(made))
    files = {path for path in VECTORS.rglob("*") if path.is_file()}
    assert set(made) == files | {*TABLES.glob("*.bin"), *CONTAINER.glob("*.bin")}


def test_an_unknown_option_is_a_usage_error(maker: Maker) -> None:
    with pytest.raises(SystemExit) as caught:
        maker.main(["--unknown"])
    assert caught.value.code == 2


def test_the_json_has_one_item_per_line() -> None:
    assert json.loads(as_list([1, {"a": 2}])) == [1, {"a": 2}]
    assert as_list([1, 2]) == b"[\n 1,\n 2\n]\n"
    assert as_map({"a": 1, "b": [2, 3]}) == b'{"a": 1,\n "b": [\n  2,\n  3\n ]\n}\n'
