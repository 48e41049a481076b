from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ddcodec.errors import ModelMismatchError
from ddcodec.prior.files import check_files, digest_files
from ddcodec.recipe.pin import PriorPin


@pytest.fixture
def folder(pipeline_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(pipeline_folder, tmp_path / "copy"))


def pin_of(folder: Path) -> PriorPin:
    return PriorPin.of("random-sd", None, digest_files(folder))


def test_digest_covers_every_file_that_is_loaded_and_nothing_else(folder: Path) -> None:
    (folder / "README.md").write_text("not loaded")
    (folder / "safety_checker").mkdir()
    (folder / "safety_checker" / "config.json").write_text("{}")
    (folder / "unet" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"a variant")
    assert list(digest_files(folder)) == [
        "model_index.json",
        "scheduler/scheduler_config.json",
        "text_encoder/config.json",
        "text_encoder/model.safetensors",
        "tokenizer/tokenizer.json",
        "tokenizer/tokenizer_config.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
    ]


def test_unchanged_files_match_their_pin(folder: Path) -> None:
    assert check_files(folder, pin_of(folder)) == digest_files(folder)


def test_a_changed_file_is_found(folder: Path) -> None:
    pin = pin_of(folder)
    with (folder / "vae" / "diffusion_pytorch_model.safetensors").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ModelMismatchError, match=r"its 10 files have SHA-256 \w{12}…, not "):
        check_files(folder, pin)


def test_file_beyond_the_pin_is_named(folder: Path) -> None:
    pin = pin_of(folder)
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    with pytest.raises(ModelMismatchError, match=r"tokenizer/merges\.txt is not among the pinned"):
        check_files(folder, pin)


def test_missing_file_is_named(folder: Path) -> None:
    pin = pin_of(folder)
    (folder / "tokenizer" / "tokenizer.json").unlink()
    with pytest.raises(ModelMismatchError, match=r"tokenizer/tokenizer\.json is missing.*prior="):
        check_files(folder, pin)


def test_pickled_weights_are_refused(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").rename(
        folder / "unet" / "diffusion_pytorch_model.bin"
    )
    with pytest.raises(ModelMismatchError, match=r"model\.bin is a pickle.*safe_serialization"):
        digest_files(folder)


def test_pickle_beside_safetensors_is_never_read(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"never opened")
    assert not any(path.endswith(".bin") for path in digest_files(folder))


def test_lone_variant_is_explained(folder: Path) -> None:
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_name("diffusion_pytorch_model.fp16.safetensors"))
    with pytest.raises(
        ModelMismatchError, match="only the variant fp16, which text_encoder and unet lack"
    ):
        digest_files(folder)


def test_shards_are_pinned_through_their_index(folder: Path) -> None:
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    shard = "diffusion_pytorch_model-00001-of-00001.safetensors"
    weights.rename(weights.with_name(shard))
    index = weights.with_name("diffusion_pytorch_model.safetensors.index.json")
    index.write_text(f'{{"weight_map": {{"conv_in.weight": "{shard}"}}}}')
    assert {f"unet/{shard}", f"unet/{index.name}"} <= set(digest_files(folder))
    index.write_text('{"weight_map": {"conv_in.weight": "../../elsewhere.safetensors"}}')
    with pytest.raises(ModelMismatchError, match="names no usable shards"):
        digest_files(folder)


def test_folder_of_another_kind_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ModelMismatchError, match=r"has no model_index\.json"):
        digest_files(tmp_path)
    (tmp_path / "model_index.json").write_text("[]")
    with pytest.raises(ModelMismatchError, match="not a JSON object"):
        digest_files(tmp_path)
    (tmp_path / "model_index.json").write_text('{"unet": ["diffusers", "UNet2DConditionModel"]}')
    with pytest.raises(ModelMismatchError, match="has no folder unet"):
        digest_files(tmp_path)


def test_pins_need_no_torch() -> None:
    code = "import sys, ddcodec.recipe.pin, ddcodec.prior.resolve; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
