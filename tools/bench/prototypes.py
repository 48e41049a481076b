"""Bytes and losses of d4m's prototypes, beside fp16 and WebP mosaics of the nearest pictures.

    python -m tools.bench.prototypes PICTURES [--side 32] [--images 300] [--ipc 10] [--prior tiny]

PICTURES has a folder for each class. For each quantisation step: bytes per prototype, and peak
signal to noise of what it decodes to against what the unquantised one does. A mosaic holds, for
each prototype of a class, the picture whose latent is nearest.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from ddcodec.arrays import Float32s, UInt8s
from ddcodec.codecs.quantised_latents import QuantisedLatents
from ddcodec.methods.clustering import prototypes
from ddcodec.methods.redrawing import latent_sections
from ddcodec.prior.load import load_prior
from ddcodec.sources.folder import scan
from tools.bench.latents import mosaics, pictures_of, psnr

STEPS = (0.25, 0.5, 1.0, 1.5, 2.0)
QUALITIES = (30, 50, 75)


def nearest(latents: Float32s, centres: Float32s, pictures: UInt8s) -> UInt8s:
    """Of each centre [n, c, h, w] the picture whose latent is nearest."""
    points, middles = (z.reshape(len(z), -1) for z in (latents, centres))
    distances = [np.linalg.norm(points - middle, axis=1) for middle in middles]
    found: UInt8s = pictures[np.argmin(distances, axis=1)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--images", type=int, default=300, help="of each class")
    parser.add_argument("--ipc", type=int, default=10)
    parser.add_argument("--prior", default="tiny")
    arguments = parser.parse_args()
    source, prior = scan(arguments.pictures), load_prior(arguments.prior)
    count = arguments.images * len(source.classes)
    centres, originals = [], []
    for pictures in pictures_of(source, arguments.side, count):
        latents = prior.engine.encode(pictures).cpu().numpy()
        found, _ = prototypes(latents, arguments.ipc, 0)
        centres.append(found)
        originals.append(nearest(latents, found, pictures))
    stacked, shown = np.stack(centres), np.stack(originals)
    flat = stacked.reshape(-1, *stacked.shape[2:])
    plain = prior.engine.decode(torch.from_numpy(flat))
    print(f"{len(flat)} prototypes of {arguments.side} px; fp16 {2 * flat[0].size} bytes each")
    for quality in QUALITIES:
        size, _ = mosaics(shown, arguments.side, quality)
        print(f"nearest pictures, WebP quality {quality}: {size:.1f} B")
    for step in STEPS:
        sections, _ = latent_sections(prior, stacked, step)
        decoded = np.empty_like(stacked)
        for section in sections:
            box, codec = section.box, QuantisedLatents(*stacked.shape[2:])
            rows = slice(box.class_start, box.class_start + box.class_count)
            slots = slice(box.slot_start, box.slot_start + box.slot_count)
            shape = (box.class_count, box.slot_count, 1, *stacked.shape[2:])
            decoded[rows, slots] = codec.decode(section.raw, shape)[:, :, 0]
        size = sum(len(section.raw) for section in sections) / len(flat)
        again = prior.engine.decode(torch.from_numpy(decoded.reshape(flat.shape)))
        print(f"step {step}: {size:.1f} B, {psnr(again, plain):.2f} dB", flush=True)


if __name__ == "__main__":
    main()
