from __future__ import annotations

import io
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import msgpack
import pytest
import torch
from safetensors.torch import load_file, save_file

from ddcodec.errors import (
    EncodeError,
    ModelMismatchError,
    RequestError,
    UnsupportedFeatureError,
)
from ddcodec.prior.defaults import Defaults
from ddcodec.prior.load import Prior, fingerprint, load_prior
from ddcodec.recipe.pin import PriorPin


@pytest.fixture
def folder(pipeline_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(pipeline_folder, tmp_path / "copy"))


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_prior_describes_itself(prior: Prior) -> None:
    assert prior.size == 16
    assert prior.latent_factor == 2
    assert prior.latent_shape(16, 24) == (4, 8, 12)
    assert (prior.text_widths, prior.text_length, prior.time_ids(16, 16)) == ((16,), 12, ())
    assert prior.prediction_type == "v_prediction"
    assert prior.defaults == Defaults(25, (15, 2), None, 1)
    assert prior.schedule().steps == 25
    assert prior.schedule(3).timesteps.tolist() == [999, 666, 332]
    assert prior.pin.source == "random-sd"


@pytest.mark.parametrize("size", [(15, 16), (16, 17), (0, 16), (16, 18)])
def test_sizes_that_do_not_halve_evenly_are_refused(prior: Prior, size: tuple[int, int]) -> None:
    with pytest.raises(EncodeError, match="in profile w8a15; both sides must be multiples of 4"):
        prior.latent_shape(*size)


def test_the_float_profile_makes_whatever_is_whole_latents(float_prior: Prior) -> None:
    assert float_prior.latent_shape(18, 16) == (4, 9, 8)
    with pytest.raises(EncodeError, match="multiples of 2"):
        float_prior.latent_shape(17, 16)


def test_pinned_prior_loads_and_another_is_refused(folder: Path, prior: Prior) -> None:
    assert load_prior(folder, pin=prior.pin).pin == prior.pin
    edit(folder / "scheduler" / "scheduler_config.json", beta_end=0.03)
    with pytest.raises(ModelMismatchError, match=r"its 10 files have SHA-256 "):
        load_prior(folder, pin=prior.pin)


def test_pin_without_its_folder_says_what_to_pass(prior: Prior) -> None:
    with pytest.raises(ModelMismatchError, match="prior='FOLDER'"):
        load_prior(pin=prior.pin)


def test_defaults_come_with_the_folder_but_are_not_pinned(folder: Path, prior: Prior) -> None:
    (folder / "ddcodec.json").write_text('{"steps": 8, "guidance": [5, 2]}')
    changed = load_prior(folder, pin=prior.pin)
    assert changed.defaults == Defaults(8, (5, 2))


def test_unreadable_defaults_are_refused(folder: Path) -> None:
    (folder / "ddcodec.json").write_text("{")
    with pytest.raises(ModelMismatchError, match=r"ddcodec\.json"):
        load_prior(folder)


def test_loading_is_silent(pipeline_folder: Path) -> None:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        load_prior(pipeline_folder)
    assert (out.getvalue(), err.getvalue()) == ("", "")


def test_old_checkpoint_layouts_give_the_same_prior(folder: Path, prior: Prior) -> None:
    """Stable Diffusion 1.x as published: prefixed text weights, old attention names, merges.txt."""
    text = folder / "text_encoder" / "model.safetensors"
    save_file({f"text_model.{k}": v for k, v in load_file(text).items()}, text, {"format": "pt"})
    vae = folder / "vae" / "diffusion_pytorch_model.safetensors"
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    renamed = {}
    for key, value in load_file(vae).items():
        for new_name, old_name in old.items():
            key = key.replace(new_name, old_name) if "attentions" in key else key
        renamed[key] = value
    save_file(renamed, vae, {"format": "pt"})
    tokenizer = folder / "tokenizer" / "tokenizer.json"
    bpe = json.loads(tokenizer.read_text())["model"]
    tokenizer.with_name("vocab.json").write_text(json.dumps(bpe["vocab"]))
    lines = [m if isinstance(m, str) else " ".join(m) for m in bpe["merges"]]
    tokenizer.with_name("merges.txt").write_text("\n".join(["#version: 0.2", *lines, ""]))
    tokenizer.unlink()

    published = load_prior(folder)
    assert published.engine.weights == prior.engine.weights
    text = "dog of cat"
    assert torch.equal(published.prompt(text).hidden, prior.prompt(text).hidden)
    latents = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    assert (published.engine.decode(latents) == prior.engine.decode(latents)).all()


def test_sharded_weights_load(folder: Path, prior: Prior) -> None:
    prior.components.unet.save_pretrained(folder / "unet", max_shard_size="20KB")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    sharded = load_prior(folder)
    assert sharded.engine.weights == prior.engine.weights
    x, hidden = torch.ones(1, 4, 8, 8), prior.prompt("dog")
    assert torch.equal(sharded.engine.predict(x, 9.0, hidden), prior.engine.predict(x, 9.0, hidden))
    assert any("-of-" in path for path in sharded.pin.files)


@pytest.mark.parametrize("name", ["unet", "vae", "text_encoder"])
@pytest.mark.parametrize("profile", ["w8a15", "float"])
def test_missing_weights_are_never_made_up(folder: Path, name: str, profile: str) -> None:
    path = next((folder / name).glob("*.safetensors"))
    weights = load_file(path)
    weights.pop(sorted(weights)[0])
    save_file(weights, path, {"format": "pt"})
    with pytest.raises(ModelMismatchError, match=f"{name} do not fit .*missing keys"):
        load_prior(folder, profile=profile)


@pytest.mark.parametrize("name", ["unet", "vae", "text_encoder"])
@pytest.mark.parametrize("profile", ["w8a15", "float"])
def test_damaged_weights_are_explained(folder: Path, name: str, profile: str) -> None:
    path = next((folder / name).glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ModelMismatchError, match="fetch or export it again"):
        load_prior(folder, profile=profile)


@pytest.mark.parametrize(
    ("component", "value"),
    [
        ("transformer", ["diffusers", "SD3Transformer2DModel"]),
        ("unet", ["diffusers", "UNet3DConditionModel"]),
        ("text_encoder", ["transformers", "T5EncoderModel"]),
        ("scheduler", ["my_own_module", "DDIMScheduler"]),
        ("scheduler", ["diffusers", "DiffusionPipeline"]),
    ],
    ids=str,
)
def test_other_pipeline_families_are_refused_by_name(
    folder: Path, component: str, value: list[str]
) -> None:
    (folder / component).mkdir(exist_ok=True)
    (folder / component / "model.safetensors").touch()
    edit(folder / "model_index.json", **{component: value})
    with pytest.raises(UnsupportedFeatureError, match=component):
        load_prior(folder)


@pytest.mark.parametrize(
    ("name", "change"),
    [("vae", {"shift_factor": 0.1}), ("unet", {"time_cond_proj_dim": 8})],
    ids=str,
)
def test_options_that_change_the_inputs_are_refused(
    folder: Path, name: str, change: dict[str, Any]
) -> None:
    network = getattr(load_prior(folder).components, name)
    config = {**network.config, **change}
    type(network).from_config(config).save_pretrained(folder / name)
    with pytest.raises(UnsupportedFeatureError, match=next(iter(change))):
        load_prior(folder)


def test_profiles_of_the_future_are_refused(pipeline_folder: Path) -> None:
    with pytest.raises(UnsupportedFeatureError, match="w8a8, w8a15, w15a15, float"):
        load_prior(pipeline_folder, profile="w4a4")


def test_missing_device_is_explained(pipeline_folder: Path) -> None:
    for device in ("cuda:99", "nonsense"):
        with pytest.raises(RequestError, match="device='cpu'"):
            load_prior(pipeline_folder, device=device)


def test_fingerprint_fits_a_header_and_names_no_machine() -> None:
    import platform

    values = fingerprint()
    assert msgpack.unpackb(msgpack.packb(values)) == values
    assert {"torch", "diffusers", "transformers", "cpu_capability", "threads"} <= set(values)
    assert all(isinstance(v, str | int) for v in values.values())
    assert platform.node() not in values.values()


def test_packaged_prior_is_the_default(prior: Prior) -> None:
    tiny = load_prior()
    assert tiny.pin.source == "tiny"
    assert (tiny.defaults.steps, tiny.defaults.patch) == (8, 32)
    assert PriorPin.from_map(tiny.pin.to_map()) == tiny.pin
    assert tiny.size == 64
    assert tiny.latent_shape(32, 32) == (8, 8, 8)
    assert load_prior(pin=tiny.pin).pin == tiny.pin
    with pytest.raises(ModelMismatchError, match=r"is not the one this artifact was made with"):
        load_prior("tiny", pin=prior.pin)
