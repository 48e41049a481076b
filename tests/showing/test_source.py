"""What a page is told of an artifact."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ddcodec.artifact import Artifact, open_artifact
from ddcodec.errors import DecodeError, RequestError
from ddcodec.showing.source import MOST_VIEWS, PageSource
from tests.artifacts import rewritten
from tools.conformance.vectors.maker import VECTORS


def test_a_summary_has_all_bytes_and_every_section(artifact: Artifact) -> None:
    told = PageSource(artifact).summary()
    assert sum(part["stored"] for part in told["parts"]) == told["bytes"] == artifact.file_len
    stored = sum(section["stored"] for section in told["sections"])
    header = next(part["stored"] for part in told["parts"] if part["part"] == "container")
    assert stored + header == artifact.file_len
    parts = {part["part"] for part in told["parts"]}
    assert {section["part"] for section in told["sections"]} < parts
    assert [one["name"] for one in told["classes"]] == ["blob", "cross", "stripes"]
    assert (told["size"], told["images"], told["views"], told["format"]) == ([16, 16], 12, 3, "1.0")
    assert told["problem"] is None
    json.dumps(told)


def test_the_recipe_is_told_in_sentences(artifact: Artifact) -> None:
    sentences = dict.fromkeys(text for _, text in PageSource(artifact).summary()["recipe"])
    assert "Every pixel is stored, as patches of 16 x 16 px in WebP." in sentences
    assert "50 % of them are mirrored left to right." in sentences
    assert any("CutMix" in text for text in sentences)
    assert all(text.endswith(".") for text in sentences)


def test_views_have_the_labels_and_partners_that_a_student_gets(artifact: Artifact) -> None:
    source, data = PageSource(artifact), artifact.dataset()
    for view in range(3):
        data.set_epoch(view)
        for place, (c, slot) in enumerate(data.rows):
            told = source.views(c, slot, view, 1)[0]
            label = np.asarray(data[place][1])
            shares = dict(told["label"]["bars"])
            for name, wanted in zip(data.names, label, strict=True):
                assert shares.get(name, 0.0) == pytest.approx(wanted, abs=1e-6)
            mix = source.renderer.mixing([(c, slot)], view)
            if told["partner"] is None:
                assert mix is None or mix.share[0] == 1
            else:
                assert mix is not None
                assert (told["partner"]["class"], told["partner"]["slot"]) == mix.partners[0]
                assert told["partner"]["share"] == 1 - mix.share[0]


def test_hard_labels_are_bars_too(collage: Path) -> None:
    with open_artifact(collage) as artifact:
        label = PageSource(artifact).views(1, 0, 0, 1)[0]["label"]
    assert label == {"bars": [["cross", 1.0]], "rest": 0.0}


def test_labels_that_ask_a_stored_teacher_are_those_of_the_dataset() -> None:
    with open_artifact(VECTORS / "datasets" / "y_stored_teacher.ddz") as artifact:
        last = artifact.recipe.views - 1
        data = artifact.dataset()
        data.set_epoch(last)
        wanted = dict(zip(data.names, data[0][1].tolist(), strict=True))
        told = PageSource(artifact).views(*data.rows[0], last, 1)[0]["label"]["bars"]
    assert {name: wanted[name] for name, _ in told} == pytest.approx(dict(told))


def test_pixels_are_those_of_the_renderer(artifact: Artifact) -> None:
    source, renderer = PageSource(artifact), artifact.renderer()
    assert np.array_equal(source.picture_pixels(1, 2), renderer.pictures([(1, 2)])[0])
    assert np.array_equal(source.view_pixels(1, 2, 2), renderer.images([(1, 2)], 2)[0])


def test_stored_patches_are_shown_where_they_are_not_the_picture(
    artifact: Artifact, collage: Path
) -> None:
    assert PageSource(artifact).picture(0, 0)["stored"] == 0
    with open_artifact(collage) as opened:
        source = PageSource(opened)
        assert source.picture(0, 0)["stored"] == 1
        assert source.picture(0, 0)["stored_words"] == (
            "a patch of 8 x 8 px, which the picture is enlarged from"
        )
        assert np.array_equal(source.stored_pixels(0, 1, 0), opened.table.patches(0, 1)[0])


def test_shares_of_pictures_are_what_their_sections_take(artifact: Artifact) -> None:
    source = PageSource(artifact)
    total: dict[str, float] = {}
    for c in range(3):
        for slot in range(4):
            for name, share in source.picture(c, slot)["bytes"]:
                total[name] = total.get(name, 0.0) + share
    stored = {part["name"]: part["stored"] for part in source.summary()["parts"]}
    for name in ("pictures", "labels", "seeds", "pixel digests"):
        assert total[name] == pytest.approx(stored[name])


@pytest.mark.parametrize("row", [(3, 0), (0, 4), (1 << 40, 0), (0, 1 << 40), (-1, 0)])
def test_rows_beyond_the_table_are_refused(artifact: Artifact, row: tuple[int, int]) -> None:
    source = PageSource(artifact)
    for ask in (source.picture, source.views, source.picture_pixels):
        with pytest.raises(RequestError, match="there is no picture of class"):
            ask(*row)
    with pytest.raises(RequestError, match="has no view 3"):
        source.view_pixels(0, 0, 3)
    with pytest.raises(RequestError, match="no stored patch"):
        source.stored_pixels(0, 0, 0)


@pytest.mark.parametrize(("first", "count"), [(0, MOST_VIEWS + 1), (0, 0), (-1, 2)])
def test_more_views_at_once_than_a_page_needs_are_refused(
    artifact: Artifact, first: int, count: int
) -> None:
    with pytest.raises(RequestError, match="views at once"):
        PageSource(artifact).views(0, 0, first, count)


def test_pictures_of_the_support_can_be_seen_but_have_no_views(
    artifact: Artifact, tmp_path: Path
) -> None:
    with artifact.subset(tmp_path / "one.ddz", classes=["blob"]) as part:
        source = PageSource(part)
        told = source.summary()
        assert [one["class"] for one in told["classes"]] == [0]
        assert any(topic == "support" for topic, _ in told["recipe"])
        partners = [v["partner"] for s in range(4) for v in source.views(0, s) if v["partner"]]
        support = [(p["class"], p["slot"]) for p in partners if p["class"] != 0]
        assert support
        assert source.views(*support[0]) == []
        whole = artifact.renderer().pictures(support[:1])[0]
        assert np.array_equal(source.picture_pixels(*support[0]), whole)


def test_names_that_classes_share_are_told_apart(artifact: Artifact, tmp_path: Path) -> None:
    head = artifact.head.to_map() | {"names": ["crane", "crane", "tench"]}
    with open_artifact(rewritten(artifact, tmp_path / "a.ddz", head)) as opened:
        classes = PageSource(opened).summary()["classes"]
    assert [(one["name"], one["id"]) for one in classes] == [
        ("blob (crane)", None),
        ("cross (crane)", None),
        ("tench", "stripes"),
    ]


def test_generated_pictures_come_with_their_prompt() -> None:
    with open_artifact(VECTORS / "datasets" / "y_text2image.ddz") as artifact:
        source = PageSource(artifact)
        c = artifact.head.row_classes[0]
        told = source.picture(c, 0)
        assert told["generated"] and told["prompt"] is not None
        assert artifact.names[0] in told["prompt"] and "{}" not in told["prompt"]
        summary = source.summary()
    assert summary["generated"] and summary["problem"] is None
    assert any(text.startswith("Prior tiny draws it") for _, text in summary["recipe"])


def test_redrawn_pictures_have_what_they_are_redrawn_from_beside_them() -> None:
    with open_artifact(VECTORS / "datasets" / "y_image2image.ddz") as artifact:
        source = PageSource(artifact)
        told = source.picture(artifact.head.row_classes[0], 0)
        assert told["stored"] > 0
        assert told["stored_words"].endswith("which the picture is redrawn from")
        assert any("redraws them" in text for _, text in source.summary()["recipe"])


def test_without_the_prior_the_rest_is_shown_and_the_reason_said(tmp_path: Path) -> None:
    with open_artifact(VECTORS / "datasets" / "y_text2image.ddz") as artifact:
        head = artifact.head.to_map()
        elsewhere = {"source": "owner/name", "revision": "0" * 40, "digest": bytes(32)}
        head["prior"] = head["prior"] | elsewhere
        path = rewritten(artifact, tmp_path / "far.ddz", head)
    with open_artifact(path) as artifact:
        source = PageSource(artifact)
        assert "owner/name" in source.summary()["problem"]
        assert source.picture(artifact.head.row_classes[0], 0)["bytes"]
        with pytest.raises(DecodeError, match="owner/name"):
            source.picture_pixels(artifact.head.row_classes[0], 0)


@pytest.mark.parametrize(
    "file", sorted((VECTORS / "datasets").glob("y_*.ddz")), ids=lambda p: p.stem
)
def test_every_kind_of_artifact_has_a_summary_and_words_for_its_views(file: Path) -> None:
    with open_artifact(file) as artifact:
        source = PageSource(artifact)
        summary = source.summary()
        assert sum(part["stored"] for part in summary["parts"]) == artifact.file_len
        if artifact.recipe.labels.kind == "teacher":
            return  # its labels need torch, and have a test of their own
        for row in artifact.head.row_classes:
            for view in source.views(row, 0):
                assert view["words"] and view["label"]["bars"]
