"""NumPy's .npz: what it may hold, and what of it is refused."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcodec
from ddcodec.errors import RequestError, SourceError
from ddcodec.exchange.importing.npz import load_arrays
from tests.exchange.importing.neighbours import pixels
from tests.exchange.importing.test_matching import shown

IMAGES = pixels(6)
PLANAR = IMAGES.transpose(0, 3, 1, 2)


def test_bytes_and_names_need_nothing_else(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=PLANAR, labels=[0, 1, 2, 0, 1, 2], classes=["x", "y", "z"])
    made = ddcodec.import_artifact(tmp_path / "a.npz", tmp_path / "a.ddz")
    assert (made.format, made.classes, made.psnr_text) == ("numpy", ("x", "y", "z"), "without loss")
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), IMAGES[[0, 3, 1, 4, 2, 5]])


def test_its_own_statistics_and_logits_are_used(tmp_path: Path) -> None:
    mean, std = np.array([0.5, 0.4, 0.3]), np.array([0.2, 0.25, 0.1])
    values = (PLANAR / 255 - mean[:, None, None]) / std[:, None, None]
    np.savez(
        tmp_path / "a.npz",
        images=values.astype(np.float32),
        logits=3 * np.eye(3, dtype=np.float32)[[0, 0, 1, 1, 2, 2]],
        mean=mean,
        std=std,
        lr=np.float32(0.01),
        other=np.zeros(2),
    )
    made = ddcodec.import_artifact(tmp_path / "a.npz", tmp_path / "a.ddz", classes="numbers")
    assert made.normalisation == "0.5,0.4,0.3/0.2,0.25,0.1"
    assert (made.labels, made.recipe["lr"]) == ("source", "0.01")
    assert "left aside: other" in made.warnings[0]
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), IMAGES)


def test_an_export_of_ours_says_all_that_it_needs(tmp_path: Path) -> None:
    """Written as `ddz export --to numpy` does, with its sidecar."""
    probabilities = np.full((6, 3), 0.25, np.float32)
    probabilities[np.arange(6), [0, 0, 1, 1, 2, 2]] = 0.5
    np.savez(
        tmp_path / "data.npz",
        images=IMAGES,
        labels=[0, 0, 1, 1, 2, 2],
        soft_labels=probabilities,
        slot=[0, 1] * 3,
        view=[0] * 6,
        class_names=["x", "y", "z"],
        readable_names=["x", "y", "z"],
        digest="ab",
    )
    values = {
        "schema": "ddcodec.exported/1",
        "kind": "numpy",
        "digest": "ab",
        "classes": ["x", "y", "z"],
        "label_kind": "soft",
        "temperature": 4.0,
    }
    (tmp_path / "ddz.json").write_text(json.dumps(values), "utf-8")
    made = ddcodec.import_artifact(tmp_path, tmp_path / "a.ddz", label_layers="lossless")
    assert (made.classes, made.labels, made.warnings) == (("x", "y", "z"), "source", ())
    assert made.recipe["exported_from"] == "ab"
    with ddcodec.open(tmp_path / "a.ddz") as artifact:
        assert artifact.recipe.labels.temperature == (4, 1)
        found = np.asarray(artifact.dataset().probabilities(range(6)))
    np.testing.assert_allclose(found, probabilities, atol=2e-3)
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), IMAGES)


def test_a_damaged_sidecar_is_refused_and_a_strange_one_left_aside(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=PLANAR, labels=[0, 0, 1, 1, 2, 2])
    (tmp_path / "ddz.json").write_text('{"schema": "ddcodec.exported/1"}', "utf-8")
    with pytest.raises(SourceError, match=r"ddz\.json is damaged \('classes'\)"):
        ddcodec.import_artifact(tmp_path, tmp_path / "a.ddz", classes="numbers")
    (tmp_path / "ddz.json").write_text('{"schema": "another"}', "utf-8")
    ddcodec.import_artifact(tmp_path, tmp_path / "a.ddz", classes="numbers")


def test_several_views_of_an_image_are_refused(tmp_path: Path) -> None:
    labels = [0, 0, 1, 1, 2, 2]
    np.savez(tmp_path / "a.npz", images=PLANAR, labels=labels, view=[0, 1] * 3)
    with pytest.raises(RequestError, match="several views of each image"):
        ddcodec.import_artifact(tmp_path, tmp_path / "a.ddz", classes="numbers")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"labels": [0]}, "it needs images"),
        ({"images": PLANAR}, "it needs images"),
        (
            {"images": PLANAR, "logits": 2 * np.eye(6), "classes": [*"abc"]},
            "labels are over 6 classes, and the source names 3",
        ),
        ({"images": IMAGES[0], "labels": [0] * 6}, r"shape \[8, 8, 3\], and pictures are"),
        ({"images": PLANAR[:, :1], "labels": [0] * 6}, "of grey pictures"),
        ({"images": PLANAR.astype(np.int64), "labels": [0] * 6}, "holds int64, and pictures"),
        ({"images": PLANAR, "labels": [0, 1]}, "2 labels, and there are 6 pictures"),
        ({"images": PLANAR, "labels": [[0]] * 6}, "labels are whole numbers"),
        ({"images": PLANAR, "labels": [0] * 6, "mean": [0.5]}, "are not three numbers each"),
        ({"images": PLANAR, "labels": np.array([None] * 6)}, "holds Python objects"),
    ],
)
def test_arrays_of_another_form_are_refused(
    arrays: dict[str, Any], said: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(SourceError, match=said):
        ddcodec.import_artifact(tmp_path / "a.npz", tmp_path / "a.ddz", classes="numbers")


def test_an_array_that_claims_more_than_it_holds_is_not_allocated(tmp_path: Path) -> None:
    header = io.BytesIO()
    form = {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 3, 32, 32)}
    np.lib.format.write_array_header_1_0(header, form)  # type: ignore[arg-type]
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", header.getvalue())
    with pytest.raises(SourceError, match="says that it holds"):
        load_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip at all"])
def test_a_damaged_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.npz is damaged"):
        ddcodec.import_artifact(tmp_path / "a.npz", tmp_path / "a.ddz")
