from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ddcodec
from ddcodec.reporting.ablation import Ablated, Ablation, Variant, bars_of, variants_of
from tests.artifacts import encode_small, everything, soft_copy
from tests.reporting.figures import evaluation


@pytest.fixture
def soft(artifact_path: Path, tmp_path: Path) -> ddcodec.Artifact:
    """Two views of each picture, with soft labels."""
    return soft_copy(ddcodec.open(artifact_path), tmp_path / "soft.ddz")


def test_variants_lack_soft_labels_views_and_both(soft: ddcodec.Artifact, tmp_path: Path) -> None:
    made = list(variants_of(soft, tmp_path))
    assert [one.without for one in made] == ["soft labels", "views", "soft labels and views"]
    opened = [ddcodec.open(one.path) for one in made]
    assert [(a.recipe.labels.kind, a.recipe.views) for a in opened] == [
        ("hard", 2),
        ("soft", 1),
        ("hard", 1),
    ]
    for variant in opened:
        variant.verify()
        assert variant.file_len < soft.file_len


def test_labels_without_innovations_are_what_fields_predict(
    image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    request = {"labels": "soft", "teacher": str(teacher_folder)}
    whole, fields = (
        encode_small(image_folder, tmp_path / f"{layers}.ddz", label_layers=layers, **request)
        for layers in ("lossless", "field")
    )
    made = {one.without: ddcodec.open(one.path) for one in variants_of(whole, tmp_path)}
    assert list(made) == ["label innovations", "soft labels", "views", "soft labels and views"]
    predicted = made["label innovations"]
    predicted.verify("pixels")
    assert predicted.file_len < whole.file_len
    rows = range(len(whole.dataset()))
    exact, near = (a.dataset().probabilities(rows) for a in (whole, predicted))
    assert exact.shape == near.shape
    assert 0 < np.abs(exact - near).max() < 0.5
    # Labels of fields alone have nothing to leave out.
    assert [one.without for one in variants_of(fields, tmp_path)] == list(made)[1:]


def test_a_variant_shows_the_same_pictures(soft: ddcodec.Artifact, tmp_path: Path) -> None:
    whole = everything(soft)
    for one in variants_of(soft, tmp_path):
        rows = everything(ddcodec.open(one.path))
        assert all(whole[key][0] == image for key, (image, _) in rows.items())


def test_labels_in_place_of_soft_ones_are_the_classes(
    soft: ddcodec.Artifact, tmp_path: Path
) -> None:
    hard = next(iter(variants_of(soft, tmp_path)))
    data = ddcodec.open(hard.path).dataset()
    assert np.array_equal(data.probabilities(range(len(data))).argmax(1), [c for c, _ in data.rows])


def test_a_slice_of_an_artifact_has_variants_too(soft: ddcodec.Artifact, tmp_path: Path) -> None:
    part = soft.subset(tmp_path / "part.ddz", classes=["red"])
    for one in variants_of(part, tmp_path):
        with ddcodec.open(one.path) as variant:
            variant.verify("pixels")
            assert variant.classes == ("red",)
            assert len(variant.dataset()) == 3


def test_hard_labels_of_one_view_leave_nothing_out(artifact_path: Path, tmp_path: Path) -> None:
    with ddcodec.open(artifact_path) as hard:
        assert [one.without for one in variants_of(hard, tmp_path)] == ["views"]
        plain = hard.subset(tmp_path / "one.ddz", views=1)
    assert list(variants_of(plain, tmp_path)) == []


def ablated(without: str, mean: float, file_len: int) -> Ablated:
    whole = evaluation("a.ddz", 0.58, 0.62, file_len=20_000)
    found = evaluation("a.ddz without", mean - 0.02, mean + 0.02, file_len=file_len)
    return Ablated.of(Variant(without, "less", Path()), whole, found)


def test_a_part_bought_what_students_lose_without_it() -> None:
    part = ablated("soft labels", 0.5, 12_000)
    assert part.stored == 8_000
    assert part.points == pytest.approx(10)
    assert part.error == pytest.approx(4)  # two groups, each of 2.8 points
    whole = evaluation("a.ddz", 0.6)
    alone = Ablated.of(Variant("views", "less", Path()), whole, evaluation("b", 0.5))
    assert alone.error is None


def test_bars_have_one_scale_and_what_bought_nothing_has_none() -> None:
    parts = (ablated("soft labels", 0.5, 12_000), ablated("views", 0.55, 16_000))
    lost = (ablated("views", 0.65, 20_100),)
    whole = evaluation("a.ddz", 0.6, file_len=20_000)
    (_, first), (_, second) = bars_of([Ablation("a", whole, parts), Ablation("b", whole, lost)])
    assert [(bar.stored, bar.points) for bar in first] == [
        (pytest.approx(0.4), pytest.approx(1)),
        (pytest.approx(0.2), pytest.approx(0.5)),
    ]
    assert [(bar.stored, bar.points) for bar in second] == [(0, 0)]
