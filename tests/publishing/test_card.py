"""A card says what is in an artifact, and no name in it means anything to Markdown or HTML."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import ddcodec
from ddcodec.errors import MissingFileError, RequestError
from ddcodec.publishing.card import markdown
from tests.artifacts import encode_small


@pytest.fixture(scope="module")
def made(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "shapes.ddz"
    encode_small(image_folder, path).close()
    return path


def test_the_hub_reads_what_stands_before_the_text(made: Path) -> None:
    data = DatasetCard(ddcodec.card(made, license="mit")).data
    assert (data.license, data.task_categories) == ("mit", ["image-classification"])
    assert data.size_categories == ["n<1K"] and data.pretty_name == "shapes"
    assert {"ddcodec", "dataset-distillation"} <= set(data.tags)
    assert "license" not in DatasetCard(ddcodec.card(made)).data.to_dict()


def test_it_says_the_digest_the_classes_and_where_every_byte_goes(made: Path) -> None:
    text = ddcodec.card(made, repository="owner/shapes")
    with ddcodec.open(made) as artifact:
        assert f"`{artifact.digest}`" in text
        assert all(f"\n- {name}\n" in text for name in artifact.classes)
        rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ")]
        listed = [int(cell.replace(",", "")) for cell in rows if cell.strip()[0].isdecimal()]
        assert sum(listed) == artifact.file_len
    assert 'ddcodec.open("hf://datasets/owner/shapes/shapes.ddz")' in text
    assert "decoded in integers too; they are coded with loss." in text


def test_a_name_of_a_class_means_nothing_to_markdown_or_html(tmp_path: Path) -> None:
    names = ("<img src=x onerror=alert(1)>", "[a](javascript:x)", "# b\u2028| c |", "`d` **e**")
    for number, name in enumerate(names):
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True)
        Image.new("RGB", (8, 8), (60 * number, 0, 0)).save(folder / "1.png")
    given = {"method": "random", "ipc": 1, "labels": "hard"}
    ddcodec.encode(tmp_path / "photos", tmp_path / "a.ddz", **given)  # type: ignore[arg-type]
    text = ddcodec.card(tmp_path / "a.ddz")
    assert "<img" not in text and "[a](" not in text and "\u2028" not in text
    assert "- \\# b \\| c \\|\n" in text and "- \\`d\\` \\*\\*e\\*\\*\n" in text


@given(st.text())
def test_escaped_text_is_one_line_without_markup(text: str) -> None:
    found = str(markdown(text))
    assert "\n" not in found and "<" not in found and ">" not in found
    assert all(found[i - 1] == "\\" for i, c in enumerate(found) if c in "`*_[]|#")


def report(path: Path, digest: str, **changed: object) -> Path:
    one = {"role": "artifact", "digest": digest, "student": "convnet3", "protocol": "ddz"}
    figures = {"mean": 0.5991, "std": 0.004, "test_images": 10_000, "accuracies": [0.6, 0.598]}
    evaluations = [{**one, **figures, **changed}]
    path.write_text(json.dumps({"schema": "ddcodec.report/1", "evaluations": evaluations}))
    return path


def test_accuracies_of_a_report_are_told(made: Path, tmp_path: Path) -> None:
    with ddcodec.open(made) as artifact:
        path = report(tmp_path / "report.json", artifact.digest)
        assert "| convnet3 | ddz | 10,000 | 59.9 ± 0.4 | 2 |" in ddcodec.card(made, report=path)
        assert "## Accuracy" not in ddcodec.card(made)
        alone = report(path, artifact.digest, std=None, accuracies=[0.5991])
        assert "| 10,000 | 59.9 | 1 |" in ddcodec.card(made, report=alone)
        for changed in ({"mean": 60}, {"std": "x"}, {"student": None, "mean": None}):
            with pytest.raises(RequestError, match="is damaged"):
                ddcodec.card(made, report=report(path, artifact.digest, **changed))
    with pytest.raises(RequestError, match="is a report of other artifacts"):
        ddcodec.card(made, report=report(path, "0" * 64))
    path.write_text("{}")
    with pytest.raises(RequestError, match="is no JSON of a report"):
        ddcodec.card(made, report=path)
    with pytest.raises(MissingFileError, match="no such report"):
        ddcodec.card(made, report=tmp_path / "missing.json")


def test_an_unknown_licence_and_a_name_that_is_none_are_refused(made: Path) -> None:
    with pytest.raises(RequestError, match="use one of apache-2"):
        ddcodec.card(made, license="beerware")
    with pytest.raises(RequestError, match="write OWNER/NAME"):
        ddcodec.card(made, repository="shapes")
