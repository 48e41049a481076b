"""A stored teacher's labels: one answer, whatever surrounds an image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ddcodec.codecs.teacher_weights import StoredWeights, TeacherWeights
from ddcodec.errors import PayloadError
from ddcodec.exact.backends import choose_backend
from ddcodec.labels.teacher.execute import StoredTeacher, normalised
from tests.exact.here import HERE
from tests.labels.teacher.conftest import Images
from tests.labels.teacher.listed import listed

Made = tuple[TeacherWeights, StoredWeights, Images]


@pytest.fixture(scope="module", params=["convnet3", "resnet18-half"])
def made(request: pytest.FixtureRequest) -> Made:
    images = np.random.default_rng(0).integers(0, 256, (24, 16, 16, 3), dtype=np.uint8)
    return *listed({"arch": request.param, "bits": 5, "classes": 5, "side": 16}), images


@pytest.mark.parametrize("backend", HERE)
def test_batches_order_and_back_ends_change_nothing(made: Made, backend: str) -> None:
    codec, weights, images = made
    expected = StoredTeacher(codec, weights).outputs(images)
    teacher = StoredTeacher(codec, weights, backend=choose_backend("cpu", backend))
    many = np.concatenate([images[::-1]] * 4)  # more than are executed together
    assert np.array_equal(teacher.outputs(many)[: len(images)], expected[::-1])
    assert np.array_equal(teacher.outputs(images[5:6]), expected[5:6])


def test_surroundings_change_nothing(made: Made) -> None:
    codec, weights, images = made
    expected = StoredTeacher(codec, weights).logits(images)
    teacher = StoredTeacher(codec, weights)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert np.array_equal(teacher.logits(images), expected)
    assert np.array_equal(teacher.logits(images), expected)
    torch.set_default_dtype(torch.float64)
    try:
        assert np.array_equal(StoredTeacher(codec, weights).logits(images), expected)
    finally:
        torch.set_default_dtype(torch.float32)


def test_read_only_pictures_and_none_at_all(made: Made) -> None:
    codec, weights, images = made
    teacher = StoredTeacher(codec, weights)
    frozen = images.copy()
    frozen.flags.writeable = False
    assert teacher.logits(frozen).dtype == np.int16
    assert teacher.logits(images[:0]).shape == (0, codec.classes)


def test_inputs_are_rounded_once() -> None:
    weights = StoredWeights((0, 65536, 20000), (65536, 1, 15000), ())
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, 3)
    found = normalised(pixels, weights, torch.device("cpu")).numpy()
    for channel, (mean, std) in enumerate(zip(weights.mean, weights.std, strict=True)):
        # Both fit binary64, so the quotient is rounded to 53 bits, then to 24; no tie is near.
        exact = (pixels[..., channel] * 65536.0 - 255.0 * mean) / (255.0 * std)
        assert np.array_equal(found[:, channel], exact.astype(np.float32))


def test_logits_beyond_the_range_are_clipped_and_infinite_ones_refused(made: Made) -> None:
    codec, weights, images = made
    head = weights.layers[-1]

    def with_bias(value: float) -> StoredTeacher:
        vectors = np.full_like(head.vectors, value)
        layers = (*weights.layers[:-1], replace(head, vectors=vectors))
        return StoredTeacher(codec, replace(weights, layers=layers))

    assert (with_bias(60000.0).logits(images) == 32767).all()
    assert (with_bias(-60000.0).logits(images) == -32768).all()
    with pytest.raises(PayloadError, match="damaged"):
        with_bias(np.inf).logits(images)
