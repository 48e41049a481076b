"""``ddz inspect``: a size budget that adds up."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Ddz

LAYERS = {"means_and_basis": "label-model", "fields": "label-fields", "innovations": "labels"}


def test_the_tree_shows_every_kind(ddz: Ddz, artifact: Path) -> None:
    done = ddz("inspect", artifact)
    assert done.code == 0
    assert f"{artifact.stat().st_size:,} bytes" in done.out
    assert "3 classes x 4 images x 2 views, 16x16 pixels" in done.out
    for text in ("├─ patches (mosaic-webp v1)", "100.0 %", "per image", "blob, cross, stripes"):
        assert text in done.out
    assert "\x1b" not in done.out  # no colours outside a terminal


def test_every_line_fits_the_terminal_and_more_columns_a_wider_one(
    ddz: Ddz, artifact: Path, generating: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns, shown in (("80", "per label"), ("60", "share"), ("140", "per class")):
        monkeypatch.setenv("COLUMNS", columns)
        for path in (artifact, generating):
            told = ddz("inspect", path).out.splitlines()
            # The path and the digest are never cut.
            assert max(map(len, told[2:])) <= int(columns)
            assert any(shown in line for line in told)


def test_the_recipe_is_told_in_words(ddz: Ddz, generating: Path) -> None:
    told = ddz("inspect", generating).out
    assert re.search(r"pictures  +drawn by the prior from '.*guidance [\d.]+", told, re.DOTALL)
    assert re.search(r"students  +protocol ddz; mean 0\.\d{3}, ", told)


def test_the_profile_says_what_it_promises(ddz: Ddz, generating: Path) -> None:
    assert "profile       w8a15: the same pixels on every machine" in ddz("inspect", generating).out
    values = json.loads(ddz("inspect", generating, "--json").out)
    synthesis = values["head"]["recipe"]["synthesis"]
    assert (synthesis["profile"], synthesis["batch"]) == ("w8a15", 0)
    assert len(synthesis["weights"]) == 64


def test_json_adds_up(ddz: Ddz, artifact: Path) -> None:
    values = json.loads(ddz("inspect", artifact, "--json").out)
    assert values["schema"] == "ddcodec.inspect/1"
    assert values["stored"] == values["sizes"]["stored"] == artifact.stat().st_size
    assert values["table"] == {
        "classes": 3,
        "ipc": 4,
        "views": 2,
        "variations": 1,
        "images": 12,
        "labels": 24,
    }
    assert sums(values["sizes"])
    payload = sum(section["stored"] for section in values["sections"])
    assert payload + container(values["sizes"]) == values["stored"]


def test_labels_are_told_by_layer(
    ddz: Ddz, image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "soft.ddz"
    words = ("encode", image_folder, "--method", "random", "--ipc", 4, "--views", 9)
    words = (*words, "--teacher", teacher_folder, "--label-quality", 1e-4, "-o", path)
    assert ddz(*words).code == 0
    values = json.loads(ddz("inspect", path, "--json").out)
    labels, kinds = values["labels"], {section["kind"] for section in values["sections"]}
    assert {"label-model", "label-fields", "labels"} <= kinds
    assert (labels["kind"], labels["temperature"], labels["count"]) == ("soft", [4, 1], 108)
    assert sum(labels["layers"].values()) == labels["stored"]
    assert labels["bytes_per_label"] == labels["stored"] / 108
    assert labels["plain"] == 108 * 3 * 2
    assert labels["plain_over_stored"] == labels["plain"] / labels["stored"]
    assert 0 < labels["divergence"] <= 1e-4
    assert sums(values["sizes"])
    (node,) = (child for child in values["sizes"]["children"] if child["name"] == "labels")
    assert (node["stored"], node["plain"]) == (labels["stored"], labels["plain"])
    told = ddz("inspect", path).out
    for layer, kind in LAYERS.items():
        size = sum(s["stored"] for s in values["sections"] if s["kind"] == kind)
        assert labels["layers"][layer] == size
        assert re.search(rf"─ {layer.replace('_', ' ')} \(\S+ v\d\) +{size:,} ", told)
    each = f"{labels['bytes_per_label']:.2f} per label, "
    line = f"labels          soft: {labels['stored']:,} bytes, {each}"
    assert line in told
    assert "for training at temperature 4, " in told


def test_hard_labels_are_told_in_a_line(ddz: Ddz, artifact: Path) -> None:
    assert "labels          hard: the class of each picture\n" in ddz("inspect", artifact).out
    assert json.loads(ddz("inspect", artifact, "--json").out)["labels"] == {"kind": "hard"}


def sums(node: dict[str, Any]) -> bool:
    children = node["children"]
    return not children or (
        sum(child["stored"] for child in children) == node["stored"] and all(map(sums, children))
    )


def container(root: dict[str, Any]) -> int:
    return next(c["stored"] for c in root["children"] if c["name"] == "container")
