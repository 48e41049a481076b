"""What people are told of stored labels, whatever a header claims."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.artifact.summary import describe_labels, label_bytes, labels_to_map
from ddcodec.container import CopiedSection, write_container
from ddcodec.reporting.collect import sheet_of
from tests.artifacts import encode_small, soft_copy


@pytest.fixture(scope="module")
def soft(
    image_folder: Path, teacher_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Artifact:
    out = tmp_path_factory.mktemp("summary") / "soft.ddz"
    request = {"labels": "soft", "teacher": str(teacher_folder), "label_temperature": "5/2"}
    return encode_small(image_folder, out, label_layers="field", **request)


def noting(artifact: Artifact, out: Path, note: Any) -> Artifact:
    """The same artifact whose encoder noted something else of its labels."""
    sections = [CopiedSection(artifact.reader, s, s.box) for s in artifact.sections]
    write_container(out, head=artifact.head.to_map(), sections=sections, info={"labels": note})
    return ddcodec.open(out)


def test_a_slice_counts_its_own_labels(soft: Artifact, tmp_path: Path) -> None:
    whole, part = (
        label_bytes(soft.table),
        label_bytes(soft.subset(tmp_path / "a.ddz", classes=["blob"]).table),
    )
    assert whole is not None and part is not None
    assert (whole.count, whole.plain) == (36, 36 * 6)
    assert (part.count, part.plain) == (12, 12 * 6)
    assert part.layers["means and basis"] == whole.layers["means and basis"]


def test_labels_stored_whole_are_one_layer(
    image_folder: Path, soft: Artifact, tmp_path: Path
) -> None:
    hard = encode_small(image_folder, tmp_path / "hard.ddz")
    assert label_bytes(hard.table) is None and labels_to_map(hard.table) == {"kind": "hard"}
    whole = soft_copy(hard, tmp_path / "whole.ddz")
    found = label_bytes(whole.table)
    assert found is not None and list(found.layers) == ["logits"]
    assert labels_to_map(whole.table)["divergence"] is None
    (node,) = (n for n in whole.sizes().children if n.name == "labels")
    assert [(n.name, n.plain) for n in node.children] == [("top-k-labels v1", 36 * 6)]


@pytest.mark.parametrize(
    "note", [None, 7, "near", {}, {"divergence": 3}, {"divergence": "x"}, {"divergence": "nan"}]
)
def test_any_note_of_the_encoder_can_be_told(soft: Artifact, tmp_path: Path, note: Any) -> None:
    noted = noting(soft, tmp_path / "a.ddz", note)
    assert labels_to_map(noted.table)["divergence"] is None
    assert list(describe_labels(noted.table))[-1] == "for training at temperature 5/2"


def test_the_report_has_the_same(soft: Artifact) -> None:
    sheet = sheet_of(soft)
    facts = {fact.name: fact.value for fact in sheet.facts}
    assert facts["labels"] == "; ".join(describe_labels(soft.table))
    assert facts["labels"].startswith("soft: ")
    assert sheet.to_map()["labels"] == labels_to_map(soft.table)
