"""The files in spec/vectors: both readers must agree with the manifest, and with each other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import tracemalloc
from typing import Any

import pytest

from ddcodec.artifact import open_artifact
from ddcodec.artifact.artifact import from_reader
from ddcodec.container import KIND_FLAGS, Reader
from ddcodec.errors import DdcodecError, UnknownCodecError
from tools.conformance.reference.container import read
from tools.conformance.reference.refusal import Refused
from tools.conformance.reference.table import check_table
from tools.conformance.vectors.container import MAKER
from tools.conformance.vectors.maker import ROOT

FOLDER = MAKER.folder
VECTORS: list[dict[str, Any]] = json.loads((FOLDER / "vectors.json").read_text())["vectors"]
# Tables are checked by readers of artifacts; to the container their files are as good as any.
FILES = [v | {"expect": "ok", "stage": "digest"} if v["stage"] == "table" else v for v in VECTORS]
EACH = pytest.mark.parametrize("vector", FILES, ids=[v["file"] for v in FILES])
BROKEN = [v["file"] for v in VECTORS if v["stage"] == "table"]
WHOLE = [v["file"] for v in VECTORS if v["file"].startswith("y_table_")]


def test_the_tool_makes_the_files_that_are_there() -> None:
    assert MAKER.differences() == []


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
        header, raws = read(data)
    except Refused as error:
        assert error.code == vector["expect"]
    else:
        assert vector["expect"] == "ok"
        reader = Reader.from_bytes(data)
        assert header["head"] == reader.head
        assert raws == [reader.read_raw(section) for section in reader.sections]


def test_unknown_kinds_may_be_listed_but_not_decoded() -> None:
    with pytest.raises(UnknownCodecError):
        Reader(FOLDER / "y_unknown_kind.ddz").check_kinds(KIND_FLAGS)
    Reader(FOLDER / "y_unknown_ancillary.ddz").check_kinds(KIND_FLAGS)


@pytest.mark.parametrize("name", WHOLE)
def test_table_vectors_are_whole_artifacts(name: str) -> None:
    artifact = open_artifact(FOLDER / name)
    artifact.verify("digest")
    check_table(read((FOLDER / name).read_bytes())[0])


@pytest.mark.parametrize("name", BROKEN)
def test_a_table_that_breaks_a_rule_is_refused_by_both_readers(name: str) -> None:
    with pytest.raises(DdcodecError) as caught:
        open_artifact(FOLDER / name).verify("structure")
    header, _ = read((FOLDER / name).read_bytes())
    with pytest.raises(Refused) as refused:
        check_table(header)
    assert caught.value.code == refused.value.code == "header"


def test_opening_costs_by_sections_and_not_by_classes() -> None:
    """2,000 sections among 10,000 classes: their product would take seconds and hundreds of MiB."""
    data = (FOLDER / "y_table_many_sections.ddz").read_bytes()
    tracemalloc.start()
    began = time.process_time()
    artifact = from_reader(Reader.from_bytes(data))
    artifact.verify("structure")
    assert artifact.table.seeds(999).tolist() == [1]
    seconds, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 2
    assert peak < 32 << 20


def test_the_picture_of_the_stored_table_is_the_one_made_by_hand() -> None:
    artifact = open_artifact(FOLDER / "y_table_stored.ddz")
    assert artifact.table.patches(1, 0).tobytes() == bytes(range(100, 148))
    assert artifact.verify("pixels") == 2


def test_the_example_in_the_specification_is_the_vector() -> None:
    spec = (FOLDER.parent / "ddz.md").read_text()
    dump = [
        line for line in spec.split("## 12.")[1].splitlines() if re.match("[0-9a-f]{4}  ", line)
    ]
    data = bytes.fromhex("".join(line[6:54] for line in dump))
    assert data == (FOLDER / "y_empty.ddz").read_bytes()


def run_second_reader(*names: str) -> subprocess.CompletedProcess[str]:
    module = "tools.conformance.reference.container"
    command = [sys.executable, "-m", module, *(str(FOLDER / name) for name in names)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_second_reader_prints_the_header() -> None:
    done = run_second_reader("y_many_sections.ddz")
    assert done.returncode == 0
    assert json.loads(done.stdout)["info"] == {"tool": "hand"}


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
