"""Networks for measurements of exact execution: the tiny prior, and random ones of any size.

Random weights and inputs are Philox words (spec/codecs.md, "Randomness") times powers of two and
correctly rounded factors, so that they, and digests of what exact execution makes of them, are the
same on every machine. Used by bench_exact.py, identity.py and gpu_evidence.py.
"""

from __future__ import annotations

import dataclasses
import math
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ddcodec.exact.backends import Backend, choose_backend
from ddcodec.exact.network import ExactNetwork
from ddcodec.exact.profiles import EXACT, TEXT, Profile
from ddcodec.exact.weights import IntegerWeight, quantise_weight
from ddcodec.prior.engine import LatentEngine, NetworkName
from ddcodec.prior.load import Prior
from ddcodec.prior.networks import NETWORKS
from ddcodec.randomness import derive_seed, normals

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
    module = skeleton(config)
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


# Small networks of every supported family


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


# The tiny prior, executed in a chosen way


class MeasuredEngine(LatentEngine):
    """Networks as they are given, float or exact, in calls of at most ``batch`` samples.

    Args:
        networks: of a prior, all float modules or all ``ExactNetwork``.
        config: of each, whatever executes it.
        batch: samples a call.
        layout: memory format of samples and pictures that networks get.
        autocast: run float networks in mixed precision.
    """

    weights: bytes | None = None
    chunk = 256

    def __init__(
        self,
        networks: Mapping[NetworkName, Any],
        config: Callable[[NetworkName], Any],
        *,
        profile: str,
        device: torch.device,
        batch: int,
        layout: torch.memory_format = torch.contiguous_format,
        autocast: torch.dtype | None = None,
    ) -> None:
        super().__init__(device=device)
        first = networks["unet"]
        self.profile = profile
        self.backend = first.backend.name if isinstance(first, ExactNetwork) else "float"
        self.batch = 0  # conditioned and unconditioned in one call, as diffusers does
        self._networks = networks
        self._config_of = config
        self._size = batch
        self._layout = layout
        self._autocast = autocast

    def _config(self, name: NetworkName) -> Any:
        return self._config_of(name)

    def _samples(self, name: NetworkName, positions: int) -> int:
        return self._size

    def _run(self, name: NetworkName, function: Callable[..., Tensor], *arguments: Any) -> Tensor:
        network = self._networks[name]
        given = [
            a.contiguous(memory_format=self._layout) if isinstance(a, Tensor) and a.ndim == 4 else a
            for a in arguments
        ]
        if isinstance(network, ExactNetwork):
            return network.run(function, network.module, *given)
        mixed: Any = nullcontext()
        if self._autocast is not None:
            mixed = torch.autocast(self.device.type, self._autocast)
        with mixed:
            return function(network, *given).float()


def float_networks(
    prior: Prior, layout: torch.memory_format = torch.contiguous_format
) -> dict[NetworkName, Any]:
    """A prior's float32 networks, weights laid out as asked."""
    return {name: getattr(prior.components, name).to(memory_format=layout) for name in NETWORKS}


def exact_networks(
    networks: Mapping[NetworkName, Any], profile: str, backend: Backend
) -> dict[NetworkName, ExactNetwork]:
    """Exact execution of float networks."""
    return {
        name: ExactNetwork(module, TEXT if name == "text_encoder" else EXACT[profile], backend)
        for name, module in networks.items()
    }


# What a measurement was made with

_LIBRARIES = ("torch", "diffusers", "transformers", "numpy")
_SETS = (
    "sse4_1",
    "avx",
    "avx2",
    "fma",
    "f16c",
    "avx_vnni",
    "avx512f",
    "avx512bw",
    "avx512vl",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "asimddp",
    "i8mm",
    "bf16",
    "sve",
)


def environment() -> dict[str, Any]:
    """Versions and instruction sets: what may matter to the numbers, and no machine's name."""
    return {
        "python": platform.python_version(),
        **dict(_versions()),
        "machine": platform.machine(),
        "instruction_sets": [name for name in _SETS if name in _flags()],
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }


def _versions() -> Iterator[tuple[str, str]]:
    for name in _LIBRARIES:
        try:
            yield name, version(name)
        except PackageNotFoundError:  # importable, but not installed
            yield name, str(getattr(__import__(name), "__version__", "unknown"))


def _flags() -> set[str]:
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return set()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [line for line in lines if line.lower().startswith(("flags", "features"))]
    return set(found[0].split(":", 1)[1].split()) if found else set()
