"""``ddz export``: what it says, and which words of the library it puts into a user's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ddcodec.exchange.exporting.formats import EXPORT_FORMATS
from tests.cli.conftest import Ddz


def test_it_says_what_it_wrote(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = ddz("export", artifact, "--to", "mtt", "-o", out, "--ipc", 2)
    assert done.code == 0 and "pictures: 6 of 6" in done.err
    lines = done.out.splitlines()
    assert lines[0].startswith(f"{out}: 6 pictures, ")
    assert [line.split()[-1] for line in lines[1:4]] == [
        "ddz.json",
        "images_best.pt",
        "labels_best.pt",
    ]
    assert lines[4].startswith("of the artifact with content digest ")


def test_json_has_every_file(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    words = ("export", artifact, "--to", "webdataset", "-o", tmp_path / "out")
    words += ("--views", "all", "--shard-bytes", "20KB", "--json")
    values = json.loads(ddz(*words).out)
    assert values["schema"] == "ddcodec.export/1"
    assert (values["format"], values["images"]) == ("webdataset", 24)
    assert {name: (tmp_path / "out" / name).stat().st_size for name in values["files"]} == values[
        "files"
    ]


def test_the_help_lists_every_kind(ddz: Ddz) -> None:
    text = ddz("export", "--help").out
    for name, format in EXPORT_FORMATS.items():
        assert f"\n  {name} " in text and format.summary.split()[0] in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "mtt", "--views", 2], "--views has no part in an export to mtt"),
        (["--to", "fkd", "--classes", "blob"], "what it takes is --ipc, --views, --label-batch"),
        (["--to", "mt"], "no export to 'mt' (did you mean 'mtt'?)"),
        (["--to", "numpy", "--views", "none"], "neither a number from 1 nor all"),
        (["--to", "webdataset", "--shard-bytes", "many"], "is no number of bytes"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    ddz: Ddz, artifact: Path, tmp_path: Path, words: list[object], said: str
) -> None:
    done = ddz("export", artifact, "-o", tmp_path / "out", *words)
    assert (done.code, said in done.err) == (2, True), done.err
    assert not (tmp_path / "out").exists()


def test_an_earlier_export_is_replaced_with_force(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    words = ("export", artifact, "--to", "numpy", "-o", tmp_path / "out", "--ipc", 1)
    assert ddz(*words).code == 0
    again = ddz(*words)
    assert (again.code, "or pass --force" in again.err) == (2, True)
    assert ddz(*words, "--force").code == 0
