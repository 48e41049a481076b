"""Coverage: for how much of a class the patches of rded stand, by how they are selected.

    python -m tools.bench.coverage cifar10/train --teacher T --ipc 10

Coverage is the mean over images that were not looked at of the largest cosine between their
features and those of a chosen patch; losses are the teacher's cross-entropies on the patches.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch

from ddcodec.arrays import Float32s
from ddcodec.classifiers.store import load_teacher
from ddcodec.methods.base import Job, readable_images
from ddcodec.methods.best_patches import Selection, chosen_patches
from ddcodec.methods.work import WorkFolder
from ddcodec.sources.folder import scan

SELECTIONS: tuple[Selection, ...] = ("easiest", "submodular")


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("--teacher", required=True)
    parser.add_argument("--ipc", type=int, default=10)
    parser.add_argument("--images", type=int, default=300, help="looked at for patches, per class")
    parser.add_argument("--unseen", type=int, default=600, help="images to be covered, per class")
    parser.add_argument("--classes", type=int, help="only the first of them")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args(words)
    torch.set_num_threads(arguments.threads)
    job = job_of(arguments.source, arguments.teacher, arguments.ipc)
    classes = range(len(job.source.classes))[: arguments.classes]
    print("| select | coverage | mean loss | largest loss |\n|---|---|---|---|")
    for select in SELECTIONS:
        found = np.array(
            [measured(job, c, select, arguments.images, arguments.unseen) for c in classes]
        )
        coverage, mean, worst = found.mean(axis=0)
        print(f"| {select} | {coverage:.4f} | {mean:.4f} | {worst:.4f} |", flush=True)
    return 0


def measured(
    job: Job, class_index: int, select: Selection, images: int, unseen: int
) -> tuple[float, float, float]:
    """Coverage of a class by its patches, and the mean and the largest loss of these."""
    teacher = job.teacher()
    patches = chosen_patches(
        job,
        class_index,
        job.ipc,
        select,
        size=job.size,
        images=images,
        crops=5,
        min_scale=0.08,
    )
    rest = islice(readable_images(job, class_index, job.size), images, images + unseen)
    wanted = directions(teacher.features(np.stack([image for _, image in rest])))
    nearest = (wanted @ directions(teacher.features(patches)).T).max(axis=1)
    logits = torch.from_numpy(teacher.logits(patches))
    targets = torch.full((len(patches),), class_index)
    losses = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    return float(nearest.mean()), float(losses.mean()), float(losses.max())


def directions(features: Float32s) -> Float32s:
    """Rows of length 1."""
    units: Float32s = features / np.linalg.norm(features, axis=1, keepdims=True)
    return units


def job_of(folder: Path, teacher: str, ipc: int) -> Job:
    """An encode of the folder with this teacher, which is never finished."""
    source = scan(folder)
    loaded = load_teacher(teacher, source.classes)

    def no_prior() -> NoReturn:
        raise AssertionError("rded has no prior")

    return Job(
        source=source,
        names=source.classes,
        size=source.native_size(),
        ipc=ipc,
        seed=0,
        teacher=lambda: loaded,
        prior=no_prior,
        work=WorkFolder(),
    )


if __name__ == "__main__":
    sys.exit(main())
