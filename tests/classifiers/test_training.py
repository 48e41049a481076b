from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from ddcodec.classifiers.training import (
    Batch,
    Optimisation,
    Statistics,
    fit,
    pad_crop_flip,
    predict,
    resolve_precision,
    shuffled_batches,
    statistics_of,
)
from ddcodec.errors import EncodeError

PLAIN = Statistics((0, 0, 0), (65536, 65536, 65536))


def linear(outputs: int = 2) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, outputs))


def dark_and_bright() -> tuple[torch.Tensor, torch.Tensor]:
    images = torch.zeros(8, 3, 4, 4, dtype=torch.uint8)
    images[4:] = 255
    return images, torch.arange(8) // 4


def test_statistics_are_those_of_numpy_by_channel() -> None:
    images = np.random.default_rng(1).integers(0, 256, (20, 5, 6, 3), dtype=np.uint8)
    found = statistics_of(images)
    assert found == statistics_of(image for image in images)
    scaled = images.astype(np.float64) / 255
    np.testing.assert_allclose(np.array(found.mean) / 65536, scaled.mean((0, 1, 2)), atol=1e-5)
    np.testing.assert_allclose(np.array(found.std) / 65536, scaled.std((0, 1, 2)), atol=1e-5)


def test_normalised_pictures_have_mean_zero_and_deviation_one() -> None:
    images = np.random.default_rng(2).integers(0, 256, (50, 8, 8, 3), dtype=np.uint8)
    out = statistics_of(images).normalise(torch.tensor(images).permute(0, 3, 1, 2))
    torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(out.std((0, 2, 3)), torch.ones(3), atol=1e-2, rtol=0)


def test_a_channel_of_one_value_does_not_divide_by_zero() -> None:
    black = np.zeros((2, 4, 4, 3), np.uint8)
    out = statistics_of(black).normalise(torch.zeros(1, 3, 4, 4, dtype=torch.uint8))
    assert torch.isfinite(out).all()


@pytest.mark.parametrize(("span", "end"), [(1.0, 0.0), (0.5, 0.5)])
def test_cosine_schedule_ends_where_the_protocol_says(span: float, end: float) -> None:
    schedule = Optimisation(steps=100, span=span)
    assert schedule.factor(0) == 1
    assert schedule.factor(100) == pytest.approx(end)


def test_warmup_rises_to_the_full_rate() -> None:
    schedule = Optimisation(steps=100, warmup=0.1)
    assert 0 < schedule.factor(0) < schedule.factor(9) < schedule.factor(10) == 1


def test_fit_learns_from_class_indices() -> None:
    images, labels = dark_and_bright()
    module = linear()
    fit(module, lambda _: [Batch(images, labels)], PLAIN, Optimisation(60, lr=0.05))
    guesses = predict(module, images.permute(0, 2, 3, 1).numpy(), PLAIN).argmax(1)
    assert guesses.tolist() == labels.tolist()
    assert not module.training


def test_fit_on_soft_targets_reaches_the_targets_at_their_temperature() -> None:
    images, labels = dark_and_bright()
    soft = torch.tensor([[0.7, 0.3], [0.2, 0.8]])[labels]
    module = linear()
    settings = Optimisation(400, lr=0.05, weight_decay=0, precision="float32")
    fit(module, lambda _: [Batch(images, soft, 4)], PLAIN, settings)
    logits = predict(module, images.permute(0, 2, 3, 1).numpy(), PLAIN)
    torch.testing.assert_close(torch.softmax(logits / 4, 1), soft, atol=0.02, rtol=0)


def test_fit_is_repeatable_and_leaves_the_global_random_state_alone() -> None:
    images, labels = dark_and_bright()
    torch.manual_seed(3)
    before = torch.random.get_rng_state()

    def train() -> torch.Tensor:
        module = linear()
        generator = torch.Generator().manual_seed(5)

        def epoch(_: int) -> list[Batch]:
            return [Batch(images[i], labels[i]) for i in shuffled_batches(8, 3, generator)]

        fit(module, epoch, PLAIN, Optimisation(10))
        return predict(module, images.permute(0, 2, 3, 1).numpy(), PLAIN)

    assert torch.equal(train(), train())
    assert torch.equal(before, torch.random.get_rng_state())


def test_fit_tells_progress_and_stops_after_the_last_step() -> None:
    images, labels = dark_and_bright()
    seen: list[tuple[int, int]] = []
    fit(
        linear(),
        lambda _: [Batch(images, labels)] * 2,
        PLAIN,
        Optimisation(5),
        lambda done, total: seen.append((done, total)),
    )
    assert seen == [(i, 5) for i in range(1, 6)]


def test_fit_refuses_an_epoch_without_a_batch() -> None:
    with pytest.raises(EncodeError, match="nothing to train on"):
        fit(linear(), lambda _: [], PLAIN, Optimisation(5))


def test_fit_says_when_training_diverges() -> None:
    images, labels = dark_and_bright()
    module = linear()
    with torch.no_grad():
        next(module.parameters()).fill_(math.nan)
    with pytest.raises(EncodeError, match="not finite"):
        fit(module, lambda _: [Batch(images, labels)], PLAIN, Optimisation(50))


def test_batches_of_an_epoch_hold_every_row_once() -> None:
    batches = list(shuffled_batches(10, 4, torch.Generator().manual_seed(0)))
    assert [len(b) for b in batches] == [4, 4, 2]
    assert sorted(torch.cat(batches).tolist()) == list(range(10))


def test_drop_last_keeps_a_set_smaller_than_a_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    assert [len(b) for b in shuffled_batches(10, 4, generator, drop_last=True)] == [4, 4]
    assert [len(b) for b in shuffled_batches(3, 4, generator, drop_last=True)] == [3]


def test_pad_crop_flip_shifts_a_picture_by_at_most_the_padding() -> None:
    images = torch.zeros(200, 3, 9, 9, dtype=torch.uint8)
    images[:, :, 4, 3] = 255
    out = pad_crop_flip(images, 2, False, torch.Generator().manual_seed(0))
    rows, columns = out[:, 0].flatten(1).argmax(1) // 9, out[:, 0].flatten(1).argmax(1) % 9
    assert out.shape == images.shape
    assert set(rows.tolist()) == {2, 3, 4, 5, 6}
    assert set(columns.tolist()) == {1, 2, 3, 4, 5}


def test_flip_mirrors_about_half_of_the_pictures() -> None:
    images = torch.arange(6, dtype=torch.uint8).view(1, 1, 1, 6).expand(200, 3, 6, 6)
    out = pad_crop_flip(images, 0, True, torch.Generator().manual_seed(0))
    mirrored = out[:, 0, 0, 0] == 5
    assert 60 < int(mirrored.sum()) < 140
    assert torch.equal(out[mirrored][0, 0, 0], torch.arange(6, dtype=torch.uint8).flip(0))


def test_a_stated_precision_is_kept_and_auto_is_one_of_the_two() -> None:
    cpu = torch.device("cpu")
    assert resolve_precision("float32", cpu) == "float32"
    assert resolve_precision("bfloat16", cpu) == "bfloat16"
    assert resolve_precision("auto", cpu) in ("float32", "bfloat16")


def test_shifted_pictures_reflect_at_their_edges() -> None:
    ramp = torch.arange(5, dtype=torch.uint8).view(1, 1, 1, 5).expand(50, 3, 5, 5)
    out = pad_crop_flip(ramp, 2, False, torch.Generator().manual_seed(0))
    rows = {tuple(row) for row in out[:, 0, 0].tolist()}
    assert rows == {
        (2, 1, 0, 1, 2),
        (1, 0, 1, 2, 3),
        (0, 1, 2, 3, 4),
        (1, 2, 3, 4, 3),
        (2, 3, 4, 3, 2),
    }
