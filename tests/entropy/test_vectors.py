"""spec/vectors/entropy: ddcodec has the streams, numbers and errors of the plain Python coder."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import numpy as np
import pytest

from ddcodec.entropy import (
    Decoder,
    Encoder,
    decode_integers,
    encode_integers,
    frequencies,
    pack,
    unpack,
)
from ddcodec.errors import DdcodecError
from tools.conformance.vectors.entropy import MAKER
from tools.conformance.vectors.maker import ROOT

VECTORS = json.loads((MAKER.folder / "vectors.json").read_text())


def each(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", VECTORS[name], ids=lambda case: case["what"])


def model(given: Any) -> Any:
    """A table, shift or count for all lanes, or an array with one a lane."""
    return given if isinstance(given, int) else np.array(given, np.uint8)


def forms(lanes: list[int]) -> list[Any]:
    """Active lanes as an array and, where they are the first, as their number."""
    first = lanes == list(range(len(lanes)))
    return [np.array(lanes, np.intp), *([len(lanes)] if first else [])]


def decode(case: dict[str, Any], form: int) -> list[list[int]]:
    decoder = Decoder(bytes.fromhex(case["raw"]), case["lanes"])
    found = []
    for operation in case["operations"]:
        active = forms(operation["lanes"])[form if len(forms(operation["lanes"])) > form else 0]
        if operation["kind"] == "integers":
            tables, shifts = map(model, operation["models"])
            values = decode_integers(decoder, tables, shifts, active)
        else:
            values = getattr(decoder, operation["kind"])(model(operation["models"]), active)
        found.append(values.tolist())
    decoder.finish()
    return found


@pytest.mark.parametrize("form", [0, 1])
@each("streams")
def test_each_stream_decodes_as_it_says(case: dict[str, Any], form: int) -> None:
    if "error" in case:
        with pytest.raises(DdcodecError) as caught:
            decode(case, form)
        assert caught.value.code == case["error"]
        return
    assert decode(case, form) == [operation["values"] for operation in case["operations"]]


@each("streams")
def test_each_good_stream_is_coded_as_it_says(case: dict[str, Any]) -> None:
    if "error" in case:
        return
    encoder = Encoder(case["lanes"])
    for operation in case["operations"]:
        values, active = np.array(operation["values"], np.int64), forms(operation["lanes"])[-1]
        if operation["kind"] == "integers":
            tables, shifts = map(model, operation["models"])
            encode_integers(encoder, values, tables, shifts, active)
        else:
            getattr(encoder, operation["kind"])(values, model(operation["models"]), active)
    assert encoder.finish().hex() == case["raw"]


@each("matrices")
def test_each_matrix_decodes_as_it_says(case: dict[str, Any]) -> None:
    tables, shifts = model(case["tables"]), model(case["shifts"])
    raw, shape = bytes.fromhex(case["raw"]), (case["rows"], len(case["tables"]))
    if "error" in case:
        with pytest.raises(DdcodecError) as caught:
            unpack(raw, *shape, tables, shifts, case["lanes"])
        assert caught.value.code == case["error"]
        return
    values = np.array(case["values"], np.int32).reshape(shape)
    np.testing.assert_array_equal(unpack(raw, *shape, tables, shifts, case["lanes"]), values)
    assert pack(values, tables, shifts, case["lanes"]) == raw


def test_tables_have_the_listed_frequencies_and_digest() -> None:
    for case in VECTORS["tables"]:
        assert frequencies()[case["table"]].tolist() == case["frequencies"]
    digest = hashlib.sha256(frequencies().astype("<u2").tobytes()).hexdigest()
    assert digest == VECTORS["sha256"]


def test_the_page_says_what_the_vectors_say() -> None:
    page = (ROOT / "spec" / "entropy.md").read_text("utf-8")
    assert VECTORS["sha256"] in page
    streams = [VECTORS["streams"][1]["raw"], VECTORS["matrices"][0]["raw"]]
    examples = re.findall(r"`((?:[0-9a-f]{4,8} )+[0-9a-f]{4})`", page)
    assert [example.replace(" ", "") for example in examples] == streams


def test_the_tool_makes_the_file_that_is_there() -> None:
    assert MAKER.differences() == []
