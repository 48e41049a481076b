"""Shared by the tests of stored teachers: small teachers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ddcodec.classifiers.architectures import build
from ddcodec.classifiers.teacher import Teacher
from ddcodec.classifiers.training import Statistics

Images = NDArray[np.uint8]
MakeTeacher = Callable[[str, int], tuple[Teacher, Images]]


@pytest.fixture(scope="session")
def make_teacher() -> MakeTeacher:
    """``make_teacher(arch, side)``: an untrained teacher of 5 classes, and pictures it has seen."""

    def make(arch: str, side: int) -> tuple[Teacher, Images]:
        images = np.random.default_rng(side).integers(0, 256, (24, side, side, 3), dtype=np.uint8)
        statistics = Statistics((30000, 31000, 32000), (15000, 16000, 17000))
        module = build(arch, 5, side).train()
        # Batch norms learn what they will see.
        module(statistics.normalise(torch.from_numpy(images).permute(0, 3, 1, 2)))
        size = (side, side)
        return Teacher(module.eval(), tuple("abcde"), statistics, size, arch, "untrained"), images

    return make
