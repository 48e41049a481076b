"""One small network of every supported family, with random weights: a second's work each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tools.networks.unets import SMALL_SDXL, Config, random_parameter, random_tensor


@dataclasses.dataclass(frozen=True)
class Family:
    """One small network with random weights.

    Attributes:
        module: float32.
        call: (module, batch of inputs) -> output [n, ...], any code that uses the module.
        inputs: [n, ...]; rows are independent.
    """

    module: Any
    call: Callable[[Any, Tensor], Tensor]
    inputs: Tensor


def families(count: int = 4) -> dict[str, Family]:
    """SDXL's U-Net, both autoencoders (both ways) and both text encoders, a second's work each."""
    from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    vae = AutoencoderKL(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=4,
    )
    small = AutoencoderTiny(
        encoder_block_out_channels=(8,) * 4,
        decoder_block_out_channels=(8,) * 4,
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
    )
    sizes: Config = {
        "vocab_size": 100,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 12,
        "projection_dim": 24,
        "bos_token_id": 98,
        "eos_token_id": 99,
        "pad_token_id": 99,
    }
    ids = random_tensor("ids", (count, 12)).mul(65536).long() % 98
    ids[:, 0], ids[:, -3:] = 98, 99
    latents = random_tensor("latents", (count, 4, 8, 8))
    pictures = random_tensor("pictures", (count, 3, 16, 16)).clamp_(-1, 1)
    side = SMALL_SDXL["sample_size"]
    made: dict[str, tuple[Any, Callable[[Any, Tensor], Tensor], Tensor]] = {
        "SDXL U-Net": (
            UNet2DConditionModel(**SMALL_SDXL),
            _sdxl,
            random_tensor("samples", (count, 4, side, side)),
        ),
        "AutoencoderKL decoder": (vae, lambda m, x: m.decode(x, return_dict=False)[0], latents),
        "AutoencoderKL encoder": (vae, lambda m, x: m._encode(x), pictures),
        "AutoencoderTiny decoder": (small, lambda m, x: m.decode(x, return_dict=False)[0], latents),
        "AutoencoderTiny encoder": (
            small,
            lambda m, x: m.encode(x, return_dict=False)[0],
            pictures,
        ),
        "CLIPTextModel": (
            CLIPTextModel(CLIPTextConfig(**sizes, hidden_act="quick_gelu")),
            lambda m, x: m(x).last_hidden_state,
            ids,
        ),
        "CLIPTextModelWithProjection": (
            CLIPTextModelWithProjection(CLIPTextConfig(**sizes, hidden_act="gelu")),
            lambda m, x: m(x).text_embeds,
            ids,
        ),
    }
    for module in {id(m): m for m, _, _ in made.values()}.values():
        module.eval().requires_grad_(False)
        for name, parameter in module.named_parameters():
            parameter.copy_(random_parameter(name, tuple(parameter.shape)))
    return {name: Family(*parts) for name, parts in made.items()}


def _sdxl(module: Any, x: Tensor) -> Tensor:
    # What a prompt gives follows from the sample, so that rows stay independent.
    length = SMALL_SDXL["cross_attention_dim"]
    hidden = x.flatten(1)[:, : 10 * length].reshape(len(x), 10, length).contiguous()
    pooled = x.flatten(1)[:, -20:].contiguous()
    added = {"text_embeds": pooled, "time_ids": torch.full((len(x), 6), 64.0, device=x.device)}
    t = torch.tensor(500.0, device=x.device)
    out: Tensor = module(x, t, hidden, added_cond_kwargs=added, return_dict=False)[0]
    return out
