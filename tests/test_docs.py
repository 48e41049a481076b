"""The documents: their links lead somewhere, their code is code, their commands exist."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import click
import pytest

from ddcodec.cli.app import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[1]
# tools/ holds a template of the prior's card, whose links are those of the place it is written to.
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "spec/**/*.md", "examples/**/*.md", "ddcodec/**/*.md")
    for path in ROOT.glob(pattern)
)
EACH = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())

MOST_LINES, MOST_WORDS = 140, 1_300  # of the README
EXCERPT = re.compile(r"<!-- excerpt: (\S+) -->")
LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)\s]+)\)")
REFERENCE = re.compile(r"\bspec/[\w./-]+\.md\b")
SOURCE = re.compile(r"`((?:\w+/)+\w+\.(?:py|bin|jsonl?))`")
TOOL = re.compile(r"python -m (tools(?:\.\w+)*)")


class Block(NamedTuple):
    """A fenced block: its language, its text, and the file it is an excerpt of, if any."""

    language: str
    text: str
    source: str | None


def blocks(page: Path) -> list[Block]:
    found: list[Block] = []
    language, lines, source, before = "", list[str](), None, ""
    inside = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            if inside:
                found.append(Block(language, "\n".join(lines) + "\n", source))
            else:
                excerpt = EXCERPT.fullmatch(before)
                source = excerpt[1] if excerpt else None
                language, lines = line[3:].strip(), []
            inside = not inside
        elif inside:
            lines.append(line)
        before = line
    assert not inside, f"{page}: a fenced block does not end"
    return found


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """The names by which a page's headings are linked to, as GitHub makes them."""
    found: set[str] = set()
    for title in re.findall(r"^#{1,6} +(.+?) *#*$", prose(page), flags=re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = 0
        while (anchor := f"{name}-{number}" if number else name) in found:
            number += 1
        found.add(anchor)
    return found


def commands(page: Path) -> Iterator[list[str]]:
    """The ``ddz`` command lines of fenced blocks and in the text, as words."""
    lines = re.findall(r"`(ddz [^`]+)`", prose(page))
    for block in blocks(page):
        if block.language == "":
            text = block.text.replace("\\\n", " ")
            lines += re.findall(r"^(?:\$ )?(ddz .*)$", text, flags=re.M)
    for line in lines:
        yield shlex.split(line, comments=True)


@EACH
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target} is not there"
        assert file.is_relative_to(ROOT), f"{target} is outside the repository"
        if anchor:
            assert anchor in anchors(file), f"{target}: no such heading"


@EACH
def test_pages_of_the_specification_that_are_named_exist(page: Path) -> None:
    for name in REFERENCE.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / name).is_file(), f"{name} is not there"


@EACH
def test_files_of_the_code_that_are_named_exist(page: Path) -> None:
    for name in SOURCE.findall(prose(page)):
        assert (ROOT / name).is_file() or (ROOT / "ddcodec" / name).is_file(), f"no file {name}"


@EACH
def test_python_blocks_compile(page: Path) -> None:
    for block in blocks(page):
        if block.language == "python" and block.source is None:
            compile(dedent(block.text), str(page), "exec")


@EACH
def test_excerpts_are_in_the_file_they_name(page: Path) -> None:
    for block in blocks(page):
        if block.source is not None:
            text = (ROOT / block.source).read_text(encoding="utf-8")
            assert block.text in text, f"{block.source} has no longer:\n{block.text}"


@EACH
def test_commands_exist_with_their_options(page: Path) -> None:
    context = click.Context(cli)
    for words in commands(page):
        if words[1] in ("--help", "--version", "COMMAND"):
            continue
        assert words[1] in COMMANDS, f"ddz {words[1]} is no command"
        command = cli.get_command(context, words[1])
        assert command is not None
        known = {"--help"}.union(*(p.opts + p.secondary_opts for p in command.params))
        for word in words[2:]:
            if re.match(r"--?[a-z]", word):
                assert word.partition("=")[0] in known, f"ddz {words[1]} has no {word}"


@EACH
def test_tools_that_are_named_exist(page: Path) -> None:
    for name in TOOL.findall(page.read_text(encoding="utf-8")):
        spec = find_spec(name)
        assert spec is not None, f"{name} is not there"
        if spec.submodule_search_locations is not None:
            assert find_spec(f"{name}.__main__") is not None, f"{name} cannot be run"


def test_the_table_of_floors_names_every_package() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| \d+ \| (.+) \|$", text, flags=re.M)
    named = sorted(name for cell in cells for name in re.findall(r"`(\w+)`", cell))
    files = [path.relative_to(ROOT / "ddcodec") for path in (ROOT / "ddcodec").rglob("*.py")]
    packages = {path.parts[0].removesuffix(".py") for path in files}
    assert named == sorted(packages - {"__init__"} | {"ddcodec"})


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {
        re.split(r"[<>=!~\[ ]", one)[0]
        for one in (
            *project["dependencies"],
            *(one for extra in project["optional-dependencies"].values() for one in extra),
        )
    }
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("## Dependencies")[2]
    cells = re.findall(r"^\| ([a-z0-9, -]+) \| .+ \|$", table, flags=re.M)
    named = {name for cell in cells for name in cell.split(", ")} - {"package"}
    assert named == wanted


def test_the_readme_is_short() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert len(text.split()) <= MOST_WORDS


def test_headings_are_linked_to_as_github_does(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A `b` (c), d!\n\n## Same\n\n## Same\n\n```\n# no heading\n```\n", "utf-8")
    assert anchors(page) == {"a-b-c-d", "same", "same-1"}


def test_a_page_with_dead_links_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for text in ("[a](gone.md)", f"[a]({ROOT}/README.md#gone)"):
        page.write_text(text, "utf-8")
        with pytest.raises(AssertionError):
            test_links_lead_to_files_and_headings(page)
