from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ddcodec.codecs.schedule_table import Schedule
from ddcodec.errors import DecodeError
from ddcodec.prior.conditioning import Conditioning
from ddcodec.prior.load import Prior, load_prior
from ddcodec.prior.noise import initial_latents
from ddcodec.prior.quiet import quiet_libraries
from ddcodec.prior.schedule import extract_schedule
from ddcodec.rendering.text2image import text2image

SEEDS = np.array([11, 2**63, 5, 7, 1, 3], np.uint64)
SIZE = (16, 16)


@pytest.fixture(scope="module")
def prompts(prior: Prior) -> Conditioning:
    """Six images of three classes, mixed."""
    vectors = torch.randn(3, 1, prior.text_width, generator=torch.Generator().manual_seed(0))
    return prior.prompt("dog of {}", vectors)[[0, 1, 2, 2, 1, 0]]


@pytest.fixture(scope="module")
def schedule(prior: Prior) -> Schedule:
    return prior.schedule(4)


def test_seeds_become_the_same_images_again(
    prior: Prior, prompts: Conditioning, schedule: Schedule
) -> None:
    empty = prior.unconditioned()
    images = text2image(prior, prompts, empty, SEEDS, schedule, (3, 1), SIZE)
    assert images.shape == (6, 16, 16, 3)
    assert images.dtype == np.uint8
    again = text2image(prior, prompts, empty, SEEDS, schedule, (3, 1), SIZE)
    assert np.array_equal(images, again)
    assert len({i.tobytes() for i in images}) == 6


@pytest.mark.parametrize("rows", [[3], [5, 0], [4, 3, 2, 1, 0]], ids=str)
@pytest.mark.parametrize("sampler", ["DDIMScheduler", "EulerAncestralDiscreteScheduler"])
def test_an_image_is_the_same_alone_or_among_others(
    prior: Prior, prompts: Conditioning, sampler: str, rows: list[int]
) -> None:
    import diffusers

    with quiet_libraries():
        scheduler = getattr(diffusers, sampler).from_config(prior.scheduler.config)
    table = extract_schedule(scheduler, 3)
    empty = prior.unconditioned()
    together = text2image(prior, prompts, empty, SEEDS, table, (3, 2), SIZE)
    some = text2image(prior, prompts[rows], empty, SEEDS[rows], table, (3, 2), SIZE)
    assert np.array_equal(some, together[rows])


@pytest.mark.parametrize("guidance", [(1, 1), (5, 2)], ids=str)
def test_images_are_those_of_diffusers_own_pipeline(
    pipeline_folder: Path, prompts: Conditioning, schedule: Schedule, guidance: tuple[int, int]
) -> None:
    prior = load_prior(pipeline_folder, profile="float", batch=6)
    with quiet_libraries():
        from diffusers import StableDiffusionPipeline

        names = ("text_encoder", "unet", "vae", "scheduler")
        parts = {n: getattr(prior.components, n) for n in names}
        pipeline = StableDiffusionPipeline(
            **parts,
            tokenizer=prior.components.tokenizers[0],
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        pipeline.set_progress_bar_config(disable=True)
        wanted = pipeline(
            prompt_embeds=prompts.hidden,
            negative_prompt_embeds=prior.unconditioned().expand(6).hidden,
            latents=initial_latents(SEEDS, prior.latent_shape(16, 16)),
            num_inference_steps=4,
            guidance_scale=guidance[0] / guidance[1],
            output_type="np",
        ).images
    empty = prior.unconditioned() if guidance != (1, 1) else None
    made = text2image(prior, prompts, empty, SEEDS, schedule, guidance, SIZE)
    assert np.abs(made - wanted * 255).max() < 0.51


def test_guidance_of_one_or_less_ignores_the_empty_prompt(
    prior: Prior, prompts: Conditioning, schedule: Schedule
) -> None:
    plain = text2image(prior, prompts, None, SEEDS, schedule, (1, 1), SIZE)
    for guidance in ((0, 1), (1, 2), (7, 7)):
        made = text2image(prior, prompts, prior.unconditioned(), SEEDS, schedule, guidance, SIZE)
        assert np.array_equal(made, plain)


def test_sides_may_differ(prior: Prior, prompts: Conditioning, schedule: Schedule) -> None:
    images = text2image(prior, prompts[:1], None, SEEDS[:1], schedule, (1, 1), (24, 16))
    assert images.shape == (1, 16, 24, 3)


def test_no_seeds_make_no_images(prior: Prior, prompts: Conditioning, schedule: Schedule) -> None:
    images = text2image(prior, prompts[:0], None, SEEDS[:0], schedule, (1, 1), SIZE)
    assert images.shape == (0, 16, 16, 3)


def test_arguments_that_do_not_fit_are_refused(
    prior: Prior, prompts: Conditioning, schedule: Schedule
) -> None:
    with pytest.raises(DecodeError, match="6 prompts were given for 2 seeds"):
        text2image(prior, prompts, None, SEEDS[:2], schedule, (1, 1), SIZE)
    with pytest.raises(DecodeError, match="needs the unconditioned prompt"):
        text2image(prior, prompts, None, SEEDS, schedule, (2, 1), SIZE)
