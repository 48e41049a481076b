"""Imports point downwards, floor by floor, and what inspects a file never pulls torch in."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "ddcodec"

# From the ground up: a package imports those of lower floors, never of its own or a higher one.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("arrays", "byte_cache", "errors", "suggestions", "templates", "units", "version"),
    ("devices", "entropy", "extras", "files", "hub", "imagenet", "progress", "recipe", "tables"),
    ("classifiers", "container", "exact", "randomness", "sources", "workers"),
    ("codecs", "synthesis"),
    ("prior", "table"),
    ("labels", "methods", "rendering"),
    ("artifact",),
    ("encoding", "evaluation"),
    ("benchmark", "exchange", "reporting", "showing"),
    ("planning", "publishing"),
    ("__init__",),
    ("cli",),
    ("__main__",),
)

TORCH = frozenset({"torch", "torchvision", "diffusers", "transformers"})
LIGHT = {
    "ddcodec": TORCH,
    "ddcodec.artifact.artifact": TORCH,
    "ddcodec.artifact.rows": TORCH,
    "ddcodec.cli": TORCH,
    "ddcodec.codecs": TORCH,
    "ddcodec.container": TORCH | {"numpy"},
    "ddcodec.entropy": TORCH,
    "ddcodec.errors": TORCH | {"numpy"},
    "ddcodec.exchange.decode": TORCH,
    "ddcodec.exchange.exporting.export": TORCH,
    "ddcodec.artifact.slicing": TORCH,
    "ddcodec.showing.show": TORCH,
}


class Import(NamedTuple):
    """One import of a module of ours, wherever it stands: dotted names below ``ddcodec``."""

    importer: str
    imported: str
    line: int


def floor_of(package: str) -> int | None:
    """The number of a package's floor, counted from 1; None where it has none."""
    found = (number for number, floor in enumerate(FLOORS, start=1) if package in floor)
    return next(found, None)


def imports_of(source: str, importer: str, modules: set[str]) -> Iterator[Import]:
    """Every import of ``ddcodec`` in a module, those inside functions too."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{importer}:{node.lineno}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in dict.fromkeys(names):
            if name == "ddcodec" or name.startswith("ddcodec."):
                yield Import(importer, known_module(name, modules), node.lineno)


def known_module(name: str, modules: set[str]) -> str:
    """The module that ``name`` is, or is a member of; ``__init__`` for the package itself."""
    parts = name.split(".")[1:]
    while parts and ".".join(parts) not in modules:
        parts.pop()
    return ".".join(parts) or "__init__"


def faults_of(imports: Iterable[Import]) -> list[str]:
    """Imports that point upwards or sideways, in words."""
    faults = []
    for found in imports:
        importer, imported = (name.partition(".")[0] for name in found[:2])
        where = f"{found.importer}:{found.line} imports {found.imported}"
        below, above = floor_of(imported), floor_of(importer)
        if above is None or below is None:
            faults.append(f"{where}: give {importer if above is None else imported} a floor")
        elif importer != imported and below >= above:
            faults.append(f"{where}: not a lower floor")
    return faults


def circles_of(imports: Iterable[Import]) -> list[str]:
    """Modules that import each other in a circle when they are loaded, within packages too."""
    graph: dict[str, set[str]] = {}
    for found in imports:
        graph.setdefault(found.importer, set()).add(found.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def all_modules() -> dict[str, Path]:
    paths = [p for p in PACKAGE.rglob("*.py") if "__pycache__" not in p.parts]
    return {module_name(path): path for path in paths}


def module_name(path: Path) -> str:
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    return ".".join(parts)


def all_imports() -> list[Import]:
    modules = all_modules()
    return [
        found
        for name, path in modules.items()
        for found in imports_of(path.read_text(encoding="utf-8"), name, set(modules))
    ]


def test_imports_point_downwards() -> None:
    assert faults_of(all_imports()) == []


def test_every_package_has_one_floor_and_every_floor_is_there() -> None:
    packages = {name.partition(".")[0] for name in all_modules()}
    listed = [package for floor in FLOORS for package in floor]
    assert sorted(listed) == sorted(packages)
    assert len(FLOORS) == 13


def test_no_module_is_in_a_circle() -> None:
    # A package's face hands names on, and its modules import one another by their own names.
    faces = {name for name, path in all_modules().items() if path.name == "__init__.py"}
    found = [i for i in all_imports() if not {i.importer, i.imported} & faces]
    assert circles_of(found) == []


def test_a_circle_would_be_seen() -> None:
    there, back = Import("a.x", "a.y", 1), Import("a.y", "a.x", 1)
    assert circles_of([there, back]) and not circles_of([there])


@pytest.mark.parametrize(
    ("importer", "source", "fault"),
    [
        ("container.reader", "from ddcodec.codecs import get", "not a lower floor"),
        ("container.reader", "def f():\n    import ddcodec.codecs", "not a lower floor"),
        ("codecs.base", "from ddcodec import __version__", "not a lower floor"),
        ("prior.load", "from ddcodec import table", "not a lower floor"),
        ("odd", "import ddcodec.errors", "give odd a floor"),
        ("cli", "from ddcodec import errors, container", None),
        ("codecs.base", "import numpy\nfrom ddcodec.container import CodecSpec", None),
        ("container.reader", "from ddcodec.container.blob import Blob", None),
    ],
)
def test_the_rule_finds_what_it_should(importer: str, source: str, fault: str | None) -> None:
    modules = {"errors", "container", "container.blob", "codecs", "table"}
    faults = faults_of(imports_of(source, importer, modules))
    assert [fault in found for found in faults] == ([] if fault is None else [True])


def heavy_imports(statement: str, forbidden: frozenset[str]) -> set[str]:
    """Which of ``forbidden`` a fresh interpreter has loaded after ``statement``."""
    code = f"{statement}\nimport sys\nprint(*({set(forbidden)!r} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", LIGHT)
def test_importing_stays_light(module: str) -> None:
    assert heavy_imports(f"import {module}", LIGHT[module]) == set()


def test_a_heavy_import_would_be_seen() -> None:
    assert heavy_imports("import numpy", frozenset({"torch", "numpy"})) == {"numpy"}
