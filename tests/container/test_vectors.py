"""The files in spec/vectors: both readers must agree with the manifest, and with each other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import make_vectors
import pytest
import read_ddz

from ddcodec.artifact import open_artifact
from ddcodec.container import KINDS, Reader
from ddcodec.errors import DdcodecError, UnknownCodecError

FOLDER = make_vectors.FOLDER
TOOLS = FOLDER.parent.parent / "tools"
VECTORS: list[dict[str, Any]] = json.loads((FOLDER / "vectors.json").read_text())["vectors"]
EACH = pytest.mark.parametrize("vector", VECTORS, ids=[v["file"] for v in VECTORS])


def test_the_tool_makes_the_files_that_are_there() -> None:
    assert make_vectors.main(["--check"]) == 0


def test_the_check_sees_a_changed_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(make_vectors, "FOLDER", tmp_path)
    assert make_vectors.main([]) == 0
    assert make_vectors.main(["--check"]) == 0
    (tmp_path / "y_empty.ddz").write_bytes(b"changed")
    assert make_vectors.main(["--check"]) == 1


def test_names_say_what_is_expected() -> None:
    unsupported = {"unsupported-version", "unknown-codec"}
    for vector in VECTORS:
        prefix = vector["file"].split("_")[0]
        assert (prefix == "y") == (vector["expect"] == "ok")
        assert (prefix == "future") == (vector["expect"] in unsupported)


@EACH
def test_the_reader_accepts_or_refuses_each_vector(vector: dict[str, Any]) -> None:
    stage = "structure"
    try:
        reader = Reader(FOLDER / vector["file"])
        for stage in ("crc", "digest"):
            reader.verify(stage)
        found = "ok"
    except DdcodecError as error:
        found = error.code
    assert (found, stage) == (vector["expect"], vector["stage"])


@EACH
def test_the_second_reader_agrees(vector: dict[str, Any]) -> None:
    data = (FOLDER / vector["file"]).read_bytes()
    try:
        header, raws = read_ddz.read(data)
    except read_ddz.Refused as error:
        assert error.code == vector["expect"]
    else:
        assert vector["expect"] == "ok"
        reader = Reader.from_bytes(data)
        assert header["head"] == reader.head
        assert raws == [reader.read_raw(section) for section in reader.sections]


def test_unknown_kinds_may_be_listed_but_not_decoded() -> None:
    with pytest.raises(UnknownCodecError):
        Reader(FOLDER / "y_unknown_kind.ddz").check_kinds(KINDS)
    Reader(FOLDER / "y_unknown_ancillary.ddz").check_kinds(KINDS)


@pytest.mark.parametrize("name", ["stored", "generated", "float"])
def test_table_vectors_are_whole_artifacts(name: str) -> None:
    artifact = open_artifact(FOLDER / f"y_table_{name}.ddz")
    artifact.contents.check_coverage()
    artifact.verify("digest")
    assert artifact.classes == ("cat", "dog")


def test_the_picture_of_the_stored_table_is_the_one_made_by_hand() -> None:
    artifact = open_artifact(FOLDER / "y_table_stored.ddz")
    assert artifact.contents.patches(1, 0).tobytes() == bytes(range(100, 148))
    assert artifact.verify("pixels") == 2


def test_the_example_in_the_specification_is_the_vector() -> None:
    spec = (FOLDER.parent / "ddz.md").read_text()
    dump = [
        line for line in spec.split("## 12.")[1].splitlines() if re.match("[0-9a-f]{4}  ", line)
    ]
    data = bytes.fromhex("".join(line[6:54] for line in dump))
    assert data == (FOLDER / "y_empty.ddz").read_bytes()


def run_second_reader(*names: str) -> subprocess.CompletedProcess[str]:
    paths = [str(FOLDER / name) for name in names]
    command = [sys.executable, "-I", str(TOOLS / "read_ddz.py"), *paths]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_second_reader_prints_the_header_without_our_package() -> None:
    done = run_second_reader("y_many_sections.ddz")
    assert done.returncode == 0
    assert json.loads(done.stdout)["info"] == {"tool": "hand"}
    assert "ddcodec" not in {
        line.split()[1].split(".")[0]
        for line in (TOOLS / "read_ddz.py").read_text().splitlines()
        if line.startswith(("import ", "from "))
    }


@pytest.mark.parametrize(
    ("name", "exit_code", "code"),
    [
        ("n_float.ddz", 3, "non-canonical"),
        ("n_digest.ddz", 4, "digest-mismatch"),
        ("future_minor.ddz", 5, "unsupported-version"),
    ],
)
def test_the_second_reader_exits_as_ddz_does(name: str, exit_code: int, code: str) -> None:
    done = run_second_reader(name)
    assert done.returncode == exit_code
    assert f"{name}: {code}: " in done.stderr
