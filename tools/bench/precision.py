"""Does bfloat16 cost students accuracy, and what does it save? float32 against bfloat16, by seed.

    python -m tools.bench.precision ARTIFACT.ddz --test FOLDER --seeds 5 --epochs 100

Both precisions train the same students (weights, order of images) under one protocol; tests
always run in float32. Times are processor seconds, so that a busy machine matters little.
"""

from __future__ import annotations

import json
import math
import time

import torch

import ddcodec
from ddcodec.evaluation.evaluate import evaluate
from ddcodec.evaluation.testset import TestPictures
from tools.bench.students import chosen_protocol, student_parser


def main() -> None:
    arguments = student_parser(__doc__, seeds=5).parse_args()
    protocol = chosen_protocol(arguments)
    accuracies: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    seconds = {"float32": 0.0, "bfloat16": 0.0}
    with ddcodec.open(arguments.artifact) as artifact:
        test = TestPictures.open(arguments.test).for_artifact(artifact)
        for seed in range(arguments.seeds):
            # Alternating, so that a change of the machine's load falls on both.
            for precision in ("float32", "bfloat16"):
                began = time.process_time()
                found = evaluate(
                    artifact,
                    test,
                    arguments.student,
                    [seed],
                    protocol,
                    precision=precision,
                )
                seconds[precision] += time.process_time() - began
                accuracies[precision] += found.accuracies
    pairs = zip(accuracies["float32"], accuracies["bfloat16"], strict=True)
    differences = [100 * (low - full) for full, low in pairs]
    mean = sum(differences) / len(differences)
    spread = math.sqrt(sum((d - mean) ** 2 for d in differences) / max(1, len(differences) - 1))
    result = {
        "artifact": arguments.artifact.name,
        "student": arguments.student,
        "protocol": found.settings,
        "test_images": found.test_images,
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "accuracies": accuracies,
        "points_bfloat16_minus_float32": round(mean, 3),
        "standard_error": round(spread / math.sqrt(len(differences)), 3),
        "processor_seconds": {name: round(value, 1) for name, value in seconds.items()},
        "time_ratio_bfloat16_to_float32": round(seconds["bfloat16"] / seconds["float32"], 3),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
