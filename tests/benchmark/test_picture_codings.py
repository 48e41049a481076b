"""Every way to keep pictures gives them back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ddcodec.benchmark.picture_codings import PictureCoding, picture_codings
from ddcodec.benchmark.sample import Sample

CODINGS = pytest.mark.parametrize("coding", picture_codings(), ids=lambda one: one.name)


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


@CODINGS
def test_pictures_come_back_in_their_order(
    coding: PictureCoding, sample: Sample, tmp_path: Path
) -> None:
    coding.write(sample, tmp_path, 90 if coding.qualities else None)
    found = coding.read(tmp_path)
    assert len(list(tmp_path.iterdir())) == (1 if coding.ours else 12)
    if coding.qualities:
        apart = np.abs(found.astype(int) - sample.pictures).mean(axis=(1, 2, 3))
        assert apart.max() < 20  # pictures of two classes are 60 or more apart
    else:
        assert np.array_equal(found, sample.pictures)


@pytest.mark.parametrize(
    "coding", [one for one in picture_codings() if one.qualities], ids=lambda one: one.name
)
def test_a_lower_quality_takes_fewer_bytes(
    coding: PictureCoding, sample: Sample, tmp_path: Path
) -> None:
    coding.write(sample, tmp_path, 90)
    fine = bytes_of(tmp_path)
    coding.write(sample, tmp_path, 15)
    assert bytes_of(tmp_path) < fine


def test_pictures_of_avif_are_left_out_where_pillow_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    every = [one.name for one in picture_codings()]
    monkeypatch.setattr("ddcodec.benchmark.picture_codings.features.check", lambda name: False)
    left = [one.name for one in picture_codings()]
    assert left == [name for name in every if "avif" not in name.lower()]
    assert len(left) == 5
