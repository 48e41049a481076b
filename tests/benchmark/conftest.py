"""A sample of the small image folder, and a teacher that has learned nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import ddcodec
from ddcodec.benchmark.sample import Sample
from ddcodec.encoding.inputs import Inputs
from ddcodec.encoding.options import EncodeOptions
from ddcodec.sources.folder import scan
from tests.conftest import SHAPES


@pytest.fixture(scope="session")
def sample(image_folder: Path) -> Sample:
    """Three classes x 4 pictures of 16x16 px."""
    options = EncodeOptions(method="random", ipc=4, labels="hard", views=3, view="crop+flip")
    return Sample(Inputs(scan(image_folder), options))


@pytest.fixture(scope="session")
def opinion() -> ddcodec.Teacher:
    """A teacher with an opinion of each picture."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(768, len(SHAPES)))
    return ddcodec.Teacher.from_module(network, SHAPES, [0.5] * 3, [0.25] * 3, size=16)
