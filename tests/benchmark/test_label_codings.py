"""Every way to keep labels gives them back, as far as it promises to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ddcodec.arrays import Int16s
from ddcodec.artifact import Artifact, open_artifact
from ddcodec.benchmark.label_codings import HalfFloats, StoredLabels, TopK, in_nats, log_softmax
from ddcodec.benchmark.sample import Sample
from ddcodec.labels.options import LabelOptions
from ddcodec.methods.patch_mosaics import PatchCoding

# Two labels over four classes, of probabilities 1/2, 1/4, 1/8, 1/8 in two orders.
LABELS = np.rint(64 * np.log([[[4, 2, 1, 1], [1, 1, 2, 4]]])).astype(np.int16)


@pytest.fixture
def draft(sample: Sample, tmp_path: Path) -> Iterator[Artifact]:
    """The sample in three views."""
    sample.write(tmp_path / "draft.ddz", PatchCoding(), in_views=True)
    with open_artifact(tmp_path / "draft.ddz") as artifact:
        yield artifact


@pytest.mark.parametrize("level", [None, 19])
def test_half_floats_are_two_bytes_before_compression(level: int | None, tmp_path: Path) -> None:
    many = np.tile(LABELS, (50, 1, 1))
    coding = HalfFloats(level)
    size = coding.write(many, tmp_path / "labels")
    assert size == (tmp_path / "labels").stat().st_size
    assert size == 2 * many.size if level is None else size < many.size
    found = coding.read(tmp_path / "labels", many.shape)
    np.testing.assert_allclose(found, log_softmax(in_nats(many)), atol=1e-3)


def test_top_k_spreads_the_rest_or_drops_it(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    found = {}
    for smoothed in (True, False):
        coding = TopK(2, smoothed=smoothed)
        assert coding.write(LABELS, path) == path.stat().st_size == 2 * 2 * 4
        found[smoothed] = np.exp(coding.read(path, LABELS.shape))
    np.testing.assert_allclose(found[True][0, 0], [1 / 2, 1 / 4, 1 / 8, 1 / 8], atol=4e-3)
    np.testing.assert_allclose(found[False][0, 1], [0, 0, 1 / 4, 1 / 2], atol=4e-3)


def test_top_k_in_memory_is_what_files_hold_but_for_rounding(tmp_path: Path) -> None:
    coding = TopK(3, smoothed=True)
    coding.write(LABELS, tmp_path / "labels")
    read = coding.read(tmp_path / "labels", LABELS.shape)
    np.testing.assert_allclose(read, coding.kept(log_softmax(in_nats(LABELS))), atol=0.02)


def random_labels() -> Int16s:
    """int16 [12, 3, 3]: of the sample's pictures in its views, their mean zero."""
    logits = np.random.default_rng(0).integers(-200, 200, (12, 3, 3))
    return (logits - np.rint(logits.mean(axis=-1, keepdims=True))).astype(np.int16)


def test_lossless_labels_come_back_from_a_ddz(draft: Artifact, tmp_path: Path) -> None:
    labels, path = random_labels(), tmp_path / "soft.ddz"
    size = StoredLabels(draft, (4, 1), LabelOptions("lossless"), "ours").write(labels, path)
    read = StoredLabels(draft, (4, 1), LabelOptions("lossless"), "ours").read(path, labels.shape)
    np.testing.assert_array_equal(log_softmax(read), log_softmax(in_nats(labels)))
    assert 0 < size < path.stat().st_size - draft.file_len + 20


def test_labels_of_fewer_views_than_the_artifact_has(draft: Artifact, tmp_path: Path) -> None:
    coding, path = StoredLabels(draft, (4, 1), LabelOptions("class"), "ours"), tmp_path / "s.ddz"
    coding.write(random_labels()[:, :2], path)
    assert coding.read(path, (12, 2, 3)).shape == (12, 2, 3)
