"""Exact profiles: the same bits in any company and on any back end, and a digest of the weights."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ddcodec.errors import ModelMismatchError
from ddcodec.exact.network import ExactNetwork
from ddcodec.prior.exact_engine import ExactEngine, exact_engine
from ddcodec.prior.families import NetworkName
from ddcodec.prior.files import digest_files
from ddcodec.prior.load import Prior, load_prior
from tests.exact.here import HERE

CPU = torch.device("cpu")


def engine_of(prior: Prior, profile: str = "w8a15") -> ExactEngine:
    return exact_engine(prior.components, digest_files(prior.folder), profile=profile, device=CPU)


def networks_of(prior: Prior) -> Mapping[NetworkName, ExactNetwork]:
    assert isinstance(prior.engine, ExactEngine)
    return prior.engine._networks


@pytest.mark.parametrize("positions", [1, 3 * 64, 1 << 20])
def test_the_size_of_a_network_call_changes_no_bit(prior: Prior, positions: int) -> None:
    other = ExactEngine(networks_of(prior), profile="w8a15", positions=positions)
    x = torch.randn(5, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    hidden = prior.prompt("dog").expand(5)
    assert torch.equal(other.predict(x, 9.0, hidden), prior.engine.predict(x, 9.0, hidden))
    pixels = prior.engine.decode(x)
    assert np.array_equal(other.decode(x), pixels)
    assert torch.equal(other.encode(pixels), prior.engine.encode(pixels))


@pytest.mark.parametrize("backend", HERE)
def test_every_back_end_gives_the_same_pixels(
    prior: Prior, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DDCODEC_BACKEND", backend)
    other = engine_of(prior)
    assert other.backend == backend
    assert other.weights == prior.engine.weights
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    assert np.array_equal(other.decode(x), prior.engine.decode(x))


def test_decoding_never_loads_float_networks(pipeline_folder: Path) -> None:
    fresh = load_prior(pipeline_folder)
    fresh.prompt("dog")
    fresh.engine.decode(torch.zeros(1, 4, 8, 8))
    assert not {"text_encoder", "unet", "vae"} & set(vars(fresh.components))
    for network in networks_of(fresh).values():
        for name in network.weights:
            placeholder = network.module.get_parameter(name)
            assert placeholder.untyped_storage().nbytes() == 4


def test_the_digest_tells_weights_and_profiles_apart(
    prior: Prior, pipeline_folder: Path, tmp_path: Path
) -> None:
    wider = engine_of(prior, "w15a15")
    assert wider.weights != prior.engine.weights
    # Activations have no weights: the same integers serve both.
    assert engine_of(prior, "w8a8").weights == prior.engine.weights
    copy = Path(shutil.copytree(pipeline_folder, tmp_path / "copy"))
    path = copy / "vae" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    weights["decoder.conv_out.bias"][0] += 1
    save_file(weights, path, {"format": "pt"})
    assert load_prior(copy).engine.weights != prior.engine.weights


def test_weights_stored_in_half_precision_count_for_what_they_are(
    pipeline_folder: Path, tmp_path: Path
) -> None:
    digests = []
    for dtypes in ((torch.float16,), (torch.float16, torch.float32)):
        copy = Path(shutil.copytree(pipeline_folder, tmp_path / str(len(dtypes))))
        for path in copy.rglob("*.safetensors"):
            weights = load_file(path)
            for dtype in dtypes:
                weights = {name: value.to(dtype) for name, value in weights.items()}
            save_file(weights, path, {"format": "pt"})
        digests.append(load_prior(copy).engine.weights)
    assert digests[0] == digests[1]


def test_weights_that_are_not_finite_are_refused(pipeline_folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(pipeline_folder, tmp_path / "copy"))
    path = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    weights["conv_in.weight"][0, 0, 0, 0] = float("nan")
    save_file(weights, path, {"format": "pt"})
    with pytest.raises(ModelMismatchError, match="not finite"):
        load_prior(copy)
