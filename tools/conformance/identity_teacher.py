"""Are a stored teacher's labels the same however it is executed? One SHA-256 per way.

    python -m tools.conformance.identity_teacher ARTIFACT.ddz --teacher FOLDER --views 3

Labels the images of an artifact made with --labels teacher in the ways of ``ways.py`` (but for
memory formats, which it does not choose), each in a process of its own; for comparison, the float
teacher gives its logits in the same ways. The exit code is 1 if the labels have several digests.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

import ddcodec
from ddcodec.classifiers.store import load_teacher
from tools.conformance.ways import VARIANTS, Variant, order, run_variant, settings, use


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--views", type=int, default=3)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        task = Variant(**json.loads(arguments.worker))
        print(json.dumps(digests(arguments.artifact, arguments.teacher, arguments.views, task)))
        return 0
    found = []
    for variant in VARIANTS:
        if variant.channels_last:
            continue
        found.append(in_a_process(variant))
        print(f"{found[-1]['labels'][:16]}  float {found[-1]['float'][:16]}  {variant.name}")
    counts = {key: len({digest[key] for digest in found}) for key in ("labels", "float")}
    print(json.dumps({"ways": len(found), "digests": counts}))
    return int(counts["labels"] > 1)


def in_a_process(variant: Variant) -> dict[str, str]:
    """Run this tool again, with the variant's variables and no other caps."""
    words = [*sys.argv[1:], "--worker", json.dumps(settings(variant))]
    out = run_variant(variant, "tools.conformance.identity_teacher", *words)
    result: dict[str, str] = json.loads(out.splitlines()[-1])
    return result


def digests(path: Path, folder: Path, views: int, variant: Variant) -> dict[str, Any]:
    """SHA-256 of the labels, and of the float teacher's logits, of some views of every row."""
    use(variant)
    labels, floats = hashlib.sha256(), hashlib.sha256()
    with ddcodec.open(path) as artifact:
        data = artifact.dataset(pixels="uint8")
        teacher = load_teacher(folder, data.classes)
        rows = order(variant, len(data))
        back = np.argsort(rows)
        for view in range(views):
            data.set_epoch(view)
            given, logits = [], []
            for start in range(0, len(rows), variant.batch):
                images, soft = data.batch(rows[start : start + variant.batch].tolist())
                given.append(soft)
                logits.append(teacher.logits(images.permute(0, 2, 3, 1).numpy()))
            labels.update(torch.cat(given).numpy()[back].tobytes())
            floats.update(np.concatenate(logits)[back].tobytes())
    return {"labels": labels.hexdigest(), "float": floats.hexdigest()}


if __name__ == "__main__":
    sys.exit(main())
