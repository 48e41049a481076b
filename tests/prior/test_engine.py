"""What holds of every engine, whatever executes the networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ddcodec.errors import DecodeError, EncodeError
from ddcodec.prior.conditioning import Conditioning
from ddcodec.prior.load import Prior, load_prior
from ddcodec.recipe.profiles import NAMES


@pytest.fixture(scope="module", params=NAMES)
def any_prior(request: pytest.FixtureRequest, pipeline_folder: Any) -> Prior:
    return load_prior(pipeline_folder, profile=request.param, batch=4)


def latents_of(prior: Prior, count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, *prior.latent_shape(16, 16), generator=generator)


def test_an_image_does_not_depend_on_its_company(any_prior: Prior) -> None:
    x = latents_of(any_prior, 7)
    generator = torch.Generator().manual_seed(1)
    shape = (7, any_prior.text_length, any_prior.text_width)
    hidden = Conditioning(torch.randn(*shape, generator=generator))
    engine = any_prior.engine
    together, pixels = engine.predict(x, 500.0, hidden), engine.decode(x)
    means = engine.encode(pixels)
    for rows in ([2], [6, 0], [5, 4, 3, 2, 1]):
        assert torch.equal(engine.predict(x[rows], 500.0, hidden[rows]), together[rows])
        assert np.array_equal(engine.decode(x[rows]), pixels[rows])
        assert torch.equal(engine.encode(pixels[rows]), means[rows])


def test_a_prompt_does_not_depend_on_the_others(any_prior: Prior) -> None:
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(5, 1, any_prior.text_width, generator=generator)
    together = any_prior.prompt("dog {}", vectors)
    alone = any_prior.prompt("dog {}", vectors[3:4])
    assert torch.equal(together.hidden[3:4], alone.hidden)


def test_every_profile_makes_nearly_the_same_picture(any_prior: Prior, float_prior: Prior) -> None:
    x, hidden = latents_of(any_prior, 3), float_prior.prompt("dog").expand(3)
    exact = any_prior.engine.predict(x, 500.0, hidden)
    plain = float_prior.engine.predict(x, 500.0, hidden)
    assert (exact - plain).norm() < 0.05 * plain.norm()
    difference = any_prior.engine.decode(x).astype(int) - float_prior.engine.decode(x)
    assert np.abs(difference).mean() < 2
    found, wanted = any_prior.prompt("dog").hidden, float_prior.prompt("dog").hidden
    assert torch.allclose(found, wanted, atol=2e-3)


def test_latents_are_scaled_for_the_diffusion(any_prior: Prior) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), np.uint8)
    latents = any_prior.engine.encode(images)
    vae = any_prior.components.vae
    y = torch.from_numpy(images).permute(0, 3, 1, 2).double() / 127.5 - 1
    with torch.no_grad():
        wanted = vae.encode(y.float()).latent_dist.mean * vae.config.scaling_factor
    assert latents.shape == (5, 4, 8, 8)
    tolerance = 1e-5 if any_prior.engine.profile == "float" else 0.05 * wanted.abs().max()
    assert torch.allclose(latents, wanted, atol=float(tolerance))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_an_error_not_pixels(any_prior: Prior, bad: float) -> None:
    x = latents_of(any_prior, 2)
    x[1, 2, 3, 4] = bad
    with pytest.raises(DecodeError, match="not finite"):
        any_prior.engine.decode(x)


@pytest.mark.parametrize(
    "images",
    [np.zeros((1, 16, 16, 3), np.float32), np.zeros((16, 16, 3), np.uint8)],
    ids=["float", "no-batch"],
)
def test_only_uint8_rgb_batches_are_encoded(any_prior: Prior, images: Any) -> None:
    with pytest.raises(EncodeError, match="expected uint8"):
        any_prior.engine.encode(images)


def test_wrong_counts_are_refused(any_prior: Prior) -> None:
    with pytest.raises(DecodeError, match="2 prompts were given for 3 latents"):
        any_prior.engine.predict(torch.zeros(3, 4, 8, 8), 1.0, Conditioning(torch.zeros(2, 12, 16)))
    with pytest.raises(DecodeError, match="at least one image"):
        any_prior.engine.decode(torch.zeros(0, 4, 8, 8))


def test_inference_leaves_no_graph_and_no_settings_behind(any_prior: Prior) -> None:
    before = torch.backends.cudnn.allow_tf32, torch.is_grad_enabled()
    x = torch.zeros(1, 4, 8, 8, requires_grad=True)
    zeros = Conditioning(torch.zeros(1, 12, 16))
    assert not any_prior.engine.predict(x, 1.0, zeros).requires_grad
    assert (torch.backends.cudnn.allow_tf32, torch.is_grad_enabled()) == before


def test_networks_to_train_through_are_frozen_float32_in_eval_mode(any_prior: Prior) -> None:
    text_encoders, unet = any_prior.training_modules()
    for module in (*text_encoders, unet):
        assert not module.training
        assert {p.dtype for p in module.parameters()} == {torch.float32}
        assert not any(p.requires_grad for p in module.parameters())


def test_an_engine_says_what_a_recipe_records(any_prior: Prior) -> None:
    engine = any_prior.engine
    if engine.profile == "float":
        assert (engine.batch, engine.weights, engine.backend) == (4, None, "float")
    else:
        assert engine.batch == 0 and engine.weights is not None and len(engine.weights) == 32
        assert engine.backend in ("int8", "float32", "float64")
