"""Variants of weight files: which are loaded, that the pin follows, what they may hold."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ddcodec.errors import ModelMismatchError, UnsupportedFeatureError
from ddcodec.prior.load import load_prior
from ddcodec.prior.weight_files import choose_variant
from tools.networks.pipelines import make_sdxl

UNET, TEXT = "diffusion_pytorch_model", "model"
CONFIG = ["config.json"]


def names(stem: str, *variants: str) -> list[str]:
    return CONFIG + [f"{stem}.{v}.safetensors" if v else f"{stem}.safetensors" for v in variants]


@pytest.fixture(scope="module")
def half_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SDXL with ``*.fp16.safetensors`` and nothing else."""
    return make_sdxl(tmp_path_factory.mktemp("prior") / "half", variant="fp16")


@pytest.fixture
def folder(half_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(half_folder, tmp_path / "copy"))


@pytest.mark.parametrize(
    ("unet", "text", "chosen"),
    [
        (("",), ("",), None),
        (("", "fp16"), ("fp16", ""), None),
        (("fp16",), ("fp16",), "fp16"),
        (("fp16", "non_ema"), ("", "fp16"), "fp16"),
    ],
    ids=str,
)
def test_plain_files_are_taken_else_the_variant_that_all_have(
    unet: tuple[str, ...], text: tuple[str, ...], chosen: str | None
) -> None:
    files = {"unet": names(UNET, *unet), "text_encoder": names(TEXT, *text)}
    assert choose_variant("prior", files) == chosen


def test_indices_of_shards_count_as_their_variant() -> None:
    files = {
        "unet": [f"{UNET}.safetensors.index.fp16.json", f"{UNET}-00001-of-00002.fp16.safetensors"],
        "text_encoder": names(TEXT, "fp16"),
    }
    assert choose_variant("prior", files) == "fp16"
    files["unet"] = [f"{UNET}-00001-of-00002.safetensors"]  # shards without their index
    with pytest.raises(ModelMismatchError, match=f"prior/unet/{UNET}.safetensors is missing"):
        choose_variant("prior", files)


@pytest.mark.parametrize(
    ("unet", "text", "message"),
    [
        (("fp16",), ("",), "prior/unet holds only the variant fp16, which text_encoder lacks"),
        (("",), ("bf16",), "prior/text_encoder holds only the variant bf16, which unet lacks"),
        (("fp16", "bf16"), ("bf16", "fp16"), "variants bf16 and fp16 and not plain.*remove"),
        ((), ("",), f"prior/unet/{UNET}.safetensors is missing"),
    ],
    ids=str,
)
def test_a_variant_that_is_missing_or_not_the_only_one_is_named(
    unet: tuple[str, ...], text: tuple[str, ...], message: str
) -> None:
    files = {"unet": names(UNET, *unet), "text_encoder": names(TEXT, *text)}
    with pytest.raises(ModelMismatchError, match=message):
        choose_variant("prior", files)


def test_the_pin_names_the_variant_and_its_numbers_count_exactly(
    half_folder: Path, folder: Path
) -> None:
    half = load_prior(half_folder)
    weights = [p for p in half.pin.files if p.endswith(".safetensors")]
    assert len(weights) == 4 and all(p.endswith(".fp16.safetensors") for p in weights)
    for path in list(folder.rglob("*.fp16.safetensors")):
        plain = path.with_name(path.name.replace(".fp16", ""))
        save_file({k: v.float() for k, v in load_file(path).items()}, plain, {"format": "pt"})
    both = load_prior(folder)
    assert not any("fp16" in p for p in both.pin.files)
    assert both.engine.weights == half.engine.weights
    # An artifact of the halves needs them, whatever lies beside them.
    assert load_prior(folder, pin=half.pin).components.variant == "fp16"
    with pytest.raises(ModelMismatchError, match=r"encoder/model\.safetensors is missing"):
        load_prior(half_folder, pin=both.pin)


def test_the_float_profile_reads_a_variant_too(half_folder: Path) -> None:
    prior = load_prior(half_folder, profile="float")
    stored = load_file(half_folder / "text_encoder_2" / "model.fp16.safetensors")
    found = dict(prior.components.text_encoder_2.named_parameters())["text_projection.weight"]
    assert torch.equal(found, stored["text_projection.weight"].float())


@pytest.mark.parametrize("profile", ["w8a15", "float"])
def test_shards_of_a_variant_load(half_folder: Path, folder: Path, profile: str) -> None:
    from diffusers import UNet2DConditionModel

    whole = load_prior(half_folder, profile=profile)
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", variant="fp16")
    (folder / "unet" / f"{UNET}.fp16.safetensors").unlink()
    unet.save_pretrained(folder / "unet", variant="fp16", max_shard_size="30KB")
    prior = load_prior(folder, profile=profile)
    assert f"unet/{UNET}.safetensors.index.fp16.json" in prior.pin.files
    assert sum("-of-" in path for path in prior.pin.files) > 1
    assert prior.engine.weights == whole.engine.weights
    next((folder / "unet").glob("*-00002-of-*")).unlink()
    with pytest.raises(ModelMismatchError, match=r"-00002-of-.* is missing; fetch"):
        load_prior(folder, profile=profile)


@pytest.mark.parametrize(
    ("dtype", "name"),
    [(torch.float8_e4m3fn, "F8_E4M3"), (torch.int8, "I8"), (torch.int64, "I64")],
    ids=str,
)
def test_numbers_that_are_no_floats_of_16_bits_are_refused(
    folder: Path, dtype: torch.dtype, name: str
) -> None:
    path = folder / "vae" / f"{UNET}.fp16.safetensors"
    weights = load_file(path)
    weights["decoder.conv_in.weight"] = weights["decoder.conv_in.weight"].to(dtype)
    save_file(weights, path, {"format": "pt"})
    with pytest.raises(UnsupportedFeatureError, match=f"{name} numbers .decoder.conv_in.weight"):
        load_prior(folder)


def test_bfloat16_counts_for_what_it_is(folder: Path) -> None:
    path = folder / "unet" / f"{UNET}.fp16.safetensors"
    weights = {key: value.to(torch.bfloat16) for key, value in load_file(path).items()}
    digests = []
    for dtype in (torch.bfloat16, torch.float32):
        save_file({k: v.to(dtype) for k, v in weights.items()}, path, {"format": "pt"})
        digests.append(load_prior(folder).engine.weights)
    assert digests[0] == digests[1]


def test_a_download_that_was_cut_short_is_explained(folder: Path) -> None:
    path = folder / "text_encoder_2" / "model.fp16.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelMismatchError, match="fetch or export it again"):
        load_prior(folder)
