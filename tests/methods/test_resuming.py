"""Optimisations that are stopped go on where they were saved, and give the same bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddcodec.classifiers.teacher import Teacher
from ddcodec.classifiers.teacher_training import TeacherSettings, untrained
from ddcodec.files.sealed import Checkpoint
from ddcodec.methods.recovery import Recovery, measured_moments, recover
from ddcodec.methods.textual_inversion import Inversion, invert
from ddcodec.prior.load import load_prior

Run = Callable[[Any, Checkpoint | None], dict[str, Any]]


def stopped_and_resumed(run: Run, path: Path, at: int) -> tuple[dict[str, Any], int]:
    """What comes of a run that is stopped after a step and goes on; and with which step it does."""

    def stop(done: int, total: int) -> None:
        if done == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(stop, Checkpoint(path, b"job", every=0))
    began: list[int] = []
    found = run(lambda done, _: began.append(done), Checkpoint(path, b"job"))
    return found, began[0]


@pytest.mark.parametrize("at", [1, 3])
def test_a_textual_inversion_goes_on(tmp_path: Path, at: int) -> None:
    prior = load_prior("tiny", profile="float")
    pictures = [np.full((2, 16, 16, 3), shade, np.uint8) for shade in (30, 200)]
    settings = Inversion("A photo of {}", 1, steps=4, batch=2, lr=0.01, flip=True, seed=0)

    def run(progress: Any, checkpoint: Checkpoint | None) -> dict[str, Any]:
        return vars(invert(prior, ("cat", "dog"), pictures, settings, progress, checkpoint))

    whole = run(None, None)
    found, first = stopped_and_resumed(run, tmp_path / "a", at)
    assert first == at + 1
    assert all((found[name] == whole[name]).all() for name in ("vectors", "losses"))


def test_a_recovery_goes_on(tmp_path: Path) -> None:
    teacher: Teacher = untrained(TeacherSettings(), ("a", "b"), (16, 16))
    real = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    moments, classes = measured_moments(teacher, real), np.array([0, 1])
    settings = Recovery(
        size=(16, 16),
        iterations=5,
        lr=0.1,
        matching=0.05,
        min_scale=0.1,
        curriculum=0.0,
        flip=True,
        seed=0,
    )

    def run(progress: Any, checkpoint: Checkpoint | None) -> dict[str, Any]:
        return vars(recover(teacher, classes, moments, settings, progress, checkpoint))

    whole = run(None, None)
    found, first = stopped_and_resumed(run, tmp_path / "a", 2)
    assert first == 3
    assert all((found[name] == whole[name]).all() for name in ("images", "losses"))
