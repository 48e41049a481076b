"""Figures: bytes between measured points, and distortion by its definition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ddcodec.benchmark.figures import (
    PictureFigures,
    PicturePoint,
    distortion,
    of_labels,
    of_pictures,
)
from ddcodec.benchmark.label_codings import HalfFloats
from ddcodec.benchmark.picture_codings import PictureFiles
from ddcodec.benchmark.sample import Sample

CURVE = PictureFigures(
    "JPEG files",
    False,
    (
        PicturePoint(15, 100.0, 24.0, 50.0, 90.0),
        PicturePoint(30, 400.0, 28.0, 40.0, 80.0),
        PicturePoint(45, 800.0, 36.0, 30.0, 70.0),
    ),
)


@pytest.mark.parametrize(
    ("level", "size"),
    [(23.9, None), (24, 100), (26, 200), (28, 400), (32, 800 / 2**0.5), (36, 800), (36.1, None)],
)
def test_the_logarithm_of_bytes_is_linear_between_points(level: float, size: float | None) -> None:
    assert CURVE.bytes_at(level) == (None if size is None else pytest.approx(size))


def test_the_nearest_point_has_the_speeds() -> None:
    assert CURVE.near(30).quality == 30
    assert not CURVE.exact
    exact = PictureFigures("PNG files", False, (PicturePoint(None, 9.0, None, 1.0, 2.0),))
    assert exact.exact and exact.near(30).written == 1.0 and exact.bytes_at(30) is None


def test_points_are_measured_up_to_the_highest_level(sample: Sample) -> None:
    jpeg = PictureFiles("JPEG files", (1, 50, 99, 100), "JPEG", {"subsampling": 0})
    points = of_pictures(jpeg, sample).points
    assert [point.quality for point in points] == [1, 50, 99]
    sizes, psnr = [p.bytes for p in points], [p.psnr or 0.0 for p in points]
    assert sizes == sorted(sizes) and psnr == sorted(psnr) and psnr[-1] > 35
    assert all(p.written > 0 and p.read > 0 for p in points)


def test_exact_pictures_have_no_distortion(sample: Sample) -> None:
    [point] = of_pictures(PictureFiles("PNG files", (), "PNG"), sample).points
    assert point.quality is None and point.psnr is None
    assert point.bytes > 100


def test_distortion_of_labels_by_its_definition() -> None:
    # Probabilities 3/4, 1/4 were stored, 1/4, 3/4 are read.
    found = np.log(np.array([[[1, 3]]], np.float32))
    labels = np.rint(64 * np.log([[[3, 1]]])).astype(np.int16)
    kl, moved = distortion(labels, found, 1.0)
    assert kl == pytest.approx(0.5 * np.log(3), abs=0.01)
    assert moved == pytest.approx(0.5, abs=0.01)
    softer, less = distortion(labels, found, 4.0)
    assert 0 < softer < kl and 0 < less < moved


def test_classes_that_are_left_out_cost_infinitely_much() -> None:
    found = np.array([[[0.0, -np.inf]]], np.float32)
    kl, moved = distortion(np.array([[[0, -64]]], np.int16), found, 1.0)
    assert kl == np.inf and moved == pytest.approx(1 / (1 + np.e))
    far = np.array([[[32704, -32704]]], np.int16)
    assert distortion(far, found, 1.0) == (np.inf, 0.0)


def test_figures_are_per_label(tmp_path: Path) -> None:
    labels = np.zeros((3, 2, 5), np.int16)
    found = of_labels(HalfFloats(), labels, 4.0, tmp_path / "labels")
    assert (found.name, found.ours, found.bytes) == ("fp16", False, 10.0)
    assert found.divergence == pytest.approx(0, abs=1e-6) and found.written > 0
