"""The codec of stored teachers: what goes in comes out, and nothing else comes out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ddcodec.codecs.teacher_layers import MAX_PARAMETERS, NAMES, layers_of
from ddcodec.codecs.teacher_weights import LayerWeights, StoredWeights, TeacherWeights
from ddcodec.errors import DdcodecError, EncodeError, PayloadError, UnsupportedFeatureError

CODEC = TeacherWeights("convnet3", 5, 2, 8)


def random_weights(codec: TeacherWeights, seed: int, spread: float = 0.3) -> StoredWeights:
    """Weights as a fit leaves them: bell-shaped, each channel with its own width."""
    rng = np.random.default_rng(seed)
    layers = []
    for layer in codec.layers:
        out = layer.shape[0]
        width = spread * codec.top * rng.random((out, *[1] * (len(layer.shape) - 1)))
        values = np.rint(rng.normal(size=layer.shape) * width).clip(-codec.top, codec.top)
        scale = rng.uniform(1e-6, 1, out).astype(np.float16).astype(np.float32)
        vectors = rng.normal(size=(layer.vectors, out)).astype(np.float16).astype(np.float32)
        layers.append(LayerWeights(values.astype(np.int8), scale, vectors))
    return StoredWeights((0, 30000, 65536), (1, 15000, 65536), tuple(layers))


def same(a: StoredWeights, b: StoredWeights) -> bool:
    return (a.mean, a.std, len(a.layers)) == (b.mean, b.std, len(b.layers)) and all(
        x.values.dtype == y.values.dtype
        and np.array_equal(x.values, y.values)
        and np.array_equal(x.scale, y.scale)
        and np.array_equal(x.vectors, y.vectors)
        for x, y in zip(a.layers, b.layers, strict=True)
    )


@given(bits=st.integers(3, 8), classes=st.integers(1, 7), seed=st.integers(0, 99))
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
def test_what_goes_in_comes_out(bits: int, classes: int, seed: int) -> None:
    codec = TeacherWeights("convnet3", bits, classes, 8)
    weights = random_weights(codec, seed, spread=(seed % 5) / 4)
    raw = codec.encode(weights)
    decoded = codec.decode(raw)
    assert same(decoded, weights)
    assert codec.slice_raw(raw, slice(0, 1), slice(0, 1), ()) == raw
    assert all(layer.values.flags.c_contiguous for layer in decoded.layers)


def test_entropy_coding_is_near_the_entropy() -> None:
    weights = random_weights(TeacherWeights("convnet3", 5, 10, 32), 1)
    bits = 0.0
    for layer in weights.layers:
        for row in layer.values.reshape(len(layer.values), -1):
            share = np.bincount(row.astype(np.int64) + 16) / len(row)
            bits -= len(row) * float((share[share > 0] * np.log2(share[share > 0])).sum())
    raw = TeacherWeights("convnet3", 5, 10, 32).encode(weights)
    small = sum(4 * len(layer.scale) + layer.vectors.nbytes // 2 for layer in weights.layers)
    assert len(raw) - small < 1.05 * bits / 8


@given(at=st.integers(0, 10**9), to=st.integers(0, 255), cut=st.booleans())
@settings(max_examples=20)
def test_damage_decodes_to_numbers_in_range_or_is_an_error(at: int, to: int, cut: bool) -> None:
    raw = good_raw()
    place = at % len(raw)
    bad = raw[:place] if cut else raw[:place] + bytes([to]) + raw[place + 1 :]
    try:
        weights = CODEC.decode(bad)
    except PayloadError:
        return
    assert not cut
    for layer in weights.layers:
        assert np.abs(layer.values.astype(int)).max() <= CODEC.top
        assert np.isfinite(layer.vectors).all() and (layer.scale > 0).all()


def good_raw() -> bytes:
    return CODEC.encode(random_weights(CODEC, 0))


def changed(**changes: np.ndarray) -> StoredWeights:
    good = random_weights(CODEC, 0)
    return replace(good, layers=(replace(good.layers[0], **changes), *good.layers[1:]))


@pytest.mark.parametrize(
    "weights",
    [
        changed(values=np.full((128, 3, 3, 3), 16, np.int8)),
        changed(values=np.full((128, 3, 3, 3), -128, np.int8)),
        changed(values=np.zeros((128, 3, 3, 3), np.int16)),
        changed(values=np.zeros((128, 27), np.int8)),
        changed(scale=np.zeros(128, np.float32)),
        changed(scale=np.full(128, 0.1, np.float32)),
        changed(scale=np.full(128, -1, np.float32)),
        changed(vectors=np.full((2, 128), 1e6, np.float32)),
        changed(vectors=np.full((2, 128), np.nan, np.float32)),
        changed(vectors=np.zeros((1, 128), np.float32)),
        replace(changed(), mean=(0, 0, 65537)),
        replace(changed(), std=(0, 1, 1)),
        replace(changed(), layers=()),
    ],
)
def test_what_does_not_fit_is_refused(weights: StoredWeights) -> None:
    with pytest.raises(EncodeError):
        CODEC.encode(weights)


def test_sizes_are_checked_before_anything_is_allocated() -> None:
    for arch in NAMES:
        for classes, side in ((65535, 64), (1, 8192), (5, 1)):
            try:
                layers = layers_of(arch, classes, side)
            except UnsupportedFeatureError:
                continue
            assert sum(layer.shape[0] * layer.terms for layer in layers) <= MAX_PARAMETERS
    with pytest.raises(UnsupportedFeatureError, match="unknown to this version"):
        layers_of("vgg11", 10, 32)
    with pytest.raises(PayloadError):
        TeacherWeights("resnet18", 8, 10, 224).decode(good_raw()[:3000])


def test_the_plain_form_is_all_numbers_in_32_bits() -> None:
    weights = random_weights(CODEC, 0)
    plain = sum(4 * (layer.values.size + layer.vectors.size) for layer in weights.layers)
    assert CODEC.plain_bytes == plain


def test_errors_are_ours() -> None:
    with pytest.raises(DdcodecError):
        CODEC.decode(b"")
