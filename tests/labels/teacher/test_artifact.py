"""Whole artifacts whose labels a stored teacher computes: encode, read, cut, join, refuse."""

from __future__ import annotations

import pickle
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

import ddcodec
from ddcodec.artifact import Artifact, merge
from ddcodec.classifiers.store import load_teacher
from ddcodec.codecs.hard_labels import HardLabels
from ddcodec.codecs.teacher_weights import TeacherWeights
from ddcodec.container import Box, CopiedSection, NewSection, write_container
from ddcodec.encoding.labelling import Labelling
from ddcodec.errors import HeaderError, MissingDependencyError, RequestError
from ddcodec.methods.work import WorkFolder
from ddcodec.recipe.parts import LabelRecipe
from tests.artifacts import encode_small, everything, quick_teacher

Encode = Callable[..., Artifact]


@pytest.fixture(scope="module")
def encode(image_folder: Path, teacher_folder: Path) -> Encode:
    def made(out: Path, **changes: object) -> Artifact:
        settings = {"labels": "teacher", "teacher": str(teacher_folder), **changes}
        return encode_small(image_folder, out, **settings)

    return made


@pytest.fixture(scope="module")
def artifact(encode: Encode, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return encode(tmp_path_factory.mktemp("stored") / "whole.ddz")


def test_labels_are_nearly_the_teachers(artifact: Artifact, teacher_folder: Path) -> None:
    teacher = load_teacher(teacher_folder, artifact.head.classes)
    data = artifact.dataset(pixels="uint8")
    for view in range(3):
        data.set_epoch(view)
        images, labels = data.batch(range(len(data)))
        logits = teacher.logits(images.permute(0, 2, 3, 1).numpy())
        expected = torch.softmax(torch.from_numpy(logits) / 4, dim=1)
        assert torch.allclose(labels, expected, atol=0.02)
        assert torch.allclose(labels.sum(1), torch.ones(len(data)))


def test_every_way_to_ask_gives_the_same_label(artifact: Artifact) -> None:
    data = artifact.dataset()
    data.set_epoch(2)
    _, labels = data.batch(range(12))
    assert np.array_equal(data.probabilities(range(12)), labels.numpy())
    assert all(torch.equal(torch.as_tensor(data[i][1]), labels[i]) for i in (0, 7))
    # Pickled, as a loader's workers get it, and in other company.
    again = pickle.loads(pickle.dumps(data))
    again.set_epoch(2)
    shuffled = [11, 3, 5]
    assert torch.equal(again.batch(shuffled)[1], labels[shuffled])
    assert torch.equal(next(iter(DataLoader(data, batch_size=12)))[1], labels)


def test_hard_labels_are_still_the_rows_classes(artifact: Artifact) -> None:
    assert artifact.dataset(labels="hard").batch([0, 5, 11])[1].tolist() == [0, 1, 2]


@pytest.mark.parametrize("level", ["structure", "crc", "digest", "pixels"])
def test_it_verifies(artifact: Artifact, level: str) -> None:
    artifact.verify(level)  # type: ignore[arg-type]


def test_slices_keep_the_teacher_and_unite_to_the_whole(artifact: Artifact, tmp_path: Path) -> None:
    whole = everything(artifact)
    one = artifact.subset(tmp_path / "one.ddz", classes=["cross"], ipc=2, views=2)
    assert all(whole[key] == row for key, row in everything(one).items())
    parts = [
        artifact.subset(tmp_path / "a.ddz", classes=["cross"]),
        artifact.subset(tmp_path / "b.ddz", classes=["blob", "stripes"]),
    ]
    merge(parts, tmp_path / "united.ddz")
    united = ddcodec.open(tmp_path / "united.ddz")
    united.verify("pixels")
    assert everything(united) == whole
    assert [s.kind for s in united.sections].count("teacher") == 1


def test_another_teacher_of_the_same_classes_is_refused(
    artifact: Artifact, encode: Encode, tmp_path: Path
) -> None:
    other = encode(tmp_path / "other.ddz", teacher_bits=4)
    parts = [
        artifact.subset(tmp_path / "a.ddz", classes=["cross"]),
        other.subset(tmp_path / "b.ddz", classes=["blob"]),
    ]
    with pytest.raises(RequestError, match="another teacher"):
        merge(parts, tmp_path / "united.ddz")


def test_strangers_keep_a_teacher_each(
    artifact: Artifact, image_folder: Path, tmp_path: Path
) -> None:
    others = tmp_path / "others"
    for name in ("blob", "cross"):
        (others / f"{name}2").mkdir(parents=True)
        for file in (image_folder / "train" / name).iterdir():
            (others / f"{name}2" / file.name).write_bytes(file.read_bytes())
    teacher = quick_teacher(others, tmp_path / "teacher")
    request = {"labels": "teacher", "teacher_bits": 3, "teacher": str(teacher)}
    stranger = encode_small(others, tmp_path / "b.ddz", **request)
    merge([artifact, stranger], tmp_path / "both.ddz")
    both = ddcodec.open(tmp_path / "both.ddz")
    both.verify("pixels")
    boxes = [s.box for s in both.sections if s.kind == "teacher"]
    assert boxes == [Box(0, 3), Box(3, 2)]
    data, alone = both.dataset(classes=["cross2"]), stranger.dataset(classes=["cross2"])
    labels = data.batch(range(4))[1]
    assert (labels[:, :3] == 0).all()
    assert torch.equal(labels[:, 3:], alone.batch(range(4))[1])


def test_an_interrupted_encode_ends_in_the_same_bytes(
    encode: Encode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = encode(tmp_path / "straight.ddz")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ddcodec.encoding.labelling.Labelling.stored_teacher", killed)
        with pytest.raises(KeyboardInterrupt):
            encode(tmp_path / "resumed.ddz")
    assert encode(tmp_path / "resumed.ddz").digest == straight.digest


def test_the_fit_sees_rows_and_views_evenly(artifact: Artifact, tmp_path: Path) -> None:
    labelling = Labelling(
        artifact, WorkFolder(tmp_path, {}), prior=None, device="cpu", progress=None
    )
    shown: list[tuple[tuple[int, int], int]] = []

    class Recorder:
        def images(self, rows: list[tuple[int, int]], view: int) -> NDArray[np.uint8]:
            shown.extend((row, view) for row in rows)
            return np.zeros((len(rows), 16, 16, 3), np.uint8)

    labelling._renderer = Recorder()  # type: ignore[assignment]
    for count, most in ((100, 36), (36, 36), (20, 20), (5, 5)):
        shown.clear()
        assert len(labelling._sample(count)) == len(set(shown)) == most
        for axis in (0, 1):
            counts = Counter(cell[axis] for cell in shown).values()
            assert max(counts) - min(counts) <= 1
    assert len({c for (c, _), _ in shown}) == 3


def test_bits_out_of_range_are_refused(encode: Encode, tmp_path: Path) -> None:
    for bits in (2, 9):
        with pytest.raises(RequestError, match=r"3\.\.8"):
            encode(tmp_path / "a.ddz", teacher_bits=bits)


def test_a_teacher_of_another_size_is_refused_before_any_work(
    encode: Encode, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match="labels='soft'"):
        encode(tmp_path / "a.ddz", size=32)
    assert not list(tmp_path.iterdir())


def test_a_dry_run_expects_about_what_it_will_take(
    artifact: Artifact, image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    planned = ddcodec.encode(
        image_folder,
        tmp_path / "a.ddz",
        method="random",
        ipc=4,
        views=3,
        labels="teacher",
        teacher=str(teacher_folder),
        dry_run=True,
    )
    stored = next(s.stored_len for s in artifact.sections if s.kind == "teacher")
    # After a second of training, weights are nearly as they began, and take more bits.
    assert planned.expected["teacher"] == pytest.approx(stored, rel=0.15)
    assert "labels" not in planned.expected


def test_without_torch_a_dataset_says_so(
    artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "ddcodec.artifact.dataset", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match=r"pip install .ddcodec\[torch\]"):
        artifact.dataset()


# Damaged and contradictory files


def rewritten(
    artifact: Artifact,
    out: Path,
    *,
    drop: str = "",
    add: tuple[NewSection, ...] = (),
    **labels: str,
) -> Artifact:
    """The artifact without sections of a kind, with others, or with other labels in its recipe."""
    kept = [CopiedSection(artifact.reader, s, s.box) for s in artifact.sections if s.kind != drop]
    head = artifact.head
    if labels:
        recipe = replace(head.recipe, labels=LabelRecipe(labels["kind"], (4, 1)))
        head = replace(head, recipe=recipe)
    write_container(out, head=head.to_map(), sections=[*kept, *add], overwrite=True)
    return ddcodec.open(out)


def the_teacher(artifact: Artifact) -> tuple[TeacherWeights, bytes]:
    section = next(s for s in artifact.sections if s.kind == "teacher")
    return TeacherWeights.from_params(section.codec.params), artifact.reader.read_raw(section)


def test_structure_is_checked_before_labels_are_needed(artifact: Artifact, tmp_path: Path) -> None:
    codec, raw = the_teacher(artifact)
    spec, hard = codec.spec(), HardLabels()
    wider = replace(codec, classes=4).spec()
    larger = replace(codec, side=32).spec()
    cases: list[tuple[str, Artifact]] = [
        (
            "teacher of class 'blob' are missing",
            rewritten(artifact, tmp_path / "0", drop="teacher"),
        ),
        (
            "teacher labels does not have",
            rewritten(
                artifact,
                tmp_path / "1",
                add=(NewSection("labels", hard.spec(), Box(0, 3), b"\0"),),
            ),
        ),
        ("soft labels does not have", rewritten(artifact, tmp_path / "2", kind="soft")),
        *(
            (message, rewritten(artifact, tmp_path / name, drop="teacher", add=(section,)))
            for message, name, section in [
                ("one whole origin", "3", NewSection("teacher", spec, Box(0, 2), raw)),
                ("divided by slots", "4", NewSection("teacher", spec, Box(0, 3, 0, 4), raw)),
                ("4 classes and 16 px", "5", NewSection("teacher", wider, Box(0, 3), raw)),
                ("3 classes and 32 px", "6", NewSection("teacher", larger, Box(0, 3), raw)),
                (
                    "none of a teacher section",
                    "7",
                    NewSection("teacher", hard.spec(), Box(0, 3), b"\0"),
                ),
            ]
        ),
    ]
    for message, bad in cases:
        with pytest.raises(HeaderError, match=message):
            bad.verify("structure")


def test_damaged_weights_name_their_section(artifact: Artifact, tmp_path: Path) -> None:
    codec, raw = the_teacher(artifact)
    cut = NewSection("teacher", codec.spec(), Box(0, 3), raw[:-50])
    bad = rewritten(artifact, tmp_path / "cut.ddz", drop="teacher", add=(cut,))
    bad.verify("crc")
    for read in (lambda: bad.verify("digest"), lambda: bad.dataset()[0]):
        with pytest.raises(ddcodec.errors.PayloadError, match=r"teacher\["):
            read()


def test_a_stored_label_is_not_there_to_ask_for(artifact: Artifact) -> None:
    with pytest.raises(HeaderError):
        artifact.table.hard_label(0, 0, 0)
