"""Why one soft label per generated picture may teach less than its class: labels compared.

    python -m tools.bench.label_kinds d3m.ddz --teacher T --test cifar10/test --epochs 100

Students see the plain pictures of view 0 with one label each: the class that the picture was made
for; the teacher's first choice, as a hard label; the teacher's soft label; and the soft label where
its first choice is the class, and the class elsewhere. Prints how often the teacher agrees with the
class, and accuracies in percent.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

import ddcodec
from ddcodec.classifiers.architectures import build
from ddcodec.classifiers.store import load_teacher
from ddcodec.classifiers.training import (
    Batch,
    Optimisation,
    Statistics,
    fit,
    predict,
    shuffled_batches,
)
from ddcodec.evaluation.testset import TestPictures
from tools.bench.students import chosen_protocol, student_parser


def main() -> int:
    parser = student_parser(__doc__, seeds=3)
    parser.add_argument("--teacher", required=True)
    parser.add_argument("--temperature", type=float, default=4)
    arguments = parser.parse_args()
    protocol = chosen_protocol(arguments)
    artifact = ddcodec.open(arguments.artifact)
    recipe, count = artifact.recipe, len(artifact.classes)
    rows = [(c, s) for c in artifact.head.row_classes for s in range(recipe.ipc)]
    pictures = artifact.renderer().pictures(rows)
    logits = load_teacher(arguments.teacher, artifact.head.classes).logits(pictures)
    own, first = np.array([c for c, _ in rows]), logits.argmax(1)
    print(f"the teacher's first choice is the class: {100 * (first == own).mean():.0f} %")
    t = arguments.temperature
    soft = torch.softmax(torch.from_numpy(logits).float() / t, 1)
    hard, agrees = torch.eye(count), torch.from_numpy(first == own)[:, None]
    labels: dict[str, tuple[Tensor, float]] = {
        "the class": (hard[own], 1),
        "the teacher's first choice": (hard[first], 1),
        f"soft, temperature {t:g}": (soft, t),
        "soft where the teacher agrees, else the class": (torch.where(agrees, soft, hard[own]), t),
    }
    images = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
    test = TestPictures.open(arguments.test).for_artifact(artifact)
    inputs = Statistics(recipe.evaluation.mean, recipe.evaluation.std)
    plan = protocol.plan(len(rows), recipe.ipc, count)
    for name, (label, temperature) in labels.items():
        found = []
        for seed in range(arguments.seeds):
            module = build(arguments.student, count, recipe.width, seed=seed)
            generator = torch.Generator().manual_seed(seed)

            def epoch(
                _: int,
                label: Tensor = label,
                temperature: float = temperature,
                generator: torch.Generator = generator,
            ) -> Iterator[Batch]:
                for picked in shuffled_batches(len(rows), plan.batch_size, generator):
                    yield Batch(images[picked], label[picked], temperature)

            optimisation = Optimisation(
                steps=plan.steps,
                lr=protocol.lr,
                weight_decay=protocol.weight_decay,
                span=protocol.span,
                warmup=protocol.warmup,
                precision="auto",
            )
            fit(module, epoch, inputs, optimisation, None)
            guesses = predict(module, test.images, inputs).argmax(1).numpy()
            found.append(100 * float((guesses == test.labels).mean()))
        print(f"{name}: {statistics.mean(found):.1f} ± {statistics.stdev(found):.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
