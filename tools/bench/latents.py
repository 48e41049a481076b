"""Bytes and losses of quantised latents, beside WebP mosaics of the same pictures.

    python -m tools.bench.latents PICTURES [--side 32] [--count 100] [--prior tiny]

PICTURES has a folder for each class. For each step: bytes per latent, peak signal to noise of its
decoded picture against the picture itself and against what the unquantised latent decodes to, and
of pictures redrawn from two of each class (strength 4/5, the prior's own steps and guidance,
prompts of the classes) against those redrawn from the unquantised ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from ddcodec.arrays import Float32s, UInt8s
from ddcodec.codecs.mosaic_webp import MosaicWebp
from ddcodec.codecs.quantised_latents import QuantisedLatents, quantise
from ddcodec.methods.latent_steps import channel_steps
from ddcodec.prior.load import Prior, load_prior
from ddcodec.prior.partial_schedule import extract_partial_schedule
from ddcodec.rendering.image2image import image2image
from ddcodec.sources.folder import scan
from ddcodec.sources.source import Source
from ddcodec.synthesis.resample import resize

STEPS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
QUALITIES = (30, 50, 75)


def pictures_of(source: Source, side: int, count: int) -> UInt8s:
    """uint8 [classes, n, side, side, 3]: the first pictures of each class, ``count`` in all."""
    each = max(1, count // len(source.classes))
    found = [
        [source.read(c, number, (side, side))[0] for number in islice(range(total), each)]
        for c, total in enumerate(source.counts)
    ]
    return np.stack([np.stack(some) for some in found])


def psnr(one: UInt8s, other: UInt8s) -> float:
    error = np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2)
    return float(10 * np.log10(255**2 / max(float(error), 1e-9)))


def redrawn(prior: Prior, latents: Float32s, names: Sequence[str]) -> UInt8s:
    """Pictures of the first two of latents [classes, n, c, h, w], each with a seed of its own."""
    latents = latents[:, :2]
    flat = torch.from_numpy(latents.reshape(-1, *latents.shape[2:])).to(prior.device)
    prompts = prior.prompt([f"A photo of {name}" for name in names for _ in latents[0]])
    start = extract_partial_schedule(prior.scheduler, prior.defaults.steps, (4, 5))
    seeds = np.arange(len(flat), dtype=np.uint64)
    guidance = prior.defaults.guidance
    return image2image(prior, flat, prompts, prior.unconditioned(), seeds, start, guidance)


def mosaics(pictures: UInt8s, side: int, quality: int) -> tuple[float, UInt8s]:
    """Bytes per picture in a mosaic of each class, and the pictures after that."""
    small = [resize(some, side, side) for some in pictures]
    codec = MosaicWebp(side, side, quality)
    raw = [codec.encode(some) for some in small]
    found = [codec.decode(one, some.shape) for one, some in zip(raw, small, strict=True)]
    large = np.stack([resize(some, *pictures.shape[2:4]) for some in found])
    return sum(map(len, raw)) / (len(pictures) * len(pictures[0])), large


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--prior", default="tiny")
    arguments = parser.parse_args()
    source, prior = scan(arguments.pictures), load_prior(arguments.prior)
    pictures = pictures_of(source, arguments.side, arguments.count)
    classes, each = pictures.shape[:2]
    flat = pictures.reshape(-1, *pictures.shape[2:])
    latents = prior.engine.encode(flat).cpu().numpy()
    plain = prior.engine.decode(torch.from_numpy(latents))
    print(f"{len(flat)} pictures of {arguments.side} px; fp16 latents {2 * latents[0].size} bytes")
    print(f"unquantised: {psnr(plain, flat):.2f} dB")
    for side in (arguments.side, arguments.side // 2):
        for quality in QUALITIES:
            size, shown = mosaics(pictures, side, quality)
            print(f"WebP {side} px, quality {quality}: {size:.1f} B {psnr(shown, pictures):.2f} dB")
    shaped = latents.reshape(classes, each, *latents.shape[1:])
    drawn, codec = redrawn(prior, shaped, source.classes), QuantisedLatents(*latents.shape[1:])
    for step in STEPS:
        quantised = quantise(shaped[:, :, None], channel_steps(prior, latents[::4], step))
        raw = codec.encode(quantised)
        found = codec.decode(raw, quantised.values.shape)[:, :, 0]
        decoded = prior.engine.decode(torch.from_numpy(found.reshape(latents.shape)))
        print(
            f"step {step}: {len(raw) / len(flat):.1f} B, {psnr(decoded, flat):.2f} dB, "
            f"{psnr(decoded, plain):.2f} dB to unquantised, redrawn "
            f"{psnr(redrawn(prior, found, source.classes), drawn):.2f} dB",
            flush=True,
        )


if __name__ == "__main__":
    main()
