"""The same pictures by diffusers' own pipeline and by ddcodec, taking turns in one run.

    python -m tools.bench.side_by_side --threads 1 --json side-by-side.json
    python -m tools.bench.side_by_side --device cuda --count 64

Pictures of the tiny prior, with the same prompts, noise, steps and guidance, from texts to uint8.
diffusers runs ``StableDiffusionPipeline`` as its users do: in float32, in bfloat16 (autocast on a
CPU, weights of that type on a GPU) and, on a GPU, in float16. Every line is a median over rounds
in each of which everything has one turn: quote the ratios to diffusers' float32, not the seconds.
With one thread on a CPU, seconds are the processor's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from ddcodec.arrays import UInt8s
from ddcodec.prior.load import load_prior
from ddcodec.prior.noise import initial_latents
from ddcodec.prior.packaged import tiny_folder
from ddcodec.recipe.profiles import NAMES
from ddcodec.rendering.text2image import text2image
from tools.bench.exact.rows import REFERENCE, Row, interleaved, show
from tools.networks.environment import environment

PROMPTS = tuple(f"a photo of a {name}" for name in ("dog", "ship", "seven", "sunflower"))
STEPS, GUIDANCE = 8, (5, 2)


class Case:
    """What is to be drawn: ``count`` square pictures of ``side`` pixels, noise included."""

    def __init__(self, count: int, side: int, device: torch.device) -> None:
        self.count, self.side, self.device = count, side, device
        self.prompts = [PROMPTS[i % len(PROMPTS)] for i in range(count)]


def all_variants(case: Case, profiles: tuple[str, ...]) -> dict[str, Callable[[], UInt8s]]:
    """By name: work that returns uint8 [count, side, side, 3]."""
    cuda = case.device.type == "cuda"
    variants = {REFERENCE: theirs(case, torch.float32)}
    variants["bfloat16"] = theirs(case, torch.bfloat16, autocast=not cuda)
    if cuda:
        variants["float16"] = theirs(case, torch.float16)
    return variants | {f"ddcodec {name}": ours(case, name) for name in profiles}


def theirs(case: Case, dtype: torch.dtype, autocast: bool = False) -> Callable[[], UInt8s]:
    """diffusers' pipeline as it comes."""
    from diffusers import StableDiffusionPipeline

    pipeline: Any = StableDiffusionPipeline.from_pretrained(
        tiny_folder(), torch_dtype=torch.float32 if autocast else dtype, local_files_only=True
    ).to(case.device)
    pipeline.set_progress_bar_config(disable=True)

    def draw() -> UInt8s:
        mixed: Any = torch.autocast(case.device.type, dtype) if autocast else nullcontext()
        with torch.no_grad(), mixed:
            images = pipeline(
                case.prompts,
                height=case.side,
                width=case.side,
                num_inference_steps=STEPS,
                guidance_scale=GUIDANCE[0] / GUIDANCE[1],
                latents=_noise(case, pipeline).to(case.device, pipeline.unet.dtype),
                output_type="np",
            ).images
        drawn: UInt8s = (images * 255).round().astype(np.uint8)
        return drawn

    return draw


def _noise(case: Case, pipeline: Any) -> torch.Tensor:
    side = case.side // pipeline.vae_scale_factor
    shape = (pipeline.unet.config.in_channels, side, side)
    return initial_latents(np.arange(case.count, dtype=np.uint64), shape)


def ours(case: Case, profile: str) -> Callable[[], UInt8s]:
    """As ``ddz decode`` does it."""
    prior = load_prior("tiny", profile=profile, device=case.device)
    schedule = prior.schedule(STEPS)
    size = (case.side, case.side)

    def draw() -> UInt8s:
        prompts = prior.prompt(PROMPTS)[torch.arange(case.count) % len(PROMPTS)]
        seeds = np.arange(case.count, dtype=np.uint64)
        return text2image(prior, prompts, prior.unconditioned(), seeds, schedule, GUIDANCE, size)

    return draw


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--threads", default=1, show_default=True, help="Threads torch may use.")
@click.option("--count", default=16, show_default=True, help="Pictures made together.")
@click.option("--side", default=64, show_default=True, help="Pixels of a side.")
@click.option("--repeat", default=5, show_default=True, help="Counted rounds.")
@click.option("--profiles", default=",".join(NAMES), show_default=True, help="Of ddcodec.")
@click.option("--device", default="cpu", show_default=True, help="Where everything runs.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write numbers here, too.")
def main(
    threads: int,
    count: int,
    side: int,
    repeat: int,
    profiles: str,
    device: str,
    path: Path | None,
) -> None:
    """Time diffusers' own pipeline and ddcodec on the same pictures."""
    torch.set_num_threads(threads)
    case = Case(count, side, torch.device(device))
    variants = all_variants(case, tuple(profiles.split(",")))
    reference = variants[REFERENCE]().astype(np.float64)
    errors = {name: np.square(work() - reference).mean() for name, work in variants.items()}
    medians = interleaved(variants, repeat)
    rows: list[Row] = [
        {
            "case": f"{count} pictures of {side} px",
            "variant": name,
            "seconds": round(seconds, 3),
            "ratio": round(seconds / medians[REFERENCE], 3),
            "psnr_db": round(10 * float(np.log10(255.0**2 / errors[name])), 1)
            if errors[name]
            else "same",
        }
        for name, seconds in medians.items()
    ]
    show("side by side", rows)
    if path is not None:
        head = {"environment": environment(), "threads": threads, "device": device}
        path.write_text(json.dumps(head | {"speed": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
