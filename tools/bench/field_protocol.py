"""Students of an artifact with hard labels, by the protocol that most papers share.

    python -m tools.bench.field_protocol a.ddz --test cifar10/test --seeds 3

Plain pictures and their classes, shown for 1,000 epochs and one in batches of 256 by SGD at .01
with momentum .9 and weight decay 5e-4, a new one at a tenth of the rate from the half on, with
differentiable siamese augmentation (DSA) and without whitening: MTT's evaluation (Cazenavette et
al. 2022; GeorgeCazenavette/mtt-distillation 0c42493, utils.py), which DD-RUO, GSDD and SPEED took
over. The network after the last epoch is tested, once. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.classifiers.training import Statistics, resolve_precision, shuffled_batches
from ddcodec.evaluation.students import build_student

BATCH = 256


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--test", type=Path, required=True, help="folder of test pictures")
    parser.add_argument("--student", default="convnet3")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
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
            "protocol": "mtt",
            "epochs": arguments.epochs,
            "pictures": len(artifact.rows()),
            "accuracies": [round(one, 2) for one in found],
            "mean": round(statistics.mean(found), 2),
            "std": round(statistics.stdev(found), 2) if len(found) > 1 else None,
            "seconds": round(time.perf_counter() - start),
        }
    print(json.dumps(figures), flush=True)
    return 0


def trained(artifact: Artifact, arguments: argparse.Namespace, seed: int) -> nn.Module:
    """A student of the plain pictures of an artifact and their classes."""
    reader = artifact.rows()
    rows = list(reader.rows)
    pictures = torch.from_numpy(reader.pictures(rows)).permute(0, 3, 1, 2)
    classes = torch.tensor([c for c, _ in rows])
    inputs = Statistics.of(artifact.recipe.evaluation).normalise(pictures)
    student = build_student(artifact, arguments.student, seed=seed).train()
    low = resolve_precision("auto", torch.device("cpu")) == "bfloat16"
    generator = torch.Generator().manual_seed(seed)
    optimiser = _optimiser(student, 0.01)
    for epoch in range(arguments.epochs + 1):
        for picked in shuffled_batches(len(inputs), BATCH, generator):
            shown = augmented(inputs[picked], generator)
            with torch.autocast("cpu", torch.bfloat16, enabled=low):
                logits = student(shown)
            loss = nn.functional.cross_entropy(logits.float(), classes[picked])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        if epoch == arguments.epochs // 2 + 1:
            optimiser = _optimiser(student, 0.001)
    return student.eval()


def _optimiser(student: nn.Module, rate: float) -> torch.optim.SGD:
    return torch.optim.SGD(student.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4)


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
    top = torch.randint(h + 1 - side_y % 2, (n, 1), generator=generator) - side_y // 2
    left = torch.randint(w + 1 - side_x % 2, (n, 1), generator=generator) - side_x // 2
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
