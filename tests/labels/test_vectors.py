"""spec/vectors/labels: ddcodec has the numbers, labels and errors of the plain Python decoder."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcodec
from ddcodec import codecs
from ddcodec.artifact import Artifact
from ddcodec.codecs.label_model import LabelModel
from ddcodec.codecs.packed import unpack_matrix
from ddcodec.container import CodecSpec
from ddcodec.errors import DdcodecError
from ddcodec.labels.features import FeatureSet, features
from ddcodec.labels.softmax import probabilities
from ddcodec.recipe.view import View
from ddcodec.synthesis.view_draw import draw
from tools.conformance.reference import labels
from tools.conformance.reference.features import features as reference_features
from tools.conformance.reference.synthesis import Draw
from tools.conformance.vectors.labels import MAKER

FOLDER = MAKER.folder
VECTORS = json.loads((FOLDER / "vectors.json").read_text())
SPEC = Path(__file__).resolve().parents[2] / "spec" / "labels.md"


def each(name: str, title: str = "what") -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", VECTORS[name], ids=lambda case: str(case[title]))


def test_the_tool_makes_the_files_that_are_there() -> None:
    assert MAKER.differences() == []


@each("matrices")
def test_each_matrix_decodes_as_it_says(case: dict[str, Any]) -> None:
    raw, groups = bytes.fromhex(case["raw"]), np.array(case["groups"], np.intp)
    if "error" in case:
        with pytest.raises(DdcodecError) as caught:
            unpack_matrix("x", raw, case["rows"], groups)
        assert caught.value.code == case["error"]
        return
    assert unpack_matrix("x", raw, case["rows"], groups).tolist() == case["values"]


def decode(case: dict[str, Any]) -> Any:
    codec = codecs.get(CodecSpec(case["codec"], case["version"], "none", case["params"]))
    return codec.decode(bytes.fromhex(case["raw"]), tuple(case["shape"]))


@each("sections")
def test_each_section_decodes_as_it_says(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(DdcodecError) as caught:
            decode(case)
        assert caught.value.code == case["error"]
        return
    found = decode(case)
    if isinstance(found, LabelModel):
        names = ("means", "basis", "class_fields", "class_steps", "field_steps", "units")
        assert {n: getattr(found, n).tolist() for n in names} == case["array"]
    else:
        assert found.tolist() == case["array"]


@each("features", "view")
def test_features_are_as_they_say(case: dict[str, Any]) -> None:
    view, (width, height) = View.from_map(case["view"]), case["size"]
    which = FeatureSet(case["parts"], case["degree"], case["response"])
    (seed, slot), (partner, other) = case["own"], case["partner"]
    size = {"height": height, "width": width, "origin_count": case["classes"]}
    own = draw(view, [int(seed)], [slot], case["index"], **size)
    found = [features(which, view, own, own, height, width, inside=False)]
    if own.mixed.any():
        theirs = draw(view, [int(partner)], [other], case["index"], **size)
        found.append(features(which, view, theirs, own, height, width, inside=True))
    assert [values[0].tolist() for values in found] == case["features"]
    assert all(values.shape == (1, which.count(view)) for values in found)


@each("artifacts", "file")
def test_each_file_has_the_labels_it_says(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(DdcodecError) as caught, ddcodec.open(FOLDER / case["file"]) as bad:
            bad.labels.logits([(0, 0)], 1)
        assert caught.value.code == case["error"]
        return
    with ddcodec.open(FOLDER / case["file"]) as artifact:
        assert artifact.verify("digest") == 0
        assert all_labels(artifact) == case["logits"]


def all_labels(artifact: Artifact) -> list[Any]:
    """Logits of each class of the rows, slot and view, asked for one by one, last views first."""
    recipe = artifact.recipe
    views = reversed(range(recipe.views))
    found = {
        (c, s, v): artifact.labels.logits([(c, s)], v)[0].tolist()
        for v in views
        for c in artifact.head.row_classes
        for s in range(recipe.ipc)
    }
    return [
        [[found[c, s, v] for v in range(recipe.views)] for s in range(recipe.ipc)]
        for c in artifact.head.row_classes
    ]


@each("artifacts", "file")
def test_a_batch_has_the_labels_of_its_rows(case: dict[str, Any]) -> None:
    if "error" in case:
        return
    with ddcodec.open(FOLDER / case["file"]) as artifact:
        for start, count in artifact.head.origins:
            classes = [c for c in artifact.head.row_classes if start <= c < start + count]
            rows = [(c, s) for s in range(artifact.recipe.ipc) for c in reversed(classes)] * 2
            for v in range(artifact.recipe.views if rows else 0):
                wanted = [case["logits"][artifact.head.row_classes.index(c)][s][v] for c, s in rows]
                assert artifact.labels.logits(rows, v).tolist() == wanted


def test_a_dataset_gives_the_probabilities_of_the_vectors() -> None:
    with ddcodec.open(FOLDER / "y_cutmix.ddz") as artifact:
        (case,) = (c for c in VECTORS["artifacts"] if c["file"] == "y_cutmix.ddz")
        data = artifact.dataset()
        for view in range(data.views):
            data.set_epoch(view)
            _, labels = data.batch(range(len(data)))
            z = np.array([case["logits"][c][s][view] for c, s in data.rows], np.int16)
            assert labels.numpy().tobytes() == probabilities(z, (4, 1)).tobytes()


def test_a_slice_keeps_the_labels_of_the_whole() -> None:
    logits = {case["file"]: case.get("logits") for case in VECTORS["artifacts"]}
    assert logits["y_slice.ddz"] == [[logits["y_cutmix.ddz"][2][0]]]


def test_files_that_lack_what_their_labels_need_are_refused_at_a_glance() -> None:
    of_numbers = {"n_coefficient.ddz", "n_draws_partner.ddz"}
    names = {path.name for path in FOLDER.glob("n_*.ddz")} - of_numbers
    assert len(names) == 11
    for name in names:
        with ddcodec.open(FOLDER / name) as artifact:
            with pytest.raises(DdcodecError) as caught:
                artifact.verify("structure")
            assert caught.value.code == "header"


def test_the_command_prints_a_label(capsys: pytest.CaptureFixture[str]) -> None:
    (case,) = (c for c in VECTORS["artifacts"] if c["file"] == "y_crops.ddz")
    assert labels.main([str(FOLDER / "y_crops.ddz"), "2", "1", "3"]) == 0
    assert json.loads(capsys.readouterr().out) == case["logits"][2][1][3]
    assert labels.main([str(FOLDER / "n_no_model.ddz"), "0", "0", "1"]) == 3
    assert "header" in capsys.readouterr().err
    assert labels.main([]) == 2


def test_the_examples_of_the_specification() -> None:
    text = re.sub(r"\s+", " ", SPEC.read_text())
    (matrix,) = (c for c in VECTORS["matrices"] if c["what"] == "the example of section 3")
    assert f"are `{matrix['raw']}`" in text
    assert matrix["values"] == [[3, 0, -1], [-2, 0, 40]]
    (sparse,) = (c for c in VECTORS["matrices"] if c["what"] == "the example of sparse groups")
    assert f"are `{sparse['raw']}`" in text
    assert sparse["values"] == [[0, 0], [0, 0], [2, 0], [0, -1]]
    view = {"kind": "pad-crop", "pad": 4, "scale": [1, 1, 1], "flip": 1, "cutmix": 0}
    drawn = Draw((1, -3, 32, 32), 1)
    params = {"parts": 1, "degree": 2, "response": 0}
    phi = reference_features(params, view, [32, 32], drawn, drawn, False)
    assert f"phi = {', '.join(map(str, phi))}." in text
