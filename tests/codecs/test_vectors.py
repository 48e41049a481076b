"""spec/vectors/codecs: ddcodec and the plain Python reader give the same arrays and errors."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ddcodec import codecs, randomness
from ddcodec.codecs.hard_labels import HardLabels
from ddcodec.codecs.schedule_table import Schedule
from ddcodec.codecs.seed_derived import SeedDerived
from ddcodec.codecs.seed_list import SeedList
from ddcodec.codecs.top_k_labels import TopKLabels
from ddcodec.container import Box, CodecSpec, NewSection, write_container
from ddcodec.errors import DdcodecError, PayloadError
from ddcodec.labels.softmax import probabilities, weights
from tools.conformance.reference import codecs as reference
from tools.conformance.vectors.codecs import MAKER

VECTORS = json.loads((MAKER.folder / "vectors.json").read_text())
EACH = pytest.mark.parametrize(
    "vector", VECTORS["sections"], ids=lambda vector: f"{vector['codec']}: {vector['what']}"
)


def test_the_tool_makes_the_file_that_is_there() -> None:
    assert MAKER.differences() == []


def decode(vector: dict[str, Any]) -> Any:
    codec = codecs.get(CodecSpec(vector["codec"], vector["version"], "none", vector["params"]))
    return codec.decode(bytes.fromhex(vector["raw"]), tuple(vector["shape"]))


def from_hex(value: Any) -> Any:
    if isinstance(value, list):
        return [from_hex(item) for item in value]
    return float.fromhex(value) if isinstance(value, str) else value


def from_text(vector: dict[str, Any]) -> Any:
    """A vector's array: floats are written in hexadecimal, seeds in decimal."""
    if vector["codec"].startswith("seed-"):
        return [[int(seed) for seed in slots] for slots in vector["array"]]
    return from_hex(vector["array"])


@EACH
def test_each_vector_decodes_as_it_says(vector: dict[str, Any]) -> None:
    if "error" in vector:
        with pytest.raises(DdcodecError) as caught:
            decode(vector)
        assert caught.value.code == vector["error"]
        return
    found, expected = decode(vector), vector["array"]
    if isinstance(found, Schedule):
        for field, value in expected.items():
            assert np.float32(from_hex(value)).tobytes() == getattr(found, field).tobytes()
    elif isinstance(found, tuple):
        assert list(found) == expected
    else:
        array = np.array(from_text(vector), found.dtype)
        assert (array.shape, array.tobytes()) == (found.shape, found.tobytes())


BEYOND = [
    vector
    for vector in VECTORS["sections"]
    if vector["codec"] in ("mosaic-png", "mosaic-webp") and "error" in vector
]


def test_no_library_sees_a_picture_beyond_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(Image, "open", opened)
    assert len(BEYOND) > 50
    for vector in BEYOND:
        with pytest.raises(PayloadError):
            decode(vector)


def test_there_is_a_vector_to_accept_and_one_to_refuse_for_every_exact_codec() -> None:
    for outcome in ("array", "error"):
        covered = {vector["codec"] for vector in VECTORS["sections"] if outcome in vector}
        assert covered == {codec.name for codec in codecs.REGISTRY} - {
            "label-fields",  # these three in tests/labels/test_vectors.py
            "label-model",
            "soft-labels",
            "teacher-weights",  # in a file of their own: tests/labels/teacher/test_vectors.py
        }


def test_words_normals_weights_and_probabilities_are_as_listed() -> None:
    for case in VECTORS["words"]:
        found = randomness.words(
            int(case["seed"]), case["domain"], case["stream"], len(case["words"])
        )
        assert found.tolist() == case["words"]
    for case in VECTORS["variations"]:
        found = randomness.variation_seeds([int(case["seed"])], case["variation"])
        assert found.tolist() == [int(case["of"])]
    for case in VECTORS["partners"]:
        assert randomness.mixup_partners([int(case["seed"])], [case["number"]]) == [case["of"]]
    case = VECTORS["normals"]
    noise = randomness.normals([int(case["seed"])], case["stream"], len(case["values"]))
    assert noise[0].tolist() == from_hex(case["values"])
    for case in VECTORS["weights"]:
        table = weights(*case["temperature"])
        count = case["nonzero"]
        assert np.flatnonzero(table)[-1] + 1 == count
        assert table[:4].tolist() == case["first"]
        assert table[count - 2 : count].tolist() == case["last"]
    for case in VECTORS["probabilities"]:
        logits = np.array(case["logits"], np.int16)
        found = probabilities(logits, tuple(case["temperature"]))
        assert found.tolist() == from_hex(case["values"])


@pytest.mark.parametrize("case", VECTORS["vp8"], ids=lambda case: f"{case['width']} px wide")
def test_planes_of_vp8_become_pixels_as_the_specification_says(case: dict[str, Any]) -> None:
    """The planes are another decoder's; the formula is the specification's, in plain Python."""
    with Image.open(io.BytesIO(bytes.fromhex(case["file"])), formats=("WEBP",)) as picture:
        assert picture.size == (case["width"], case["height"])
        assert picture.convert("RGB").tobytes().hex() == case["pixels"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with labels, both kinds of seeds, and a head that gives their shapes."""
    rng = np.random.default_rng(0)
    z = rng.integers(-300, 0, (3, 2, 4, 3)).astype(np.int16)
    seeds = rng.integers(0, 2**64, (3, 2), dtype=np.uint64)
    recipe = {"ipc": 2, "views": 4, "layout": {"grid": 1}, "synthesis": {"kind": "stored"}}
    head = {"origins": [[0, 3]], "recipe": {**recipe, "labels": {"kind": "soft"}}}
    label, listed, derived = TopKLabels(3, 3), SeedList(), SeedDerived()
    path = tmp_path / "file.ddz"
    write_container(
        path,
        head=head,
        sections=[
            NewSection("labels", label.spec(), Box(0, 3), label.encode(z)),
            NewSection("seeds", listed.spec(), Box(0, 3), listed.encode(seeds)),
            NewSection("seeds", derived.spec(), Box(0, 2), derived.raw_from(5, ["a", "b"])),
        ],
    )
    return path


def test_the_plain_reader_decodes_sections_of_a_file(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from ddcodec.container import Reader

    reader = Reader(file)
    for section in reader.sections:
        shape = (3, 2, 4, 3) if section.kind == "labels" else (section.box.class_count, 2)
        ours = codecs.get(section.codec).decode(reader.read_raw(section), shape)
        assert reference.main([str(file), str(section.index)]) == 0
        assert json.loads(capsys.readouterr().out) == ours.tolist()
        if section.kind == "labels":
            assert reference.main([str(file), str(section.index), "4/1"]) == 0
            theirs = from_hex(json.loads(capsys.readouterr().out))
            assert theirs == probabilities(ours, (4, 1)).tolist()


def test_the_plain_reader_refuses_with_the_containers_exit_codes(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reference.main([]) == 2
    assert reference.main([str(file), "9"]) == 3
    assert "no section 9" in capsys.readouterr().err


def test_own_class_is_minus_one_in_both() -> None:
    codec = {"name": "hard-labels", "version": 1, "params": {}}
    ours = HardLabels().decode(b"\0", (1, 2, 1))
    assert reference.decode(codec, b"\0", (1, 2, 1)) == ours.tolist()


@EACH
def test_each_vector_is_checked_as_it_is_decoded(vector: dict[str, Any]) -> None:
    """Without the array where a byte stands for all of it; and none has too many raw bytes."""
    raw, shape = bytes.fromhex(vector["raw"]), tuple(vector["shape"])
    try:
        codec = codecs.get(CodecSpec(vector["codec"], vector["version"], "none", vector["params"]))
        codec.check(raw, shape)
        refused = None
    except DdcodecError as error:
        refused = error.code
    assert refused == vector.get("error")
    if refused is None:
        assert len(raw) <= codec.most_raw(shape)
