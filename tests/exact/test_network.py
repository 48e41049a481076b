"""Networks of every supported family run exactly, as their libraries wrote them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from ddcodec.exact.backends import choose_backend
from ddcodec.exact.network import ExactNetwork
from ddcodec.recipe.profiles import EXACT
from tests.exact.here import HERE

Run = Callable[..., Any]
Call = Callable[[Any, Run], Tensor]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


UNET = {
    "sample_size": 8,
    "layers_per_block": 1,
    "block_out_channels": (16, 32),
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    "cross_attention_dim": 24,
    "norm_num_groups": 8,
}
CLIP = {
    "vocab_size": 100,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 16,
    "projection_dim": 24,
    "bos_token_id": 97,
    "eos_token_id": 98,
    "pad_token_id": 1,
}
LATENTS, HIDDEN, PICTURES = random(3, 4, 8, 8), random(3, 7, 24), random(3, 3, 16, 16).clamp(-1, 1)
IDS = torch.arange(36).view(3, 12)
TIME = torch.tensor(37.5)


def sd15() -> tuple[nn.Module, Call]:
    unet = UNet2DConditionModel(**UNET, attention_head_dim=4)
    return unet, lambda m, run: run(m, LATENTS, TIME, HIDDEN).sample


def sd21() -> tuple[nn.Module, Call]:
    unet = UNet2DConditionModel(**UNET, attention_head_dim=[2, 4], use_linear_projection=True)
    return unet, lambda m, run: run(m, LATENTS, torch.tensor([1, 500, 999]), HIDDEN).sample


def sdxl() -> tuple[nn.Module, Call]:
    unet = UNet2DConditionModel(
        **UNET,
        attention_head_dim=[2, 4],
        use_linear_projection=True,
        transformer_layers_per_block=[1, 2],
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + 20,
    )
    sizes = torch.tensor([[64.0, 64, 0, 0, 64, 64]] * 3)
    added = {"text_embeds": random(3, 20, seed=4), "time_ids": sizes}
    mask = torch.tensor([[1] * 7, [1] * 5 + [0] * 2, [1] * 7])

    def call(m: Any, run: Run) -> Tensor:
        options = {"added_cond_kwargs": added, "encoder_attention_mask": mask}
        result: Tensor = run(m, LATENTS, torch.tensor(500), HIDDEN, **options).sample
        return result

    return unet, call


def kl() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(16, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=8,
        latent_channels=4,
    )


def small() -> AutoencoderTiny:
    return AutoencoderTiny(
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
    )


def clip(kind: type[nn.Module], activation: str) -> nn.Module:
    return kind(CLIPTextConfig(**CLIP, hidden_act=activation))


FAMILIES: dict[str, Callable[[], tuple[nn.Module, Call]]] = {
    "sd15": sd15,
    "sd21": sd21,
    "sdxl": sdxl,
    "kl decoder": lambda: (kl(), lambda m, run: run(m.decode, LATENTS).sample),
    "kl encoder": lambda: (kl(), lambda m, run: run(m.encode, PICTURES).latent_dist.mode()),
    "tiny decoder": lambda: (small(), lambda m, run: run(m.decode, LATENTS).sample),
    "tiny encoder": lambda: (small(), lambda m, run: run(m.encode, PICTURES).latents),
    "clip": lambda: (
        clip(CLIPTextModel, "quick_gelu"),
        lambda m, run: run(m, IDS).last_hidden_state,
    ),
    "open clip": lambda: (
        clip(CLIPTextModel, "gelu"),
        lambda m, run: run(m, IDS, output_hidden_states=True).hidden_states[-2],
    ),
    "clip with projection": lambda: (
        clip(CLIPTextModelWithProjection, "gelu"),
        lambda m, run: run(m, IDS).text_embeds,
    ),
}


def decibels(found: Tensor, real: Tensor) -> float:
    return float(10 * torch.log10(real.square().sum() / (found - real).square().sum()))


@pytest.mark.parametrize("family", FAMILIES)
def test_more_digits_come_closer_to_the_float_network(family: str) -> None:
    torch.manual_seed(0)
    module, call = FAMILIES[family]()
    module.eval().requires_grad_(False)
    real = call(module, lambda f, *a, **k: f(*a, **k))
    quality = []
    for profile in EXACT.values():
        network = ExactNetwork(module, profile, choose_backend("cpu"))
        quality.append(decibels(call(network.module, network.run), real))
    assert quality == sorted(quality)
    assert quality[0] > 18
    assert quality[2] > 55


def test_the_copy_holds_no_large_weights_and_leaves_the_original_alone() -> None:
    module, call = sd15()
    before = {name: p.clone() for name, p in module.named_parameters()}
    network = ExactNetwork(module, EXACT["w8a15"], choose_backend("cpu"))
    call(network.module, network.run)
    assert all(torch.equal(before[name], p) for name, p in module.named_parameters())
    stored = sum(p.untyped_storage().nbytes() for p in network.module.parameters())
    integers = sum(w.values.nbytes for w in network.weights.values())
    floats = sum(p.nbytes for p in module.parameters())
    assert stored < 0.05 * floats
    assert integers < 0.26 * floats


def test_known_integers_need_no_float_weights() -> None:
    module, call = sd15()
    first = ExactNetwork(module, EXACT["w8a8"], choose_backend("cpu"))
    second = ExactNetwork(first.module, EXACT["w8a8"], choose_backend("cpu"), first.weights)
    assert torch.equal(call(first.module, first.run), call(second.module, second.run))


SETTINGS: dict[str, Callable[[], Any]] = {
    "automatic mixed precision": lambda: torch.autocast("cpu", torch.bfloat16),
    "inference mode": torch.inference_mode,
    "another default device": lambda: torch.device("meta"),
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("backend", HERE)
def test_what_surrounds_a_call_changes_nothing(setting: str, backend: str) -> None:
    torch.manual_seed(0)
    module, call = sd15()
    network = ExactNetwork(module, EXACT["w8a15"], choose_backend("cpu", backend))
    expected = call(network.module, network.run)
    with SETTINGS[setting]():
        assert torch.equal(call(network.module, network.run), expected)


@pytest.mark.parametrize("backend", HERE)
def test_another_default_dtype_or_precision_changes_nothing(backend: str) -> None:
    torch.manual_seed(0)
    module, call = sd15()
    network = ExactNetwork(module, EXACT["w8a15"], choose_backend("cpu", backend))
    expected = call(network.module, network.run)
    precision = torch.get_float32_matmul_precision()
    try:
        torch.set_default_dtype(torch.float64)
        torch.set_float32_matmul_precision("medium")
        assert torch.equal(call(network.module, network.run), expected)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_float32_matmul_precision(precision)
