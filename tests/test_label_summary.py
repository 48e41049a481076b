"""What people are told of stored labels, whatever a header claims."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.container import CopiedSection, write_container
from ddcodec.label_summary import in_words, label_bytes, to_map
from ddcodec.report.collect import describe
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
    whole, part = label_bytes(soft), label_bytes(soft.subset(tmp_path / "a.ddz", classes=["blob"]))
    assert whole is not None and part is not None
    assert (whole.count, whole.plain) == (36, 36 * 6)
    assert (part.count, part.plain) == (12, 12 * 6)
    assert part.layers["means and basis"] == whole.layers["means and basis"]


def test_labels_stored_whole_are_one_layer(
    image_folder: Path, soft: Artifact, tmp_path: Path
) -> None:
    hard = encode_small(image_folder, tmp_path / "hard.ddz")
    assert label_bytes(hard) is None and to_map(hard) == {"kind": "hard"}
    whole = soft_copy(hard, tmp_path / "whole.ddz")
    found = label_bytes(whole)
    assert found is not None and list(found.layers) == ["logits"]
    assert to_map(whole)["divergence"] is None
    (node,) = (n for n in whole.sizes().children if n.name == "labels")
    assert [(n.name, n.unpacked) for n in node.children] == [("soft-labels v1", 36 * 6)]


@pytest.mark.parametrize(
    "note", [None, 7, "near", {}, {"divergence": 3}, {"divergence": "x"}, {"divergence": "nan"}]
)
def test_any_note_of_the_encoder_can_be_told(soft: Artifact, tmp_path: Path, note: Any) -> None:
    noted = noting(soft, tmp_path / "a.ddz", note)
    assert to_map(noted)["divergence"] is None
    assert list(in_words(noted))[-1] == "for training at temperature 5/2"


def test_the_report_has_the_same(soft: Artifact) -> None:
    sheet = describe(soft)
    facts = {fact.name: fact.value for fact in sheet.facts}
    assert facts["labels"] == "; ".join(in_words(soft))
    assert facts["labels"].startswith("soft: ")
    assert sheet.to_map()["labels"] == to_map(soft)
