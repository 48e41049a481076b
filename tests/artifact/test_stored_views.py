"""Stored views: the draws that the file holds take the place of those of the seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import ddcodec
from ddcodec.arrays import Int32s
from ddcodec.artifact import Artifact, merge
from ddcodec.artifact.sizes import Support
from ddcodec.codecs.view_draws import NUMBERS, ViewDraws
from ddcodec.container import Box, CopiedSection, NewSection, write_container
from ddcodec.errors import HeaderError, PayloadError, RequestError
from ddcodec.evaluation.shown import FreeViews
from ddcodec.exchange.decode import decode
from ddcodec.recipe.view import View
from ddcodec.synthesis.view_draw import draw
from ddcodec.table.draws import draw_rows
from tests.artifacts import encode_small, everything, quick_teacher, rewritten

SIDE, IPC, VIEWS = 16, 4, 3


def stored(artifact: Artifact, draws: Int32s, out: Path, **view: int) -> Artifact:
    """The artifact with stored draws in place of those of its seeds."""
    head, codec = artifact.head, ViewDraws(SIDE, SIDE)
    changed = View("stored", **{"flip": 1, "cutmix": 1, **view})
    whole = replace(head, recipe=replace(artifact.recipe, view=changed))
    sections = [CopiedSection(artifact.reader, s, s.box) for s in artifact.sections]
    added = NewSection("draws", codec.spec(), Box(0, len(head.classes)), codec.encode(draws))
    write_container(out, head=whole.to_map(), sections=[*sections, added], overwrite=True)
    return ddcodec.open(out)


def numbers_of(artifact: Artifact) -> Int32s:
    """What the seeds of an artifact draw, as it is stored."""
    out = np.zeros((3, IPC, VIEWS, NUMBERS), np.int32)
    rows = np.array([(c, s) for c in range(3) for s in range(IPC)])
    for view in range(VIEWS):
        drawn, partners = draw_rows(artifact.table, rows, view)
        assert partners is not None
        crop = drawn.top, drawn.left, drawn.rows, drawn.columns, drawn.flip
        box = drawn.mix_top, drawn.mix_bottom, drawn.mix_left, drawn.mix_right
        mixing = np.stack([*(partners - rows).T, *box], axis=1)
        mixing[~drawn.mixed] = 0
        numbers = np.concatenate([np.stack(crop, axis=1), mixing], axis=1)
        out[:, :, view] = numbers.reshape(3, IPC, NUMBERS)
    return out


@pytest.fixture(scope="module")
def drawn(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Soft labels in layers of resized, mirrored and mixed views."""
    folder = tmp_path_factory.mktemp("stored")
    teacher = str(quick_teacher(image_folder, folder / "teacher.safetensors"))
    return encode_small(
        image_folder,
        folder / "drawn.ddz",
        view="resized-crop+flip+cutmix",
        labels="soft",
        teacher=teacher,
    )


@pytest.fixture(scope="module")
def whole(drawn: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """The same rows, with view 0 mixed too, and partners above the row's own slot."""
    draws = numbers_of(drawn)
    draws[:, :, 0, :5] = 2, 1, 9, 11, 1
    draws[:, 0, 0, 5:] = 0, 2, 3, 10, 2, 12
    draws[0, 1, 1, 5:] = 1, 2, 0, 8, 4, 16
    return stored(drawn, draws, tmp_path_factory.mktemp("views") / "whole.ddz")


def test_stored_draws_show_and_label_what_seeds_would(drawn: Artifact, tmp_path: Path) -> None:
    same = stored(drawn, numbers_of(drawn), tmp_path / "same.ddz")
    assert everything(same) == everything(drawn)
    assert same.recipe.view.describe() == "stored+flip+cutmix"


def test_view_0_is_as_stored_too(drawn: Artifact, whole: Artifact) -> None:
    renderer, plain = whole.renderer(), drawn.renderer()
    rows = [(0, 0), (1, 2)]
    assert renderer.partners(rows, 0) == [(0, 2), (1, 2)]
    np.testing.assert_array_equal(renderer.pictures(rows), plain.pictures(rows))
    shown, own = renderer.images(rows, 0), renderer.images([(0, 2)], 0)
    np.testing.assert_array_equal(shown[0, 3:10, 2:12], own[0, 3:10, 2:12])
    assert (shown[1] != plain.images(rows, 0)[1]).any()
    mix = renderer.mixing(rows, 0)
    assert mix is not None
    assert mix.share.tolist() == [1 - 70 / 256, 1]


@pytest.mark.parametrize("ipc", [1, 3, 4])
@pytest.mark.parametrize("views", [1, 3])
def test_slices_keep_partners_in_other_classes_and_slots(
    whole: Artifact, tmp_path: Path, ipc: int, views: int
) -> None:
    rows = everything(whole)
    for classes in (["blob"], ["cross", "stripes"]):
        part = whole.subset(
            tmp_path / "part.ddz", classes=classes, ipc=ipc, views=views, force=True
        )
        part.verify("pixels")
        kept = everything(part)
        assert len(kept) == len(classes) * ipc * views
        assert all(rows[key] == row for key, row in kept.items())
        assert part.recipe.picture_slots == IPC
        again = part.subset(tmp_path / "again.ddz", ipc=1, views=1, force=True)
        assert all(rows[key] == row for key, row in everything(again).items())


def test_support_of_slots_is_told(whole: Artifact, tmp_path: Path) -> None:
    part = whole.subset(tmp_path / "part.ddz", ipc=1)
    found = part.support()
    assert (found.classes, found.stored > 0) == (0, True)
    assert found.describe() == (f"other slots, {found.stored:,} bytes, for CutMix",)
    assert whole.support() == Support(0, 0, 0)


def test_slices_merge_again(whole: Artifact, tmp_path: Path) -> None:
    parts = [
        whole.subset(tmp_path / f"{n}.ddz", classes=classes, ipc=2)
        for n, classes in enumerate((["blob"], ["cross", "stripes"]))
    ]
    merge(parts, tmp_path / "both.ddz")
    both = ddcodec.open(tmp_path / "both.ddz")
    rows = everything(whole)
    assert everything(both) == {key: row for key, row in rows.items() if key[1] < 2}


def test_no_view_is_left_without_its_partners(whole: Artifact, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="keep these as support"):
        whole.subset(tmp_path / "part.ddz", ipc=1, support=False)
    assert not (tmp_path / "part.ddz").exists()


def test_views_without_a_mix_need_no_support(drawn: Artifact, tmp_path: Path) -> None:
    draws = numbers_of(drawn)
    draws[..., 5:] = 0
    plain = stored(drawn, draws, tmp_path / "plain.ddz", cutmix=0)
    hard = plain.subset(tmp_path / "part.ddz", classes=["cross"], ipc=2)
    assert hard.support() == Support(0, 0, hard.support().surplus)
    assert hard.recipe.view.slots == 0


def test_fresh_views_are_drawn_of_the_pictures_all_the_same(whole: Artifact) -> None:
    """Protocols that show them take torchvision's crops, since none are told."""
    data = whole.dataset(pixels="uint8")
    views = FreeViews(data, 0.2)
    first, labels = views.epoch(0, torch.Generator().manual_seed(1))
    second, _ = views.epoch(0, torch.Generator().manual_seed(2))
    assert (first.shape, labels.shape) == ((12, 3, SIDE, SIDE), (12, 3))
    assert not torch.equal(first, second)
    with pytest.raises(HeaderError, match="seeds draw none"):
        draw(whole.recipe.view, [1], [0], 1, SIDE, SIDE, 3)


def test_the_folder_of_a_decoded_artifact_says_so(whole: Artifact, tmp_path: Path) -> None:
    decode(whole, tmp_path / "out", views=1)
    assert "as the artifact stores it, view 0 too" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize(
    ("change", "view", "says"),
    [
        (lambda d: d.__setitem__((0, 0, 1, 5), -1), {}, "beyond the pictures of its origin"),
        (lambda d: d.__setitem__((0, 0, 1, 6), 4), {}, "beyond the pictures of its origin"),
        (lambda d: None, {"flip": 0}, "which the recipe denies"),
        (lambda d: None, {"cutmix": 0}, "which the recipe denies"),
    ],
    ids=["class", "slot", "flip", "mix"],
)
def test_draws_that_the_head_denies_are_refused_when_asked_for(
    drawn: Artifact,
    tmp_path: Path,
    change: Callable[[Int32s], None],
    view: dict[str, int],
    says: str,
) -> None:
    draws = numbers_of(drawn)
    draws[0, 0, 1, 4:] = 1, 0, 0, 2, 4, 2, 4
    change(draws)
    with pytest.raises(PayloadError, match=says):
        stored(drawn, draws, tmp_path / "bad.ddz", **view).renderer().images([(0, 0)], 1)


def test_draws_and_recipe_must_agree(drawn: Artifact, whole: Artifact, tmp_path: Path) -> None:
    seeded = replace(whole.head, recipe=replace(whole.recipe, view=drawn.recipe.view))
    with pytest.raises(HeaderError, match=r"draws section.*does not have"):
        ddcodec.open(rewritten(whole, tmp_path / "seeded.ddz", seeded.to_map())).table.check()
    without = replace(drawn.head, recipe=replace(drawn.recipe, view=whole.recipe.view))
    with pytest.raises(HeaderError, match="draws of class 'blob', slot 0, view 0 are missing"):
        ddcodec.open(rewritten(drawn, tmp_path / "without.ddz", without.to_map())).table.check()
    other = replace(whole.head, recipe=replace(whole.recipe, size=(16, 18)))
    with pytest.raises(HeaderError, match="draws for pictures of 16 x 16"):
        ddcodec.open(rewritten(whole, tmp_path / "other.ddz", other.to_map())).table.check()
