from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner
from diffusers import StableDiffusionPipeline

from ddcodec.cli.app import cli
from ddcodec.errors import DecodeError
from ddcodec.prior.load import load_prior


def test_the_packaged_prior_becomes_a_folder_that_diffusers_loads(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    result = CliRunner().invoke(cli, ["prior", str(folder)])
    assert (result.exit_code, "a diffusers pipeline" in result.output) == (0, True)
    pipeline = StableDiffusionPipeline.from_pretrained(
        folder, safety_checker=None, local_files_only=True, low_cpu_mem_usage=False
    )
    assert pipeline.unet.config.sample_size * 4 == 64
    assert load_prior(folder).pin.files == load_prior("tiny").pin.files


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    result = CliRunner().invoke(cli, ["prior", str(tmp_path)])
    assert isinstance(result.exception, DecodeError)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
