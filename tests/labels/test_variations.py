"""Labels of slots that have several pictures: of fields for each, or for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.container import CopiedSection, write_container
from ddcodec.labels.encoder.label_set import Logits, divergence
from ddcodec.labels.options import LabelOptions
from ddcodec.labels.sections import choose_fields, label_sections
from ddcodec.recipe.parts import LabelRecipe
from tests.artifacts import generated

ROWS = [(c, s) for c in range(2) for s in range(3)]
Varied = Callable[[int], Artifact]


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Varied:
    """The same artifact of two classes x 3 slots x 12 views, with some number of variations."""
    folder = tmp_path_factory.mktemp("varied")
    one = generated(folder / "one.ddz", views=12, steps=1, guidance=(1, 1))

    def make(variations: int) -> Artifact:
        recipe = replace(one.recipe, variations=variations)
        kept = [CopiedSection(one.reader, s, s.box) for s in one.sections if s.kind != "pixels"]
        out = folder / f"{variations}.ddz"
        head = replace(one.head, recipe=recipe).to_map()
        write_container(out, head=head, sections=kept, overwrite=True)
        return ddcodec.open(out)

    return make


def coded(artifact: Artifact, values: np.ndarray, out: Path, **options: object) -> Artifact:
    """The artifact with these labels, int16 [6, views, 2]."""
    recipe = replace(artifact.recipe, labels=LabelRecipe("soft", (1, 1)))
    head = replace(artifact.head, recipe=recipe)
    coding = LabelOptions(**options)  # type: ignore[arg-type]
    result = label_sections(artifact.table, head, Logits.of(values), coding)
    kept = [
        CopiedSection(artifact.reader, s, s.box) for s in artifact.sections if s.kind != "labels"
    ]
    write_container(out, head=head.to_map(), sections=[*kept, *result.sections])
    return ddcodec.open(out)


def labels_by_picture(variations: int) -> np.ndarray:
    """int16 [6, 12, 2]: the class, and what each picture has of its own; a little noise."""
    rng = np.random.default_rng(3)
    own = rng.normal(0, 2, (6, variations))
    own[:3] += 3
    own[3:] -= 3
    first = own[:, np.arange(12) % variations] + rng.normal(0, 0.05, (6, 12))
    return np.rint(32 * np.stack([first, -first], axis=2)).astype(np.int16)


def found(artifact: Artifact) -> np.ndarray:
    return np.stack([artifact.labels.logits(ROWS, v) for v in range(12)], axis=1)


@pytest.mark.parametrize(("variations", "fields"), [(3, 3), (12, 1), (1, 1)])
def test_pictures_get_fields_of_their_own_where_enough_views_share_them(
    varied: Varied, tmp_path: Path, variations: int, fields: int
) -> None:
    values = labels_by_picture(variations)
    artifact = coded(varied(variations), values, tmp_path / "soft.ddz", quality=0.002)
    assert choose_fields(12, variations) == fields
    model = next(s for s in artifact.sections if s.kind == "label-model")
    assert model.codec.params["variations"] == fields
    nats = [(a.reshape(-1, 2) / 64).astype(np.float32) for a in (values, found(artifact))]
    assert divergence(nats[0], nats[1], 1.0).mean() < 0.003


def test_any_label_is_had_by_itself(varied: Varied, tmp_path: Path) -> None:
    artifact = coded(varied(3), labels_by_picture(3), tmp_path / "soft.ddz")
    whole = found(artifact)
    for row, view in ((0, 11), (4, 5), (5, 0)):
        assert artifact.labels.logits([ROWS[row]], view)[0].tolist() == whole[row, view].tolist()


@pytest.mark.parametrize("variations", [3, 12])
def test_lossless_labels_come_back(varied: Varied, tmp_path: Path, variations: int) -> None:
    values = labels_by_picture(variations)
    artifact = coded(varied(variations), values, tmp_path / "all.ddz", layers="lossless")
    assert np.array_equal(found(artifact), values)


def test_slices_keep_the_labels_of_their_pictures(varied: Varied, tmp_path: Path) -> None:
    artifact = coded(varied(3), labels_by_picture(3), tmp_path / "soft.ddz")
    part = artifact.subset(tmp_path / "part.ddz", classes=["dog"], ipc=2, views=7)
    whole, rows = found(artifact), [(1, 0), (1, 1)]
    for view in range(7):
        assert np.array_equal(part.labels.logits(rows, view), whole[3:5, view])
