from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from ddcodec.classifiers import teacher_training
from ddcodec.classifiers.store import (
    TeacherCache,
    load_teacher,
    save_teacher,
    teacher_key,
)
from ddcodec.classifiers.teacher import Teacher
from ddcodec.classifiers.teacher_training import (
    TeacherSettings,
    default_settings,
    train_teacher,
    training_size,
)
from ddcodec.errors import ChecksumMismatchError, EncodeError, ModelMismatchError, RequestError
from ddcodec.files import cache_folder
from ddcodec.files.sealed import Checkpoint
from ddcodec.imagenet import classes as imagenet_classes

CLASSES = ("blue", "green", "red")
SETTINGS = TeacherSettings(steps=30, batch_size=12, pad=1)


def colours(per_class: int = 8) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Noisy pictures of one colour: class 0 is blue, 1 green, 2 red."""
    labels = np.repeat(np.arange(3), per_class)
    images = np.random.default_rng(0).integers(0, 60, (len(labels), 8, 8, 3), dtype=np.uint8)
    images[np.arange(len(labels)), :, :, 2 - labels] += 150
    return images, labels


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    return train_teacher(*colours(), CLASSES, SETTINGS)


def test_a_teacher_learns_and_knows_its_input_statistics(teacher: Teacher) -> None:
    images, labels = colours()
    logits = teacher.logits(images)
    assert logits.shape == (24, 3)
    assert logits.dtype == np.float32
    assert (logits.argmax(1) == labels).mean() > 0.9
    assert teacher.mean == pytest.approx(images.mean((0, 1, 2)) / 255, abs=1e-4)
    assert teacher.size == (8, 8)


def test_training_twice_gives_the_same_digest(teacher: Teacher) -> None:
    assert train_teacher(*colours(), CLASSES, SETTINGS).digest == teacher.digest
    other = train_teacher(*colours(), CLASSES, TeacherSettings(steps=2, pad=1, seed=1))
    assert other.digest != teacher.digest


def test_a_saved_teacher_comes_back_with_the_same_logits(teacher: Teacher, tmp_path: Path) -> None:
    save_teacher(teacher, tmp_path / "t")
    assert sorted(p.name for p in (tmp_path / "t").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]
    again = load_teacher(tmp_path / "t", CLASSES)
    np.testing.assert_array_equal(again.logits(colours()[0]), teacher.logits(colours()[0]))
    assert (again.digest, again.training) == (teacher.digest, teacher.training)


def test_columns_follow_the_names_asked_for(teacher: Teacher, tmp_path: Path) -> None:
    save_teacher(teacher, tmp_path / "t")
    images = colours()[0]
    swapped = load_teacher(tmp_path / "t", ("red", "blue"))
    assert swapped.classes == ("red", "blue")
    np.testing.assert_array_equal(swapped.logits(images), teacher.logits(images)[:, [2, 0]])
    back = swapped.for_classes(("blue", "red"))
    np.testing.assert_array_equal(back.logits(images), teacher.logits(images)[:, [0, 2]])


def test_names_match_without_case_underscores_or_synonyms(teacher: Teacher) -> None:
    named = Teacher(
        teacher.module,
        ("Blue", "green_tea", "red, crimson"),
        teacher.statistics,
        teacher.size,
        teacher.arch,
        teacher.digest,
    )
    assert named.for_classes(("crimson", "blue", "Green Tea")).columns == (2, 0, 1)
    with pytest.raises(ModelMismatchError, match="tell some of the classes apart"):
        named.for_classes(("crimson", "red"))


def test_a_class_is_found_by_its_readable_name_where_its_own_is_unknown(teacher: Teacher) -> None:
    assert teacher.for_classes(("x1", "green"), ("red", "blue")).columns == (2, 1)
    with pytest.raises(ModelMismatchError, match="does not know 'x2'"):
        teacher.for_classes(("x1", "x2"), ("red", "mauve"))


def test_a_classifier_of_imagenet_tells_two_cranes_apart_by_their_ids(teacher: Teacher) -> None:
    """As ``transformers`` labels it: both of them are "crane"."""
    labels = tuple(", ".join(one.words) for one in imagenet_classes().values())
    assert labels[134] == labels[517] == "crane"
    large = replace(teacher, classes=labels)
    picked = large.for_classes(("n03126707", "n02012849", "tench"), ("crane", "crane", "tench"))
    assert picked.columns == (517, 134, 0)


def test_missing_classes_are_listed(teacher: Teacher) -> None:
    with pytest.raises(ModelMismatchError, match="does not know 'mauve', 'teal'; it knows 'blue'"):
        teacher.for_classes(("red", "mauve", "teal"))


def test_other_sizes_are_resized_and_nothing_is_an_empty_answer(teacher: Teacher) -> None:
    images, labels = colours()
    large = images.repeat(2, 1).repeat(2, 2)
    assert (teacher.logits(large).argmax(1) == labels).mean() > 0.9
    assert teacher.logits(images[:0]).shape == (0, 3)


def test_changed_weights_are_refused(teacher: Teacher, tmp_path: Path) -> None:
    save_teacher(teacher, tmp_path / "t")
    weights = load_file(tmp_path / "t" / "model.safetensors")
    weights["head.bias"] = weights["head.bias"] + 1
    save_file(weights, tmp_path / "t" / "model.safetensors")
    with pytest.raises(ChecksumMismatchError, match="not those it was written with"):
        load_teacher(tmp_path / "t", CLASSES)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda t: (t / "config.json").unlink(), "no readable config.json"),
        (lambda t: (t / "config.json").write_text("[]"), "not a JSON object"),
        (lambda t: (t / "config.json").write_text("{}"), "holds no teacher"),
        (lambda t: edit(t, arch="convnet5"), "are too small|does not hold"),
        (lambda t: edit(t, mean=[1, 2]), "damaged"),
        (lambda t: (t / "model.safetensors").write_bytes(b"pickle"), "does not hold the weights"),
        (lambda t: (t / "model.safetensors").unlink(), "does not hold the weights"),
    ],
)
def test_damaged_folders_are_refused(
    damage: object, message: str, teacher: Teacher, tmp_path: Path
) -> None:
    save_teacher(teacher, tmp_path / "t")
    damage(tmp_path / "t")  # type: ignore[operator]
    with pytest.raises((ModelMismatchError, EncodeError), match=message):
        load_teacher(tmp_path / "t", CLASSES)


def edit(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_saving_over_something_is_refused(teacher: Teacher, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="exists already"):
        save_teacher(teacher, tmp_path)


def test_a_word_that_is_no_folder_and_no_hub_id_is_refused() -> None:
    with pytest.raises(RequestError, match="neither a folder, nor a hub id"):
        load_teacher("nowhere", CLASSES)


def test_the_cache_trains_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DDCODEC_CACHE", str(tmp_path))
    loads = []

    def load() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        loads.append(1)
        return colours()

    quick = TeacherSettings(steps=2, pad=1)
    said: list[str] = []
    cache = TeacherCache("abc", (8, 8), CLASSES, quick, said.append)
    assert cache.find() is None
    first = cache.train(load)
    again = cache.find()
    assert again is not None
    assert (len(loads), again.digest, said) == (1, first.digest, [])
    key = teacher_key("abc", (8, 8), CLASSES, quick)
    assert [p.name for p in cache_folder("teachers").iterdir()] == [key]


def test_a_damaged_teacher_of_the_cache_is_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DDCODEC_CACHE", str(tmp_path))
    said: list[str] = []
    cache = TeacherCache("abc", (8, 8), CLASSES, TeacherSettings(steps=2, pad=1), said.append)
    first = cache.train(colours)
    for damage in ("", "not weights"):
        (cache.folder / "model.safetensors").write_text(damage)
        assert cache.find() is None
        assert "the cached teacher is damaged, and another is trained" in said.pop()
        assert cache.train(colours).digest == first.digest
    for damage in ("", "[]", '{"key": "another"}', "[" * 9_999, '{"key": 1, "size": [1e999]}'):
        (cache.folder / "config.json").write_text(damage)
        assert cache.find() is None and "damaged" in said.pop()
        assert cache.train(colours).digest == first.digest
    shutil.rmtree(cache.folder)
    for stand_in in (cache.folder.mkdir, cache.folder.touch):
        stand_in()
        assert cache.find() is None and "damaged" in said.pop()
        assert not cache.folder.exists()


def test_the_teacher_of_other_pictures_is_not_taken_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DDCODEC_CACHE", str(tmp_path))
    quick, said = TeacherSettings(steps=2, pad=1), list[str]()
    ours, other = (TeacherCache(f, (8, 8), CLASSES, quick, said.append) for f in ("abc", "abd"))
    other.train(colours)
    other.folder.rename(ours.folder)
    assert ours.find() is None
    assert "the teacher of other pictures" in said[0]


def test_a_cached_teacher_that_memory_is_too_short_for_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*_: object) -> Teacher:
        raise MemoryError

    monkeypatch.setenv("DDCODEC_CACHE", str(tmp_path))
    said: list[str] = []
    cache = TeacherCache("abc", (8, 8), CLASSES, TeacherSettings(steps=2, pad=1), said.append)
    cache.train(colours)
    with monkeypatch.context() as patch:
        patch.setattr("ddcodec.classifiers.store.load_teacher", out_of_memory)
        with pytest.raises(MemoryError):
            cache.find()
    assert cache.find() is not None and not said


@pytest.mark.parametrize("mode", [0o770, 0o777])
def test_a_teacher_that_others_may_have_written_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    monkeypatch.setenv("DDCODEC_CACHE", str(tmp_path))
    said: list[str] = []
    cache = TeacherCache("abc", (8, 8), CLASSES, TeacherSettings(steps=2, pad=1), said.append)
    cache.train(colours)
    cache.folder.chmod(mode)
    assert cache.find() is None
    assert "others than you may have written it" in said[0]


def test_a_teacher_that_cannot_be_kept_is_used_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DDCODEC_CACHE", str(tmp_path / "file"))
    said: list[str] = []
    cache = TeacherCache("abc", (8, 8), CLASSES, TeacherSettings(steps=2, pad=1), said.append)
    assert cache.train(colours).classes == tuple(CLASSES)
    assert "will be trained again next time: set DDCODEC_CACHE" in said[0]


@pytest.mark.parametrize("at", [2, 3])
def test_an_interrupted_training_goes_on_and_gives_the_same_teacher(
    tmp_path: Path, at: int
) -> None:
    """At the end or in the middle of an epoch, which has two steps here."""
    whole = train_teacher(*colours(), CLASSES, SETTINGS)
    path, began = tmp_path / "checkpoint", list[int]()

    def stop(done: int, total: int) -> None:
        if done == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        saved = Checkpoint(path, b"k", every=0)
        train_teacher(*colours(), CLASSES, SETTINGS, stop, checkpoint=saved)

    def resumed(key: bytes) -> Teacher:
        tell, saved = lambda done, _: began.append(done), Checkpoint(path, key)
        return train_teacher(*colours(), CLASSES, SETTINGS, tell, checkpoint=saved)

    assert resumed(b"k").digest == whole.digest
    assert began[0] == at + 1
    # Of another training nothing is taken, nor of a damaged checkpoint.
    assert resumed(b"l").digest == whole.digest
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert resumed(b"k").digest == whole.digest
    assert began.count(1) == 2


def test_a_checkpoint_that_cannot_be_written_ends_no_training(tmp_path: Path) -> None:
    saved = Checkpoint(tmp_path / "gone" / "checkpoint", b"k", every=0)
    with pytest.warns(UserWarning, match="cannot be saved .* the work goes on"):
        made = train_teacher(*colours(), CLASSES, SETTINGS, checkpoint=saved)
    assert made.digest == train_teacher(*colours(), CLASSES, SETTINGS).digest


def test_training_ends_once_the_held_out_pictures_are_known() -> None:
    many = replace(SETTINGS, steps=100, held_out=40)
    quick = train_teacher(*colours(400), CLASSES, many)
    assert quick.held_out is not None and quick.held_out.accuracy == 1
    assert quick.training["steps_done"] < 100
    patient = train_teacher(*colours(400), CLASSES, replace(many, patience=0))
    assert patient.training["steps_done"] == 100


def test_the_key_depends_on_all_that_shapes_a_teacher() -> None:
    keys = {
        teacher_key("abc", (8, 8), CLASSES, SETTINGS),
        teacher_key("abd", (8, 8), CLASSES, SETTINGS),
        teacher_key("abc", (16, 16), CLASSES, SETTINGS),
        teacher_key("abc", (8, 8), CLASSES[::-1], SETTINGS),
        teacher_key("abc", (8, 8), CLASSES, TeacherSettings(flip=False)),
        teacher_key("abc", (8, 8), CLASSES, replace(SETTINGS, held_out=1)),
    }
    assert len(keys) == 6


def test_pictures_are_held_out_and_measured_on_and_nothing_else_changes() -> None:
    images, labels = colours(20)
    held = train_teacher(images, labels, CLASSES, replace(SETTINGS, held_out=1))
    assert held.held_out is not None
    assert held.held_out.describe() == (
        "right about 100.0 % of 3 pictures that it was not trained on"
    )
    plain = train_teacher(images, labels, CLASSES, SETTINGS)
    assert plain.held_out is None
    few = train_teacher(*colours(9), CLASSES, replace(SETTINGS, held_out=1))
    assert few.held_out is None  # a tenth of nine pictures is none


def test_what_is_held_out_is_never_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every picture is of one colour that no other has, whatever is cropped."""
    images = np.arange(60, dtype=np.uint8)[:, None, None, None].repeat(8, 1).repeat(8, 2)
    images = images.repeat(3, 3)
    asked, seen = set[int](), set[int]()

    def measured(module: object, images: NDArray[np.uint8], *_: object) -> float:
        asked.update(images[:, 0, 0, 0].tolist())
        return 0.5

    crop = teacher_training.pad_crop_flip
    monkeypatch.setattr(teacher_training, "accuracy", measured)
    monkeypatch.setattr(
        teacher_training,
        "pad_crop_flip",
        lambda x, *a: seen.update(x[:, 0, 0, 0].tolist()) or crop(x, *a),
    )
    train_teacher(images, np.arange(60) % 3, CLASSES, replace(SETTINGS, held_out=2))
    assert (len(asked), len(seen), asked & seen) == (6, 54, set())


def test_large_pictures_are_made_smaller_to_train_on() -> None:
    assert training_size((32, 32)) == (32, 32)
    assert training_size((64, 64)) == (64, 64)
    assert training_size((128, 128)) == training_size((224, 224)) == (64, 64)


def test_default_settings_repeat_small_sets() -> None:
    assert default_settings(50_000, 32, classes=10).steps == 12 * 50_000 // 64
    assert default_settings(1_437, 16, classes=10, flip=False).steps == 1_500
    assert default_settings(100, 32, classes=2).steps == 400
    assert default_settings(50_000, 32, classes=10).held_out == 50


def test_pictures_that_cannot_be_trained_on_are_refused() -> None:
    with pytest.raises(EncodeError, match="no pictures"):
        train_teacher(np.empty((0, 8, 8, 3), np.uint8), np.empty(0, np.int64), CLASSES, SETTINGS)
    with pytest.raises(RequestError, match="square pictures, not 9x8"):
        wide = np.zeros((3, 8, 9, 3), np.uint8)
        train_teacher(wide, np.arange(3), CLASSES, SETTINGS)
