"""Recovery: images that are optimised until a classifier sees in them what it saw in training.

Yin et al., "Dreaming to Distill" (arXiv 1912.08795), as SRe2L (arXiv 2306.13092, section 3.2;
VILA-Lab/SRe2L 8d00cba) uses it: cross-entropy, and the distance of each normalising layer's input
from its statistics in training. Batch normalisation has kept these. For group normalisation they
are measured on real images, as G-VBSM (arXiv 2311.17950) does for layers of any kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ddcodec.arrays import Array, Float32s, Int64s, StepProgress, UInt8s
from ddcodec.classifiers.checkpoint import descent_state, load_descent
from ddcodec.classifiers.features import removed
from ddcodec.classifiers.teacher import Teacher
from ddcodec.classifiers.training import resolve_precision
from ddcodec.errors import EncodeError
from ddcodec.files.sealed import Checkpoint

__all__ = [
    "Recovered",
    "Recovery",
    "layer_moments",
    "measured_moments",
    "normalising_layers",
    "recover",
]

_FIRST_LAYER = 10.0  # how much more its statistics count (SRe2L's code)
_MEASURED = 64  # images whose layers' inputs are in memory at a time
_ASPECT = math.log(4 / 3)  # of crops: width to height is 3/4 to 4/3


@dataclass(frozen=True)
class Recovery:
    """Settings of a recovery; see :class:`ddcodec.methods.sre2l.SRe2L`.

    Attributes:
        size: (width, height) of the images in pixels.
        matching: weight of the distance from statistics.
        min_scale: smallest area of a crop, as a share of the image's.
        curriculum: share of the iterations in which crops shrink from whole images to that.
    """

    size: tuple[int, int]
    iterations: int
    lr: float
    matching: float
    min_scale: float
    curriculum: float
    flip: bool
    seed: int

    def smallest_crop(self, iteration: int) -> float:
        """Smallest area of a crop at an iteration (CDA, arXiv 2311.18838: from easy to hard)."""
        span = self.curriculum * self.iterations
        if iteration >= span:
            return self.min_scale
        return (
            self.min_scale + (1 - self.min_scale) * (1 + math.cos(math.pi * iteration / span)) / 2
        )


@dataclass(frozen=True)
class Recovered:
    """Recovered images, uint8[n, h, w, 3], and the loss of every iteration, float32."""

    images: UInt8s
    losses: Float32s


def normalising_layers(module: nn.Module) -> tuple[nn.Module, ...]:
    """The layers whose statistics are matched: batch norms, else group and instance norms."""
    found = _batch_norms(module)
    return found or tuple(
        layer for layer in module.modules() if isinstance(layer, nn.GroupNorm | nn.InstanceNorm2d)
    )


def _batch_norms(module: nn.Module) -> tuple[nn.BatchNorm2d, ...]:
    """Those that have kept the statistics of training."""
    norms = (layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d))
    return tuple(layer for layer in norms if layer.running_mean is not None)


def layer_moments(teacher: Teacher, real: Callable[[], UInt8s]) -> list[Float32s]:
    """Mean and variance of each channel at the input of each of :func:`normalising_layers`.

    Args:
        teacher: has such layers.
        real: images uint8[n, h, w, 3] to measure on; asked for where none are kept from training.

    Returns:
        float32[2, channels] of each layer.
    """
    kept = _batch_norms(teacher.module)
    if not kept:
        return measured_moments(teacher, real())
    state = ((norm.get_buffer("running_mean"), norm.get_buffer("running_var")) for norm in kept)
    return [torch.stack(both).float().cpu().numpy() for both in state]


def measured_moments(teacher: Teacher, images: UInt8s) -> list[Float32s]:
    """As :func:`layer_moments`, of images uint8[n, h, w, 3]."""
    layers = normalising_layers(teacher.module)
    totals: list[list[Tensor]] = [[] for _ in layers]
    for start in range(0, len(images), _MEASURED):
        with _inputs_of(layers) as seen:
            teacher.logits(images[start : start + _MEASURED])
        for total, parts in zip(totals, seen, strict=True):
            x = torch.cat(parts).double()
            powers = [x.mean((2, 3)).sum(0), x.square().mean((2, 3)).sum(0)]
            total.append(torch.stack(powers).cpu())
    means = [(torch.stack(total).sum(0) / len(images)).numpy() for total in totals]
    return [np.stack([m, squares - m**2]).astype(np.float32) for m, squares in means]


@contextmanager
def _inputs_of(layers: Sequence[nn.Module]) -> Iterator[list[list[Tensor]]]:
    """What each layer is given meanwhile, call by call."""
    seen: list[list[Tensor]] = [[] for _ in layers]

    def keep(place: int) -> Any:
        return lambda _, given: seen[place].append(given[0])

    with removed(*(m.register_forward_pre_hook(keep(i)) for i, m in enumerate(layers))):
        yield seen


def recover(
    teacher: Teacher,
    classes: Int64s,
    moments: Sequence[Float32s],
    settings: Recovery,
    progress: StepProgress | None = None,
    checkpoint: Checkpoint | None = None,
) -> Recovered:
    """Optimise one image for each of the classes int64[n], together, from noise.

    Adam with betas .5 and .9 and a cosine rate; each iteration sees one crop of all images.

    Args:
        teacher: in its columns are the classes.
        moments: of :func:`layer_moments`.
        settings: schedule and weights.
        progress: called with (done, total) iterations.
        checkpoint: from which an interrupted recovery goes on, to the same images.

    Raises:
        EncodeError: the loss is no longer finite.
    """
    module, device = teacher.module.eval(), next(teacher.module.parameters()).device
    layers, generator = normalising_layers(module), torch.Generator().manual_seed(settings.seed)
    width, height = settings.size
    pixels = torch.randn(len(classes), 3, height, width, generator=generator).to(device)
    pixels.requires_grad_()
    ends = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 1, 1)
    black, white = teacher.statistics.normalise(ends.to(device))
    targets = torch.from_numpy(classes).to(device)
    wanted = [torch.from_numpy(both).to(device) for both in moments]
    optimiser = torch.optim.Adam([pixels], lr=settings.lr, betas=(0.5, 0.9))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.iterations)
    low = resolve_precision("auto", device) == "bfloat16"
    losses = np.zeros(settings.iterations, np.float32)
    first_step = 0
    if checkpoint is not None and (saved := checkpoint.restore()) is not None:
        first_step = load_descent(saved, [pixels], optimiser, schedule, generator)
        losses[:] = saved["losses"]

    def state() -> dict[str, Array]:
        return {**descent_state([pixels], optimiser, schedule, generator), "losses": losses}

    for step in range(first_step, settings.iterations):
        shown = _varied(pixels, settings, step, teacher.size, generator)
        with _inputs_of(layers) as seen, torch.autocast(device.type, torch.bfloat16, enabled=low):
            logits = module(shown)
        if teacher.columns is not None:
            logits = logits[:, list(teacher.columns)]
        loss = functional.cross_entropy(logits.float(), targets)
        loss = loss + settings.matching * _distance([parts[0] for parts in seen], wanted)
        optimiser.zero_grad()
        torch.autograd.backward([loss], inputs=[pixels])
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            pixels.copy_(torch.minimum(torch.maximum(pixels, black), white))
        losses[step] = loss.item()
        if not math.isfinite(losses[step]):
            raise EncodeError("the recovery of images diverged: lower the rate")
        if checkpoint is not None:
            checkpoint.offer(state)
        if progress is not None:
            progress(step + 1, settings.iterations)
    levels = (pixels.detach() - black) / (white - black) * 255
    images = levels.round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return Recovered(images, losses)


def _distance(inputs: Sequence[Tensor], moments: Sequence[Tensor]) -> Tensor:
    """How far the moments of layers' inputs are from those of training, the first counting more."""
    terms = []
    for x, (mean, variance) in zip(inputs, moments, strict=True):
        own_variance, own_mean = torch.var_mean(x.float(), (0, 2, 3), correction=0)
        terms.append((own_mean - mean).norm() + (own_variance - variance).norm())
    terms[0] = _FIRST_LAYER * terms[0]
    return torch.stack(terms).sum()


def _varied(
    pixels: Tensor,
    settings: Recovery,
    step: int,
    size: tuple[int, int],
    generator: torch.Generator,
) -> Tensor:
    """One random resized crop of all images at the teacher's size; mirrored, shifted around."""
    height, width = pixels.shape[2:]
    draws = torch.rand(6, generator=generator, dtype=torch.float64).tolist()
    least = settings.smallest_crop(step)
    area, aspect = least + (1 - least) * draws[0], math.exp(_ASPECT * (2 * draws[1] - 1))
    w = min(width, max(1, round(math.sqrt(area * aspect) * width)))
    h = min(height, max(1, round(math.sqrt(area / aspect) * height)))
    left, top = int(draws[2] * (width - w + 1)), int(draws[3] * (height - h + 1))
    crop = pixels[:, :, top : top + h, left : left + w]
    shown = crop
    if (w, h) != size:
        shown = functional.interpolate(crop, size[::-1], mode="bilinear", align_corners=False)
    if settings.flip and draws[4] < 0.5:
        shown = shown.flip(3)
    # SRe2L's code shifts by up to 4 of 32 pixels, and 32 of 224, around the edges.
    most = size[0] // 8 + 1
    shift = int(draws[5] * most * most)
    return torch.roll(shown, (shift // most, shift % most), (2, 3))
