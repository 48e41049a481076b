"""A teacher made of any torch module: what is checked, and what it then answers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import ddcodec
from ddcodec.classifiers.store import save_teacher
from ddcodec.errors import RequestError

COLOURS = ("red", "green", "blue")


class Means(nn.Module):
    """The mean of each channel: a classifier of colours."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean((2, 3))


class Weighted(Means):
    """The same, with something to learn."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images) * self.factor


def teacher(module: nn.Module | None = None, **changes: Any) -> ddcodec.Teacher:
    arguments = {"classes": COLOURS, "mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25), "size": 8}
    return ddcodec.Teacher.from_module(module or Means(), **{**arguments, **changes})


def test_it_answers_with_the_module_on_normalised_pictures_of_its_size() -> None:
    images = np.zeros((1, 16, 16, 3), np.uint8)
    images[..., 0] = 255
    asked = teacher()
    np.testing.assert_allclose(asked.logits(images), [[2, -2, -2]], atol=1e-4)
    assert asked.for_classes(("Blue", "red")).logits(images).round().tolist() == [[-2, 2]]
    assert (asked.arch, asked.size) == ("Means", (8, 8))


def test_it_is_left_in_eval_mode() -> None:
    module = nn.Sequential(Means(), nn.Dropout(0.5))
    assert not teacher(module).module.training


def test_its_digest_follows_weights_classes_statistics_size_and_layers() -> None:
    same = {teacher(Weighted()).digest, teacher(Weighted()).digest}
    others = {
        teacher(Weighted(2.0)).digest,
        teacher(nn.Sequential(Weighted())).digest,
        teacher(Weighted(), classes=COLOURS[::-1]).digest,
        teacher(Weighted(), mean=(0.5, 0.5, 0.4)).digest,
        teacher(Weighted(), size=(8, 16)).digest,
    }
    assert (len(same), len(others | same)) == (1, 6)


@pytest.mark.parametrize(
    ("module", "changes", "message"),
    [
        (Means(), {"classes": ("red", "green")}, r"a tensor \[2, 3\] for two pictures.*\[2, 2\]"),
        (Means(), {"classes": "red"}, "a list of names"),
        (Means(), {"classes": ()}, "a list of names"),
        (Means(), {"classes": ("red", "green", 3)}, "a list of names.*not 3"),
        (Means(), {"mean": (127, 127, 127)}, r"mean=.* within 0\.\.1.*divide by 255"),
        (Means(), {"std": (1, 1, 0)}, r"std=.* within 0\.\.1"),
        (Means(), {"std": (1, 1)}, "std=.* must be three numbers"),
        (Means(), {"mean": (0, 0, math.nan)}, "mean=.* must be three numbers"),
        (Means(), {"size": 0}, r"size=0 must be a number of pixels.*1\.\.8192"),
        (Means(), {"size": (8, 8, 8)}, "size=.* must be a number of pixels"),
        (Weighted(math.inf), {}, "not finite"),
        (nn.Linear(5, 3), {}, r"cannot look at float32 pictures \[2, 3, 8, 8\]: RuntimeError"),
        (nn.LSTM(8, 3), {}, "cannot look at|returns a tuple"),
    ],
)
def test_what_makes_no_sense_is_refused(
    module: nn.Module, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        teacher(module, **changes)


def test_it_is_not_saved_as_if_ddcodec_could_build_it_again(tmp_path: Any) -> None:
    with pytest.raises(RequestError, match="Means was not trained by ddcodec"):
        save_teacher(teacher(), tmp_path / "t")


def test_encode_takes_it_and_finds_its_classes_by_name(image_folder: Any, tmp_path: Any) -> None:
    shapes = teacher(classes=("Stripes", "cross, plus", "blob"), size=16, name="means of colours")
    made = ddcodec.encode(
        image_folder, tmp_path / "a.ddz", method="random", ipc=1, views=2, teacher=shapes
    )
    assert made.options_used["teacher"] == "means of colours"
    assert made.teacher is None
    with ddcodec.open(tmp_path / "a.ddz") as artifact:
        assert artifact.info["teacher_digest"].hex() == shapes.digest


@pytest.mark.parametrize("wrong", [Means(), 3, ""])
def test_encode_says_how_a_module_becomes_a_teacher(wrong: Any) -> None:
    with pytest.raises(ddcodec.DdcodecError, match=r"ddcodec\.Teacher\.from_module"):
        ddcodec.EncodeOptions(method="random", teacher=wrong)
