"""What the package says: plain first lines, and Python below the command line."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
LONGEST = 100


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def texts(source: str) -> Iterator[tuple[int, str]]:
    """(line, text) of every string that is no docstring, with the constant parts of f-strings."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        constant = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if constant and id(node) not in docstrings:
            yield node.lineno, node.value  # type: ignore[attr-defined]


def options_named(source: str) -> list[str]:
    return [option for _, text in texts(source) for option in OPTION.findall(text)]


@pytest.mark.parametrize(
    "path", modules("ddcodec"), ids=lambda path: str(path.relative_to(ROOT / "ddcodec"))
)
def test_no_message_below_the_command_line_names_one_of_its_options(path: Path) -> None:
    inside = path.relative_to(ROOT / "ddcodec").parts
    if inside[0] == "cli" or path.name == "style.py":  # custom properties of a style sheet
        return
    assert options_named(path.read_text(encoding="utf-8")) == []


def test_an_option_would_be_seen() -> None:
    assert options_named('raise E(f"{x}: pass --prior DIR")') == ["--prior"]
    assert options_named('"""A docstring may say --prior."""') == []
    assert options_named("x = 'a -- b, w8--a8'") == []


def test_every_module_says_in_its_first_line_what_it_holds() -> None:
    for path in modules("ddcodec", "tools", "examples"):
        said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert said, f"{path} says nothing"
        first = said.splitlines()[0]
        assert len(first) <= LONGEST and first[-1] in ".:", f"{path}: {first}"
        assert not re.match(r"(What|Where|How|Whether|Which) ", first), f"{path}: {first}"


def test_files_and_tools_that_the_code_names_are_there() -> None:
    named = re.compile(
        r"(?<![\w/])(?:tools|spec|docs|tests|examples)/[\w/.-]+\.(?:py|md|json|svg)\b"
    )
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules("ddcodec", "tools", "examples")
        for name in named.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / name).exists() and not name.startswith("spec/evidence/")
    ]
    assert missing == []
