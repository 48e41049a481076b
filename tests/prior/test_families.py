"""Which pipelines are priors: SDXL is, others are refused by name before weights are read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ddcodec.errors import EncodeError, ModelMismatchError, UnsupportedFeatureError
from ddcodec.prior.families import read_family
from ddcodec.prior.load import Prior, load_prior
from tools.networks.pipelines import POOLED, WIDTHS


@pytest.fixture
def folder(sdxl_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may change, with weights that nobody can read."""
    copy = Path(shutil.copytree(sdxl_folder, tmp_path / "copy"))
    for path in copy.rglob("*.safetensors"):
        path.write_bytes(b"")
    return copy


def edit(path: Path, **changes: Any) -> None:
    values = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({k: v for k, v in values.items() if v != "absent"}))


def test_sdxl_describes_itself(sdxl_prior: Prior) -> None:
    assert sdxl_prior.text_widths == WIDTHS
    assert sdxl_prior.text_width == sum(WIDTHS)
    assert sdxl_prior.time_ids(16, 24) == (16, 24, 0, 0, 16, 24)
    assert (sdxl_prior.size, sdxl_prior.multiple) == (16, 4)
    family = sdxl_prior.components.family
    assert family.networks == ("text_encoder", "text_encoder_2", "unet", "vae")
    assert family.zeros_for_empty
    prompts = sdxl_prior.prompt(["dog", "a cat"])
    assert prompts.hidden.shape == (2, 12, sum(WIDTHS))
    assert prompts.pooled is not None and prompts.pooled.shape == (2, POOLED)
    assert {p.partition("/")[0] for p in sdxl_prior.pin.files} >= {"text_encoder_2", "tokenizer_2"}


def test_one_encoder_makes_nothing_of_an_empty_prompt(pipeline_folder: Path) -> None:
    family = read_family(pipeline_folder)
    assert (family.text_encoders, family.tokenizers) == (("text_encoder",), ("tokenizer",))
    assert not family.zeros_for_empty


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text_encoder": [None, None], "tokenizer": [None, None]}, "is SDXL's refiner"),
        ({"requires_aesthetics_score": True}, "is SDXL's refiner"),
        ({"text_encoder_3": ["transformers", "T5EncoderModel"]}, "has text_encoder_3 transf"),
        (
            {"transformer": ["diffusers", "FluxTransformer2DModel"]},
            "has transformer .*Flux",
        ),
        ({"prior": ["diffusers", "PriorTransformer"]}, "has prior diffusers"),
        ({"controlnet": ["diffusers", "ControlNetModel"]}, "has controlnet"),
        ({"image_normalizer": ["diffusers", "X"]}, "has image_normalizer"),
        ({"text_encoder_2": ["transformers", "T5EncoderModel"]}, "text_encoder_2 .*T5Encoder"),
        ({"unet": ["diffusers", "UNet3DConditionModel"]}, "unet diffusers.UNet3DCond"),
    ],
    ids=str,
)
def test_other_families_are_refused_by_name(
    folder: Path, changes: dict[str, Any], message: str
) -> None:
    edit(folder / "model_index.json", **changes)
    with pytest.raises(UnsupportedFeatureError, match=message):
        load_prior(folder)


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("unet", {"in_channels": 9}, "maps 9 channels to 4.*inpainting"),
        ("unet", {"out_channels": 8}, "learned-variance"),
        ("unet", {"encoder_hid_dim_type": "ip_image_proj"}, "as with an IP-adapter"),
        ("unet", {"addition_embed_type": "image"}, "addition_embed_type = 'image'"),
        ("unet", {"addition_embed_type": None}, "addition_embed_type = None"),
        ("unet", {"class_embed_type": "projection"}, "class_embed_type"),
        ("vae", {"latents_mean": [0, 0, 0, 0]}, "latents_mean"),
    ],
    ids=str,
)
def test_options_that_need_other_inputs_are_refused_by_name(
    folder: Path, part: str, changes: dict[str, Any], message: str
) -> None:
    edit(folder / part / "config.json", **changes)
    with pytest.raises(UnsupportedFeatureError, match=message):
        load_prior(folder)


def test_a_unet_with_time_ids_needs_two_encoders(folder: Path) -> None:
    edit(
        folder / "model_index.json",
        _class_name="StableDiffusionPipeline",
        text_encoder_2=[None, None],
        tokenizer_2=[None, None],
    )
    with pytest.raises(UnsupportedFeatureError, match="addition_embed_type = 'text_time'"):
        load_prior(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text_encoder_2": "absent"}, "StableDiffusionXLPipeline, but .* no text_encoder_2"),
        ({"tokenizer_2": "absent"}, "lists a text_encoder_2, but no tokenizer_2"),
        ({"force_zeros_for_empty_prompt": "yes"}, "must be true or false"),
    ],
    ids=str,
)
def test_an_index_that_lacks_something_is_explained(
    folder: Path, changes: dict[str, Any], message: str
) -> None:
    edit(folder / "model_index.json", **changes)
    with pytest.raises(ModelMismatchError, match=message):
        load_prior(folder)


@pytest.mark.parametrize("part", ["text_encoder_2", "tokenizer_2"])
def test_a_folder_that_was_not_fetched_is_named(folder: Path, part: str) -> None:
    shutil.rmtree(folder / part)
    with pytest.raises(ModelMismatchError, match=f"has no folder {part}"):
        load_prior(folder)


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("text_encoder_2", {"hidden_size": 32}, r"width 40, but its text encoders have 16 \+ 32"),
        ("text_encoder_2", {"max_position_embeddings": 16}, "read 12 and 16 tokens"),
        ("text_encoder_2", {"projection_dim": 24}, "reads 20 numbers besides .* projects to 24"),
        ("unet", {"addition_time_embed_dim": 2}, "reads 32 numbers besides those of 6 time ids"),
    ],
    ids=str,
)
def test_parts_of_different_priors_do_not_fit(
    sdxl_folder: Path, tmp_path: Path, part: str, changes: dict[str, Any], message: str
) -> None:
    copy = Path(shutil.copytree(sdxl_folder, tmp_path / "copy"))
    edit(copy / part / "config.json", **changes)
    with pytest.raises(ModelMismatchError, match=message):
        load_prior(copy)


def test_prompts_longer_than_both_encoders_read_are_refused(sdxl_prior: Prior) -> None:
    with pytest.raises(EncodeError, match="18 tokens long, but this prior reads 12"):
        sdxl_prior.prompt(["dog", "abcdefghijklmnop"])
