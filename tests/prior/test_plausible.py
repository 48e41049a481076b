"""Priors whose configurations ask for more than their weights are refused at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ddcodec.errors import DdcodecError, ModelMismatchError
from ddcodec.prior.load import load_prior
from ddcodec.prior.networks import Components

TEXT, UNET, VAE = "text_encoder/config.json", "unet/config.json", "vae/config.json"
SCHEDULER, TOKENIZER = "scheduler/scheduler_config.json", "tokenizer/tokenizer_config.json"


@pytest.fixture
def changed(pipeline_folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of a good prior, with other values in one of its JSON files."""

    def make(file: str, **values: Any) -> Path:
        folder = tmp_path / "prior"
        shutil.copytree(pipeline_folder, folder)
        found = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps({**found, **values}))
        return folder

    return make


@pytest.mark.parametrize(
    ("file", "values", "message"),
    [
        (TEXT, {"max_position_embeddings": 10**11}, "no side of its weights exceeds"),
        (TEXT, {"vocab_size": 10**12}, "no side of its weights exceeds"),
        (TEXT, {"num_hidden_layers": 10**5}, r"its weights are \d+ arrays"),
        (UNET, {"layers_per_block": 200}, r"asks for 200 'layers_per_block'"),
        (UNET, {"block_out_channels": [40_000, 40_000]}, r"its weights are \d+ numbers"),
        (TEXT, {"intermediate_size": 60_000, "hidden_size": 40_000}, r"its weights are \d+ num"),
        (SCHEDULER, {"num_train_timesteps": 10**9}, "at most 65536 makes sense"),
        (SCHEDULER, {"trained_betas": [0.01] * 100_000}, "100000 'entries of trained_betas'"),
    ],
)
def test_more_than_the_weights_is_refused_before_it_is_made(
    changed: Callable[..., Path],
    file: str,
    values: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(ModelMismatchError, match=message):
        Components(changed(file, **values), torch.device("cpu"))


@pytest.mark.parametrize(
    ("file", "values"),
    [
        (TEXT, {"hidden_size": 0}),
        (TEXT, {"num_attention_heads": 0}),
        (TEXT, {"layer_norm_eps": "x"}),
        (TEXT, {"quantization_config": {"quant_method": "gptq", "bits": 4}}),
        (UNET, {"norm_num_groups": 0}),
        (UNET, {"sample_size": "x"}),
        (UNET, {"sample_size": None}),
        (VAE, {"scaling_factor": "x"}),
        (SCHEDULER, {"trained_betas": "x"}),
        (SCHEDULER, {"prediction_type": 7}),
        (TOKENIZER, {"model_max_length": "x"}),
        (TOKENIZER, {"bos_token": 5}),
    ],
)
def test_whatever_a_library_raises_is_said_as_our_error(
    changed: Callable[..., Path], file: str, values: dict[str, Any]
) -> None:
    with pytest.raises(DdcodecError):
        prior = load_prior(changed(file, **values), profile="float")
        prior.schedule(2)
        prior.latent_shape(prior.size, prior.size)
        prior.prompt("a cat")


def test_images_of_any_size_are_not_to_be_had(pipeline_folder: Path) -> None:
    prior = load_prior(pipeline_folder, profile="float")
    assert prior.latent_shape(4 * prior.size, prior.size)
    with pytest.raises(DdcodecError, match="no side may be more than 4 times as long"):
        prior.latent_shape(prior.size, 8192)
