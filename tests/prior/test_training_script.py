"""The training of the tiny prior, from pictures to a packed prior, with networks of no use."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ddcodec.prior.load import load_prior
from ddcodec.prior.packaged import unpack
from tools.processes import ROOT, run_module

CONFIG = ROOT / "tools" / "training" / "config.json"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small and large photos of two classes, and digits."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for name, size in (
        ("small/red", 32),
        ("small/blue", 32),
        ("large/red", 64),
        ("digits/one", 28),
    ):
        (folder / name).mkdir(parents=True)
        for i in range(5):
            pixels = rng.integers(0, 256, (size, size, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def config(data: Path) -> Path:
    """The real configuration with a few steps and narrow networks."""
    values = json.loads(CONFIG.read_text())
    values["autoencoder"].update(batch=4, steps=3)
    values["autoencoder"]["model"].update(block_out_channels=[8, 8, 8], norm_num_groups=4)
    values["text_encoder"].update(hidden_size=16, intermediate_size=16, num_hidden_layers=1)
    values["unet"].update(block_out_channels=[8, 8, 8], norm_num_groups=4)
    values["denoiser"].update(batch=4, steps=6, save_every=2, sample_every=100)
    values["sampling"].update(prompts_64=["A collage of red"], prompts_32=["A photo of red"])
    path = data / "config.json"
    path.write_text(json.dumps(values))
    return path


def train(data: Path, config: Path, work: Path, *words: str) -> None:
    command = [*words, "--work", str(work)]
    command += ["--config", str(config), "--threads", "1", "--no-autocast"]
    command += ["--photos", str(data / "small"), "--photos", str(data / "large")]
    command += ["--digits", str(data / "digits"), "--export-to", str(work / "packed")]
    run_module("tools.training.train", *command)


def test_it_makes_a_prior_and_goes_on_where_it_stopped(
    data: Path, config: Path, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    stages = ("data", "tokenizer", "autoencoder", "latents", "denoiser")
    train(data, config, whole, *stages, "export", "card")
    train(data, config, parts, *stages, "--stop-at", "4")
    train(data, config, parts, "denoiser")
    weights = [torch.load(w / "denoiser.pt", weights_only=True)["ema"] for w in (whole, parts)]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][k], weights[1][k]) for k in weights[0])

    card = (whole / "packed" / "README.md").read_text()
    assert "parameters" in card
    assert "{" not in card
    for name in ("samples.webp", "training.svg"):
        assert f"({name})" in card
        assert (whole / "packed" / name).is_file()

    unpack(whole / "packed", tmp_path / "prior")
    prior = load_prior(tmp_path / "prior")
    assert (prior.size, prior.latent_factor, prior.latent_channels) == (64, 4, 8)
    assert prior.defaults.collage_prompt == "A collage of {}"
    assert prior.prompt_ids("A collage of red")[0].ids.shape == (1, 16)
