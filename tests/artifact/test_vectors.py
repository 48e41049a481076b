"""spec/vectors/datasets: every image and every label of whole artifacts, to the last bit."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

import ddcodec
from tools.conformance.reference import artifact as reference
from tools.conformance.vectors import datasets

FOLDER = datasets.MAKER.folder
ARTIFACTS = json.loads((FOLDER / "vectors.json").read_text())["artifacts"]
EACH = pytest.mark.parametrize("case", ARTIFACTS, ids=lambda case: str(case["file"]))


def test_the_tool_makes_the_files_that_are_there() -> None:
    assert datasets.MAKER.differences() == []


@EACH
def test_each_row_has_the_image_and_label_it_says(case: dict[str, Any]) -> None:
    with ddcodec.open(FOLDER / case["file"]) as artifact:
        artifact.verify("digest")
        data = artifact.dataset(pixels="uint8")
        found = []
        for view in range(data.views):
            data.set_epoch(view)
            images, labels = data.batch(range(len(data)))
            for (c, s), image, label in zip(data.rows, images, labels, strict=True):
                pixels = image.permute(1, 2, 0).numpy().tobytes()
                digests = [hashlib.sha256(b).hexdigest() for b in (pixels, label.numpy().tobytes())]
                found.append([c, s, view, *digests])
    assert sorted(found) == case["rows"]


def test_no_two_images_are_alike_and_labels_differ() -> None:
    for case in ARTIFACTS:
        assert len({row[3] for row in case["rows"]}) == len(case["rows"])
        assert len({row[4] for row in case["rows"]}) >= 2


def test_the_second_decoder_prints_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    (case,) = (one for one in ARTIFACTS if one["file"] == "y_hard.ddz")
    c, s, v, image, label = case["rows"][-1]
    assert reference.main([str(FOLDER / case["file"]), str(c), str(s), str(v)]) == 0
    assert capsys.readouterr().out.split() == ["image", image, "label", label]
    assert reference.main([str(FOLDER / case["file"]), "1", "0", "0"]) == 3
    assert "no labels section covers class 1" in capsys.readouterr().err
    assert reference.main([]) == 2
