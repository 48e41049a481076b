"""Text of strangers on the terminal, and warnings of the library as lines."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import click
import pytest
from PIL import Image

import ddcodec
from ddcodec.cli import app
from ddcodec.cli.screen import say
from ddcodec.container import CopiedSection, write_container
from ddcodec.exchange.exporting.formats import EXPORT_FORMATS
from tests.cli.conftest import Ddz

HOSTILE = "cat\x1b]0;owned\x07\nok: verified\x9b31m\u202e"
HARD = ("--method", "random", "--labels", "hard", "--ipc", 1, "--views", 1)


def test_a_name_can_neither_begin_a_line_nor_reach_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say(f"class {HOSTILE}")
    assert capsys.readouterr().out == (
        "class cat\\x1b]0;owned\\x07\\nok: verified\\x9b31m\\u202e\n"
    )


@pytest.fixture
def src(tmp_path: Path) -> Path:
    """A class with a hostile name, and another one."""
    for name in (HOSTILE, "dog"):
        (tmp_path / "src" / name).mkdir(parents=True)
        picture = Image.new("RGB", (8, 8), (len(name), 0, 0))
        picture.save(tmp_path / "src" / name / "1.png")
    return tmp_path / "src"


@pytest.fixture
def hostile(src: Path, tmp_path: Path) -> Path:
    """An artifact whose every text is hostile."""
    plain = tmp_path / "plain.ddz"
    ddcodec.encode(src, plain, method="random", labels="hard", ipc=1, views=1)
    with ddcodec.open(plain) as artifact:
        head = artifact.head.to_map()
        evaluation = {**head["recipe"]["evaluation"], "protocol": HOSTILE}
        head["recipe"] = {**head["recipe"], "evaluation": evaluation}
        sections = [CopiedSection(artifact.reader, s, s.box) for s in artifact.sections]
        info = {**artifact.info, "tool": HOSTILE, HOSTILE: HOSTILE}
        write_container(tmp_path / "hostile.ddz", head=head, sections=sections, info=info)
    return tmp_path / "hostile.ddz"


def test_hostile_texts_are_escaped_by_every_command(
    ddz: Ddz, src: Path, hostile: Path, tmp_path: Path
) -> None:
    out, other = tmp_path / "x.ddz", tmp_path / "other.ddz"
    lines = [
        ("encode", src, "-o", out, *HARD),
        ("encode", src, "-o", tmp_path / "y.ddz", *HARD, "--dry-run"),
        ("inspect", hostile),
        ("inspect", hostile, "--json"),
        ("verify", hostile),
        ("show", hostile, "--html", tmp_path / "page.html"),
        ("card", hostile),
        ("inspect", out),
        ("inspect", out, "--json"),
        ("verify", out),
        ("subset", out, "-o", other, "--classes", "whale"),
        ("subset", out, "-o", other, "--ipc", 1),
        ("merge", out, other, "-o", tmp_path / "z.ddz"),
        ("decode", out, "-o", tmp_path / "decoded"),
    ]
    for line in lines:
        done = ddz(*line)
        said = done.out + done.err
        assert not re.search(r"[^\n\x20-\x7e\xa0-\u2fff]|^ok: verified|\u202e", said, re.M), line


def test_files_that_people_look_at_hold_no_codes(ddz: Ddz, hostile: Path, tmp_path: Path) -> None:
    ddz("decode", hostile, "-o", tmp_path / "decoded")
    ddz("card", hostile, "-o", tmp_path / "card" / "README.md")
    for name in EXPORT_FORMATS:
        ddz("export", hostile, "--to", name, "-o", tmp_path / name)  # some need soft labels
    texts = [p for p in tmp_path.rglob("*") if p.suffix in (".md", ".json", ".txt", ".csv", ".py")]
    assert {"README.md", "manifest.json", "ddz.json", "croissant.json"} <= {p.name for p in texts}
    for path in texts:
        found = re.search(r"[^\n\x20-\x7e\xa0-\u2fff]|\u202e", path.read_text("utf-8"))
        assert found is None, (path.relative_to(tmp_path), found)


def test_commands_print_through_one_place() -> None:
    for path in (Path(app.__file__).parent).glob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            # Whole texts of our own, with their line breaks, are printed as they are.
            if path.name != "screen.py" and "click.echo(" in line:
                assert "nl=False" in line or "json_text" in line, (path.name, line)


def test_a_warning_of_the_library_is_one_line(ddz: Ddz, monkeypatch: pytest.MonkeyPatch) -> None:
    def main(*_: object, **__: object) -> None:
        code = compile("warnings.warn('it goes on\\nand on')", "checkpoint.py", "exec")
        exec(code, {"__name__": "ddcodec.classifiers.checkpoint", "warnings": warnings})

    monkeypatch.setattr(click.Group, "main", main)
    assert ddz("encode").err == "warning: it goes on\\nand on\n"
