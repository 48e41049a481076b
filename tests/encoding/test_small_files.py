"""Small files: what is neither pictures, prompts, labels nor seeds is a few hundred bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import ddcodec
from ddcodec.sources.digits import CLASSES, write_digits
from tests.artifacts import encode_small

CONTENT = {"patches", "prompts", "latents", "labels", "seeds"}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten classes."""
    return write_digits(tmp_path_factory.mktemp("small") / "digits")


def teacher() -> ddcodec.Teacher:
    """One that has learned nothing, but has an opinion of each picture."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 10))
    return ddcodec.Teacher.from_module(network, CLASSES, [0.0] * 3, [1.0] * 3, size=8)


@pytest.mark.parametrize(
    ("request_", "most"),
    [
        ({"method": "random", "ipc": 10}, 700),
        ({"method": "random", "ipc": 10, "labels": "soft", "views": 3}, 700),
        ({"method": "t2i", "ipc": 1, "options": {"sampling_steps": 1, "guidance": "1"}}, 1000),
    ],
    ids=["hard", "soft", "generated"],
)
def test_ten_classes_take_few_bytes_besides_their_content(
    digits: Path, tmp_path: Path, request_: dict[str, Any], most: int
) -> None:
    words = {"labels": "hard", "views": 1, "teacher": teacher(), **request_}
    ddcodec.encode(digits / "train", tmp_path / "a.ddz", **words)
    sizes = ddcodec.open(tmp_path / "a.ddz").sizes()
    assert len(ddcodec.open(tmp_path / "a.ddz").classes) == 10
    assert sum(node.stored for node in sizes.children if node.name not in CONTENT) <= most


def test_provenance_can_be_left_out(image_folder: Path, tmp_path: Path) -> None:
    told = encode_small(image_folder, tmp_path / "told.ddz")
    lean = encode_small(image_folder, tmp_path / "lean.ddz", omit_provenance=True)
    assert lean.info == {"tool": f"ddcodec {ddcodec.__version__}"}
    assert lean.digest == told.digest
    assert lean.file_len < told.file_len - 30
