"""Measures of a prior on pictures that it has never seen.

    python -m tools.training.measure --prior FOLDER --label NAME --cifar100 DIR --teacher DIR \\
        --held-out cifar10/test:32 --held-out imagenette/test:64 --size 32 --size 64

Appends one JSON line to ``spec/evidence/prior.jsonl``. ``FOLDER`` is a diffusers folder, or
``tiny``. The teacher is one of ``ddz teacher`` on CIFAR-100's training set. The feature space of
the Fréchet distance is the input of that teacher's last layer; the real pictures are the 10,000 of
CIFAR-100's test set. Two rows set the scale: real training pictures, and the test pictures
through the prior's autoencoder, which no picture it draws can surpass.

"Image to image" starts from test pictures shrunk to 16 pixels, as coreset expansion stores them,
and runs five steps at strength .8; "enlarged" are the same pictures without the prior.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import click
import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from torch import nn

from ddcodec.arrays import Float32s, Float64s, Int64s, UInt8s
from ddcodec.classifiers.store import load_teacher
from ddcodec.classifiers.teacher import Teacher
from ddcodec.prior.defaults import read_defaults
from ddcodec.prior.load import load_prior
from ddcodec.prior.packaged import tiny_folder
from ddcodec.prior.partial_schedule import extract_partial_schedule
from ddcodec.rendering.image2image import image2image, patch_latents
from ddcodec.synthesis.resample import resize
from tools.processes import ROOT
from tools.training.denoiser import sample
from tools.training.export import load
from tools.training.pictures import list_images, read_image
from tools.training.run import psnr, save_grid, to_tensor, to_uint8

# Of seven steps, strength .8 leaves five.
I2I_STEPS, STRENGTH = 7, (4, 5)
EVIDENCE = ROOT / "spec" / "evidence" / "prior.jsonl"


class Judge:
    """A teacher, what it says of pictures and what it sees in them."""

    def __init__(self, teacher: Teacher) -> None:
        self.teacher = teacher
        self.features: list[Float64s] = []
        last = [m for m in teacher.module.modules() if isinstance(m, nn.Linear)][-1]
        last.register_forward_pre_hook(lambda _, args: self._keep(args[0]))

    def _keep(self, x: torch.Tensor) -> None:
        self.features.append(x.detach().double().numpy())

    def look(self, images: UInt8s) -> tuple[Float32s, Float64s]:
        """Logits [N, classes] and features float64 [N, width] of uint8 pictures."""
        self.features.clear()
        parts = np.array_split(images, max(1, len(images) // 500))
        logits = np.concatenate([self.teacher.logits(p) for p in parts])
        return logits, np.concatenate(self.features)

    def features_of(self, images: UInt8s) -> Float64s:
        return self.look(images)[1]

    def agreement(self, images: UInt8s, labels: Int64s) -> dict[str, float]:
        """Agreement with labels, top 1 and top 5, in percent."""
        ranked = np.argsort(-self.look(images)[0], 1) == labels[:, None]
        return {
            "top1": round(100 * ranked[:, 0].mean(), 2),
            "top5": round(100 * ranked[:, :5].any(1).mean(), 2),
        }

    def judge(self, images: UInt8s, labels: Int64s, real: Float64s) -> dict[str, float]:
        """Agreement, and Fréchet distance to the features of real pictures."""
        found = self.agreement(images, labels)
        return {**found, "frechet": round(frechet(np.concatenate(self.features), real), 2)}


def frechet(a: Float64s, b: Float64s) -> float:
    """Fréchet distance of the Gaussians fitted to two sets of features float64 [N, width]."""
    root = symmetric_root(np.cov(a.T))
    middle = symmetric_root(root @ np.cov(b.T) @ root)
    spread = np.trace(np.cov(a.T)) + np.trace(np.cov(b.T)) - 2 * np.trace(middle)
    return float(np.square(a.mean(0) - b.mean(0)).sum() + spread)


def symmetric_root(matrix: Float64s) -> Float64s:
    values, vectors = np.linalg.eigh(matrix)
    root: Float64s = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    return root


@torch.no_grad()
def reconstruct(pipeline: StableDiffusionPipeline, images: UInt8s) -> UInt8s:
    parts = torch.split(to_tensor(images), 100)
    return np.concatenate([to_uint8(pipeline.vae(x).sample) for x in parts])


def reconstruction(pipeline: StableDiffusionPipeline, images: UInt8s) -> dict[str, float]:
    """Decibels: of the mean squared error over all pictures, and the mean of the pictures'."""
    out = reconstruct(pipeline, images)
    error = np.square(out.astype(np.float64) - images).mean((1, 2, 3))
    each = 10 * np.log10(255**2 / error.clip(1e-9))
    return {"psnr": round(psnr(error.mean()), 2), "mean_psnr": round(each.mean(), 2)}


def generate(
    pipeline: StableDiffusionPipeline,
    prompts: list[str],
    size: int,
    each: int,
    steps: int,
    guidance: float,
) -> Iterator[UInt8s]:
    """For every prompt uint8 [each, 32, 32, 3]: whole pictures, or the quarters of collages."""
    quarters = (size // 32) ** 2
    for i, prompt in enumerate(prompts):
        images = sample(pipeline, [prompt] * -(-each // quarters), size, steps, guidance, i)
        cut = images.reshape(len(images), size // 32, 32, size // 32, 32, 3)
        yield cut.swapaxes(2, 3).reshape(-1, 32, 32, 3)[:each]


def image_to_image(
    folder: Path, judge: Judge, images: UInt8s, names: list[str], labels: Int64s
) -> dict[str, dict[str, float]]:
    """Agreement with enlarged 16-pixel pictures, before and after the prior has redrawn them."""
    prior = load_prior(folder, profile="float")
    patches = resize(images, 16, 16)
    prompts = prior.prompt([f"A photo of {n.replace('_', ' ')}" for n in names])
    schedule = extract_partial_schedule(prior.scheduler, I2I_STEPS, STRENGTH)
    redrawn = image2image(
        prior,
        patch_latents(prior, patches, (32, 32)),
        prompts[torch.from_numpy(labels)],
        prior.unconditioned(),
        np.arange(len(images), dtype=np.uint64),
        schedule,
        prior.defaults.guidance,
    )
    found = {"enlarged": resize(patches, 32, 32), "image to image": redrawn}
    return {name: judge.agreement(x, labels) for name, x in found.items()}


@click.command()
@click.option("--prior", required=True, metavar="tiny|DIR")
@click.option("--label", required=True, help="What to call it in the evidence.")
@click.option("--cifar100", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--teacher", type=click.Path(exists=True), required=True)
@click.option("--held-out", multiple=True, metavar="DIR:SIZE", help="Pictures to reconstruct.")
@click.option("--each", default=100, show_default=True, help="Pictures of each class.")
@click.option("--guidance", "guidances", type=float, multiple=True, help="Default: the prior's.")
@click.option("--steps", "all_steps", type=int, multiple=True, help="Default: the prior's.")
@click.option("--size", "sizes", type=int, multiple=True, default=[32])
@click.option(
    "--choose", is_flag=True, help="Compare with training pictures only, and write no evidence."
)
@click.option("--grids", type=click.Path(path_type=Path), help="Folder for grids of samples.")
@click.option("--threads", default=2, show_default=True)
def main(
    prior: str,
    label: str,
    cifar100: Path,
    teacher: str,
    held_out: tuple[str, ...],
    each: int,
    guidances: tuple[float, ...],
    all_steps: tuple[int, ...],
    sizes: tuple[int, ...],
    choose: bool,
    grids: Path | None,
    threads: int,
) -> None:
    torch.set_num_threads(threads)
    folder = tiny_folder() if prior == "tiny" else Path(prior)
    pipeline, defaults = load(folder), read_defaults(folder)
    found: dict[str, object] = {"prior": label, "each": each}
    files = list_images(cifar100 / "test")
    names = sorted({name for _, name in files})
    judge = Judge(load_teacher(teacher, names))
    real = judge.features_of(seeded(list_images(cifar100 / "train"), 10_000, 32))
    if not choose:
        test = np.stack([read_image(f, 32) for f, _ in files])
        labels = np.array([names.index(name) for _, name in files])
        train, real = real, judge.features_of(test)
        found |= reconstructions(pipeline, held_out)
        found["training pictures"] = {"frechet": round(frechet(train, real), 2)}
        found["test pictures"] = judge.judge(test, labels, real)
        found["reconstructed"] = judge.judge(reconstruct(pipeline, test), labels, real)
        every = slice(None, None, 5)
        found |= image_to_image(folder, judge, test[every], names, labels[every])
    ratio = defaults.guidance[0] / defaults.guidance[1]
    settings = product(sizes, all_steps or (defaults.steps,), guidances or (ratio,))
    for size, steps, guidance in settings:
        collage = defaults.collage_prompt if size > 32 else None
        prompts = [(collage or "A photo of {}").format(n.replace("_", " ")) for n in names]
        began = time.monotonic()
        images = np.stack(list(generate(pipeline, prompts, size, each, steps, guidance)))
        result = judge.judge(images.reshape(-1, 32, 32, 3), labels_of(images), real)
        result["seconds"] = round(time.monotonic() - began, 1)
        key = f"size {size}, {steps} steps, guidance {guidance:g}"
        found[key] = result
        click.echo(f"{label}: {key}: {json.dumps(result)}", err=True)
        if grids is not None:
            grids.mkdir(parents=True, exist_ok=True)
            save_grid(images[::5, :8].reshape(-1, 32, 32, 3), 8, grids / f"{key}.png", 2)
    line = json.dumps(found)
    click.echo(line)
    if not choose:
        with EVIDENCE.open("a") as f:
            f.write(line + "\n")


def reconstructions(
    pipeline: StableDiffusionPipeline, held_out: tuple[str, ...]
) -> dict[str, dict[str, float]]:
    """Of up to 2,000 pictures of each ``DIR:SIZE``."""
    found = {}
    for text in held_out:
        where, _, size = text.rpartition(":")
        images = seeded(list_images(Path(where)), 2000, int(size))
        name = f"reconstruction, {Path(where).parent.name} at {size}"
        found[name] = reconstruction(pipeline, images)
    return found


def seeded(files: list[tuple[Path, str]], count: int, size: int) -> UInt8s:
    """uint8 [count, size, size, 3]: the same pictures every time."""
    pick = np.sort(np.random.default_rng(2026).permutation(len(files))[:count])
    return np.stack([read_image(files[i][0], size) for i in pick])


def labels_of(images: UInt8s) -> Int64s:
    """Class indices [classes * each] of pictures [classes, each, ...]."""
    return np.repeat(np.arange(len(images)), images.shape[1])


if __name__ == "__main__":
    main()
