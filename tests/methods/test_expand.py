"""expand: small patches or latents, redrawn by the packaged prior."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.errors import EncodeError, RequestError
from ddcodec.recipe.synthesis import Image2Image
from tests.artifacts import encode_small

QUICK = {"images": 6, "sampling_steps": 3, "guidance": 1, "side": 16}


def expanded(
    image_folder: Path, teacher_folder: Path, out: Path, *, labels: str = "hard", **options: Any
) -> Artifact:
    return encode_small(
        image_folder,
        out,
        method="expand",
        ipc=3,
        variations=3,
        labels=labels,
        teacher=str(teacher_folder),
        options={**QUICK, **options},
    )


@pytest.fixture(scope="module")
def artifact(
    image_folder: Path, teacher_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Artifact:
    path = tmp_path_factory.mktemp("expand") / "expand.ddz"
    return expanded(image_folder, teacher_folder, path, labels="soft")


def test_it_stores_small_patches_and_the_names_of_classes(artifact: Artifact) -> None:
    synthesis, table = artifact.recipe.synthesis, artifact.table
    assert isinstance(synthesis, Image2Image)
    assert (synthesis.base, synthesis.prompt) == ("patches", "A photo of {}")
    assert (synthesis.size, synthesis.guidance, synthesis.share) == ((16, 16), (1, 1), (1, 1))
    assert table.patches(2, 1).shape == (1, 8, 8, 3)
    assert [table.prompt_text(c) for c in range(3)] == list(artifact.head.classes)
    assert len(table.schedule().timesteps) == 2  # 4/5 of three


def test_every_variation_is_another_picture_of_the_patch(artifact: Artifact) -> None:
    assert artifact.verify("pixels") == 9
    renderer = artifact.renderer()
    pictures = [renderer.pictures([(0, 0)], view)[0] for view in range(3)]
    assert len({picture.tobytes() for picture in pictures}) == 3
    patch = artifact.table.patches(0, 0)[0].repeat(2, 0).repeat(2, 1).astype(int)
    others = artifact.table.patches(1, 0)[0].repeat(2, 0).repeat(2, 1).astype(int)
    near, far = (np.abs(np.mean(pictures, 0) - p).mean() for p in (patch, others))
    assert near < far


def test_latents_take_their_place(image_folder: Path, teacher_folder: Path, tmp_path: Path) -> None:
    sizes = {}
    for step in (0.5, 2.0):
        made = expanded(
            image_folder,
            teacher_folder,
            tmp_path / f"{step}.ddz",
            store="latents",
            latent_step=step,
            share="3/4",
        )
        assert made.recipe.synthesis.to_map()["base"] == "latents"
        assert made.table.latents(0, 0).shape == (1, 8, 4, 4)
        assert made.info["latent_loss"].endswith("dB PSNR when decoded as they are")
        sizes[step] = next(n.stored for n in made.sizes().children if n.name == "latents")
    assert sizes[2.0] < 0.8 * sizes[0.5]
    assert made.verify("pixels") == 9


def test_a_plan_says_what_would_be_stored(image_folder: Path, tmp_path: Path) -> None:
    for store in ("patches", "latents"):
        options = {**QUICK, "store": store}
        would = ddcodec.encode(
            image_folder, tmp_path / "x", method="expand", ipc=2, dry_run=True, options=options
        )
        kinds = {"container", "labels", "pixels", "prompts", "schedule", "seeds", store}
        assert set(would.expected) == kinds


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({"template": "A photo"}, RequestError, "needs {} once"),
        ({"template": "A photo of {}, " + 20 * "again and "}, EncodeError, "tokens"),
        ({"strength": "1/9"}, RequestError, "runs none of 3 steps"),
        ({"side": 20}, EncodeError, "multiples of 16"),
        ({"factor": 17}, RequestError, "leaves nothing of 16 pixels"),
        ({"share": 2}, RequestError, "share"),
        ({"store": "tokens"}, RequestError, "one of patches, latents"),
        ({"select": "submodular"}, RequestError, "is neither a folder, nor a hub id"),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(
    image_folder: Path, tmp_path: Path, options: dict[str, Any], error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        expanded(image_folder, tmp_path / "no teacher", tmp_path / "x.ddz", **options)
