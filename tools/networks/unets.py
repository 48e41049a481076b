"""U-Nets with random weights, in the sizes of Stable Diffusion and small, float or exact."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ddcodec.exact.backends import Backend, choose_backend
from ddcodec.exact.network import ExactNetwork
from ddcodec.exact.weights import IntegerWeight, quantise_weight
from ddcodec.randomness import derive_seed, normals
from ddcodec.recipe.profiles import EXACT, Profile

Config = dict[str, Any]

SD15: Config = {
    "sample_size": 64,
    "layers_per_block": 2,
    "block_out_channels": (320, 640, 1280, 1280),
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}
SDXL_TURBO: Config = {
    "sample_size": 64,
    "layers_per_block": 2,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
# The same kinds of blocks, small: for tests, and for trying the tools.
SMALL_SD15: Config = SD15 | {
    "sample_size": 16,
    "layers_per_block": 1,
    "block_out_channels": (16, 32, 32, 32),
    "cross_attention_dim": 24,
    "attention_head_dim": 4,
    "norm_num_groups": 8,
}
SMALL_SDXL: Config = SDXL_TURBO | {
    "sample_size": 16,
    "layers_per_block": 1,
    "block_out_channels": (16, 32, 32),
    "transformer_layers_per_block": (1, 1, 2),
    "attention_head_dim": (2, 4, 4),
    "cross_attention_dim": 24,
    "norm_num_groups": 8,
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 8 * 6 + 20,
}

# Words of a parameter; a longer one repeats them, because drawing 10^9 words takes minutes.
_PERIOD = 1 << 20


def random_tensor(name: str, shape: tuple[int, ...]) -> Tensor:
    """Standard normal float32 on a 2^-16 grid, by name; repeats after 2^20 numbers."""
    count = math.prod(shape)
    seed = np.array([derive_seed(0, name)], np.uint64)
    values = normals(seed, 0, min(count, _PERIOD))[0]
    return torch.from_numpy(np.resize(values, count).reshape(shape))


def random_parameter(name: str, shape: tuple[int, ...]) -> Tensor:
    """Of the magnitudes torch initialises with; biases and norms differ from 0 and 1."""
    values = random_tensor(name, shape)
    if len(shape) > 1:
        return values.mul_(float(np.float32(1 / math.sqrt(3 * math.prod(shape[1:])))))
    values.mul_(2.0**-5)
    return values.add_(1.0) if name.endswith("weight") else values


def skeleton(config: Config) -> Any:
    """A U-Net whose parameters have no memory."""
    from diffusers import UNet2DConditionModel

    with torch.device("meta"):
        return UNet2DConditionModel(**config).eval().requires_grad_(False)


def float_unet(config: Config, device: torch.device, dtype: torch.dtype = torch.float32) -> Any:
    """A U-Net with random weights; no more memory than the weights take, plus one of them."""
    module = skeleton(config)
    for name, parameter in list(module.named_parameters()):
        value = random_parameter(name, tuple(parameter.shape))
        _put(module, name, value.to(device, dtype))
    return module


def exact_unet(config: Config, profile: Profile, backend: Backend) -> ExactNetwork:
    """The same U-Net in an exact profile; float weights are dropped one by one."""
    return exact_random(skeleton(config), profile, backend)


def exact_random(module: Any, profile: Profile, backend: Backend) -> ExactNetwork:
    """A network whose parameters have no memory yet, with random weights in an exact profile."""
    layers = {
        f"{name}.weight"
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
    }
    weights = dict[str, IntegerWeight]()
    for name, parameter in list(module.named_parameters()):
        value = random_parameter(name, tuple(parameter.shape))
        if name in layers:
            integers = quantise_weight(value, profile.weight_digits)
            weights[name] = IntegerWeight(
                integers.values.to(backend.device), integers.scale.to(backend.device)
            )
        else:
            _put(module, name, value.to(backend.device))
    return ExactNetwork(module, profile, backend, weights)


class ExactUnets:
    """Makes U-Nets in exact profiles; keeps the integers of the last one, for they take long."""

    def __init__(self) -> None:
        self._key = ""
        self._last: ExactNetwork | None = None

    def get(self, config: Config, name: str, device: torch.device, backend: str) -> ExactNetwork:
        profile, chosen = EXACT[name], choose_backend(device, backend or None)
        key = f"{sorted(config.items())} {profile.weight_digits} {device}"
        if self._last is None or key != self._key:
            self.clear()
            self._last = exact_unet(config, profile, chosen)
            self._key = key
        # Anew, so that nothing a back end prepared is left of another one.
        return ExactNetwork(self._last.module, profile, chosen, self._last.weights)

    def clear(self) -> None:
        self._last = None


def _put(module: nn.Module, name: str, value: Tensor) -> None:
    owner, _, last = name.rpartition(".")
    setattr(module.get_submodule(owner), last, nn.Parameter(value, requires_grad=False))


def unet_inputs(config: Config, rows: range, device: torch.device) -> dict[str, Any]:
    """Keyword arguments of a U-Net for some rows; a row is the same in any company."""

    def values(what: str, *shape: int) -> Tensor:
        return torch.stack([random_tensor(f"{what} {row}", shape) for row in rows]).to(device)

    side = config["sample_size"]
    inputs: dict[str, Any] = {
        "sample": values("sample", 4, side, side),
        "timestep": torch.tensor(500.0, device=device),
        "encoder_hidden_states": values("hidden", 77, config["cross_attention_dim"]),
        "return_dict": False,
    }
    if config.get("addition_embed_type") == "text_time":
        text = config["projection_class_embeddings_input_dim"]
        text -= 6 * config["addition_time_embed_dim"]
        sizes = [float(8 * side)] * 2 + [0.0] * 2 + [float(8 * side)] * 2
        inputs["added_cond_kwargs"] = {
            "text_embeds": values("pooled", text),
            "time_ids": torch.tensor([sizes] * len(rows), device=device),
        }
    return inputs
