"""Patches or latents, and seeds, become the same images in any company."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import diffusers
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from ddcodec.errors import DecodeError, EncodeError
from ddcodec.prior.conditioning import Conditioning
from ddcodec.prior.exact_engine import ExactEngine
from ddcodec.prior.load import Prior, load_prior
from ddcodec.prior.noise import initial_latents, step_noise
from ddcodec.prior.partial_schedule import PartialSchedule, extract_partial_schedule
from ddcodec.prior.quiet import quiet_libraries
from ddcodec.rendering.image2image import image2image, mix_latents, patch_latents
from ddcodec.synthesis.resample import resize

Images = npt.NDArray[np.uint8]

SEEDS = np.array([11, 2**63, 5, 7, 1], np.uint64)
ORDER = [3, 0, 4, 1, 2]
SIZE = (32, 32)
GUIDANCE = (5, 2)


@pytest.fixture(scope="module")
def prior() -> Prior:
    """The packaged one, in the default profile, which is exact."""
    return load_prior()


@pytest.fixture(scope="module")
def float_prior() -> Prior:
    return load_prior(profile="float", batch=2)


@pytest.fixture(scope="module")
def patches() -> Images:
    """Five patches of half the generated size: sums of waves, and one of noise."""
    y, x = np.mgrid[0:16, 0:16]
    waves = [127 + 60 * np.sin(x / (2 + i)) + 60 * np.cos(y / (5 - i)) for i in range(4)]
    noise = np.random.default_rng(0).integers(0, 256, (16, 16)).astype(float)
    return np.rint([np.stack([w, w[::-1], w.T], -1) for w in [*waves, noise]]).astype(np.uint8)


@pytest.fixture(scope="module")
def prompts(prior: Prior) -> Conditioning:
    """Five images of two prompts, mixed."""
    return prior.prompt(["a dog", "3"])[[0, 1, 1, 0, 1]]


@pytest.fixture(scope="module")
def empty(prior: Prior) -> Conditioning:
    return prior.unconditioned()


@pytest.fixture(scope="module")
def schedule(prior: Prior) -> PartialSchedule:
    """Of a sampler that adds noise in every step, as coreset expansion's does."""
    with quiet_libraries():
        scheduler = diffusers.EulerAncestralDiscreteScheduler.from_config(prior.scheduler.config)
    return extract_partial_schedule(scheduler, 4, (1, 2))


@pytest.fixture(scope="module")
def expanded(
    prior: Prior,
    patches: Images,
    prompts: Conditioning,
    empty: Conditioning,
    schedule: PartialSchedule,
) -> Images:
    """All five at once, each mixed with the next one."""
    return expand(prior, patches, prompts, empty, schedule, list(range(5)))


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def expand(
    prior: Prior,
    patches: Images,
    prompts: Conditioning,
    empty: Conditioning,
    schedule: PartialSchedule,
    rows: list[int],
) -> Images:
    """Images of some rows; their patches are encoded together with their partners."""
    partners = [(row + 1) % len(patches) for row in rows]
    latents = patch_latents(prior, patches[[*rows, *partners]], SIZE)
    mixed = mix_latents(latents[: len(rows)], latents[len(rows) :], (3, 4))
    return image2image(prior, mixed, prompts[rows], empty, SEEDS[rows], schedule, GUIDANCE)


def in_calls_of(prior: Prior, positions: int, chunk: int) -> Prior:
    """The same prior with other sizes of network calls and of chunks."""
    engine = prior.engine
    assert isinstance(engine, ExactEngine)
    other = ExactEngine(engine._networks, profile=engine.profile, positions=positions)
    other.chunk = chunk
    return Prior(prior.pin, prior.folder, other, prior.components, prior.defaults)


def test_patches_become_images(expanded: Images, schedule: PartialSchedule) -> None:
    assert schedule.table.steps == 2
    assert schedule.table.c_noise[0] != 0
    assert (expanded.shape, expanded.dtype) == ((5, 32, 32, 3), np.uint8)
    assert len({image.tobytes() for image in expanded}) == 5


@pytest.mark.parametrize("rows", [[2], [4, 0], ORDER], ids=str)
def test_an_image_is_the_same_alone_or_among_others_in_any_order(
    prior: Prior,
    patches: Images,
    prompts: Conditioning,
    empty: Conditioning,
    schedule: PartialSchedule,
    expanded: Images,
    rows: list[int],
) -> None:
    made = expand(prior, patches, prompts, empty, schedule, rows)
    assert np.array_equal(made, expanded[rows])


@pytest.mark.parametrize(("positions", "chunk"), [(1, 2), (3 * 32 * 32, 3)])
def test_chunks_of_any_size_change_no_byte(
    prior: Prior,
    patches: Images,
    prompts: Conditioning,
    empty: Conditioning,
    schedule: PartialSchedule,
    expanded: Images,
    positions: int,
    chunk: int,
) -> None:
    other = in_calls_of(prior, positions, chunk)
    made = expand(other, patches, prompts, empty, schedule, ORDER)
    assert np.array_equal(made, expanded[ORDER])


@pytest.mark.usefixtures("threads")
def test_the_number_of_threads_changes_no_byte(
    prior: Prior, patches: Images, prompts: Conditioning
) -> None:
    """In one step without guidance: threads that share a busy core are slow."""
    one_step = extract_partial_schedule(prior.scheduler, 4, (1, 4))

    def make() -> Images:
        latents = patch_latents(prior, patches[:2], SIZE)
        return image2image(prior, latents, prompts[:2], None, SEEDS[:2], one_step, (1, 1))

    torch.set_num_threads(1)
    expected = make()
    torch.set_num_threads(2)
    assert np.array_equal(make(), expected)


def test_latents_of_patches_are_those_of_upsampled_images(prior: Prior, patches: Images) -> None:
    latents = patch_latents(prior, patches, SIZE)
    assert latents.shape == (5, *prior.latent_shape(32, 32))
    assert torch.equal(latents, prior.engine.encode(resize(patches, 32, 32)))
    alone = torch.cat([patch_latents(prior, patch[None], SIZE) for patch in patches])
    assert torch.equal(latents, alone)


def test_sides_may_differ(prior: Prior, patches: Images, prompts: Conditioning) -> None:
    latents = patch_latents(prior, patches[:1], (48, 32))
    schedule = extract_partial_schedule(prior.scheduler, 2, (1, 2))
    images = image2image(prior, latents, prompts[:1], None, SEEDS[:1], schedule, (1, 1))
    assert images.shape == (1, 32, 48, 3)


def test_mixup_is_three_operations_in_the_stated_order() -> None:
    """Against numpy scalars, bit for bit."""
    f = np.float32
    own, other = np.random.default_rng(0).normal(size=(2, 2, 4, 8, 8)).astype(f)
    mixed = mix_latents(torch.tensor(own), torch.tensor(other), (2, 3)).numpy()
    assert np.array_equal(mixed, f(2 / 3) * own + f(1 / 3) * other)
    fused = (float(f(2 / 3)) * own.astype(float) + float(f(1 / 3)) * other.astype(float)).astype(f)
    assert not np.array_equal(mixed, fused)


def test_the_whole_or_nothing_of_a_latent_is_itself_or_its_partner() -> None:
    own, other = torch.randn(2, 1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(mix_latents(own, other, (5, 5)), own)
    assert torch.equal(mix_latents(own, other, (0, 1)), other)


def test_stored_latents_follow_the_specification_step_by_step(
    prior: Prior, prompts: Conditioning, empty: Conditioning, schedule: PartialSchedule
) -> None:
    """Prototypes, without patches: start, steps with guidance, pixels, spelt out."""
    latents = torch.randn(2, 8, 8, 8, generator=torch.Generator().manual_seed(3))
    engine, seeds, shape = prior.engine, SEEDS[:2], (8, 8, 8)
    table = schedule.table
    x = torch.tensor(schedule.signal) * latents
    x = x + torch.tensor(table.init_scale) * initial_latents(seeds, shape)
    for i in range(table.steps):
        model_input = torch.tensor(table.c_in[i]) * x
        timestep = float(table.timesteps[i])
        conditioned = engine.predict(model_input, timestep, prompts[:2])
        unconditioned = engine.predict(model_input, timestep, empty.expand(2))
        e = unconditioned + torch.tensor(2.5) * (conditioned - unconditioned)
        x = torch.tensor(table.a[i, 0]) * x + torch.tensor(table.b[i, 0]) * e
        if table.c_noise[i]:
            x = x + torch.tensor(table.c_noise[i]) * step_noise(seeds, i + 1, shape)
    made = image2image(prior, latents, prompts[:2], empty, seeds, schedule, GUIDANCE)
    assert np.array_equal(made, engine.decode(x))


def test_strength_is_how_far_an_image_leaves_its_patch(
    prior: Prior, patches: Images, prompts: Conditioning, empty: Conditioning
) -> None:
    latents = patch_latents(prior, patches[:2], SIZE)
    plain = prior.engine.decode(latents).astype(int)
    distances = []
    for strength in ((1, 4), (2, 4), (4, 4)):
        table = extract_partial_schedule(prior.scheduler, 4, strength)
        made = image2image(prior, latents, prompts[:2], empty, SEEDS[:2], table, GUIDANCE)
        distances.append(np.abs(made - plain).mean())
    assert distances == sorted(distances)
    assert distances[0] < distances[2] / 2


@pytest.mark.parametrize("guidance", [(1, 1), (5, 2)], ids=str)
def test_images_are_those_of_diffusers_own_pipeline(
    float_prior: Prior,
    prompts: Conditioning,
    empty: Conditioning,
    patches: Images,
    guidance: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prior = float_prior
    latents = patch_latents(prior, patches, SIZE)
    with quiet_libraries():
        from diffusers import StableDiffusionImg2ImgPipeline
        from diffusers.pipelines.stable_diffusion import pipeline_stable_diffusion_img2img as module

        names = ("text_encoder", "unet", "vae", "scheduler")
        parts: dict[str, Any] = {n: getattr(prior.components, n) for n in names}
        pipeline = StableDiffusionImg2ImgPipeline(
            **parts,
            tokenizer=prior.components.tokenizers[0],
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        pipeline.set_progress_bar_config(disable=True)
        start = initial_latents(SEEDS, (8, 8, 8))
        monkeypatch.setattr(module, "randn_tensor", lambda *a, **k: start)
        # The pipeline draws from the encoder's distribution; an artifact means its mean.
        monkeypatch.setattr(module, "retrieve_latents", lambda out, **k: out.latent_dist.mode())
        wanted = pipeline(
            image=torch.tensor(resize(patches, 32, 32)).permute(0, 3, 1, 2) / 255,
            strength=0.8,
            prompt_embeds=prompts.hidden,
            negative_prompt_embeds=empty.expand(5).hidden,
            num_inference_steps=5,
            guidance_scale=guidance[0] / guidance[1],
            output_type="np",
        ).images
    table = extract_partial_schedule(prior.scheduler, 5, (4, 5))
    made = image2image(prior, latents, prompts, empty, SEEDS, table, guidance)
    assert np.abs(made - wanted * 255).max() < 0.51


def test_latents_are_the_mean_that_diffusers_encodes(float_prior: Prior, patches: Images) -> None:
    vae = float_prior.components.vae
    images = torch.tensor(resize(patches, 32, 32)).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        wanted = vae.encode(images).latent_dist.mean * vae.config.scaling_factor
    assert torch.allclose(patch_latents(float_prior, patches, SIZE), wanted, atol=1e-5)


def test_nothing_makes_nothing(
    prior: Prior, patches: Images, prompts: Conditioning, schedule: PartialSchedule
) -> None:
    latents = patch_latents(prior, patches[:0], SIZE)
    assert latents.shape == (0, 8, 8, 8)
    images = image2image(prior, latents, prompts[:0], None, SEEDS[:0], schedule, (1, 1))
    assert (images.shape, images.dtype) == ((0, 32, 32, 3), np.uint8)


def test_guidance_of_one_or_less_ignores_the_empty_prompt(
    prior: Prior, prompts: Conditioning, empty: Conditioning, schedule: PartialSchedule
) -> None:
    latents = torch.zeros(2, 8, 8, 8)
    plain = image2image(prior, latents, prompts[:2], None, SEEDS[:2], schedule, (1, 1))
    made = image2image(prior, latents, prompts[:2], empty, SEEDS[:2], schedule, (1, 2))
    assert np.array_equal(made, plain)


def test_patches_and_sizes_that_do_not_fit_are_refused(prior: Prior, patches: Images) -> None:
    with pytest.raises(DecodeError, match="patches are float64"):
        patch_latents(prior, patches.astype(float), SIZE)  # type: ignore[arg-type]
    with pytest.raises(DecodeError, match="pass uint8"):
        patch_latents(prior, patches[..., :1], SIZE)
    with pytest.raises(EncodeError, match="cannot make 30x32 images"):
        patch_latents(prior, patches, (30, 32))
    with pytest.raises(EncodeError, match="no side may be more than 4 times as long"):
        patch_latents(prior, patches, (8208, 32))


@pytest.mark.parametrize("share", [(-1, 2), (3, 2), (1, 0), (-1, -2)], ids=str)
def test_shares_out_of_range_are_refused(share: tuple[int, int]) -> None:
    latents = torch.zeros(1, 8, 8, 8)
    with pytest.raises(DecodeError, match="give one of 0 to 1"):
        mix_latents(latents, latents, share)


def test_partners_that_do_not_fit_are_refused() -> None:
    latents = torch.zeros(2, 8, 8, 8)
    with pytest.raises(DecodeError, match="one partner for each latent"):
        mix_latents(latents, latents[:1], (1, 2))
    with pytest.raises(DecodeError, match="mixed as float32"):
        mix_latents(latents, latents.double(), (1, 2))


def test_arguments_that_do_not_fit_are_refused(
    prior: Prior, prompts: Conditioning, schedule: PartialSchedule
) -> None:
    latents = torch.zeros(5, 8, 8, 8)

    def make(
        z: Tensor, prompts: Conditioning, seeds: Any, guidance: tuple[int, int] = (1, 1)
    ) -> None:
        image2image(prior, z, prompts, None, seeds, schedule, guidance)

    with pytest.raises(DecodeError, match="5 latents and 5 prompts were given for 2 seeds"):
        make(latents, prompts, SEEDS[:2])
    with pytest.raises(DecodeError, match="4 latents and 5 prompts"):
        make(latents[:4], prompts, SEEDS)
    with pytest.raises(DecodeError, match="5 latents and 1 prompts"):
        make(latents, prompts[:1], SEEDS)
    with pytest.raises(DecodeError, match="needs the unconditioned prompt"):
        make(latents, prompts, SEEDS, (2, 1))
    with pytest.raises(DecodeError, match="have 8 channels"):
        make(latents[:, :3], prompts, SEEDS)
    with pytest.raises(DecodeError, match="do not fit this prior"):
        make(latents[..., :0], prompts, SEEDS)
    with pytest.raises(DecodeError, match=r"latents are torch.float64 \(5, 8, 8, 8\)"):
        make(latents.double(), prompts, SEEDS)
    with pytest.raises(DecodeError, match="not finite"):
        make(latents * float("nan"), prompts, SEEDS)


def test_the_float_profile_runs_at_its_own_batch_shape(
    float_prior: Prior,
    patches: Images,
    prompts: Conditioning,
    empty: Conditioning,
    schedule: PartialSchedule,
) -> None:
    together = expand(float_prior, patches, prompts, empty, schedule, list(range(5)))
    some = expand(float_prior, patches, prompts, empty, schedule, [4, 1, 2])
    assert np.array_equal(some, together[[4, 1, 2]])
