"""Slices and unions: whatever is cut, a row that stays is the same bytes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ddcodec
from ddcodec.artifact import Artifact, merge, subset
from ddcodec.artifact.sizes import Support
from ddcodec.container import (
    ANCILLARY,
    SAFE_TO_COPY,
    Box,
    CodecSpec,
    CopiedSection,
    NewSection,
    write_container,
)
from ddcodec.errors import RequestError
from tests.artifacts import encode_small, everything, quick_teacher, soft_copy

LAYERS = ("class", "image", "field", "innovation", "lossless")
VIEWS = ("resized-crop+flip", "crop+flip+cutmix")


@pytest.fixture(scope="module")
def artifact(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return encode_small(image_folder, tmp_path_factory.mktemp("slicing") / "whole.ddz")


@given(
    classes=st.sets(st.sampled_from(["blob", "cross", "stripes"]), min_size=1),
    ipc=st.integers(1, 4),
    views=st.integers(1, 3),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_that_stay_are_unchanged(
    artifact: Artifact, tmp_path: Path, classes: set[str], ipc: int, views: int
) -> None:
    part = artifact.subset(
        tmp_path / "part.ddz", classes=sorted(classes), ipc=ipc, views=views, force=True
    )
    part.verify("pixels")
    whole = everything(artifact)
    rows = everything(part)
    assert len(rows) == len(classes) * ipc * views
    assert all(whole[key] == row for key, row in rows.items())


def test_sections_inside_the_slice_are_copied_byte_for_byte(
    artifact: Artifact, tmp_path: Path
) -> None:
    part = artifact.subset(tmp_path / "part.ddz", ipc=1)
    first = [s for s in artifact.sections if s.kind == "patches" and s.box.slot_start == 0]
    kept = [s for s in part.sections if s.kind == "patches"]
    assert [artifact.reader.read_stored(s) for s in first] == [
        part.reader.read_stored(s) for s in kept
    ]


def covered(artifact: Artifact, kind: str) -> set[int]:
    """The classes that sections of a kind hold."""
    return {c for c in range(3) if artifact.table.index(kind).of_class(c)}


def test_undivided_soft_labels_are_cut_to_the_slice(artifact: Artifact, tmp_path: Path) -> None:
    soft = soft_copy(artifact, tmp_path / "soft.ddz")
    part = soft.subset(tmp_path / "part.ddz", classes=["cross"], ipc=2, views=2)
    whole = everything(soft)
    assert all(whole[key] == row for key, row in everything(part).items())


def test_support_pictures_come_along_only_where_views_mix(
    image_folder: Path, tmp_path: Path
) -> None:
    for view, expected in (("crop+flip", 1), ("crop+cutmix", 3)):
        artifact = encode_small(image_folder, tmp_path / f"{view}.ddz", view=view, views=9)
        part = artifact.subset(tmp_path / f"{view}-part.ddz", classes=["cross"])
        assert len(covered(part, "patches")) == expected
        assert part.classes == ("cross",)
        assert artifact.support() == Support(0, 0, 0)
        others = [s for s in part.sections if s.kind == "patches" and s.box.class_start != 1]
        assert part.support().classes == expected - 1
        seeds = [s.stored_len for s in part.sections if s.kind == "seeds"]
        shared = sum(seeds) * (expected - 1) / expected
        stored = sum(s.stored_len for s in others) + shared
        assert part.support().stored == pytest.approx(stored, abs=1)
        assert part.support().surplus == 0


def test_partners_within_groups_need_no_support(image_folder: Path, tmp_path: Path) -> None:
    """Of three classes in groups of two, the first two mix, and the third with itself alone."""
    view = "crop+cutmix:2"
    whole = encode_small(image_folder, tmp_path / "whole.ddz", view=view, views=9)
    assert whole.recipe.view.describe() == view
    for classes, expected in ((["blob", "cross"], {0, 1}), (["stripes"], {2}), (["cross"], {0, 1})):
        part = whole.subset(tmp_path / "part.ddz", classes=classes, force=True)
        assert covered(part, "patches") == expected
        rows = everything(part)
        assert all(everything(whole)[key] == row for key, row in rows.items())
    shown = whole.renderer().partners([(0, 3), (1, 3), (2, 3)], 1)
    assert shown is not None
    assert [c // 2 for c, _ in shown] == [0, 0, 1]


def test_support_can_be_left_out(image_folder: Path, tmp_path: Path) -> None:
    """What needs it goes with it: all views but the plain images."""
    whole = encode_small(image_folder, tmp_path / "whole.ddz", view="crop+cutmix", views=9)
    part = whole.subset(tmp_path / "part.ddz", classes=["cross"], support=False)
    assert (covered(part, "patches"), part.recipe.views) == ({1}, 1)
    assert part.support() == Support(0, 0, 0)
    assert all(everything(whole)[key] == row for key, row in everything(part).items())
    # Nothing is dropped where nothing would be needed.
    assert whole.subset(tmp_path / "all.ddz", support=False).recipe.views == 9


def test_mosaics_of_all_classes_stay_whole_and_unite_again(
    image_folder: Path, tmp_path: Path
) -> None:
    artifact = encode_small(
        image_folder, tmp_path / "all.ddz", mosaics="all", patch_codec="avif", view="crop"
    )
    stored = sum(s.stored_len for s in artifact.sections if s.kind == "patches")
    assert artifact.support() == Support(0, 0, 0)
    parts = [
        artifact.subset(tmp_path / f"{name}.ddz", classes=names)
        for name, names in (("one", ["cross"]), ("rest", ["blob", "stripes"]))
    ]
    for part, share in zip(parts, (2 / 3, 1 / 3), strict=True):
        part.verify("pixels")
        assert covered(part, "patches") == {0, 1, 2}
        assert part.support().surplus == pytest.approx(share * stored, abs=1)
    merge([part.path for part in parts], tmp_path / "united.ddz")
    assert everything(ddcodec.open(tmp_path / "united.ddz")) == everything(artifact)


def test_slots_that_are_cut_away_leave_a_mosaic_whole(image_folder: Path, tmp_path: Path) -> None:
    artifact = encode_small(image_folder, tmp_path / "whole.ddz", view="crop")
    part = artifact.subset(tmp_path / "part.ddz", ipc=3)  # slots 1 to 3 have a mosaic
    later = [s.stored_len for s in part.sections if s.kind == "patches" and s.box.slot_start]
    assert part.support().surplus == pytest.approx(sum(later) / 3, abs=1)


def logits(artifact: Artifact) -> dict[tuple[str, int, int], bytes]:
    """(class name, slot, view) -> the integer logits of every row."""
    recipe, names = artifact.recipe, artifact.head.classes
    rows = [(c, s) for c in artifact.head.row_classes for s in range(recipe.ipc)]
    return {
        (names[c], s, view): row.tobytes()
        for view in range(recipe.views)
        for (c, s), row in zip(rows, artifact.labels.logits(rows, view), strict=True)
    }


@pytest.fixture(
    scope="module",
    params=[(layers, view) for layers in LAYERS for view in VIEWS],
    ids=lambda param: "-".join(param),
)
def labelled(
    request: pytest.FixtureRequest,
    image_folder: Path,
    teacher_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Artifact:
    """Soft labels of every layer, in sections so small that slices cut and drop some of them."""
    layers, view = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ddcodec.labels.sections.SECTION_LABELS", 8)
        return encode_small(
            image_folder,
            tmp_path_factory.mktemp("labelled") / "whole.ddz",
            labels="soft",
            teacher=str(teacher_folder),
            view=view,
            views=5,
            label_layers=layers,
            label_quality=1e-4,
        )


@given(
    classes=st.sets(st.sampled_from(["blob", "cross", "stripes"]), min_size=1),
    ipc=st.integers(1, 4),
    views=st.integers(1, 5),
)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_labels_that_stay_are_unchanged_whatever_their_layers(
    labelled: Artifact, tmp_path: Path, classes: set[str], ipc: int, views: int
) -> None:
    part = labelled.subset(
        tmp_path / "part.ddz", classes=sorted(classes), ipc=ipc, views=views, force=True
    )
    part.verify("pixels")
    whole, rows = logits(labelled), logits(part)
    assert len(rows) == len(classes) * ipc * views
    assert all(whole[key] == row for key, row in rows.items())
    again = part.subset(tmp_path / "again.ddz", views=1, force=True)
    assert all(whole[key] == row for key, row in logits(again).items())


def test_labelled_parts_unite_to_the_whole(labelled: Artifact, tmp_path: Path) -> None:
    one = labelled.subset(tmp_path / "one.ddz", classes=["stripes"])
    rest = labelled.subset(tmp_path / "rest.ddz", classes=["blob", "cross"])
    for parts in ([one, rest], [rest, one]):
        merge(parts, tmp_path / "united.ddz", force=True)
        united = ddcodec.open(tmp_path / "united.ddz")
        united.verify("pixels")
        assert logits(united) == logits(labelled)
        assert [s.kind for s in united.sections].count("label-model") == 1


def test_label_fields_of_partners_come_along(labelled: Artifact, tmp_path: Path) -> None:
    part = labelled.subset(tmp_path / "part.ddz", classes=["cross"])
    support = set(range(3) if part.recipe.view.cutmix else [1])
    fields = covered(part, "label-fields")
    assert fields in (set(), support)
    assert covered(part, "labels") == {1}
    assert bool(fields) == any(s.kind == "label-fields" for s in labelled.sections)


def test_labels_coded_apart_do_not_merge(
    image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    soft = {"labels": "soft", "teacher": str(teacher_folder)}
    fine = encode_small(image_folder, tmp_path / "a.ddz", label_quality=1e-4, **soft)
    coarse = encode_small(image_folder, tmp_path / "b.ddz", label_quality=0.05, **soft)
    parts = [
        fine.subset(tmp_path / "one.ddz", classes=["blob"]),
        coarse.subset(tmp_path / "two.ddz", classes=["cross", "stripes"]),
    ]
    with pytest.raises(RequestError, match="another label model for the same classes"):
        merge(parts, tmp_path / "both.ddz")
    assert not (tmp_path / "both.ddz").exists()


def test_labels_of_strangers_stand_side_by_side(
    image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "others"
    for name in ("blob", "cross", "stripes"):
        (other / f"{name}2").mkdir(parents=True)
        for file in (image_folder / "train" / name).iterdir():
            (other / f"{name}2" / file.name).write_bytes(file.read_bytes())
    soft = {"labels": "soft", "view": "crop+cutmix"}
    a = encode_small(image_folder, tmp_path / "a.ddz", teacher=str(teacher_folder), **soft)
    stranger = quick_teacher(other, tmp_path / "teacher")
    b = encode_small(other, tmp_path / "b.ddz", seed=1, teacher=str(stranger), **soft)
    merge([a, b], tmp_path / "both.ddz")
    both = ddcodec.open(tmp_path / "both.ddz")
    both.verify("pixels")
    for part in (a, b):
        rows = [(c, s) for c in range(3) for s in range(4)]
        shift = 0 if part is a else 3
        there = [(c + shift, s) for c, s in rows]
        for view in range(3):
            ours = both.labels.logits(there, view)
            assert (ours == part.labels.logits(rows, view)).all()


def test_parts_unite_to_the_whole(artifact: Artifact, tmp_path: Path) -> None:
    one = artifact.subset(tmp_path / "one.ddz", classes=["cross"])
    rest = artifact.subset(tmp_path / "rest.ddz", classes=["blob", "stripes"])
    merge([one, rest], tmp_path / "united.ddz")
    united = ddcodec.open(tmp_path / "united.ddz")
    united.verify("pixels")
    assert everything(united) == everything(artifact)


def test_strangers_stand_side_by_side(image_folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "others"
    for name in ("blob", "cross"):
        (other / f"{name}2").mkdir(parents=True)
        for file in (image_folder / "train" / name).iterdir():
            (other / f"{name}2" / file.name).write_bytes(file.read_bytes())
    a = encode_small(image_folder, tmp_path / "a.ddz", view="crop+cutmix")
    b = encode_small(other, tmp_path / "b.ddz", view="crop+cutmix", seed=1)
    merge([a, b], tmp_path / "both.ddz")
    both = ddcodec.open(tmp_path / "both.ddz")
    both.verify("pixels")
    assert both.classes == ("blob", "cross", "stripes", "blob2", "cross2")
    images = {key: image for key, (image, _) in everything(both).items()}
    for part in (a, b):
        assert all(images[key] == image for key, (image, _) in everything(part).items())
    data = both.dataset(classes=["blob2"])
    data.set_epoch(1)
    labels = data.batch(range(4))[1]
    assert (labels[:, :3] == 0).all(), "views and labels range over their own origin"
    assert labels.sum(1).tolist() == pytest.approx([1, 1, 1, 1])


def test_a_class_in_both_is_refused(artifact: Artifact, tmp_path: Path) -> None:
    one = artifact.subset(tmp_path / "one.ddz", classes=["cross"])
    with pytest.raises(RequestError, match=r"'cross' is in"):
        merge([artifact, one], tmp_path / "twice.ddz")
    assert not (tmp_path / "twice.ddz").exists()


def test_different_recipes_are_refused_by_field(artifact: Artifact, tmp_path: Path) -> None:
    one = artifact.subset(tmp_path / "one.ddz", classes=["cross"], ipc=2)
    rest = artifact.subset(tmp_path / "rest.ddz", classes=["blob"])
    with pytest.raises(RequestError, match="ipc"):
        merge([one, rest], tmp_path / "uneven.ddz")


@pytest.mark.parametrize("wrong", [{"ipc": 5}, {"ipc": 0}, {"views": 4}])
def test_more_than_there_is_cannot_be_cut(
    artifact: Artifact, tmp_path: Path, wrong: dict[str, int]
) -> None:
    with pytest.raises(RequestError, match="what the artifact holds"):
        subset(artifact, tmp_path / "more.ddz", **wrong)  # type: ignore[arg-type]


def test_an_existing_file_is_kept(artifact: Artifact, tmp_path: Path) -> None:
    target = tmp_path / "mine.ddz"
    target.write_text("precious")
    with pytest.raises(RequestError, match="exists"):
        artifact.subset(target)
    assert target.read_text() == "precious"


def test_ancillary_sections_from_the_future_are_kept_where_that_is_safe(
    artifact: Artifact, tmp_path: Path
) -> None:
    """Safe to copy, and the box kept whole: an undivided axis must not be shortened."""

    def noted(kind: str, box: Box, flags: int = ANCILLARY | SAFE_TO_COPY) -> NewSection:
        return NewSection(kind, CodecSpec("later", 9, "none", {}), box, b"unknown", flags)

    old = [CopiedSection(artifact.reader, s, s.box) for s in artifact.sections]
    notes = [
        noted("note-unsafe", Box(0, 1), ANCILLARY),
        noted("note-first", Box(0, 1)),
        noted("note-second", Box(1, 1)),
        noted("note-two", Box(0, 2)),
        noted("note-slot", Box(0, 1, 0, 2)),
        noted("note-whole", Box()),
    ]
    path = tmp_path / "future.ddz"
    write_container(path, head=artifact.head.to_map(), sections=[*old, *notes])
    future = ddcodec.open(path)
    future.verify("pixels")

    def kept(part: Artifact) -> set[str]:
        part.verify("pixels")
        return {s.kind.removeprefix("note-") for s in part.sections if s.kind.startswith("note-")}

    everything = future.subset(tmp_path / "all.ddz")
    assert kept(everything) == {"first", "second", "two", "slot", "whole"}
    blob = future.subset(tmp_path / "blob.ddz", classes=["blob"])
    assert kept(blob) == {"first", "slot"}
    cross = future.subset(tmp_path / "cross.ddz", classes=["cross"])
    assert kept(cross) == {"second"}
    assert kept(future.subset(tmp_path / "two.ddz", ipc=2)) == {"slot"}
    merge([blob, cross], tmp_path / "both.ddz")
    assert kept(ddcodec.open(tmp_path / "both.ddz")) == {"first", "second", "slot"}


def test_boxes_of_unknown_kinds_move_with_their_classes(image_folder: Path, tmp_path: Path) -> None:
    """Side by side, a note about a class still stands by that class."""
    flags = ANCILLARY | SAFE_TO_COPY
    parts = []
    for name in ("one", "two"):
        source = tmp_path / name
        for shape in ("blob", "cross"):
            shutil.copytree(image_folder / "train" / shape, source / f"{name}-{shape}")
        made = encode_small(source, tmp_path / f"{name}.ddz", view="crop")
        spec = CodecSpec("later", 9, "none", {})
        note = NewSection("note", spec, Box(1, 1), name.encode(), flags)
        old = [CopiedSection(made.reader, s, s.box) for s in made.sections]
        noted = tmp_path / f"{name}-noted.ddz"
        write_container(noted, head=made.head.to_map(), sections=[*old, note])
        parts.append(ddcodec.open(noted))
    merge(parts, tmp_path / "both.ddz")
    both = ddcodec.open(tmp_path / "both.ddz")
    found = {both.reader.read_raw(s): s.box.class_start for s in both.sections if s.kind == "note"}
    assert found == {b"one": 1, b"two": 3}


def test_pixel_digests_are_of_all_rows_or_of_none(artifact: Artifact, tmp_path: Path) -> None:
    one = artifact.subset(tmp_path / "one.ddz", classes=["blob"])
    rest = artifact.subset(tmp_path / "rest.ddz", classes=["cross", "stripes"])
    plain = [CopiedSection(rest.reader, s, s.box) for s in rest.sections if s.kind != "pixels"]
    write_container(tmp_path / "plain.ddz", head=rest.head.to_map(), sections=plain)
    merge([one, ddcodec.open(tmp_path / "plain.ddz")], tmp_path / "both.ddz")
    both = ddcodec.open(tmp_path / "both.ddz")
    assert both.verify("digest") == 0
    assert not [s for s in both.sections if s.kind == "pixels"]
    assert everything(both) == everything(artifact)
