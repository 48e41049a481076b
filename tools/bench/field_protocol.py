"""Students of an artifact with hard labels, by the protocol that most papers share.

    python -m tools.bench.field_protocol a.ddz --test cifar10/test --seeds 3

Plain pictures and their classes, shown for 1,000 epochs in batches of 256 by SGD at .01 with
momentum .9 and weight decay 5e-4, a tenth of the rate from the half on, with differentiable
siamese augmentation (DSA) and without whitening: MTT's evaluation (Cazenavette et al. 2022,
GeorgeCazenavette/mtt-distillation 50dccea, utils.py), which DD-RUO, GSDD and SPEED took over. The
network after the last epoch is tested, once. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time

import torch
from torch import Tensor, nn

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.classifiers.training import Statistics, resolve_precision, shuffled_batches
from ddcodec.evaluation.students import build_student
from tools.bench.students import student_parser

BATCH = 256


def main() -> int:
    parser = student_parser(__doc__, seeds=3)
    parser.set_defaults(epochs=1000, protocol="mtt")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    with ddcodec.open(arguments.artifact) as artifact:
        start = time.perf_counter()
        found = [
            100 * ddcodec.accuracy(trained(artifact, arguments, seed), artifact, arguments.test)
            for seed in range(arguments.seeds)
        ]
        figures = {
            "artifact": artifact.file_name,
            "bytes": artifact.file_len,
            "labels": "hard",
            "student": arguments.student,
            "epochs": arguments.epochs,
            "pictures": len(artifact.dataset()),
            "accuracies": [round(one, 2) for one in found],
            "mean": round(statistics.mean(found), 2),
            "seconds": round(time.perf_counter() - start),
        }
    print(json.dumps(figures), flush=True)
    return 0


def trained(artifact: Artifact, arguments: argparse.Namespace, seed: int) -> nn.Module:
    """A student of the plain pictures of an artifact and their classes."""
    data = artifact.dataset(pixels="uint8")
    rows = range(len(data))
    pictures = torch.stack([data[n][0] for n in rows])
    classes = torch.tensor([data.rows[n][0] for n in rows])
    inputs = Statistics.of(artifact.recipe.evaluation).normalise(pictures)
    student = build_student(artifact, arguments.student, seed=seed).train()
    low = resolve_precision("auto", torch.device("cpu")) == "bfloat16"
    optimiser = torch.optim.SGD(student.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    generator = torch.Generator().manual_seed(seed)
    for epoch in range(arguments.epochs):
        if epoch == arguments.epochs // 2:
            optimiser.param_groups[0]["lr"] = 0.001
        for picked in shuffled_batches(len(inputs), BATCH, generator):
            shown = augmented(inputs[picked], generator)
            with torch.autocast("cpu", torch.bfloat16, enabled=low):
                logits = student(shown)
            loss = nn.functional.cross_entropy(logits.float(), classes[picked])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return student.eval()


def augmented(x: Tensor, generator: torch.Generator) -> Tensor:
    """One of DSA's six kinds for the whole batch, its strength by lot for each picture.

    Zhao and Bilen 2021, ``color_crop_cutout_flip_scale_rotate`` with the strengths of its code:
    brightness 1, saturation 2, contrast .5, shifts of an eighth, holes of a half, sizes of 1.2 and
    turns of 15 degrees.
    """
    kinds = (_colour, _crop, _cutout, _flip, _scale, _rotate)
    return kinds[int(torch.randint(len(kinds), (), generator=generator))](x, generator)


def _lot(x: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(len(x), 1, 1, 1, generator=generator)


def _colour(x: Tensor, generator: torch.Generator) -> Tensor:
    x = x + _lot(x, generator) - 0.5
    grey = x.mean(1, keepdim=True)
    x = (x - grey) * (2 * _lot(x, generator)) + grey
    mean = x.mean((1, 2, 3), keepdim=True)
    return (x - mean) * (_lot(x, generator) + 0.5) + mean


def _crop(x: Tensor, generator: torch.Generator) -> Tensor:
    n, c, h, w = x.shape
    most_y, most_x = round(h / 8), round(w / 8)
    padded = nn.functional.pad(x, (most_x, most_x, most_y, most_y))
    top = torch.randint(2 * most_y + 1, (n, 1), generator=generator) + torch.arange(h)
    left = torch.randint(2 * most_x + 1, (n, 1), generator=generator) + torch.arange(w)
    which, channel = torch.arange(n).view(n, 1, 1, 1), torch.arange(c).view(1, c, 1, 1)
    return padded[which, channel, top.view(n, 1, h, 1), left.view(n, 1, 1, w)]


def _cutout(x: Tensor, generator: torch.Generator) -> Tensor:
    n, _, h, w = x.shape
    side_y, side_x = h // 2, w // 2
    # The middle of the hole is anywhere, so that it may reach over an edge.
    top = torch.randint(h, (n, 1), generator=generator) - side_y // 2
    left = torch.randint(w, (n, 1), generator=generator) - side_x // 2
    rows = (torch.arange(h) >= top) & (torch.arange(h) < top + side_y)
    columns = (torch.arange(w) >= left) & (torch.arange(w) < left + side_x)
    return x.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0.0)


def _flip(x: Tensor, generator: torch.Generator) -> Tensor:
    return torch.where(_lot(x, generator) < 0.5, x.flip(3), x)


def _scale(x: Tensor, generator: torch.Generator) -> Tensor:
    sizes = torch.rand(2, len(x), generator=generator) * (1.2 - 1 / 1.2) + 1 / 1.2
    zero = torch.zeros(len(x))
    return _warped(x, torch.stack([sizes[0], zero, zero, zero, sizes[1], zero], 1))


def _rotate(x: Tensor, generator: torch.Generator) -> Tensor:
    turns = (torch.rand(len(x), generator=generator) - 0.5) * 2 * 15 / 180 * math.pi
    zero = torch.zeros(len(x))
    rows = [turns.cos(), -turns.sin(), zero, turns.sin(), turns.cos(), zero]
    return _warped(x, torch.stack(rows, 1))


def _warped(x: Tensor, matrices: Tensor) -> Tensor:
    grid = nn.functional.affine_grid(matrices.view(-1, 2, 3), list(x.shape), align_corners=True)
    return nn.functional.grid_sample(x, grid, align_corners=True)


if __name__ == "__main__":
    sys.exit(main())
