"""Measure stored teachers: bytes, distance from the float teacher, speed.

    python tools/bench_teacher_labels.py ARTIFACT.ddz --teacher FOLDER --threads 1

Takes the pictures of an artifact. Its first views are shown to the fit, as `ddz encode` would;
distances are over the --sample that follow. KL is that of the labels from the float teacher's, in
nats, both read at temperature 1 and 4. Also what the fit saves over plain rounding, and what
activations of 8 bits would cost. Times are of the processor: give --threads 1.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import zstandard
from numpy.typing import NDArray

import ddcodec
from ddcodec.classifiers.store import load_teacher
from ddcodec.classifiers.teacher import Teacher
from ddcodec.codecs.teacher_weights import MAX_BITS, MIN_BITS
from ddcodec.stored_teacher import execute, quantise
from ddcodec.stored_teacher.execute import StoredTeacher
from ddcodec.stored_teacher.quantise import pictures_wanted, quantise_teacher

TEMPERATURES = (1, 4)
Images = NDArray[np.uint8]


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
        "float": {"views_a_second": round(len(unseen) / (time.process_time() - began))},
    }
    print(f"{teacher.arch}: {len(unseen)} views, float {result['float']['views_a_second']}/s")
    ways: dict[str, Callable[[], Any]] = {
        "fitted": unchanged,
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
    teacher: Teacher, shown: Images, unseen: Images, real: NDArray[np.float32], bits: int
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
    return {
        "bytes": len(zstandard.compress(raw, 19)),
        **{f"KL{t}": float(f"{divergence(real, found / 64, t):.3g}") for t in TEMPERATURES},
        "agree": round(float((found.argmax(1) == real.argmax(1)).mean()), 4),
        "fit_s": round(fit, 1),
        "open_s": round(opened, 2),
        "views_a_second": round(len(unseen) / seconds),
    }


def divergence(real: NDArray[Any], found: NDArray[Any], temperature: float) -> float:
    """Mean KL of the found distributions from the real ones, in nats."""

    def log_softmax(z: NDArray[Any]) -> NDArray[Any]:
        z = z.astype(np.float64) / temperature
        z = z - z.max(axis=1, keepdims=True)
        shifted: NDArray[Any] = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        return shifted

    p, q = log_softmax(real), log_softmax(found)
    return float((np.exp(p) * (p - q)).sum(axis=1).mean())


@contextmanager
def unchanged() -> Iterator[None]:
    yield


@contextmanager
def plainly_rounded() -> Iterator[None]:
    """Each weight to the nearest integer: no input knows of another."""
    before = quantise._moments
    quantise._moments = lambda rows: torch.eye(rows.shape[1], dtype=torch.float64)
    try:
        yield
    finally:
        quantise._moments = before


@contextmanager
def eight_bit_activations() -> Iterator[None]:
    """Profile w8a8 in the place of w8a15."""
    before = execute._DIGITS
    execute._DIGITS = 1
    try:
        yield
    finally:
        execute._DIGITS = before


if __name__ == "__main__":
    main()
