"""Artifacts whose labels came from elsewhere, as top-k lists."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ddcodec
from ddcodec.artifact import Artifact, merge
from ddcodec.cli.inspect import as_values
from ddcodec.codecs.top_k_labels import TopKLabels
from ddcodec.container import Box, CopiedSection, NewSection, write_container
from ddcodec.exchange.top_k import from_top_k
from ddcodec.recipe.parts import LabelRecipe
from tests.artifacts import encode_small, everything


@pytest.fixture(scope="module")
def imported(
    image_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Artifact, np.ndarray]:
    """Three classes x 4 images x 3 views with the two likeliest classes of each; its logits."""
    folder = tmp_path_factory.mktemp("imported")
    with encode_small(image_folder, folder / "hard.ddz") as hard:
        p = np.random.default_rng(0).dirichlet(np.ones(3), (3, 4, 3))
        indices = np.argsort(-p, axis=-1)[..., :2]
        logprobs = np.log(np.take_along_axis(p, indices, axis=-1))
        logits = from_top_k(indices, logprobs, 3)
        head = replace(hard.head, recipe=replace(hard.recipe, labels=LabelRecipe("soft", (1, 1))))
        codec = TopKLabels.for_labels(logits, 2)
        kept = [CopiedSection(hard.reader, s, s.box) for s in hard.sections if s.kind != "labels"]
        for slot, slots in ((0, 1), (1, 3)):
            raw = codec.encode(logits[:, slot : slot + slots])
            kept.append(NewSection("labels", codec.spec(), Box(0, 3, slot, slots), raw))
        write_container(folder / "soft.ddz", head=head.to_map(), sections=kept)
    return ddcodec.open(folder / "soft.ddz"), logits


def test_rows_have_the_logits_of_their_lists(imported: tuple[Artifact, np.ndarray]) -> None:
    artifact, logits = imported
    artifact.verify("pixels")
    data = artifact.dataset()
    for view in range(3):
        found = artifact.labels.logits(data.rows, view)
        np.testing.assert_array_equal(found, logits[:, :, view].reshape(12, 3))
        data.set_epoch(view)
        exponentials = np.exp(found / 64)
        expected = exponentials / exponentials.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(data.probabilities(range(12)), expected, rtol=1e-5)


def test_slices_and_unions_keep_them(imported: tuple[Artifact, np.ndarray], tmp_path: Path) -> None:
    artifact, _ = imported
    whole = everything(artifact)
    part = artifact.subset(tmp_path / "part.ddz", classes=["cross"], ipc=3, views=2)
    assert all(whole[key] == row for key, row in everything(part).items())
    parts = [artifact.subset(tmp_path / f"{c}.ddz", classes=[c]) for c in artifact.classes]
    merge(parts, tmp_path / "united.ddz")
    assert everything(ddcodec.open(tmp_path / "united.ddz")) == whole


def test_inspect_counts_them_as_logits(imported: tuple[Artifact, np.ndarray]) -> None:
    artifact, _ = imported
    values = json.loads(json.dumps(as_values(artifact), default=str))
    assert list(values["labels"]["layers"]) == ["logits"]
    assert (values["labels"]["count"], values["labels"]["plain"]) == (36, 216)
    (node,) = (n for n in values["sizes"]["children"] if n["name"] == "labels")
    assert [child["name"] for child in node["children"]] == ["top-k-labels v1"]
    assert node["plain"] == 216
