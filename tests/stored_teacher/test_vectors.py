"""spec/vectors/teacher: the package and the second implementation agree to the bit."""

from __future__ import annotations

import ast
import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import make_teacher_vectors
import pytest
import read_teacher

from ddcodec import codecs
from ddcodec.codecs.teacher_weights import StoredWeights
from ddcodec.container import CodecSpec
from ddcodec.errors import DdcodecError
from ddcodec.exact.backends import choose_backend
from ddcodec.stored_teacher.execute import StoredTeacher
from tests.exact.here import HERE
from tests.stored_teacher.listed import listed

VECTORS = json.loads(make_teacher_vectors.FILE.read_text())
RAW = bytes.fromhex(VECTORS["sections"][0]["raw"])


def label(case: dict[str, Any]) -> str:
    return str(case["what"])


def test_the_tool_makes_the_file_that_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert make_teacher_vectors.main(["--check"]) == 0
    monkeypatch.setattr(make_teacher_vectors, "FILE", tmp_path / "new" / "vectors.json")
    monkeypatch.setattr(make_teacher_vectors, "build", lambda: "{}")
    assert make_teacher_vectors.main(["--check"]) == 1
    assert make_teacher_vectors.main([]) == 0
    assert make_teacher_vectors.main(["--check"]) == 0


def test_the_second_implementation_imports_neither_torch_nor_the_package() -> None:
    text = Path(read_teacher.__file__).read_text("utf-8")
    imported = [n.names[0].name for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Import)]
    assert "numpy" in imported
    assert not {"torch", "ddcodec"} & set(imported) and "from ddcodec" not in text


def decoded(params: dict[str, Any], raw: bytes) -> StoredWeights:
    weights = codecs.get(CodecSpec("teacher-weights", 1, "none", params)).decode(raw, ())
    assert isinstance(weights, StoredWeights)
    return weights


def digest(weights: StoredWeights) -> str:
    state = hashlib.sha256(struct.pack("<6I", *weights.mean, *weights.std))
    for layer in weights.layers:
        for array in (layer.values, layer.scale, layer.vectors):
            state.update(array.tobytes())
    return state.hexdigest()


@pytest.mark.parametrize("case", VECTORS["sections"], ids=label)
def test_each_section_decodes_as_it_says(case: dict[str, Any]) -> None:
    start, stop, text = case.get("edit", (0, 0, ""))
    raw = RAW[:start] + bytes.fromhex(text) + RAW[stop:]
    if "error" in case:
        with pytest.raises(DdcodecError) as caught:
            decoded(case["params"], raw)
        assert caught.value.code == case["error"]
    else:
        assert digest(decoded(case["params"], raw)) == case["sha256"]


@pytest.mark.parametrize("backend", HERE)
@pytest.mark.parametrize("case", VECTORS["networks"], ids=label)
def test_each_network_has_the_bits_that_are_listed(case: dict[str, Any], backend: str) -> None:
    teacher = StoredTeacher(*listed(case["params"]), backend=choose_backend("cpu", backend))
    images = make_teacher_vectors.images(case["params"])
    assert teacher.outputs(images).astype(">f4").tobytes().hex() == case["y"]
    assert teacher.logits(images).tolist() == case["logits"]


def test_every_architecture_has_a_vector() -> None:
    covered = {case["params"]["arch"] for case in VECTORS["networks"]}
    assert covered == {*read_teacher.DEPTHS, *read_teacher.WIDTHS}


def test_our_bytes_decode_there_and_theirs_here() -> None:
    params = VECTORS["networks"][0]["params"]
    codec, weights = listed(params)
    raw = codec.encode(weights)
    assert read_teacher.digest(read_teacher.decode(params, raw)) == digest(weights)
    theirs = make_teacher_vectors.write(make_teacher_vectors.network(params))
    assert digest(codec.decode(theirs)) == digest(weights)
    assert len(raw) < len(theirs)
