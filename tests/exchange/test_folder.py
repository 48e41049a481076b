"""A decoded folder holds exactly the artifact's pixels and labels, and resumes."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ddcodec
from ddcodec.artifact import open_artifact
from ddcodec.errors import DecodeError, ModelMismatchError, RequestError
from ddcodec.exchange.folder import export_folder, plan_export
from ddcodec.exchange.sums import Sums
from ddcodec.prior.packaged import tiny_folder
from ddcodec.sources.folder import scan
from tools.conformance.vectors.maker import VECTORS


@pytest.fixture(scope="module")
def artifact(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> ddcodec.Artifact:
    path = tmp_path_factory.mktemp("artifact") / "shapes.ddz"
    ddcodec.encode(image_folder, path, method="random", labels="hard", ipc=3, views=2)
    return ddcodec.open(path)


def test_pictures_and_labels_are_those_of_the_dataset(
    artifact: ddcodec.Artifact, tmp_path: Path
) -> None:
    result = export_folder(artifact, tmp_path / "out", batch_size=4)
    assert (result.images, result.kept) == (18, 0)
    assert scan(tmp_path / "out").classes == ("blob", "cross", "stripes")
    with np.load(tmp_path / "out" / "labels.npz", allow_pickle=False) as labels:
        assert labels["class_names"].tolist() == ["blob", "cross", "stripes"]
        assert labels["labels"].dtype == np.float32
        rows = list(zip(labels["files"], labels["labels"], labels["view"], strict=True))
    data = artifact.dataset(pixels="uint8")
    for number, (file, stored, view) in enumerate(rows):
        data.set_epoch(int(view))
        image, label = data[number // 2]
        pixels = np.asarray(Image.open(tmp_path / "out" / file))
        assert np.array_equal(pixels, image.numpy().transpose(1, 2, 0))
        assert np.array_equal(stored, label.numpy())
    assert artifact.digest in (tmp_path / "out" / "README.md").read_text()


def test_a_second_run_keeps_what_is_there_and_fills_gaps(
    artifact: ddcodec.Artifact, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export_folder(artifact, out)
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    (out / "cross" / "00001_00000.png").unlink()
    (out / "labels.npz").unlink()
    seen: list[tuple[str, int, int]] = []
    result = export_folder(artifact, out, progress=lambda *step: seen.append(step))
    assert (result.images, result.kept) == (18, 17)
    assert seen[-1] == ("pictures", 18, 18)
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("damage", [b"", b"not what was written"])
def test_a_picture_that_is_not_what_was_written_is_made_again(
    artifact: ddcodec.Artifact, tmp_path: Path, damage: bytes
) -> None:
    out = tmp_path / "out"
    export_folder(artifact, out)
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    (out / "cross" / "00001_00000.png").write_bytes(damage)
    assert plan_export(artifact, out).kept == 17
    assert export_folder(artifact, out).kept == 17
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before


def test_the_sums_are_those_of_the_files(artifact: ddcodec.Artifact, tmp_path: Path) -> None:
    export_folder(artifact, tmp_path / "out", views=1)
    lines = (tmp_path / "out" / "SHA256SUMS").read_text().splitlines()
    files = [line.split("  ")[1] for line in lines]
    assert files[0] == "blob/00000_00000.png" and files[-1] == "labels.npz" and len(files) == 10
    for line, file in zip(lines, files, strict=True):
        content = (tmp_path / "out" / file).read_bytes()
        assert line.split("  ")[0] == hashlib.sha256(content).hexdigest()


def test_sums_that_another_process_has_finished_are_not_added_to(tmp_path: Path) -> None:
    with Sums(tmp_path) as late, Sums(tmp_path) as early, Sums(tmp_path) as other:
        early.write("a.png", b"a")
        other.write("a.png", b"a")
        early.finish(["a.png"])
        finished = (tmp_path / "SHA256SUMS").read_bytes()
        other.write("a.png", b"a")
        other.write("b.png", b"b")
        late.write("a.png", b"a")
        assert (tmp_path / "SHA256SUMS").read_bytes() == finished
        assert finished.count(b"\n") == 1


def test_a_run_that_was_killed_goes_on_whatever_it_left(
    artifact: ddcodec.Artifact, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export_folder(artifact, out)
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    killed = tmp_path / "killed"
    killed.mkdir()
    (killed / ".manifest.json.0123abcd.tmp").write_text("{")
    assert export_folder(artifact, killed).kept == 0
    sums = killed / "SHA256SUMS"
    sums.write_bytes(sums.read_bytes()[:500])  # a line is cut
    (killed / "cross" / ".00001_00000.png.0123abcd.tmp").write_text("")
    for left in killed.rglob(".*.tmp"):
        os.utime(left, (0, 0))  # not one of a moment ago
    assert 0 < export_folder(artifact, killed).kept < 18
    after = {p.relative_to(killed): p.read_bytes() for p in killed.rglob("*") if p.is_file()}
    assert after == {p.relative_to(out): content for p, content in before.items()}


def test_a_slice(artifact: ddcodec.Artifact, tmp_path: Path) -> None:
    result = export_folder(artifact, tmp_path / "out", classes=["cross"], ipc=2, views=1)
    files = sorted(p.relative_to(tmp_path / "out").as_posix() for p in tmp_path.rglob("*.png"))
    assert files == ["cross/00000_00000.png", "cross/00001_00000.png"]
    assert result.images == 2


def test_two_exports_are_never_mixed(artifact: ddcodec.Artifact, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_folder(artifact, out, ipc=1)
    with pytest.raises(RequestError, match="another selection"):
        export_folder(artifact, out, ipc=2)
    other = artifact.subset(tmp_path / "part.ddz", ipc=1, views=1)
    with pytest.raises(RequestError, match="another artifact"):
        export_folder(other, out)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("precious")
    with pytest.raises(RequestError, match="not empty"):
        export_folder(artifact, mine)
    with pytest.raises(RequestError, match="no class 'whale'"):
        export_folder(artifact, tmp_path / "new", classes=["whale"])
    assert not (tmp_path / "new").exists()


def test_a_file_in_the_way_is_a_clear_error(artifact: ddcodec.Artifact, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(DecodeError, match="choose another folder"):
        export_folder(artifact, tmp_path / "out")


def test_a_prior_that_will_not_do_leaves_no_folder(tmp_path: Path) -> None:
    made = open_artifact(VECTORS / "datasets" / "y_text2image.ddz")
    prior = shutil.copytree(tiny_folder(), tmp_path / "prior")
    (prior / "scheduler" / "scheduler_config.json").write_text("{}")
    with pytest.raises(ModelMismatchError, match="is not the one this artifact was made with"):
        export_folder(made, tmp_path / "out", prior=str(prior))
    assert not (tmp_path / "out").exists()
    assert export_folder(made, tmp_path / "out", ipc=1, views=1).images == len(made.classes)
