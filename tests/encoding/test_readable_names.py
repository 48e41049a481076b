"""Class folders called by ids: readable names reach prompts, artifact, slices, folders and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcodec
from ddcodec.artifact import Artifact, merge
from ddcodec.cli.inspect import as_lines, as_values
from ddcodec.encoding.inputs import Inputs
from ddcodec.encoding.options import EncodeOptions
from ddcodec.errors import RequestError
from ddcodec.exchange.folder import export_folder
from ddcodec.methods import textual_inversion
from ddcodec.sources.folder import scan
from tests.artifacts import encode_small, quick_teacher

IDS = ("n01440764", "n02012849", "n03126707")
NAMES = ("tench", "crane bird", "construction crane")


@pytest.fixture(scope="module")
def imagenet(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three easy classes in folders that are called as ImageNet's are."""
    folder = tmp_path_factory.mktemp("imagenet")
    for name, shape in zip(IDS, ("blob", "cross", "stripes"), strict=True):
        (folder / name).symlink_to(image_folder / "train" / shape)
    return folder


@pytest.fixture(scope="module")
def artifact(imagenet: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return encode_small(imagenet, tmp_path_factory.mktemp("named") / "a.ddz")


def named(tmp_path: Path, *names: str) -> Path:
    file = tmp_path / "names.json"
    file.write_text(json.dumps(dict(zip(IDS, names, strict=False))))
    return file


def test_both_names_live_in_the_artifact_and_its_slices(artifact: Artifact, tmp_path: Path) -> None:
    assert (artifact.classes, artifact.names) == (IDS, NAMES)
    cut = artifact.subset(tmp_path / "cut.ddz", classes=["construction crane", "n01440764"])
    assert (cut.classes, cut.names) == ((IDS[0], IDS[2]), (NAMES[0], NAMES[2]))
    assert cut.dataset().names == NAMES


def test_names_change_no_picture_and_no_label(
    artifact: Artifact, imagenet: Path, tmp_path: Path
) -> None:
    other = encode_small(imagenet, tmp_path / "o.ddz", class_names=named(tmp_path, *"abc"))
    assert other.names == ("a", "b", "c")
    assert other.digest != artifact.digest
    ours, theirs = (one.dataset().batch(range(12)) for one in (artifact, other))
    assert all(map(np.array_equal, ours, theirs))


def test_an_artifact_whose_classes_need_no_other_names_has_none(
    image_folder: Path, tmp_path: Path
) -> None:
    plain = encode_small(image_folder, tmp_path / "p.ddz")
    assert plain.head.names is None
    assert plain.names == plain.classes


def test_slices_of_one_artifact_merge_to_it_and_strangers_keep_their_names(
    artifact: Artifact, image_folder: Path, tmp_path: Path
) -> None:
    parts = [artifact.subset(tmp_path / f"{c}.ddz", classes=[c]) for c in IDS]
    merge(parts, tmp_path / "whole.ddz")
    assert ddcodec.open(tmp_path / "whole.ddz").head == artifact.head
    plain = encode_small(image_folder, tmp_path / "plain.ddz")
    merge([plain, artifact], tmp_path / "both.ddz")
    assert ddcodec.open(tmp_path / "both.ddz").names == (*plain.classes, *NAMES)


def test_a_class_that_is_called_otherwise_elsewhere_is_not_merged(
    artifact: Artifact, imagenet: Path, tmp_path: Path
) -> None:
    file = named(tmp_path, *"abc")
    other = encode_small(imagenet, tmp_path / "o.ddz", class_names=file)
    parts = [
        artifact.subset(tmp_path / "1.ddz", classes=[IDS[0]]),
        other.subset(tmp_path / "2.ddz", classes=[IDS[1]]),
    ]
    with pytest.raises(RequestError, match=r"'n01440764' is called 'tench' in .* and 'a' in"):
        merge(parts, tmp_path / "both.ddz")


def test_a_decoded_folder_says_both(artifact: Artifact, tmp_path: Path) -> None:
    export_folder(artifact, tmp_path / "out", ipc=1, views=1)
    assert {p.name for p in (tmp_path / "out").iterdir() if p.is_dir()} == {*IDS}
    with np.load(tmp_path / "out" / "labels.npz") as labels:
        assert labels["class_names"].tolist() == [*IDS]
        assert labels["readable_names"].tolist() == [*NAMES]
    page = (tmp_path / "out" / "README.md").read_text()
    assert "- Classes: n01440764 (tench), n02012849 (crane bird), n03126707 (construction" in page


def test_inspect_says_both(artifact: Artifact) -> None:
    values = as_values(artifact)
    assert (values["classes"], values["names"]) == ([*IDS], [*NAMES])
    told = " ".join(" ".join(as_lines(artifact)).split())
    listed = "n01440764 (tench), n02012849 (crane bird), n03126707 (construction crane)"
    assert f"classes {listed} labels" in told


def test_prompts_speak_readable_names(
    imagenet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Asked(Exception):
        pass

    def invert(_prior: Any, names: list[str], *_rest: Any) -> Any:
        raise Asked(names)

    monkeypatch.setattr(textual_inversion, "invert", invert)
    teacher = quick_teacher(imagenet, tmp_path / "teacher")
    with pytest.raises(Asked) as asked:
        encode_small(
            imagenet,
            tmp_path / "a.ddz",
            method="d3m",
            teacher=teacher,
            options={"images": "2", "crops": "1"},
        )
    assert asked.value.args[0] == [*NAMES]


def test_a_prompt_without_a_text_of_its_own_is_the_readable_name(
    imagenet: Path, tmp_path: Path
) -> None:
    made = encode_small(
        imagenet,
        tmp_path / "a.ddz",
        method="t2i",
        ipc=1,
        views=1,
        options={"sampling_steps": "1"},
    )
    assert [made.table.prompt_text(c) for c in range(3)] == [*NAMES]
    cut = made.subset(tmp_path / "cut.ddz", classes=[IDS[2]])
    assert cut.verify("pixels") == 1


def test_names_are_part_of_the_job_by_content_and_not_by_place(
    imagenet: Path, tmp_path: Path
) -> None:
    def key(**changes: Any) -> dict[str, Any]:
        options = EncodeOptions(method="random", labels="hard", **changes)
        return Inputs(scan(imagenet), options).key()

    (tmp_path / "elsewhere").mkdir()
    here, there = (named(p, *NAMES) for p in (tmp_path, tmp_path / "elsewhere"))
    assert key(class_names=here) == key(class_names=str(there)) == key()
    assert key(class_names=named(tmp_path, *"abc")) != key()


def test_a_mapping_that_does_not_fit_is_refused_before_any_work(
    imagenet: Path, tmp_path: Path
) -> None:
    file = named(tmp_path, "tench", "crane")
    with pytest.raises(RequestError, match="names 2 of 3 classes; it lacks 'n03126707'"):
        encode_small(imagenet, tmp_path / "a.ddz", class_names=file)
    assert list(tmp_path.iterdir()) == [file]


def test_a_prior_is_not_asked_for_ids_that_nobody_can_read(
    image_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "images").mkdir()
    for name, shape in (("n00007846", "blob"), ("n01440764", "cross")):
        (tmp_path / "images" / name).symlink_to(image_folder / "train" / shape)
    plain = encode_small(tmp_path / "images", tmp_path / "a.ddz")
    assert plain.names == ("n00007846", "tench")
    with pytest.raises(RequestError, match=r"1 classes, 'n00007846' first.*class_names='FILE'"):
        encode_small(tmp_path / "images", tmp_path / "b.ddz", method="d3m")
