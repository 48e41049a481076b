"""Folders of pictures: classes by number or name, and traps in their order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ddcodec
from ddcodec.errors import RequestError, SourceError
from ddcodec.exchange.importing.folders import natural
from ddcodec.exchange.importing.orders import known_orders
from tests.exchange.importing.neighbours import d4m, pixels, rded, sre2l, wordnet
from tests.exchange.importing.test_matching import shown

IMAGES = pixels(24, 16)


@pytest.mark.parametrize(("write", "name"), [(rded, "rded"), (sre2l, "sre2l"), (d4m, "d4m")])
def test_folders_called_by_numbers_get_the_names_of_an_order(write, name, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    source = write(tmp_path / "set", IMAGES[:20], 2)
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="imagenette")
    assert (made.format, made.ipc, made.order) == (name, 2, "imagenette")
    assert made.classes == known_orders()["imagenette"].classes
    with ddcodec.open(tmp_path / "a.ddz") as artifact:
        assert artifact.head.title(0) == "n01440764 (tench)"


def test_numbers_without_names_are_asked_for(tmp_path: Path) -> None:
    source = rded(tmp_path / "set", IMAGES[:20], 2)
    with pytest.raises(RequestError, match="cifar10, imagenette, imagewoof, imagewoof-mtt, num"):
        ddcodec.import_artifact(source, tmp_path / "a.ddz")


def test_numbers_that_sort_as_text_are_taken_as_numbers_and_said(tmp_path: Path) -> None:
    source = d4m(tmp_path / "set", IMAGES, 2)
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="numbers")
    assert made.classes[9:] == ("09", "10", "11")
    assert "a loader that sorts names takes '10' for class 2" in made.warnings[0]
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), IMAGES)


def test_a_class_that_is_missing_among_numbers_is_named(tmp_path: Path) -> None:
    source = rded(tmp_path / "set", IMAGES, 2)
    (source / "00003").rename(source / "00099")
    for file in (source / "00099").iterdir():
        file.rename(file.with_name(file.name.replace("class00003", "class00099")))
    with pytest.raises(SourceError, match="those of classes 3 are not there"):
        ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="numbers")


def test_images_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    ids = known_orders()["imagenette"].classes[:2]
    source = wordnet(tmp_path / "set", IMAGES, 12, ids)
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz")
    assert (made.format, made.classes, made.order) == ("wordnet", ids, "names of the source")
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), IMAGES)


def test_folders_with_names_can_be_put_into_another_order(tmp_path: Path) -> None:
    ids = known_orders()["imagewoof"].classes
    source = wordnet(tmp_path / "set", IMAGES[:10], 1, ids)
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="imagewoof-mtt")
    assert made.classes == known_orders()["imagewoof-mtt"].classes
    places = [ids.index(name) for name in made.classes]
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), IMAGES[:10][places])


def test_an_order_of_other_names_is_refused(tmp_path: Path) -> None:
    ids = known_orders()["imagewoof"].classes
    source = wordnet(tmp_path / "set", IMAGES[:10], 1, ids)
    with pytest.raises(RequestError, match="classes='imagenette' has 'n01440764'"):
        ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="imagenette")


def test_a_decoded_artifact_comes_back_with_its_classes(tmp_path: Path) -> None:
    ids = known_orders()["imagewoof-mtt"].classes
    source = wordnet(tmp_path / "set", IMAGES[:10], 1, ids)
    ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="imagewoof-mtt")
    ddcodec.decode(tmp_path / "a.ddz", tmp_path / "out", views=None)
    made = ddcodec.import_artifact(tmp_path / "out", tmp_path / "b.ddz")
    assert (made.format, made.classes) == ("decoded", ids)
    np.testing.assert_array_equal(shown(tmp_path / "b.ddz"), shown(tmp_path / "a.ddz"))


def test_a_decoded_folder_of_several_views_is_refused(tmp_path: Path) -> None:
    source = wordnet(tmp_path / "set", IMAGES[:4], 2, known_orders()["imagewoof"].classes[:2])
    ddcodec.import_artifact(source, tmp_path / "a.ddz")
    ddcodec.decode(tmp_path / "a.ddz", tmp_path / "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text("utf-8"))
    (tmp_path / "out/manifest.json").write_text(json.dumps({**manifest, "views": 2}), "utf-8")
    with pytest.raises(RequestError, match="several views of each image"):
        ddcodec.import_artifact(tmp_path / "out", tmp_path / "b.ddz")
    manifest["classes"] = ["one"]
    (tmp_path / "out/manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(SourceError, match="names other classes"):
        ddcodec.import_artifact(tmp_path / "out", tmp_path / "b.ddz")


def test_a_damaged_picture_ends_an_import(tmp_path: Path) -> None:
    source = rded(tmp_path / "set", IMAGES[:4], 2)
    (source / "00001/class00001_id00001.jpg").write_bytes(b"\xff\xd8 not a picture")
    with pytest.raises(SourceError, match="class00001_id00001"):
        ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="numbers")
    assert not (tmp_path / "a.ddz").exists()


def test_a_grey_picture_is_converted_and_said(tmp_path: Path) -> None:
    source = wordnet(tmp_path / "set", IMAGES[:4], 2, known_orders()["imagewoof"].classes[:2])
    path = next(source.rglob("1.png"))
    Image.open(path).convert("L").save(path)
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz")
    assert any("greyscale picture converted" in one for one in made.warnings)


def test_options_of_tensors_say_nothing_to_pictures(tmp_path: Path) -> None:
    source = rded(tmp_path / "set", IMAGES[:4], 2)
    for given in ({"normalisation": "cifar10"}, {"which": "best"}, {"factor": 2}):
        with pytest.raises(RequestError, match="says nothing to files of pictures"):
            ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="numbers", **given)  # type: ignore[arg-type]


def test_numbers_in_names_sort_by_value() -> None:
    names = ["b10.png", "b9.png", "a", "b9-2.png", "b009.png"]
    assert sorted(names, key=natural) == ["a", "b9-2.png", "b9.png", "b009.png", "b10.png"]
