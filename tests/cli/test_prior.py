"""``ddz prior``: what is said, what is fetched, and the packaged prior as a folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from diffusers import StableDiffusionPipeline
from huggingface_hub import constants

from ddcodec.prior.load import load_prior
from ddcodec.prior.packaged import tiny_folder
from ddcodec.recipe.pin import digest_of_files
from tests.cli.conftest import Ddz
from tests.hub_server import COMMIT, FakeHub, fake_hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """The tiny prior, as if it were on the hub."""
    with fake_hub(tmp_path / "cache", monkeypatch) as hub:
        hub.hold(tiny_folder())
        hub.card = {"license": "openrail"}
        hub.files["README.md"] = b"---\nlicense: openrail\n---\n# A card\n"
        yield hub


def test_the_packaged_prior_is_described(ddz: Ddz) -> None:
    values = json.loads(ddz("prior", "tiny", "--json").out)
    assert values["schema"] == "ddcodec.prior/1"
    assert (values["family"], values["size"], values["steps"]) == ("StableDiffusionPipeline", 64, 8)
    assert values["licence"] == "apache-2.0"
    assert digest_of_files(values["digests"]) == load_prior("tiny").pin.digest
    assert (values["to_fetch"], values["fetched"]) == (0, 0)
    text = ddz("prior", "tiny").out
    assert "64x64 pixels" in text and "licence  apache-2.0" in text
    digest = values["digests"]["unet/diffusion_pytorch_model.safetensors"]
    assert f"{digest[:16]}  unet/diffusion_pytorch_model.safetensors" in text


def test_the_packaged_prior_becomes_a_folder_that_diffusers_loads(ddz: Ddz, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    done = ddz("prior", "tiny", "-o", folder)
    assert (done.code, "a diffusers pipeline" in done.out) == (0, True)
    pipeline = StableDiffusionPipeline.from_pretrained(
        folder, safety_checker=None, local_files_only=True, low_cpu_mem_usage=False
    )
    assert pipeline.unet.config.sample_size * 4 == 64
    assert load_prior(folder).pin.digest == load_prior("tiny").pin.digest


def test_a_folder_that_holds_something_is_left_alone(ddz: Ddz, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = ddz("prior", "tiny", "-o", tmp_path)
    assert (done.code, "is not empty" in done.err) == (2, True)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_only_the_packaged_prior_is_written(ddz: Ddz, tmp_path: Path) -> None:
    done = ddz("prior", tiny_folder(), "-o", tmp_path / "out")
    assert (done.code, "only the packaged prior" in done.err) == (2, True)


def test_a_dry_run_says_what_would_be_fetched_and_fetches_settings_alone(
    ddz: Ddz, hub: FakeHub
) -> None:
    done = ddz("prior", "owner/name", "--dry-run")
    assert done.code == 0
    assert f"owner/name@{COMMIT}" in done.out and "licence  openrail" in done.out
    assert "fetch    53 MB, into" in done.out
    assert done.out.splitlines()[-1] == "nothing was fetched (--dry-run)"
    assert not [name for name in hub.fetched if name.endswith(".safetensors")]


def test_a_hub_id_is_fetched_once_and_then_needs_no_network(
    ddz: Ddz, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ddz("prior", "owner/name", "--json")
    assert first.err.splitlines()[0] == "fetching 53 MB of owner/name (MB): 0 of 53"
    values = json.loads(first.out)
    assert digest_of_files(values["digests"]) == load_prior("tiny").pin.digest
    assert (values["fetched"] > 52_000_000, values["to_fetch"]) == (True, 0)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    again = json.loads(ddz("prior", "owner/name", "--json").out)
    assert again == {**values, "fetched": 0}


def test_a_disk_without_room_is_an_error_before_it_is_begun(
    ddz: Ddz, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(hub.cache.parent)._replace(free=90_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    done = ddz("prior", "owner/name")
    assert done.code == 1
    assert "owner/name needs 53 MB" in done.err and "free some space" in done.err
    assert not [name for name in hub.fetched if name.endswith(".safetensors")]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere", "there is no prior 'nowhere'"),
        ("owner/other", "no folder and no hub repository 'owner/other'"),
        ("owner/name@v9", "owner/name has no revision 'v9'"),
    ],
)
def test_what_is_not_there_is_an_error(ddz: Ddz, hub: FakeHub, name: str, says: str) -> None:
    done = ddz("prior", name)
    assert (done.code, says in done.err) == (2, True)


def test_a_folder_that_is_no_pipeline_says_so(ddz: Ddz, tmp_path: Path) -> None:
    done = ddz("prior", tmp_path)
    assert (done.code, "has no model_index.json" in done.err) == (1, True)
