"""SDXL: pictures of its pipelines, from text and from pictures, in every profile."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers.pipelines.stable_diffusion_xl import pipeline_stable_diffusion_xl_img2img as i2i
from diffusers.schedulers import scheduling_euler_ancestral_discrete as sampler
from torch import Tensor

import ddcodec
from ddcodec.errors import DecodeError, ModelMismatchError
from ddcodec.prior.conditioning import Conditioning
from ddcodec.prior.load import Prior, load_prior
from ddcodec.prior.noise import initial_latents, step_noise
from ddcodec.prior.partial_schedule import extract_partial_schedule
from ddcodec.prior.quiet import quiet_libraries
from ddcodec.rendering.image2image import image2image, patch_latents
from ddcodec.rendering.text2image import text2image
from tests.artifacts import generated, rewritten
from tools.networks.pipelines import BASE, SD_TURBO, TURBO, make_sdxl

SEEDS = np.array([11, 2**63, 5, 7], np.uint64)
PROMPTS = ["dog of cat", "a cat", "", "dog"]
SIZE, LATENT = (16, 16), (4, 8, 8)
IDS = (16, 16, 0, 0, 16, 16)
# What float32 sums in another order may move a pixel: our encoder runs one prompt a call.
ROUNDING = 0.51


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SDXL base's own sampler."""
    return make_sdxl(tmp_path_factory.mktemp("prior") / "base", BASE)


def drawn(kind: str, folder: Path, **options: Any) -> Any:
    """Pictures 0..1 of diffusers' own pipeline, opened from the folder."""
    with quiet_libraries():
        pipeline = getattr(diffusers, kind).from_pretrained(folder, dtype=torch.float32)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline(PROMPTS, output_type="np", **options).images


def give_noise(monkeypatch: pytest.MonkeyPatch, *drawn: Tensor) -> None:
    """What diffusers draws from here on, in the pipeline from pictures and in its sampler."""
    streams = iter(drawn)
    for module in (i2i, sampler):
        monkeypatch.setattr(module, "randn_tensor", lambda *a, **k: next(streams))


@pytest.mark.parametrize(
    ("scheduler", "steps"), [(TURBO, 1), (TURBO, 4), (SD_TURBO, 1), (BASE, 4)], ids=str
)
def test_pictures_without_guidance_are_those_of_diffusers(
    tmp_path: Path,
    scheduler: tuple[str, dict[str, Any]],
    steps: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = make_sdxl(tmp_path / "xl", scheduler)
    prior = load_prior(folder, profile="float", batch=4)
    table = prior.schedule(steps)
    give_noise(monkeypatch, *(step_noise(SEEDS, i, LATENT) for i in range(1, steps + 1)))
    wanted = drawn(
        "StableDiffusionXLPipeline",
        folder,
        latents=initial_latents(SEEDS, LATENT),
        num_inference_steps=steps,
        guidance_scale=0.0,
        height=16,
        width=16,
    )
    made = text2image(prior, prior.prompt(PROMPTS), None, SEEDS, table, (0, 1), SIZE, IDS)
    assert np.abs(made - wanted * 255).max() < ROUNDING


@pytest.mark.parametrize("negative", ["", "of a"])
def test_guided_pictures_are_those_of_diffusers(base: Path, negative: str) -> None:
    """The empty prompt is all zeros (force_zeros_for_empty_prompt), another one is encoded."""
    prior = load_prior(base, profile="float", batch=4)
    wanted = drawn(
        "StableDiffusionXLPipeline",
        base,
        negative_prompt=[negative] * 4 if negative else None,
        latents=initial_latents(SEEDS, LATENT),
        num_inference_steps=5,
        guidance_scale=5.0,
        height=16,
        width=16,
        original_size=(40, 30),
        crops_coords_top_left=(3, 2),
    )
    made = text2image(
        prior,
        prior.prompt(PROMPTS),
        prior.unconditioned(negative),
        SEEDS,
        prior.schedule(5),
        (5, 1),
        SIZE,
        (40, 30, 3, 2, 16, 16),
    )
    assert np.abs(made - wanted * 255).max() < ROUNDING


@pytest.mark.parametrize("guidance", [(0, 1), (5, 2)], ids=str)
def test_pictures_of_pictures_are_those_of_diffusers(
    sdxl_folder: Path, guidance: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Coreset expansion's setting: 5 steps at strength 0.8."""
    prior = load_prior(sdxl_folder, profile="float", batch=4)
    patches = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), np.uint8)
    table = extract_partial_schedule(prior.scheduler, 5, (4, 5))
    noises = (step_noise(SEEDS, i, LATENT) for i in range(1, 5))
    give_noise(monkeypatch, initial_latents(SEEDS, LATENT), *noises)
    # The pipeline draws from the encoder's distribution; an artifact means its mean.
    monkeypatch.setattr(i2i, "retrieve_latents", lambda out, **k: out.latent_dist.mode())
    wanted = drawn(
        "StableDiffusionXLImg2ImgPipeline",
        sdxl_folder,
        image=torch.tensor(patches).permute(0, 3, 1, 2) / 255,
        strength=0.8,
        num_inference_steps=5,
        guidance_scale=guidance[0] / guidance[1],
    )
    made = image2image(
        prior,
        patch_latents(prior, patches, SIZE),
        prior.prompt(PROMPTS),
        prior.unconditioned(),
        SEEDS,
        table,
        guidance,
        IDS,
    )
    assert np.abs(made - wanted * 255).max() < ROUNDING


@pytest.mark.parametrize("profile", ["w8a8", "w8a15", "w15a15"])
def test_a_picture_is_the_same_alone_or_among_others(sdxl_folder: Path, profile: str) -> None:
    prior = load_prior(sdxl_folder, profile=profile)
    prompts, empty = prior.prompt(PROMPTS), prior.unconditioned("of")

    def make(rows: list[int]) -> Any:
        table = prior.schedule(2)
        return text2image(prior, prompts[rows], empty, SEEDS[rows], table, (3, 2), SIZE, IDS)

    together = make([0, 1, 2, 3])
    assert len({picture.tobytes() for picture in together}) == 4
    assert np.array_equal(make([2]), together[[2]])
    assert np.array_equal(make([3, 0, 1]), together[[3, 0, 1]])


def test_time_ids_move_the_picture(sdxl_prior: Prior) -> None:
    prior, prompts = sdxl_prior, sdxl_prior.prompt(["dog"])
    arguments = (prior, prompts, None, SEEDS[:1], prior.schedule(1), (0, 1), SIZE)
    pictures = [text2image(*arguments, ids) for ids in (IDS, (512, 512, 0, 0, 16, 16))]
    assert not np.array_equal(*pictures)


@pytest.mark.parametrize("ids", [(), (1, 2, 3)], ids=str)
def test_missing_time_ids_are_asked_for(sdxl_prior: Prior, ids: tuple[int, ...]) -> None:
    prompts, table = sdxl_prior.prompt(["dog"]), sdxl_prior.schedule(1)
    with pytest.raises(DecodeError, match=f"reads 6 time ids, not {len(ids)}; pass those of prior"):
        text2image(sdxl_prior, prompts, None, SEEDS[:1], table, (0, 1), SIZE, ids)


def test_one_encoders_prior_has_no_time_ids(prior: Prior) -> None:
    prompts, table = prior.prompt(["dog"]), prior.schedule(1)
    with pytest.raises(DecodeError, match="reads 0 time ids, not 6"):
        text2image(prior, prompts, None, SEEDS[:1], table, (0, 1), SIZE, IDS)


def test_the_empty_prompt_is_zeros_where_the_pipeline_says_so(sdxl_prior: Prior) -> None:
    empty = sdxl_prior.unconditioned()
    assert empty.pooled is not None
    assert not empty.hidden.any() and not empty.pooled.any()
    components = sdxl_prior.components
    plain = replace(sdxl_prior, components=_with_family(components, zeros_for_empty=False))
    assert _equal(plain.unconditioned(), sdxl_prior.prompt(""))
    assert _equal(sdxl_prior.unconditioned("dog"), sdxl_prior.prompt("dog"))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("time_ids", [16] * 6, "has 6 time ids, but the pinned prior reads 0"),
        ("vectors", [1, 64, 64], r"widths \[64, 64\], but the pinned prior.* have \[128\]"),
        ("size", [24, 32], r"have 24 x 32 pixels, but .* multiples of 16"),
    ],
)
def test_a_recipe_that_does_not_fit_its_prior_is_refused(
    tmp_path: Path, field: str, value: list[int], message: str
) -> None:
    artifact = generated(tmp_path / "good.ddz")
    head = artifact.head.to_map()
    head["recipe"]["synthesis"][field] = value
    with (
        ddcodec.open(rewritten(artifact, tmp_path / "bad.ddz", head)) as bad,
        pytest.raises(ModelMismatchError, match=message),
    ):
        bad.renderer().prepare()


@pytest.mark.parametrize("field", ["prompt", "negative"])
def test_a_prompt_longer_than_the_prior_reads_is_refused(tmp_path: Path, field: str) -> None:
    artifact = generated(tmp_path / "good.ddz")
    head = artifact.head.to_map()
    head["recipe"]["synthesis"][field] += " dog" * 20
    with (
        ddcodec.open(rewritten(artifact, tmp_path / "bad.ddz", head)) as bad,
        pytest.raises(ModelMismatchError, match=r"the artifact's prompts do not fit: .* reads 16"),
    ):
        bad.dataset().batch([0])


def _with_family(components: Any, **changes: Any) -> Any:
    changed = copy.copy(components)
    changed.family = replace(components.family, **changes)
    return changed


def _equal(a: Conditioning, b: Conditioning) -> bool:
    pairs: list[tuple[Tensor | None, Tensor | None]] = [(a.hidden, b.hidden), (a.pooled, b.pooled)]
    return all(x is not None and y is not None and torch.equal(x, y) for x, y in pairs)
