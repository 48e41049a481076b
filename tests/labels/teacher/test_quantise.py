"""Fitting few bits to a teacher: close to it, and closer than plain rounding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ddcodec.classifiers.teacher import Teacher
from ddcodec.codecs.teacher_weights import StoredWeights, TeacherWeights
from ddcodec.errors import EncodeError, RequestError
from ddcodec.labels.teacher import quantise
from ddcodec.labels.teacher.execute import StoredTeacher
from ddcodec.labels.teacher.fold import folded
from ddcodec.labels.teacher.quantise import pictures_wanted, quantise_teacher
from tests.labels.teacher.conftest import Images, MakeTeacher

SHAPES = [
    ("convnet3", 13),
    ("convnet4", 16),
    ("convnet5", 32),
    ("resnet18-half", 16),
    ("resnet18-half", 67),
]


def error(teacher: Teacher, images: Images, bits: int) -> float:
    """Root mean square difference of logits, in nats."""
    stored = StoredTeacher(*quantise_teacher(teacher, images, bits))
    difference: float = np.sqrt(np.mean((stored.outputs(images) - teacher.logits(images)) ** 2))
    return difference


@pytest.mark.parametrize(("arch", "side"), SHAPES)
def test_eight_bits_are_the_teacher_almost(make_teacher: MakeTeacher, arch: str, side: int) -> None:
    teacher, images = make_teacher(arch, side)
    assert error(teacher, images, 8) < 0.01 * teacher.logits(images).std()


def test_more_bits_come_closer(make_teacher: MakeTeacher) -> None:
    teacher, images = make_teacher("convnet3", 16)
    errors = [error(teacher, images, bits) for bits in (3, 4, 6, 8)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 8 * errors[-1]


def test_error_feedback_beats_plain_rounding(
    make_teacher: MakeTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher, images = make_teacher("convnet3", 16)
    fitted = error(teacher, images, 4)
    # Moments of independent inputs leave nothing to make good.
    monkeypatch.setattr(
        quantise, "_moments", lambda rows: torch.eye(rows.shape[1], dtype=torch.float64)
    )
    assert error(teacher, images, 4) > 1.5 * fitted


def both(teacher: Teacher, images: Images) -> list[tuple[TeacherWeights, StoredWeights]]:
    return [quantise_teacher(teacher, images, 5) for _ in range(2)]


def test_the_same_teacher_gives_the_same_bytes(make_teacher: MakeTeacher) -> None:
    teacher, images = make_teacher("convnet3", 8)
    one, other = (codec.encode(weights) for codec, weights in both(teacher, images))
    assert one == other


def test_columns_follow_the_classes_asked_for(make_teacher: MakeTeacher) -> None:
    teacher, images = make_teacher("convnet3", 8)
    some = teacher.for_classes(["d", "a"])
    codec, weights = quantise_teacher(some, images, 8)
    assert codec.classes == 2
    found = StoredTeacher(codec, weights).outputs(images)
    np.testing.assert_allclose(found, some.logits(images), atol=0.02)


def test_a_norm_makes_a_bias_idle(make_teacher: MakeTeacher) -> None:
    teacher, images = make_teacher("convnet3", 8)
    before = teacher.logits(images)
    for part in teacher.module.features:  # type: ignore[union-attr]
        if isinstance(part, torch.nn.Conv2d):
            assert part.bias is not None
            part.bias.data.zero_()
    np.testing.assert_allclose(teacher.logits(images), before, atol=1e-4)


def test_channels_that_are_zero_or_tiny_survive(make_teacher: MakeTeacher) -> None:
    teacher, images = make_teacher("convnet3", 8)
    weight = teacher.module.head.weight.data  # type: ignore[union-attr]
    weight[0], weight[1] = 0, 1e-9
    codec, weights = quantise_teacher(teacher, images, 8)
    values = codec.decode(codec.encode(weights)).layers[-1].values
    assert (values[0] == 0).all() and np.abs(values[1]).max() <= 1


def test_a_weight_that_is_no_number_is_refused(make_teacher: MakeTeacher) -> None:
    teacher, images = make_teacher("convnet3", 8)
    teacher.module.head.weight.data[0, 0] = torch.nan  # type: ignore[union-attr]
    with pytest.raises(EncodeError, match="not finite"):
        quantise_teacher(teacher, images, 8)


def test_what_cannot_be_stored_says_what_to_do(make_teacher: MakeTeacher) -> None:
    teacher, images = make_teacher("convnet3", 8)
    wrong = [
        (replace(teacher, arch="someone/vit"), images, "labels='soft', or train"),
        (replace(teacher, size=(16, 16)), images, "16x16 pictures"),
        (teacher, images[:, :, :4], "one square size"),
        (
            replace(teacher, classes=("x",) * 200_000),
            images,
            "more than 16777216; use labels='soft'",
        ),
    ]
    for bad, pictures, message in wrong:
        with pytest.raises((EncodeError, RequestError), match=message):
            quantise_teacher(bad, pictures, 5)


def test_layers_come_in_the_order_of_the_specification(make_teacher: MakeTeacher) -> None:
    for arch, side in SHAPES:
        teacher, _ = make_teacher(arch, side)
        expected = TeacherWeights(arch, 5, 5, side).layers
        found = [(tuple(f.weight.shape), len(f.vectors)) for f in folded(teacher)]
        assert found == [(layer.shape, layer.vectors) for layer in expected]


def test_large_pictures_need_few() -> None:
    assert [pictures_wanted(side) for side in (16, 32, 224, 4096)] == [300, 300, 41, 16]
