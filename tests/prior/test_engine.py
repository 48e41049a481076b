from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ddcodec.errors import DecodeError, EncodeError
from ddcodec.prior.engine import FloatEngine
from ddcodec.prior.load import Prior

CPU = torch.device("cpu")


class Recorder:
    """A network that notes the batch sizes it is called with."""

    def __init__(self, call: Callable[[Tensor], Any]) -> None:
        self.call = call
        self.batches: list[int] = []
        self.config = SimpleNamespace(scaling_factor=0.5)

    def __call__(self, x: Tensor, t: Tensor, hidden: Tensor, return_dict: bool) -> Any:
        self.batches.append(len(x))
        return (self.call(x) + t,)

    def decode(self, z: Tensor, return_dict: bool) -> Any:
        self.batches.append(len(z))
        return (self.call(z),)


def engine_of(network: Recorder, batch: int) -> FloatEngine:
    networks = SimpleNamespace(text_encoder=None, unet=network, vae=network)
    return FloatEngine(networks, device=CPU, batch=batch)


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_networks_always_run_at_the_pinned_batch(count: int) -> None:
    network = Recorder(lambda x: x)
    x = torch.arange(float(count))[:, None, None, None]
    out = engine_of(network, 4).predict(x, 2.0, torch.zeros(count, 1, 1))
    assert out.flatten().tolist() == [i + 2.0 for i in range(count)]
    assert network.batches == [4] * -(-count // 4)


def test_an_image_does_not_depend_on_its_company(prior: Prior) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(7, 4, 8, 8, generator=generator)
    hidden = torch.randn(7, prior.text_length, prior.text_width, generator=generator)
    together = prior.engine.predict(x, 500.0, hidden)
    pixels = prior.engine.decode(x)
    for rows in ([2], [6, 0], [5, 4, 3, 2, 1]):
        assert torch.equal(prior.engine.predict(x[rows], 500.0, hidden[rows]), together[rows])
        assert np.array_equal(prior.engine.decode(x[rows]), pixels[rows])


def test_a_prompt_does_not_depend_on_the_others(prior: Prior) -> None:
    vectors = torch.randn(5, 1, prior.text_width, generator=torch.Generator().manual_seed(0))
    assert torch.equal(prior.prompt("dog {}", vectors)[3:4], prior.prompt("dog {}", vectors[3:4]))


def test_pixels_round_half_to_even_and_clamp() -> None:
    scale = 127.5
    y = torch.tensor([-1.0, -9.0, 9.0, 1.0, -127 / scale, -125 / scale, 0.0])
    network = Recorder(lambda z: y.view(1, 1, 1, 7).expand(len(z), 3, 1, 7))
    pixels = engine_of(network, 2).decode(torch.zeros(1, 4, 1, 1))
    assert pixels.dtype == np.uint8
    assert pixels.shape == (1, 1, 7, 3)
    # -127/127.5 * 127.5 + 127.5 = 0.5 -> 0; 2.5 -> 2; 127.5 -> 128.
    assert pixels[0, 0, :, 0].tolist() == [0, 0, 255, 255, 0, 2, 128]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_an_error_not_pixels(bad: float) -> None:
    network = Recorder(lambda z: torch.full((len(z), 3, 2, 2), bad))
    with pytest.raises(DecodeError, match="not finite"):
        engine_of(network, 1).decode(torch.zeros(1, 4, 1, 1))


def test_latents_are_scaled_for_the_diffusion(prior: Prior) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), np.uint8)
    latents = prior.engine.encode(images)
    vae = prior.components.vae
    y = torch.from_numpy(images).permute(0, 3, 1, 2).double() / 127.5 - 1
    with torch.no_grad():
        wanted = vae.encode(y.float()).latent_dist.mean * vae.config.scaling_factor
    assert latents.shape == (5, 4, 8, 8)
    assert torch.allclose(latents, wanted, atol=1e-5)
    with torch.no_grad():
        decoded = vae.decode(latents / vae.config.scaling_factor).sample
    pixels = (decoded * 127.5 + 127.5).clamp(0, 255).permute(0, 2, 3, 1).numpy()
    assert np.abs(prior.engine.decode(latents) - pixels).max() <= 0.51


@pytest.mark.parametrize(
    "images",
    [np.zeros((1, 16, 16, 3), np.float32), np.zeros((16, 16, 3), np.uint8)],
    ids=["float", "no-batch"],
)
def test_only_uint8_rgb_batches_are_encoded(prior: Prior, images: Any) -> None:
    with pytest.raises(EncodeError, match="expected uint8"):
        prior.engine.encode(images)


def test_wrong_counts_are_refused(prior: Prior) -> None:
    with pytest.raises(DecodeError, match="2 prompts were given for 3 latents"):
        prior.engine.predict(torch.zeros(3, 4, 8, 8), 1.0, torch.zeros(2, 12, 16))
    with pytest.raises(DecodeError, match="at least one image"):
        prior.engine.decode(torch.zeros(0, 4, 8, 8))
    with pytest.raises(EncodeError, match="batch of 0"):
        FloatEngine(prior.components, device=CPU, batch=0)


def test_inference_leaves_no_graph_and_no_settings_behind(prior: Prior) -> None:
    before = torch.backends.cudnn.allow_tf32, torch.is_grad_enabled()
    x = torch.zeros(1, 4, 8, 8, requires_grad=True)
    assert not prior.engine.predict(x, 1.0, torch.zeros(1, 12, 16)).requires_grad
    assert (torch.backends.cudnn.allow_tf32, torch.is_grad_enabled()) == before


def test_networks_are_frozen_float32_in_eval_mode(prior: Prior) -> None:
    for module in prior.training_modules():
        assert not module.training
        assert {p.dtype for p in module.parameters()} == {torch.float32}
    assert prior.engine.profile == "float"
    assert dataclasses.is_dataclass(prior.components)
