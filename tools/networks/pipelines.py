"""Random SDXL pipelines in diffusers' layout: two text encoders, a U-Net that reads both."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from ddcodec.arrays import UInt8s
from ddcodec.codecs.schedule_table import Schedule
from ddcodec.prior.engine import Engine
from ddcodec.prior.load import Prior, load_prior
from ddcodec.prior.quiet import quiet_libraries
from ddcodec.prior.weight_files import STEMS
from ddcodec.recipe.profiles import FLOAT
from ddcodec.rendering.text2image import text2image
from tools.networks.unets import random_parameter, random_tensor

LENGTH, WIDTHS, POOLED = 12, (16, 24), 20

# As published: what decides about the steps of SDXL base, SDXL-Turbo and SD-Turbo.
SCALED = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
BASE = ("EulerDiscreteScheduler", {**SCALED, "timestep_spacing": "leading", "steps_offset": 1})
TURBO = (
    "EulerAncestralDiscreteScheduler",
    {**SCALED, "timestep_spacing": "trailing", "steps_offset": 1},
)
SD_TURBO = ("EulerDiscreteScheduler", {**SCALED, "timestep_spacing": "trailing", "steps_offset": 1})


# Two noisy steps in plain numbers: a library computes a table in floating point.
_TWO_STEPS = Schedule(
    timesteps=np.array([999, 499], np.float32),
    c_in=np.array([0.0625, 0.375], np.float32),
    c_noise=np.array([1.5, 0], np.float32),
    a=np.array([[0.25], [1]], np.float32),
    b=np.array([[-3], [-2]], np.float32),
    init_scale=np.float32(14.5),
)


def make_tokenizer() -> CLIPTokenizer:
    """Single characters, each also as a word's end, and a few merged words."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces = [*letters, *(c + "</w>" for c in letters)]
    merges = [("c", "a"), ("ca", "t</w>"), ("d", "o"), ("do", "g</w>"), ("o", "f</w>")]
    pieces += ["".join(m) for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    tokenizer: Any = CLIPTokenizer
    made: CLIPTokenizer = tokenizer(vocab=vocab, merges=merges, model_max_length=LENGTH)
    return made


def make_sdxl(
    folder: Path, scheduler: tuple[str, dict[str, Any]] = TURBO, *, variant: str | None = None
) -> Path:
    """Random weights, always the same ones: 16 px images, 8x8x4 latents; returns the folder.

    Args:
        scheduler: class name and options.
        variant: in the names of all weight files, which are then of 16 bits.
    """
    first = make_tokenizer()
    second = make_tokenizer()
    second.pad_token = "a"  # SDXL's second tokenizer pads with "!"
    parts: dict[str, Any] = {
        "text_encoder": CLIPTextModel(_text(first, WIDTHS[0], "quick_gelu")),
        "text_encoder_2": CLIPTextModelWithProjection(_text(second, WIDTHS[1], "gelu")),
        "tokenizer": first,
        "tokenizer_2": second,
        "unet": UNet2DConditionModel(
            sample_size=8,
            block_out_channels=(8, 16),
            layers_per_block=1,
            attention_head_dim=(2, 4),
            transformer_layers_per_block=(1, 2),
            norm_num_groups=4,
            cross_attention_dim=sum(WIDTHS),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=4,
            projection_class_embeddings_input_dim=6 * 4 + POOLED,
        ),
        "vae": AutoencoderKL(
            latent_channels=4,
            sample_size=16,
            block_out_channels=(8, 8),
            norm_num_groups=4,
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            scaling_factor=0.5,
            force_upcast=True,
        ),
    }
    with quiet_libraries():
        parts["scheduler"] = getattr(diffusers, scheduler[0])(**scheduler[1])
    index: dict[str, Any] = {
        "_class_name": "StableDiffusionXLPipeline",
        "force_zeros_for_empty_prompt": True,
        "image_encoder": [None, None],
        "feature_extractor": [None, None],
    }
    for name, part in parts.items():
        with quiet_libraries():
            if name in STEMS:
                _randomise(name, part, torch.float16 if variant else torch.float32)
                part.save_pretrained(folder / name, variant=variant)
            else:
                part.save_pretrained(folder / name)
        library = "transformers" if "text_enc" in name or "tokenizer" in name else "diffusers"
        index[name] = [library, type(part).__name__]
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def _randomise(name: str, module: Any, dtype: torch.dtype) -> None:
    for key, value in module.named_parameters():
        value.data = random_parameter(f"{name} {key}", tuple(value.shape)).to(dtype)


@cache
def small_sdxl() -> Prior:
    """A prior of such a pipeline, float networks loaded."""
    with tempfile.TemporaryDirectory() as folder:
        prior = load_prior(make_sdxl(Path(folder) / "sdxl"), profile=FLOAT)
    return prior


def sdxl_pictures(prior: Prior, engine: Engine, backwards: bool = False) -> UInt8s:
    """Six pictures of learned tokens, guided by a negative prompt, uint8 [6, 16, 16, 3].

    Args:
        prior: of ``small_sdxl``.
        engine: executes its networks.
        backwards: draw the last one first; the result is in the same order.
    """
    prior = replace(prior, engine=engine)
    tokens = random_tensor("learned", (6, 2, sum(WIDTHS))) * 2.0**-4
    prompts = prior.prompt("a {} of", tokens)
    rows = list(range(6))[::-1] if backwards else list(range(6))
    pictures = text2image(
        prior,
        prompts[rows],
        prior.unconditioned("dog"),
        np.array(rows, np.uint64),
        _TWO_STEPS,
        (5, 2),
        (16, 16),
        prior.time_ids(16, 16),
    )
    return pictures[rows]


def _text(tokenizer: CLIPTokenizer, width: int, activation: str) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=3,
        num_attention_heads=2,
        max_position_embeddings=LENGTH,
        projection_dim=POOLED,
        hidden_act=activation,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
