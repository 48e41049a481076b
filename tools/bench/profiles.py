"""Do profiles change what students learn? One artifact's prompts, seeds and labels, every profile.

    python -m tools.bench.profiles ARTIFACT.ddz --test FOLDER --seeds 3 --epochs 150

Writes a twin of the artifact for each profile, which differs in the recipe's profile only (the
labels stay those of the artifact), renders all of them, compares their pictures with those of
``float``, and trains the same students on each. Standard deviations are over seeds.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import ddcodec
from ddcodec.arrays import UInt8s
from ddcodec.artifact.artifact import Artifact
from ddcodec.container import CopiedSection, write_container
from ddcodec.evaluation.evaluate import evaluate
from ddcodec.evaluation.testset import TestPictures
from ddcodec.prior.load import load_prior
from ddcodec.recipe.profiles import FLOAT, NAMES
from ddcodec.recipe.synthesis import Text2Image
from tools.bench.students import chosen_protocol, student_parser

BATCH = 16  # of the float profile


def main() -> None:
    parser = student_parser(__doc__, seeds=3)
    parser.add_argument("--profiles", nargs="+", choices=NAMES, default=["w8a15", FLOAT])
    arguments = parser.parse_args()
    protocol = chosen_protocol(arguments)
    with tempfile.TemporaryDirectory() as folder, ddcodec.open(arguments.artifact) as artifact:
        twins = {name: twin(artifact, name, Path(folder)) for name in {*arguments.profiles, FLOAT}}
        reference = pictures(twins[FLOAT])
        test = TestPictures.open(arguments.test).for_artifact(artifact)
        results: dict[str, Any] = {
            name: {"pictures": comparison(pictures(twins[name]), reference), "accuracy": []}
            for name in arguments.profiles
        }
        for seed in range(arguments.seeds):
            # Alternating, so that paired differences are of one time and machine.
            for name in arguments.profiles:
                found = evaluate(twins[name], test, arguments.student, [seed], protocol)
                results[name]["accuracy"] += found.accuracies
                print(f"seed {seed}  {name:7} {100 * found.accuracies[0]:.2f} %", flush=True)
    for result in results.values():
        accuracies = [100 * a for a in result["accuracy"]]
        result["mean"] = statistics.mean(accuracies)
        result["deviation"] = statistics.stdev(accuracies) if len(accuracies) > 1 else None
    print(json.dumps(results, indent=2))


def twin(artifact: Artifact, profile: str, folder: Path) -> Artifact:
    """The same sections under a recipe of another profile, without pixel digests."""
    head, synthesis = artifact.head, artifact.recipe.synthesis
    if not isinstance(synthesis, Text2Image):
        raise SystemExit("this artifact's pictures are stored, not generated: no profile applies")
    weights = load_prior(pin=head.prior, profile=profile).engine.weights
    batch = BATCH if profile == FLOAT else 0
    changed = replace(synthesis, profile=profile, batch=batch, weights=weights)
    new_head = replace(head, recipe=replace(artifact.recipe, synthesis=changed))
    sections = [
        CopiedSection(artifact.reader, s, s.box) for s in artifact.sections if s.kind != "pixels"
    ]
    out = folder / f"{profile}.ddz"
    write_container(out, head=new_head.to_map(), sections=sections, info=dict(artifact.info))
    return ddcodec.open(out)


def pictures(artifact: Artifact) -> UInt8s:
    """uint8 [rows, height, width, 3]."""
    rows = [(c, s) for c in artifact.head.row_classes for s in range(artifact.recipe.ipc)]
    return artifact.renderer().pictures(rows)


def comparison(found: UInt8s, reference: UInt8s) -> dict[str, float]:
    """How far pictures are from the float profile's."""
    difference = found.astype(np.float64) - reference
    mean_square = float((difference**2).mean())
    return {
        "changed_values": float((difference != 0).mean()),
        "largest_change": float(np.abs(difference).max()),
        "psnr": 10 * float(np.log10(255**2 / mean_square)) if mean_square else float("inf"),
    }


if __name__ == "__main__":
    main()
