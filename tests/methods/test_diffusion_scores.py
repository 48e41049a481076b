"""What the packaged prior, and a random SDXL, make of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ddcodec.methods.diffusion_scores import (
    DiffusionScorer,
    best_windows,
    drawn_timesteps,
    noise_levels,
)
from ddcodec.prior.load import Prior, load_prior
from ddcodec.randomness import normals

SEEDS = np.array([5, 6, 7], np.uint64)


@pytest.fixture(scope="module")
def tiny() -> Prior:
    return load_prior("tiny", profile="float")


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    corners = np.random.default_rng(0).integers(0, 256, (3, 2, 2, 3), np.uint8)
    return corners.repeat(8, axis=1).repeat(8, axis=2)


def test_the_difference_is_that_of_the_losses_of_noise(tiny: Prior, pictures: np.ndarray) -> None:
    """Its velocities err by so much more than the noise that they stand for."""
    maps = DiffusionScorer(tiny, 4).loss_differences(pictures, "A photo of cat", "", SEEDS, [300])
    latents = tiny.engine.encode(pictures)
    noise = torch.from_numpy(normals(SEEDS, 0, latents[0].numel()).reshape(latents.shape))
    signal, sigma = noise_levels(tiny, torch.tensor(300))
    velocity = signal * noise - sigma * latents
    noisy = signal * latents + sigma * noise
    unnamed, named = (
        (tiny.engine.predict(noisy, 300.0, tiny.prompt(p).expand(3)) - velocity) ** 2
        for p in ("", "A photo of cat")
    )
    wanted = signal**2 * (unnamed - named).mean(1)
    assert maps.shape == (3, 4, 4)
    assert np.allclose(maps, wanted.numpy(), atol=1e-5)
    assert np.abs(maps).max() > 1e-3


def test_a_prompt_is_no_better_than_itself(tiny: Prior, pictures: np.ndarray) -> None:
    same = DiffusionScorer(tiny, 4).loss_differences(pictures, "cat", "cat", SEEDS, [100, 600])
    assert (same == 0).all()


def test_no_picture_depends_on_another(tiny: Prior, pictures: np.ndarray) -> None:
    scorer = DiffusionScorer(tiny, 2)
    whole = scorer.loss_differences(pictures, "cat", "", SEEDS, [200])
    last = scorer.loss_differences(pictures[2:], "cat", "", SEEDS[2:], [200])
    assert np.allclose(whole[2:], last, atol=1e-5)
    features = scorer.features(pictures, "cat", SEEDS, 160, 1)
    assert features.shape == (3, 128)
    assert np.allclose(features[2:], scorer.features(pictures[2:], "cat", SEEDS[2:], 160, 1))


def test_a_prior_with_two_text_encoders_looks_too(sdxl_folder: Path, pictures: np.ndarray) -> None:
    scorer = DiffusionScorer(load_prior(sdxl_folder, profile="float"), 2)
    maps = scorer.loss_differences(pictures, "a dog", "a", SEEDS, [100])
    assert maps.shape[0] == 3
    assert np.isfinite(maps).all()
    assert np.ptp(scorer.features(pictures, "a dog", SEEDS, 160, 0), axis=0).max() > 0


def test_timesteps_are_drawn_one_from_each_part() -> None:
    drawn = drawn_timesteps(3, 6, 100, 700)
    assert drawn == drawn_timesteps(3, 6, 100, 700) != drawn_timesteps(4, 6, 100, 700)
    assert [(t - 100) * 6 // 601 for t in drawn] == list(range(6))
    assert drawn_timesteps(0, 3, 50, 50) == [50, 50, 50]


def test_the_best_window_is_where_the_map_is_highest() -> None:
    maps = np.zeros((2, 4, 4), np.float32)
    maps[0, 3, 0] = maps[1, 0, 2] = 1
    corners, scores = best_windows(maps, (32, 32), (16, 16), 8)
    assert corners[0].tolist() == [16, 0]
    assert corners[1, 0] == 0
    assert corners[1, 1] >= 8
    assert (scores > 0.15).all()


def test_a_window_as_large_as_the_picture_scores_its_mean() -> None:
    maps = np.arange(32, dtype=np.float32).reshape(2, 4, 4)
    corners, scores = best_windows(maps, (4, 4), (4, 4), 4)
    assert (corners == 0).all()
    assert scores.tolist() == [7.5, 23.5]
