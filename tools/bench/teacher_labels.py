"""Measure stored teachers: bytes, distance from the float teacher, speed.

    python -m tools.bench.teacher_labels ARTIFACT.ddz --teacher FOLDER --threads 1

Takes the pictures of an artifact. Its first views are shown to the fit, as `ddz encode` would;
distances are over the --sample that follow. KL is that of the labels from the float teacher's, in
nats, both read at temperature 1 and 4. Also what the fit saves over plain rounding, and what
activations of 8 bits would cost. Times are of the processor: give --threads 1.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import zstandard

import ddcodec
from ddcodec.arrays import Float32s, UInt8s
from ddcodec.classifiers.store import load_teacher
from ddcodec.classifiers.teacher import Teacher
from ddcodec.codecs.label_model import UNITS_PER_NAT
from ddcodec.codecs.teacher_weights import MAX_BITS, MIN_BITS
from ddcodec.labels.encoder.label_set import divergence
from ddcodec.labels.teacher import execute, quantise
from ddcodec.labels.teacher.execute import StoredTeacher
from ddcodec.labels.teacher.quantise import pictures_wanted, quantise_teacher

TEMPERATURES = (1, 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--sample", type=int, default=10, help="views to measure on")
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    with ddcodec.open(arguments.artifact) as artifact:
        teacher = load_teacher(arguments.teacher, artifact.head.classes)
        rows = [(c, s) for c in artifact.head.row_classes for s in range(artifact.recipe.ipc)]
        renderer = artifact.renderer()
        fitted = -(-pictures_wanted(artifact.recipe.width) // len(rows))
        shown = np.concatenate([renderer.images(rows, v) for v in range(fitted)])
        views = range(fitted, fitted + arguments.sample)
        unseen = np.concatenate([renderer.images(rows, v) for v in views])
    began = time.process_time()
    real = teacher.logits(unseen)
    result: dict[str, Any] = {
        "arch": teacher.arch,
        "views": len(unseen),
        "float": {"views_per_second": round(len(unseen) / (time.process_time() - began))},
    }
    print(f"{teacher.arch}: {len(unseen)} views, float {result['float']['views_per_second']}/s")
    ways: dict[str, Callable[[], AbstractContextManager[object]]] = {
        "fitted": nullcontext,
        "rounded": plainly_rounded,
        "fitted, w8a8": eight_bit_activations,
    }
    for way, how in ways.items():
        with how():
            for bits in range(MAX_BITS, MIN_BITS - 1, -1):
                result[f"{way}, {bits} bits"] = row = measured(teacher, shown, unseen, real, bits)
                print(f"{way:<14} {bits} bits  " + "  ".join(f"{k} {v}" for k, v in row.items()))
    print(json.dumps(result))


def measured(
    teacher: Teacher, shown: UInt8s, unseen: UInt8s, real: Float32s, bits: int
) -> dict[str, Any]:
    began = time.process_time()
    codec, weights = quantise_teacher(teacher, shown, bits)
    fit = time.process_time() - began
    raw = codec.encode(weights)
    began = time.process_time()
    stored = StoredTeacher(codec, codec.decode(raw))
    opened = time.process_time() - began
    stored.logits(unseen[:64])
    began = time.process_time()
    found = stored.logits(unseen)
    seconds = time.process_time() - began
    nats = found.astype(np.float32) / np.float32(UNITS_PER_NAT)
    distances = {t: divergence(real, nats, t).mean() for t in TEMPERATURES}
    return {
        "bytes": len(zstandard.compress(raw, 19)),
        **{f"KL{t}": float(f"{distances[t]:.3g}") for t in TEMPERATURES},
        "agree": round(float((found.argmax(1) == real.argmax(1)).mean()), 4),
        "fit_s": round(fit, 1),
        "open_s": round(opened, 2),
        "views_per_second": round(len(unseen) / seconds),
    }


def plainly_rounded() -> AbstractContextManager[object]:
    """Each weight to the nearest integer: no input knows of another."""
    return patch.object(
        quantise, "_moments", lambda rows: torch.eye(rows.shape[1], dtype=torch.float64)
    )


def eight_bit_activations() -> AbstractContextManager[object]:
    """Profile w8a8 in the place of w8a15."""
    return patch.object(execute, "_DIGITS", 1)


if __name__ == "__main__":
    main()
