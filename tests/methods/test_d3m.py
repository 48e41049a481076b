"""d3m: tokens, seeds and labels with the packaged prior."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from diffusers import EulerDiscreteScheduler

from ddcodec.artifact import Artifact
from ddcodec.errors import ModelMismatchError
from ddcodec.methods.textual_inversion import Inversion, invert
from ddcodec.prior.load import load_prior
from ddcodec.prior.packaged import tiny_folder
from ddcodec.recipe.synthesis import Text2Image
from tests.artifacts import encode_small

QUICK = {"steps": "2", "batch": "6", "images": "6", "sampling_steps": "2"}


@pytest.fixture(scope="module")
def artifact(
    image_folder: Path, teacher_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Artifact:
    return encode_small(
        image_folder,
        tmp_path_factory.mktemp("d3m") / "d3m.ddz",
        method="d3m",
        teacher=str(teacher_folder),
        labels="soft",
        options=QUICK,
    )


def test_it_stores_a_token_a_class_and_no_pixels(artifact: Artifact) -> None:
    kinds = {s.kind for s in artifact.sections}
    stored = {"pixels", "prompts", "schedule", "seeds"}
    assert kinds - stored - {"label-fields"} == {"label-model", "labels"}
    assert stored < kinds
    prompts = next(n for n in artifact.sizes().children if n.name == "prompts")
    width = load_prior("tiny").text_width
    assert prompts.raw == 3 * width * 2


def test_int8_tokens_are_half_as_large_and_say_what_they_lose(
    image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    small = encode_small(
        image_folder,
        tmp_path / "int8.ddz",
        method="d3m",
        teacher=str(teacher_folder),
        options={**QUICK, "precision": "int8"},
    )
    assert "rms" in small.info["int8_loss"]
    assert next(n for n in small.sizes().children if n.name == "prompts").raw < 3 * 128 * 2 * 0.6
    assert small.verify("pixels") == 12


def test_an_exact_artifact_records_weights_and_no_environment(artifact: Artifact) -> None:
    synthesis = artifact.recipe.synthesis
    assert isinstance(synthesis, Text2Image)
    assert (synthesis.profile, synthesis.batch) == ("w8a15", 0)
    assert synthesis.weights == load_prior("tiny").engine.weights
    assert "environment" not in artifact.info


def test_a_float_artifact_records_its_environment_and_batch(
    image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    plain = encode_small(
        image_folder,
        tmp_path / "float.ddz",
        method="d3m",
        profile="float",
        teacher=str(teacher_folder),
        options=QUICK,
    )
    synthesis = plain.recipe.synthesis
    assert isinstance(synthesis, Text2Image)
    assert (synthesis.profile, synthesis.batch, synthesis.weights) == ("float", 16, None)
    assert "cpu_capability" in plain.info["environment"]
    assert plain.verify("pixels", sample=5) == 5


def test_any_slice_renders_the_same_pixels(artifact: Artifact, tmp_path: Path) -> None:
    assert artifact.verify("pixels") == 12
    part = artifact.subset(tmp_path / "part.ddz", classes=["stripes"], ipc=3)
    assert part.verify("pixels") == 3


def test_the_images_of_a_class_differ_by_seed(artifact: Artifact) -> None:
    pictures = artifact.renderer().pictures([(0, s) for s in range(4)])
    assert len({p.tobytes() for p in pictures}) == 4


def test_another_prior_is_refused(artifact: Artifact, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_folder(), other)
    weights = other / "unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelMismatchError, match="its 10 files have SHA-256"):
        artifact.verify("pixels", prior=str(other))


def test_a_collage_prior_yields_several_images_a_seed(
    image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    artifact = encode_small(
        image_folder,
        tmp_path / "grid.ddz",
        method="d3m",
        teacher=str(teacher_folder),
        options={**QUICK, "grid": "2"},
    )
    assert artifact.recipe.generated_per_class == 1
    pictures = artifact.renderer().pictures([(1, s) for s in range(4)])
    assert len({p.tobytes() for p in pictures}) == 4


def test_learning_lowers_the_diffusion_loss() -> None:
    prior = load_prior("tiny")
    red = np.zeros((8, 32, 32, 3), np.uint8)
    red[..., 0] = 255
    settings = Inversion("A photo of {}", 1, 30, 32, 10, False, 0)
    result = invert(prior, ["thing"], [red], settings)
    assert result.vectors.shape == (1, 1, prior.text_width)
    # Steps are noisy, so the token is judged against its start on the same noise.
    frozen = invert(prior, ["thing"], [red], replace(settings, lr=0.0))
    assert result.losses[-15:].mean() < frozen.losses[-15:].mean()


def test_tokens_of_two_text_encoders_are_learned_together(sdxl_folder: Path) -> None:
    prior = load_prior(sdxl_folder, profile="float")
    pictures = [np.random.default_rng(c).integers(0, 256, (4, 16, 16, 3), np.uint8) for c in (0, 1)]
    settings = Inversion("a {}", 1, 3, 8, 0.1, False, 0)
    result = invert(prior, ["dog", "cat"], pictures, settings)
    start = np.stack([prior.name_vector(n).numpy() for n in ("dog", "cat")])[:, None]
    moved = np.abs(result.vectors - start)
    assert result.vectors.shape == (2, 1, 16 + 24)
    # Both parts of both tokens, each in steps that follow the size of its own embeddings.
    for part, encoder in ((moved[..., :16], "text_encoder"), (moved[..., 16:], "text_encoder_2")):
        table = getattr(prior.components, encoder).get_input_embeddings().weight
        scale = 0.1 * float(table.square().mean().sqrt())
        assert (part.mean(2) > scale / 4).all() and (part < 4 * scale).all()


def test_an_artifact_of_two_text_encoders_decodes(
    image_folder: Path, teacher_folder: Path, sdxl_folder: Path, tmp_path: Path
) -> None:
    artifact = encode_small(
        image_folder,
        tmp_path / "sdxl.ddz",
        method="d3m",
        prior=str(sdxl_folder),
        teacher=str(teacher_folder),
        options={**QUICK, "sampling_steps": "1", "guidance": "0"},
    )
    synthesis = artifact.recipe.synthesis
    assert isinstance(synthesis, Text2Image)
    assert (synthesis.vectors, synthesis.time_ids) == ((1, 16, 24), (16, 16, 0, 0, 16, 16))
    assert artifact.verify("pixels", prior=str(sdxl_folder)) == 12


def test_learning_is_seeded() -> None:
    prior = load_prior("tiny")
    pictures = [np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.uint8)]
    settings = Inversion("A photo of {}", 1, 2, 4, 20, True, 3)
    first = invert(prior, ["thing"], pictures, settings)
    again = invert(prior, ["thing"], pictures, settings)
    assert (first.vectors == again.vectors).all()


def test_learning_sees_latents_as_the_network_was_trained_whatever_the_sampler(
    tmp_path: Path,
) -> None:
    folder = Path(shutil.copytree(tiny_folder(), tmp_path / "euler"))
    index = json.loads((folder / "model_index.json").read_text())
    index["scheduler"] = ["diffusers", "EulerDiscreteScheduler"]  # unbounded noisy latents
    (folder / "model_index.json").write_text(json.dumps(index))
    own = load_prior("tiny").scheduler
    EulerDiscreteScheduler.from_config(own.config).save_pretrained(folder / "scheduler")
    pictures = [np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.uint8)]
    settings = Inversion("A photo of {}", 1, 2, 8, 10, False, 0)
    losses = [invert(load_prior(p), ["thing"], pictures, settings).losses for p in ("tiny", folder)]
    assert (losses[0] == losses[1]).all()
