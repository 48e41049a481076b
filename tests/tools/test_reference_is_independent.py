"""The second implementations share nothing with the package: they import nothing of it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.conformance import reference

FOLDER = Path(reference.__file__).parent
NAME = reference.__name__
# Neither the package nor what it computes with; numpy where a page is about arrays, PIL to read
# pictures that are given to a command.
ALLOWED = {"PIL", "numpy", "zstandard"}


def imported(source: str) -> Iterator[str]:
    """The dotted name of every module or member that a source imports, wherever it does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (node.module or "")
            yield from (f"{prefix}.{alias.name}" for alias in node.names)


def faults(source: str) -> list[str]:
    """Imports of anything but the standard library, ``ALLOWED`` and the reference itself."""

    known = sys.stdlib_module_names | ALLOWED
    return [
        name
        for name in imported(source)
        if name.split(".")[0] not in known and not name.startswith(f"{NAME}.")
    ]


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.stem)
def test_a_module_imports_nothing_of_the_package(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert faults(source) == []
    # Nothing is loaded by name either.
    assert "__import__" not in source
    assert "importlib" not in source


def test_every_module_is_looked_at() -> None:
    assert len(list(FOLDER.rglob("*.py"))) > 15


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import ddcodec", ["ddcodec"]),
        ("from ddcodec.tables import normal", ["ddcodec.tables.normal"]),
        ("def f():\n    from ddcodec import codecs", ["ddcodec.codecs"]),
        ("import numpy, torch.nn", ["torch.nn"]),
        ("from . import codecs", ["..codecs"]),
        ("from tools.conformance.vectors import png", ["tools.conformance.vectors.png"]),
        ("from tools.conformance.reference.packed import Matrix\nimport struct", []),
    ],
)
def test_the_check_sees_what_it_should(source: str, found: list[str]) -> None:
    assert faults(source) == found
