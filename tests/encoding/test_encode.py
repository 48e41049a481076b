"""From an image folder to an artifact: determinism, resuming, refusals."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.classifiers.store import load_teacher, save_teacher
from ddcodec.classifiers.teacher_training import TeacherSettings, train_teacher
from ddcodec.encoding.labelling import Labelling, centred
from ddcodec.errors import EncodeError, ModelMismatchError, RequestError, SourceError
from ddcodec.labels.encoder.label_set import divergence
from ddcodec.sources.folder import scan
from ddcodec.sources.source import load_images
from tests.artifacts import encode_small


def test_the_same_request_gives_the_same_file(image_folder: Path, tmp_path: Path) -> None:
    a = encode_small(image_folder, tmp_path / "a.ddz")
    b = encode_small(image_folder, tmp_path / "b.ddz")
    assert (tmp_path / "a.ddz").read_bytes() == (tmp_path / "b.ddz").read_bytes()
    assert a.digest != encode_small(image_folder, tmp_path / "c.ddz", seed=1).digest
    assert b.digest == ddcodec.open(tmp_path / "a.ddz").digest


def test_order_on_disk_does_not_matter(image_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for file in sorted((image_folder / "train").rglob("*.png"), reverse=True):
        target = copy / file.parent.name / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    a = encode_small(image_folder, tmp_path / "a.ddz")
    assert encode_small(copy, tmp_path / "b.ddz").digest == a.digest


def test_a_smaller_ipc_is_a_prefix(image_folder: Path, tmp_path: Path) -> None:
    four = encode_small(image_folder, tmp_path / "four.ddz", quality=100)
    one = encode_small(image_folder, tmp_path / "one.ddz", quality=100, ipc=1)
    cut = four.subset(tmp_path / "cut.ddz", ipc=1)
    assert (one.dataset()[2][0] == cut.dataset()[2][0]).all()


ROWS = [(c, s) for c in range(3) for s in range(4)]
LABEL_KINDS = ("label-model", "label-fields", "labels")


def asked(artifact: Artifact, teacher_folder: Path, view: int) -> np.ndarray:
    """What the teacher says of the images as a reader decodes them."""
    teacher = load_teacher(teacher_folder, artifact.classes)
    return teacher.logits(artifact.renderer().images(ROWS, view))


def label_bytes(artifact: Artifact) -> int:
    return sum(s.stored_len for s in artifact.sections if s.kind in LABEL_KINDS)


def test_lossless_labels_are_the_teachers_on_the_decoded_images(
    image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    artifact = encode_small(
        image_folder,
        tmp_path / "soft.ddz",
        labels="soft",
        label_layers="lossless",
        teacher=str(teacher_folder),
    )
    for view in range(3):
        expected = centred(asked(artifact, teacher_folder, view).astype(np.float64))
        stored = artifact.labels.logits(ROWS, view)
        # Batches differ from the encoder's, so a value at a rounding edge may fall either way.
        assert np.abs(stored.astype(int) - expected).max() <= 1
        assert (stored == expected).mean() > 0.99


@pytest.mark.parametrize("view", ["crop+flip", "crop+flip+cutmix"])
@pytest.mark.parametrize("quality", [0.0005, 0.01])
def test_labels_are_as_good_as_was_asked(
    image_folder: Path, teacher_folder: Path, tmp_path: Path, view: str, quality: float
) -> None:
    out = tmp_path / "a.ddz"
    result = ddcodec.encode(
        image_folder,
        out,
        method="random",
        ipc=4,
        views=9,
        view=view,
        teacher=str(teacher_folder),
        label_quality=quality,
        label_temperature="5/2",
    )
    artifact = ddcodec.open(out)
    found = [
        divergence(
            asked(artifact, teacher_folder, v),
            artifact.labels.logits(ROWS, v).astype(np.float32) / 64,
            2.5,
        )
        for v in range(9)
    ]
    assert result.divergence is not None
    assert result.divergence <= quality
    assert np.mean(found) == pytest.approx(result.divergence, rel=0.02, abs=1e-5)
    assert artifact.info["labels"] == {
        "divergence": f"{result.divergence:.3g}",
        "layers": "innovation",
    }


def test_each_layer_brings_labels_closer_to_the_teachers(
    image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    # A low temperature, because this teacher hardly tells views apart.
    request = {"labels": "soft", "teacher": str(teacher_folder), "label_temperature": 2}
    kinds: dict[str, set[str]] = {}
    reached: list[float] = []
    for layers in ("class", "image", "field", "innovation", "lossless"):
        out = tmp_path / f"{layers}.ddz"
        settings: dict[str, Any] = {**request, "label_layers": layers, "label_quality": 0.001}
        result = ddcodec.encode(image_folder, out, method="random", ipc=4, views=9, **settings)
        kinds[layers] = {s.kind for s in ddcodec.open(out).sections} & set(LABEL_KINDS)
        assert result.divergence is not None
        reached.append(result.divergence)
    assert reached == sorted(reached, reverse=True)
    assert reached[0] > 2 * reached[3]
    assert kinds["class"] == {"label-model", "labels"}
    assert all(kinds[layers] == set(LABEL_KINDS) for layers in ("image", "field", "innovation"))


def test_a_budget_of_label_bytes_is_kept_and_used(
    image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    request: dict[str, Any] = {
        "method": "random",
        "ipc": 4,
        "views": 9,
        "teacher": str(teacher_folder),
    }
    reached = []
    for budget in (150, 250):
        out = tmp_path / f"{budget}.ddz"
        result = ddcodec.encode(image_folder, out, label_bytes=budget, **request)
        assert 0.6 * budget < label_bytes(ddcodec.open(out)) <= budget
        reached.append(result.divergence)
    assert reached[0] > reached[1]
    with pytest.raises(EncodeError, match="larger budget"):
        ddcodec.encode(image_folder, tmp_path / "c.ddz", label_bytes=3, **request)
    assert not (tmp_path / "c.ddz").exists()


def test_what_a_teacher_said_is_coded_again_without_asking_it(
    image_folder: Path, teacher_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request: dict[str, Any] = {"labels": "soft", "teacher": str(teacher_folder)}
    fresh = encode_small(image_folder, tmp_path / "a.ddz", label_quality=0.05, **request)
    work = {"work": tmp_path / "work"}
    encode_small(image_folder, tmp_path / "b.ddz", **work, **request)
    monkeypatch.setattr(Labelling, "_ask", lambda *_: pytest.fail("asked again"))
    again = encode_small(image_folder, tmp_path / "c.ddz", label_quality=0.05, **work, **request)
    assert again.digest == fresh.digest


@pytest.mark.parametrize("layers", ["class", "innovation", "lossless"])
def test_a_single_class_is_always_certain(image_folder: Path, tmp_path: Path, layers: str) -> None:
    source = tmp_path / "one"
    shutil.copytree(image_folder / "train" / "blob", source / "blob")
    images, labels = load_images(scan(source), (16, 16))
    settings = TeacherSettings(steps=1, batch_size=12, pad=2)
    save_teacher(train_teacher(images, labels, ["blob"], settings), tmp_path / "teacher")
    request: dict[str, Any] = {"labels": "soft", "teacher": str(tmp_path / "teacher")}
    artifact = encode_small(source, tmp_path / "a.ddz", label_layers=layers, **request)
    assert (artifact.dataset().probabilities(range(4)) == 1).all()


def test_hard_labels_diverge_from_nobodys(image_folder: Path, tmp_path: Path) -> None:
    request: dict[str, Any] = {"method": "random", "ipc": 1, "views": 1, "labels": "hard"}
    result = ddcodec.encode(image_folder, tmp_path / "a.ddz", **request)
    assert result.divergence is None
    assert not {"label_temperature", "label_quality", "label_layers", "teacher_bits"} & set(
        result.options_used
    )


def test_an_interrupted_encode_resumes_to_the_same_digest(
    image_folder: Path, teacher_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request: dict[str, Any] = {"method": "rded", "labels": "soft", "teacher": str(teacher_folder)}
    whole = encode_small(image_folder, tmp_path / "whole.ddz", **request)
    ask = Labelling._ask

    def interrupted(self: Labelling, teacher: Any, class_index: int) -> Any:
        if class_index == 1:
            raise KeyboardInterrupt
        return ask(self, teacher, class_index)

    with monkeypatch.context() as patch:
        patch.setattr(Labelling, "_ask", interrupted)
        with pytest.raises(KeyboardInterrupt):
            encode_small(image_folder, tmp_path / "resumed.ddz", **request)
    assert not (tmp_path / "resumed.ddz").exists()
    assert (tmp_path / "resumed.ddz.work" / "labels-00000.piece").exists()
    resumed = encode_small(image_folder, tmp_path / "resumed.ddz", **request)
    assert resumed.digest == whole.digest
    assert not (tmp_path / "resumed.ddz.work").exists()


def test_a_given_work_folder_is_kept(image_folder: Path, tmp_path: Path) -> None:
    encode_small(image_folder, tmp_path / "a.ddz", work=tmp_path / "work")
    assert (tmp_path / "work" / "job.json").exists()
    with pytest.raises(RequestError, match="another job"):
        encode_small(image_folder, tmp_path / "b.ddz", work=tmp_path / "work", seed=5)
    assert not (tmp_path / "b.ddz").exists()


def test_a_dry_run_writes_nothing_and_guesses_the_pictures_well(
    image_folder: Path, tmp_path: Path
) -> None:
    request: dict[str, Any] = {"method": "random", "ipc": 10, "views": 3, "labels": "hard"}
    plan = ddcodec.encode(image_folder, tmp_path / "a.ddz", dry_run=True, **request)
    assert list(tmp_path.iterdir()) == []
    made = encode_small(image_folder, tmp_path / "a.ddz", **request)
    assert sum(plan.expected.values()) == pytest.approx(made.file_len, rel=0.05)
    header = next(n for n in made.sizes().children if n.name == "container").stored
    assert plan.expected["container"] == pytest.approx(header, rel=0.1)
    assert plan.training_seconds is None


def test_a_dry_run_says_how_long_a_teacher_would_take(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DDCODEC_CACHE", str(tmp_path / "cache"))
    plan = ddcodec.encode(image_folder, tmp_path / "a.ddz", dry_run=True, method="rded", ipc=1)
    assert plan.training_seconds is not None and plan.training_seconds > 0
    assert not (tmp_path / "cache").exists()


def test_odd_pictures_are_counted_once(image_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(image_folder / "train", copy)
    (copy / "blob" / "broken.png").write_bytes(b"\x89PNG broken")
    result = ddcodec.encode(
        copy, tmp_path / "a.ddz", method="random", ipc=12, views=1, labels="hard"
    )
    broken = str(copy / "blob" / "broken.png")
    assert result.skipped == {broken: "unknown or damaged format"}
    assert result.warnings == (
        f"1 corrupt or unreadable picture skipped: {broken} (unknown or damaged format)",
    )
    assert result.classes == {"blob": 13, "cross": 12, "stripes": 12}


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"ipc": 13}, EncodeError, "12 images"),
        ({"ipc": 0}, RequestError, "ipc=0"),
        ({"seed": -1}, RequestError, "seed"),
        ({"method": "magic"}, RequestError, "known: coreset, d3m"),
        ({"profile": "w4a4"}, RequestError, "one of w8a8, w8a15, w15a15, float"),
        ({"view": "crop+crop"}, RequestError, "at most once"),
        ({"label_layers": "logits"}, RequestError, "one of class, image"),
        ({"label_quality": 0.0}, RequestError, "1e-06..1"),
        ({"label_quality": float("nan")}, RequestError, "1e-06..1"),
        ({"label_bytes": 0}, RequestError, "integer from 1"),
        ({"label_bytes": 99, "label_layers": "lossless"}, RequestError, "no budget"),
        ({"label_temperature": "0"}, RequestError, "ratio 0.015625..1024"),
        ({"label_temperature": "warm"}, RequestError, "must be a ratio"),
        ({"options": {"steps": "9"}}, RequestError, "no option"),
        ({"quality": 101}, RequestError, "quality"),
        ({"labels": "soft", "teacher": "/nonexistent"}, RequestError, "nonexistent"),
    ],
)
def test_what_cannot_be_done_is_refused(
    image_folder: Path, tmp_path: Path, changes: dict[str, Any], error: type, says: str
) -> None:
    with pytest.raises(error, match=says):
        encode_small(image_folder, tmp_path / "no.ddz", **changes)
    assert not (tmp_path / "no.ddz").exists()


def test_an_existing_artifact_is_kept_unless_forced(image_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.ddz"
    target.write_text("precious")
    with pytest.raises(RequestError, match="force=True"):
        encode_small(image_folder, target)
    assert target.read_text() == "precious"
    assert encode_small(image_folder, target, force=True).verify("digest") == 0


def test_a_teacher_of_other_classes_is_refused_by_name(
    image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(image_folder / "train", copy)
    (copy / "blob").rename(copy / "zebra")
    with pytest.raises(ModelMismatchError, match="zebra"):
        encode_small(copy, tmp_path / "a.ddz", labels="soft", teacher=str(teacher_folder))


def test_a_folder_without_classes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="class"):
        encode_small(tmp_path / "empty", tmp_path / "a.ddz")


def test_a_result_says_what_was_made(image_folder: Path, tmp_path: Path) -> None:
    request = {"method": "random", "ipc": 2, "labels": "hard"}
    out = tmp_path / "a.ddz"
    made = ddcodec.encode(image_folder, out, **request)  # type: ignore[arg-type]
    assert repr(made) == (
        f"EncodeResult({str(out)!r}, {made.file_len:,} bytes, digest {made.digest[:12]})"
    )
    would = ddcodec.encode(image_folder, "b.ddz", dry_run=True, **request)  # type: ignore[arg-type]
    assert repr(would).startswith("EncodeResult(would take about ")
