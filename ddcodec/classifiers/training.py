"""The one training loop of teachers and students."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Literal, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

from ddcodec.arrays import Int64s, StepProgress, UInt8s
from ddcodec.classifiers.checkpoint import Place, TrainingCheckpoint
from ddcodec.classifiers.early_stopping import EarlyStopping
from ddcodec.classifiers.optimisation import Optimisation, Precision
from ddcodec.errors import EncodeError
from ddcodec.recipe.parts import Evaluation

__all__ = [
    "Batch",
    "Optimisation",
    "Precision",
    "Statistics",
    "accuracy",
    "device_of",
    "fit",
    "optimiser_of",
    "pad_crop_flip",
    "predict",
    "resolve_precision",
    "shuffled_batches",
    "statistics_of",
    "student_loss",
]

# A CPU is twice as fast where the activations of a batch stay in its cache.
_PREDICT_BATCH, _PREDICT_BATCH_CPU = 256, 16


class Batch(NamedTuple):
    """Pictures and what a classifier is to say of them.

    Attributes:
        images: uint8[n, 3, h, w].
        targets: int64[n] class indices, or float32[n, K] probabilities.
        temperature: at which probabilities were read; a student's logits are divided by it, and
            the loss is KL without the T^2 factor.
        weight: of the loss. It matters where batches differ in it, as AdamW remembers the size of
            gradients.
    """

    images: Tensor
    targets: Tensor
    temperature: float = 1.0
    weight: float = 1.0


@dataclass(frozen=True)
class Statistics:
    """Input normalisation by channel, in 1/65536 of the range 0..1 (as a recipe stores it)."""

    mean: tuple[int, int, int]
    std: tuple[int, int, int]

    @classmethod
    def of(cls, evaluation: Evaluation) -> Self:
        """Those that a recipe states."""
        return cls(evaluation.mean, evaluation.std)

    def normalise(self, images: Tensor) -> Tensor:
        """uint8[n, 3, h, w] -> float32[n, 3, h, w]."""
        scale = torch.tensor([65536 / (255 * s) for s in self.std], device=images.device)
        shift = torch.tensor(
            [m / s for m, s in zip(self.mean, self.std, strict=True)], device=images.device
        )
        return images.float().mul_(scale.view(1, 3, 1, 1)).sub_(shift.view(1, 3, 1, 1))


def statistics_of(images: UInt8s | Iterable[UInt8s]) -> Statistics:
    """Mean and standard deviation by channel of uint8[n, h, w, 3], or of pictures one by one."""
    counts = np.zeros((3, 256), np.int64)
    for image in images:
        for c in range(3):  # a picture at a time: counting takes eight bytes for each of one
            counts[c] += np.bincount(image[..., c].reshape(-1), minlength=256)
    values = np.arange(256) / 255
    means = [float(np.average(values, weights=n)) for n in counts]
    stds = [
        math.sqrt(float(np.average((values - m) ** 2, weights=n)))
        for n, m in zip(counts, means, strict=True)
    ]
    # A channel of one value only would divide by zero.
    return Statistics(
        tuple(round(m * 65536) for m in means),  # type: ignore[arg-type]
        tuple(max(256, round(s * 65536)) for s in stds),  # type: ignore[arg-type]
    )


def resolve_precision(precision: Precision, device: torch.device) -> Literal["bfloat16", "float32"]:
    """What ``auto`` means here: bfloat16 on CUDA and on CPUs with AMX or AVX512_BF16."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    capabilities = torch.cpu.get_capabilities()
    native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    return "bfloat16" if native else "float32"


def fit(
    module: nn.Module,
    epochs: Callable[[int], Iterable[Batch]],
    statistics: Statistics,
    optimisation: Optimisation,
    progress: StepProgress | None = None,
    *,
    stopping: EarlyStopping | None = None,
    checkpoint: TrainingCheckpoint | None = None,
) -> int:
    """Train in place, on the module's device; returns how many steps were done.

    Args:
        module: classifier of normalised float images.
        epochs: epoch number -> batches.
        statistics: input normalisation.
        optimisation: schedule and loss.
        progress: called with (done, total) steps.
        stopping: ends the training before its last step, if its time has come.
        checkpoint: where the training goes on, and where it is saved meanwhile.

    Raises:
        EncodeError: an epoch has no batch, or the loss is no longer finite.
    """
    device = next(module.parameters()).device
    schedule = optimisation if stopping is None else stopping
    low = resolve_precision(optimisation.precision, device) == "bfloat16"
    optimiser = optimiser_of(module, optimisation)
    module.train()
    epoch, skipped, done, seen = Place()
    if checkpoint is not None:
        epoch, skipped, done, seen = checkpoint.restore(module, optimiser)
        if stopping is not None:
            stopping.resume(seen, done)
    while done < schedule.steps:
        number = 0
        if checkpoint is not None:
            checkpoint.begins()
        for number, (images, targets, temperature, weight) in enumerate(epochs(epoch), 1):
            if number <= skipped:  # done before an interrupt
                continue
            for group in optimiser.param_groups:
                group["lr"] = optimisation.lr * schedule.factor(done)
            inputs = statistics.normalise(images.to(device))
            with torch.autocast(device.type, torch.bfloat16, enabled=low):
                logits = module(inputs)
            loss = weight * student_loss(logits.float(), targets.to(device), temperature)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            done += 1
            if done % 50 == 0 and not math.isfinite(loss.item()):
                raise EncodeError("training diverged: the loss is not finite; lower the rate")
            if stopping is not None:
                stopping.check(done)
            if checkpoint is not None:
                seen = () if stopping is None else tuple(stopping.seen)
                checkpoint.offer(module, optimiser, Place(epoch, number, done, seen))
            if progress is not None:
                progress(done, schedule.steps)
            if done == schedule.steps:
                break
        if number == 0:
            raise EncodeError("nothing to train on: an epoch without a batch")
        epoch, skipped = epoch + 1, 0
    module.eval()
    return done


def optimiser_of(module: nn.Module, optimisation: Optimisation) -> torch.optim.AdamW:
    """AdamW of a module's parameters, at the highest rate."""
    matrices = [p for p in module.parameters() if p.ndim > 1]
    vectors = [p for p in module.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": optimisation.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=optimisation.lr)


def student_loss(logits: Tensor, targets: Tensor, temperature: float = 1.0) -> Tensor:
    """The loss of a batch, averaged over it, as reports train students.

    Args:
        logits: float[n, K] of the student.
        targets: float32[n, K] probabilities, or int64[n] class indices.
        temperature: at which probabilities were read, ``dataset.temperature``. The logits are
            divided by it; there is no factor of its square.

    >>> logits, labels = torch.tensor([[4.0, 0.0]]), torch.tensor([[0.5, 0.5]])
    >>> round(float(ddcodec.student_loss(logits, labels, temperature=4)), 3)
    0.813
    """
    if targets.ndim == 1:
        return nn.functional.cross_entropy(logits, targets)
    # Cross-entropy and KL differ by the entropy of the targets, which has no gradient.
    return nn.functional.cross_entropy(logits / temperature, targets)


def shuffled_batches(
    count: int, batch_size: int, generator: torch.Generator, *, drop_last: bool = False
) -> Iterable[Tensor]:
    """Index tensors of one epoch in a random order; the last one may be shorter."""
    order = torch.randperm(count, generator=generator)
    whole = count // batch_size * batch_size
    if drop_last and whole:
        order = order[:whole]
    return torch.split(order, batch_size)


def pad_crop_flip(images: Tensor, pad: int, flip: bool, generator: torch.Generator) -> Tensor:
    """Shift by up to ``pad`` pixels, reflecting at the edges; mirror half: uint8[n, 3, h, w].

    The customary augmentation of small pictures (He et al. 2016, section 4.2), but with the
    reflecting edges of ``pad-crop`` views, which the teacher will label; black borders would
    also disturb the instance norm of a ConvNet.
    """
    n, _, h, w = images.shape
    top = torch.randint(-pad, pad + 1, (n, 1), generator=generator)
    left = torch.randint(-pad, pad + 1, (n, 1), generator=generator)
    rows = _reflected(top + torch.arange(h), h)
    columns = _reflected(left + torch.arange(w), w)
    if flip:
        mirrored = torch.rand(n, 1, generator=generator) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    which = torch.arange(n).view(n, 1, 1, 1)
    channel = torch.arange(3).view(1, 3, 1, 1)
    return images[which, channel, rows.view(n, 1, h, 1), columns.view(n, 1, 1, w)]


def _reflected(positions: Tensor, size: int) -> Tensor:
    """Positions beyond either edge, mirrored about the outermost pixel."""
    inside = positions.abs()
    return torch.where(inside >= size, 2 * (size - 1) - inside, inside)


def device_of(module: nn.Module) -> torch.device:
    """Where a module's weights are; the CPU, if it has none."""
    first = next(chain(module.parameters(), module.buffers()), None)
    return torch.device("cpu") if first is None else first.device


def predict(module: nn.Module, images: UInt8s, statistics: Statistics) -> Tensor:
    """uint8[n, h, w, 3] -> float32[n, K] logits on the CPU, in eval mode and float32."""
    device = device_of(module)
    batch = _PREDICT_BATCH_CPU if device.type == "cpu" else _PREDICT_BATCH
    module.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            # A copy: torch has no read-only tensors, and memory-mapped pictures are read-only.
            chunk = torch.tensor(images[start : start + batch], device=device)
            inputs = statistics.normalise(chunk.permute(0, 3, 1, 2))
            parts.append(module(inputs.contiguous()).float().cpu())
    return torch.cat(parts) if parts else torch.empty(0, 0)


def accuracy(
    module: nn.Module,
    images: UInt8s,
    labels: Int64s,
    statistics: Statistics,
) -> float:
    """Share (0..1) of uint8[n, h, w, 3] whose highest logit is at their class index."""
    guesses = predict(module, images, statistics).argmax(1).numpy()
    return float((guesses == labels).mean())
