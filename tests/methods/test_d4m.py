"""d4m: prototypes of latents, redrawn by the packaged prior."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.errors import EncodeError, RequestError
from ddcodec.prior.load import load_prior
from ddcodec.recipe.synthesis import Image2Image
from ddcodec.sources.folder import scan
from ddcodec.sources.source import load_images
from tests.artifacts import encode_small

QUICK = {"sampling_steps": 2, "side": 16}


def distilled(folder: Path, out: Path, *, ipc: int = 2, **options: Any) -> Artifact:
    return encode_small(folder, out, method="d4m", ipc=ipc, options={**QUICK, **options})


@pytest.fixture(scope="module")
def artifact(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return distilled(image_folder, tmp_path_factory.mktemp("d4m") / "d4m.ddz")


def test_it_stores_latents_and_the_names_of_classes(artifact: Artifact) -> None:
    synthesis, table = artifact.recipe.synthesis, artifact.table
    assert isinstance(synthesis, Image2Image)
    assert (synthesis.base, synthesis.prompt, synthesis.guidance) == ("latents", "{}", (8, 1))
    assert table.latents(2, 1).shape == (1, 8, 4, 4)
    assert [table.prompt_text(c) for c in range(3)] == list(artifact.head.classes)
    assert len(table.schedule().timesteps) == 1  # 7/10 of two
    assert artifact.info["latent_loss"].endswith("dB PSNR when decoded as they are")


def test_the_negative_prompt_is_as_much_of_the_default_as_the_prior_reads(
    artifact: Artifact,
) -> None:
    assert artifact.recipe.synthesis.to_map()["negative"] == "cartoon, anime"


def test_the_only_prototype_of_a_class_is_about_the_mean_of_its_latents(
    image_folder: Path, tmp_path: Path
) -> None:
    options = {"negative": "blue", "template": "a {}", "latent_step": "1/64"}
    made = distilled(image_folder, tmp_path / "1.ddz", ipc=1, **options)
    synthesis = made.recipe.synthesis.to_map()
    assert (synthesis["negative"], synthesis["prompt"]) == ("blue", "a {}")
    pictures, _ = load_images(scan(image_folder), (16, 16), classes=[1])
    latents = load_prior("tiny").engine.encode(pictures).numpy()
    # Mini-batches are drawn, so the centre is the mean of a sample.
    off = np.abs(made.table.latents(1, 0)[0] - latents.mean(0)).mean()
    assert off < 0.3 * np.abs(latents - latents.mean(0)).mean()


def test_two_runs_make_one_file_whose_slices_show_the_same(
    artifact: Artifact, image_folder: Path, tmp_path: Path
) -> None:
    assert distilled(image_folder, tmp_path / "again.ddz").digest == artifact.digest
    part = artifact.subset(tmp_path / "part.ddz", classes=["stripes"], ipc=1)
    assert part.verify("pixels") == 1


def test_a_plan_says_what_would_be_stored(image_folder: Path, tmp_path: Path) -> None:
    would = ddcodec.encode(
        image_folder, tmp_path / "x", method="d4m", ipc=2, labels="hard", dry_run=True
    )
    assert set(would.expected) == {
        "container",
        "labels",
        "latents",
        "pixels",
        "prompts",
        "schedule",
        "seeds",
    }


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"template": "photo"}, "needs {} once"),
        ({"negative": "word " * 200}, "shorten"),
        ({"strength": "1/9"}, "runs none of 2 steps"),
        ({"side": 20}, "multiples of 16"),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(
    image_folder: Path, tmp_path: Path, options: dict[str, Any], why: str
) -> None:
    with pytest.raises((EncodeError, RequestError), match=why):
        distilled(image_folder, tmp_path / "x.ddz", **options)
    assert not list(tmp_path.iterdir())
