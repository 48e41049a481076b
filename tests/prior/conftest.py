"""A random pipeline in diffusers' layout, small enough to build in a second."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel

from ddcodec.prior.load import Prior, load_prior
from tools.networks.pipelines import LENGTH, make_sdxl, make_tokenizer

WIDTH = 16


def make_pipeline(folder: Path) -> None:
    """Random weights on a fixed seed: 16 px images, 8x8x4 latents."""
    torch.manual_seed(0)
    tokenizer = make_tokenizer()
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=LENGTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        attention_head_dim=2,
        norm_num_groups=4,
        cross_attention_dim=WIDTH,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    vae = AutoencoderKL(
        latent_channels=4,
        sample_size=16,
        block_out_channels=(8, 8),
        norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        scaling_factor=0.5,
    )
    scheduler = DDIMScheduler(
        prediction_type="v_prediction",
        clip_sample=False,
        timestep_spacing="trailing",
        steps_offset=1,
    )
    parts = {
        "text_encoder": text_encoder,
        "unet": unet,
        "vae": vae,
        "tokenizer": tokenizer,
        "scheduler": scheduler,
    }
    index = {"_class_name": "StableDiffusionPipeline", "safety_checker": [None, None]}
    for name, part in parts.items():
        part.save_pretrained(folder / name)
        library = "transformers" if name in ("text_encoder", "tokenizer") else "diffusers"
        index[name] = [library, type(part).__name__]
    (folder / "model_index.json").write_text(json.dumps(index))


@pytest.fixture(scope="session")
def pipeline_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prior") / "random-sd"
    make_pipeline(folder)
    return folder


@pytest.fixture(scope="session")
def prior(pipeline_folder: Path) -> Prior:
    """In the default profile, which is exact."""
    return load_prior(pipeline_folder)


@pytest.fixture(scope="session")
def float_prior(pipeline_folder: Path) -> Prior:
    return load_prior(pipeline_folder, profile="float", batch=4)


@pytest.fixture(scope="session")
def sdxl_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random SDXL-Turbo."""
    return make_sdxl(tmp_path_factory.mktemp("prior") / "random-sdxl")


@pytest.fixture(scope="session")
def sdxl_prior(sdxl_folder: Path) -> Prior:
    """In the default profile, which is exact."""
    return load_prior(sdxl_folder)
