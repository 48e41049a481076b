"""The closed registry: names, versions and parameters, each refused precisely."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec import codecs
from ddcodec.codecs.label_fields import LabelFields
from ddcodec.codecs.label_model import LabelModel, LabelModelCodec
from ddcodec.codecs.mosaic_avif import MosaicAvif
from ddcodec.codecs.mosaic_png import MosaicPng
from ddcodec.codecs.mosaic_webp import MosaicWebp
from ddcodec.codecs.pixel_digest import PixelDigests
from ddcodec.codecs.quantised_latents import QuantisedLatents
from ddcodec.codecs.soft_labels import SoftLabels
from ddcodec.codecs.teacher_weights import TeacherWeights
from ddcodec.codecs.top_k_labels import TopKLabels
from ddcodec.codecs.view_draws import ViewDraws
from ddcodec.container import CodecSpec
from ddcodec.errors import HeaderError, PayloadError, UnknownCodecError
from tools.conformance.reference import parameters
from tools.conformance.reference.refusal import Refused

SIDES = {"width": 8, "height": 4}
PARAMS: dict[type[codecs.Codec[Any, Any]], dict[str, Any]] = {
    LabelFields: {"variations": 1, "features": 2, "atoms": 3, "band": 2},
    SoftLabels: {"columns": 3, "band": 2, "step": 0},
    LabelModelCodec: dict.fromkeys(LabelModelCodec.RANGES, 1),
    TopKLabels: {"classes": 4, "k": 2, "step": 3, "common": 0, "ranked": 2, "band": 1},
    TeacherWeights: {"arch": "convnet3", "bits": 4, "classes": 2, "side": 8},
    QuantisedLatents: {"channels": 2, "height": 1, "width": 2},
    PixelDigests: {"length": 4},
    MosaicAvif: SIDES,
    MosaicPng: SIDES,
    MosaicWebp: SIDES,
    ViewDraws: SIDES,
}


@pytest.mark.parametrize(
    "codec", codecs.REGISTRY, ids=lambda codec: f"{codec.name}-{codec.version}"
)
def test_every_codec_is_found_again_by_its_spec(codec: type[codecs.Codec[Any, Any]]) -> None:
    made = codec.from_params(PARAMS.get(codec, {}))
    assert codecs.get(made.spec()) == made
    assert (made.name, made.version) == (made.spec().name, made.spec().version)


def test_names_and_versions_are_unique_and_sorted() -> None:
    keys = [(codec.name, codec.version) for codec in codecs.REGISTRY]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize(
    ("name", "version", "message"),
    [
        ("soft-labels", 2, "upgrade"),
        ("pixel-digest", 1, "version 1 is not read any more"),
        ("os.system", 1, "reads hard-labels, label-fields"),
    ],
)
def test_what_this_reader_lacks_is_named(name: str, version: int, message: str) -> None:
    with pytest.raises(UnknownCodecError, match=message):
        codecs.get(CodecSpec(name, version, "none", {"classes": 2, "step": 1}))


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("soft-labels", {"columns": 2, "band": 1}, "lacks the field 'step'"),
        ("soft-labels", {"columns": 2, "band": 1, "step": 1, "x": 1}, "unknown field 'x'"),
        ("soft-labels", {"columns": True, "band": 1, "step": 1}, "columns is True"),
        ("soft-labels", {"columns": 2, "band": 1, "step": "1"}, "step is '1'"),
        ("soft-labels", {"columns": 65536, "band": 1, "step": 1}, r"0\.\.65535"),
        ("soft-labels", {"columns": 1025, "band": 1, "step": 0}, r"0\.\.1024"),
        ("soft-labels", {"columns": 2, "band": 1, "step": 2049}, r"0\.\.2048"),
        ("top-k-labels", PARAMS[TopKLabels] | {"k": 5}, r"1\.\.4"),
        ("teacher-weights", PARAMS[TeacherWeights] | {"arch": 1}, "a text"),
        ("teacher-weights", PARAMS[TeacherWeights] | {"bits": 9}, r"3\.\.8"),
        ("mosaic-png", {"width": 8}, "lacks"),
        ("mosaic-webp", {"width": 8, "height": 8, "quality": 60}, "quality"),
        ("mosaic-webp", {"width": 8193, "height": 8}, r"1\.\.8192"),
        ("seed-list", {"x": 1}, "unknown field"),
    ],
)
def test_malformed_parameters_are_header_errors(
    name: str, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(HeaderError, match=message):
        codecs.get(CodecSpec(name, 1, "none", params))


@given(
    st.sampled_from(codecs.REGISTRY),
    st.binary(max_size=64),
    st.lists(st.integers(0, 4), max_size=6).map(tuple),
)
def test_any_bytes_and_any_box_decode_or_are_payload_errors(
    codec: type[codecs.Codec[Any, Any]], raw: bytes, shape: tuple[int, ...]
) -> None:
    made = codec.from_params(PARAMS.get(codec, {}))
    try:
        found = made.decode(raw, shape)
    except PayloadError:
        return
    if isinstance(found, LabelModel):
        found = found.class_fields
    if isinstance(found, tuple):  # texts, one for each class
        found = np.empty(len(found))
    assert getattr(found, "shape", shape) == shape


def test_the_second_reader_knows_every_codec_with_its_ranges() -> None:
    ours = {codec.name: dict(codec.RANGES) for codec in codecs.REGISTRY}
    assert ours == parameters.RANGES


@pytest.mark.parametrize("codec", codecs.REGISTRY, ids=lambda codec: codec.name)
def test_the_second_reader_refuses_a_table_with_wrong_parameters(
    codec: type[codecs.Codec[Any, Any]],
) -> None:
    good = PARAMS.get(codec, {})
    parameters.check_parameters(codec.name, good)
    faults = [{**good, "extra": 1}]
    faults += [{k: v for k, v in good.items() if k != key} for key in good]
    faults += [{**good, key: value} for key in good for value in (None, True, -1, 1 << 40)]
    for fault in faults:
        with pytest.raises(Refused, match="parameter"):
            parameters.check_parameters(codec.name, fault)
        with pytest.raises(HeaderError):
            codec.from_params(fault)
