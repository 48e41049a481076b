from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from ddcodec.classifiers.pretrained import teacher_to_fetch
from ddcodec.classifiers.store import (
    cached_teacher,
    load_teacher,
    save_teacher,
    teacher_key,
)
from ddcodec.classifiers.teacher import Teacher, TeacherSettings, default_settings, train_teacher
from ddcodec.errors import ChecksumMismatchError, DecodeError, EncodeError, ModelMismatchError
from ddcodec.files import cache_folder
from ddcodec.imagenet import classes as imagenet_classes
from tests.hub_server import COMMIT, FakeHub, fake_hub

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
    with pytest.raises(EncodeError, match="exists already"):
        save_teacher(teacher, tmp_path)


def test_a_word_that_is_no_folder_and_no_hub_id_is_refused() -> None:
    with pytest.raises(ModelMismatchError, match="neither a folder nor a hub id"):
        load_teacher("nowhere", CLASSES)


@pytest.fixture
def transformers_folder(tmp_path: Path) -> Path:
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8],
        depths=[1],
        layer_type="basic",
        id2label=dict(enumerate(CLASSES)),
    )
    torch.manual_seed(0)
    folder = tmp_path / "resnet"
    ResNetForImageClassification(config).save_pretrained(folder)
    prepared = {"crop_size": 32, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.2]}
    (folder / "preprocessor_config.json").write_text(json.dumps(prepared))
    return folder


@pytest.fixture
def hub(
    tmp_path: Path, transformers_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeHub]:
    with fake_hub(tmp_path / "cache", monkeypatch) as hub:
        hub.hold(transformers_folder)
        hub.files |= {"pytorch_model.bin": b"no", "model.fp16.safetensors": b"no"}
        yield hub


def test_a_teacher_of_the_hub_is_fetched_and_then_needs_no_network(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, int]] = []
    ((name, size),) = teacher_to_fetch("owner/name@v1").items()
    weights = len(hub.files["model.safetensors"])
    assert (name, size) == (f"owner/name@{COMMIT}", weights + len(hub.files["config.json"]))
    assert hub.fetched == []
    teacher = load_teacher("owner/name", CLASSES, progress=lambda *step: told.append(step))
    assert hub.fetched == ["config.json", "model.safetensors"]
    assert told[0][0].startswith("fetching ") and "owner/name" in told[0][0]
    assert teacher_to_fetch("owner/name") == {}
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert load_teacher("owner/name", CLASSES).digest == teacher.digest
    with pytest.raises(DecodeError, match="the teacher owner/other is not on this machine"):
        load_teacher("owner/other", CLASSES)


def test_a_teacher_of_the_hub_without_safetensors_is_refused(hub: FakeHub) -> None:
    del hub.files["model.safetensors"]
    with pytest.raises(ModelMismatchError, match="no image classifier"):
        load_teacher("owner/name", CLASSES)
    assert hub.fetched == []


def test_a_transformers_folder_is_a_teacher(transformers_folder: Path) -> None:
    preprocessing = {"crop_size": 32, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.2]}
    (transformers_folder / "preprocessor_config.json").write_text(json.dumps(preprocessing))
    found = load_teacher(transformers_folder, ("red", "green", "blue"))
    assert found.size == (32, 32)
    assert found.mean == pytest.approx((0.5, 0.4, 0.3), abs=1e-4)
    assert found.logits(colours()[0]).shape == (24, 3)


@pytest.mark.parametrize(
    "damaged", ["{", "[]", "[" * 10_000, '{"size": "big"}', '{"image_mean": 1, "image_std": 2}']
)
def test_damaged_settings_of_a_transformers_folder_are_named(
    transformers_folder: Path, damaged: str
) -> None:
    (transformers_folder / "preprocessor_config.json").write_text(damaged)
    with pytest.raises(ModelMismatchError, match=r"preprocessor_config\.json does not say"):
        load_teacher(transformers_folder, CLASSES)


def test_the_cache_trains_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DDCODEC_CACHE", str(tmp_path))
    loads = []

    def load() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        loads.append(1)
        return colours()

    quick = TeacherSettings(steps=2, pad=1)
    first = cached_teacher("abc", (8, 8), CLASSES, quick, load)
    again = cached_teacher("abc", (8, 8), CLASSES, quick, load)
    assert (len(loads), again.digest) == (1, first.digest)
    key = teacher_key("abc", (8, 8), CLASSES, quick)
    assert [p.name for p in cache_folder("teachers").iterdir()] == [key]


def test_the_key_depends_on_all_that_shapes_a_teacher() -> None:
    keys = {
        teacher_key("abc", (8, 8), CLASSES, SETTINGS),
        teacher_key("abd", (8, 8), CLASSES, SETTINGS),
        teacher_key("abc", (16, 16), CLASSES, SETTINGS),
        teacher_key("abc", (8, 8), CLASSES[::-1], SETTINGS),
        teacher_key("abc", (8, 8), CLASSES, TeacherSettings(flip=False)),
    }
    assert len(keys) == 5


def test_default_settings_repeat_small_sets() -> None:
    assert default_settings(50_000, 32).steps == 12 * 50_000 // 64
    assert default_settings(1_437, 16, flip=False).steps == 1_500
    assert default_settings(100, 32).steps == 400


def test_pictures_that_cannot_be_trained_on_are_refused() -> None:
    with pytest.raises(EncodeError, match="no pictures"):
        train_teacher(np.empty((0, 8, 8, 3), np.uint8), np.empty(0, np.int64), CLASSES, SETTINGS)
    with pytest.raises(EncodeError, match="square pictures, not 9x8"):
        wide = np.zeros((3, 8, 9, 3), np.uint8)
        train_teacher(wide, np.arange(3), CLASSES, SETTINGS)
