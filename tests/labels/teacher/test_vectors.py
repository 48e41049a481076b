"""spec/vectors/teacher: the package and the second implementation agree to the bit."""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import pytest

from ddcodec import codecs
from ddcodec.codecs.teacher_weights import StoredWeights
from ddcodec.container import CodecSpec
from ddcodec.errors import DdcodecError
from ddcodec.exact.backends import choose_backend
from ddcodec.labels.teacher.execute import StoredTeacher
from tests.exact.here import HERE
from tests.labels.teacher.listed import listed
from tools.conformance.reference import teacher as reference
from tools.conformance.vectors import teacher

VECTORS = json.loads((teacher.MAKER.folder / "vectors.json").read_text())
RAW = bytes.fromhex(VECTORS["sections"][0]["raw"])


def label(case: dict[str, Any]) -> str:
    return str(case["what"])


def test_the_tool_makes_the_file_that_is_there() -> None:
    assert teacher.MAKER.differences() == []


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
    stored = StoredTeacher(*listed(case["params"]), backend=choose_backend("cpu", backend))
    images = teacher.images(case["params"])
    assert stored.outputs(images).astype(">f4").tobytes().hex() == case["y"]
    assert stored.logits(images).tolist() == case["logits"]


def test_every_architecture_has_a_vector() -> None:
    covered = {case["params"]["arch"] for case in VECTORS["networks"]}
    assert covered == {*reference.DEPTHS, *reference.WIDTHS}


def test_our_bytes_decode_there_and_theirs_here() -> None:
    params = VECTORS["networks"][0]["params"]
    codec, weights = listed(params)
    raw = codec.encode(weights)
    assert reference.digest(reference.decode(params, raw)) == digest(weights)
    theirs = teacher.write(teacher.network(params))
    assert digest(codec.decode(theirs)) == digest(weights)
    assert len(raw) < len(theirs)
