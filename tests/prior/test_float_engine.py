"""The float profile: a pinned batch shape, whatever is asked for."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ddcodec.errors import DecodeError, EncodeError
from ddcodec.prior.conditioning import Conditioning
from ddcodec.prior.float_engine import FloatEngine
from ddcodec.prior.load import Prior

CPU = torch.device("cpu")


class Recorder:
    """A network that notes the batch sizes it is called with."""

    def __init__(self, call: Callable[[Tensor], Any]) -> None:
        self.call = call
        self.batches: list[int] = []
        self.config = SimpleNamespace(scaling_factor=0.5, block_out_channels=(8, 8))

    def __call__(
        self, x: Tensor, t: Tensor, hidden: Tensor, added_cond_kwargs: None, return_dict: bool
    ) -> Any:
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
    out = engine_of(network, 4).predict(x, 2.0, Conditioning(torch.zeros(count, 1, 1)))
    assert out.flatten().tolist() == [i + 2.0 for i in range(count)]
    assert network.batches == [4] * -(-count // 4)


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
def test_a_network_that_makes_no_numbers_is_an_error(bad: float) -> None:
    network = Recorder(lambda z: torch.full((len(z), 3, 2, 2), bad))
    with pytest.raises(DecodeError, match="not finite"):
        engine_of(network, 1).decode(torch.zeros(1, 4, 1, 1))


def test_pixels_are_those_of_the_autoencoder(float_prior: Prior) -> None:
    vae = float_prior.components.vae
    latents = torch.randn(5, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        decoded = vae.decode(latents / vae.config.scaling_factor).sample
    pixels = (decoded * 127.5 + 127.5).clamp(0, 255).permute(0, 2, 3, 1).numpy()
    assert np.abs(float_prior.engine.decode(latents) - pixels).max() <= 0.51


def test_a_batch_of_nothing_is_refused(float_prior: Prior) -> None:
    with pytest.raises(EncodeError, match="batch of 0"):
        FloatEngine(float_prior.components, device=CPU, batch=0)
