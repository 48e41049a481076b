"""sre2l: images recovered from a teacher, and what it costs to interrupt that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from torch import nn

import ddcodec
from ddcodec.arrays import Int64s, UInt8s
from ddcodec.artifact import Artifact
from ddcodec.classifiers.store import load_teacher
from ddcodec.classifiers.teacher import Teacher
from ddcodec.classifiers.training import Batch, Optimisation, fit, statistics_of
from ddcodec.errors import EncodeError, RequestError
from ddcodec.methods import recovery
from ddcodec.methods.base import Job
from ddcodec.methods.recovery import (
    Recovery,
    layer_moments,
    measured_moments,
    normalising_layers,
    recover,
)
from ddcodec.methods.sre2l import SRe2L
from ddcodec.methods.work import WorkFolder
from ddcodec.sources.folder import scan
from tests.artifacts import encode_small

SETTINGS = Recovery(
    size=(8, 8),
    iterations=40,
    lr=0.1,
    matching=0.05,
    min_scale=0.5,
    curriculum=0.0,
    flip=True,
    seed=3,
)
CLASSES = np.arange(12) % 3


def colours() -> tuple[UInt8s, Int64s]:
    """Noisy pictures of one colour: class 0 is blue, 1 green, 2 red."""
    labels = np.repeat(np.arange(3), 20)
    images = np.random.default_rng(0).integers(0, 90, (60, 8, 8, 3), dtype=np.uint8)
    images[np.arange(60), :, :, 2 - labels] += 120
    return images, labels


def network(norm: nn.Module) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        norm,
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 3),
    )


def trained(norm: nn.Module) -> Teacher:
    images, labels = colours()
    torch.manual_seed(0)
    module, statistics = network(norm), statistics_of(images)
    planar = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    batch = Batch(planar, torch.from_numpy(labels))
    fit(module, lambda _: [batch], statistics, Optimisation(steps=60, lr=0.03))
    return Teacher(module, ("blue", "green", "red"), statistics, (8, 8), "small", "0")


def no_images() -> NoReturn:
    raise AssertionError("a batch norm has kept its moments")


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    return trained(nn.BatchNorm2d(8))


def test_images_become_what_the_teacher_knows(teacher: Teacher) -> None:
    moments = layer_moments(teacher, no_images)
    told: list[tuple[int, int]] = []
    found = recover(teacher, CLASSES, moments, SETTINGS, lambda *done: told.append(done))
    assert (found.images.shape, found.images.dtype) == ((12, 8, 8, 3), np.uint8)
    assert found.losses[-5:].mean() < 0.5 * found.losses[:5].mean()
    assert (teacher.logits(found.images).argmax(1) == CLASSES).all()
    assert told[-1] == (40, 40)
    # The moments at the normalising layer are nearer to those of training than noise is.
    noise = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    far, near = (
        np.linalg.norm(measured_moments(teacher, some)[0][0] - moments[0][0])
        for some in (noise, found.images)
    )
    assert near < 0.5 * far


def test_images_follow_the_seed_alone(teacher: Teacher) -> None:
    moments = layer_moments(teacher, no_images)
    settings = replace(SETTINGS, iterations=2)
    one, again, other = (
        recover(teacher, CLASSES, moments, replace(settings, seed=seed)).images
        for seed in (1, 1, 2)
    )
    assert (one == again).all()
    assert (one != other).any()


def test_an_optimisation_that_diverges_is_an_error(teacher: Teacher) -> None:
    moments = [np.full((2, 8), np.inf, np.float32)]
    with pytest.raises(EncodeError, match="diverged"):
        recover(teacher, CLASSES, moments, SETTINGS)


def test_columns_are_those_of_the_classes(teacher: Teacher) -> None:
    swapped = teacher.for_classes(("red", "blue"))
    moments = layer_moments(teacher, no_images)
    found = recover(swapped, CLASSES % 2, moments, SETTINGS)
    assert (swapped.logits(found.images).argmax(1) == CLASSES % 2).all()


def test_moments_are_measured_where_none_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    teacher, (images, _) = trained(nn.GroupNorm(8, 8)), colours()
    layers = normalising_layers(teacher.module)
    assert [type(layer) for layer in layers] == [nn.GroupNorm]
    monkeypatch.setattr(recovery, "_MEASURED", 25)
    (moments,) = layer_moments(teacher, lambda: images)
    inputs = teacher.statistics.normalise(torch.from_numpy(images).permute(0, 3, 1, 2))
    with torch.inference_mode():
        variance, mean = torch.var_mean(
            teacher.module.get_submodule("0")(inputs), (0, 2, 3), correction=0
        )
    np.testing.assert_allclose(moments, torch.stack([mean, variance]), atol=1e-5, rtol=1e-4)


def test_crops_shrink_from_whole_images() -> None:
    plain = replace(SETTINGS, min_scale=0.2)
    assert [plain.smallest_crop(step) for step in (0, 39)] == [0.2, 0.2]
    taught = replace(plain, curriculum=0.5)
    assert [taught.smallest_crop(step) for step in (0, 10, 20, 39)] == pytest.approx(
        [1, 0.6, 0.2, 0.2]
    )


def test_published_settings_depend_on_the_size(image_folder: Path) -> None:
    found = [SRe2L().settings(job(image_folder, size), 0) for size in ((32, 32), (224, 224))]
    assert [(s.iterations, s.lr, s.matching) for s in found] == [
        (1000, 0.1, 0.05),
        (4000, 0.25, 0.01),
    ]
    given = SRe2L(iterations=7, matching=0.0).settings(job(image_folder, (32, 32)), 0)
    assert (given.iterations, given.lr, given.matching) == (7, 0.1, 0.0)


def job(folder: Path, size: tuple[int, int], teacher: Any = None) -> Job:
    source = scan(folder)
    return Job(
        source=source,
        names=source.classes,
        size=size,
        ipc=1,
        seed=0,
        teacher=lambda: teacher,
        prior=lambda: teacher,
        work=WorkFolder(),
    )


def test_a_teacher_without_such_layers_is_refused(image_folder: Path) -> None:
    bare = trained(nn.Identity())
    with pytest.raises(RequestError, match=r"the teacher small has neither: use a ResNet"):
        SRe2L().check(job(image_folder, (8, 8), bare))
    SRe2L().check(replace(job(image_folder, (8, 8), bare), trains_teacher=True))


def recovered(source: Path, teacher: Path, out: Path, **changes: Any) -> Artifact:
    options = {"iterations": 25, "batch": 4, "min_scale": 0.8, "sample": 9}
    return encode_small(
        source, out, method="sre2l", ipc=2, teacher=str(teacher), options=options, **changes
    )


def test_an_encode_goes_on_from_the_images_it_has(
    image_folder: Path, teacher_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = recovered(image_folder, teacher_folder, tmp_path / "a.ddz", quality=100)
    teacher = load_teacher(teacher_folder, whole.head.classes)
    for c in range(3):
        pictures = whole.renderer().pictures([(c, 0), (c, 1)])
        assert (teacher.logits(pictures).argmax(1) == c).all()

    recover_as_it_is, calls = recovery.recover, []

    def interrupted(*given: Any) -> Any:
        calls.append(given[1])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return recover_as_it_is(*given)

    monkeypatch.setattr(recovery, "recover", interrupted)
    with pytest.raises(KeyboardInterrupt):
        recovered(image_folder, teacher_folder, tmp_path / "b.ddz", quality=100)
    resumed = recovered(image_folder, teacher_folder, tmp_path / "b.ddz", quality=100)
    assert resumed.digest == whole.digest
    assert [len(classes) for classes in calls] == [3, 3, 3]


def test_a_plan_expects_more_bytes_than_of_real_images(image_folder: Path, tmp_path: Path) -> None:
    plans = [
        ddcodec.encode(image_folder, tmp_path / "x", method=method, ipc=2, dry_run=True)
        for method in ("sre2l", "random")
    ]
    expected, real = (plan.expected["patches"] for plan in plans)
    assert expected == pytest.approx(1.6 * real, abs=6)
