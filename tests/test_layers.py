"""Imports point downwards, and what inspects a file never pulls torch in."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "ddcodec"

# From the bottom up; a module may import those of lower lines, never of its own or a higher one.
# The longest name that fits counts: parts of prior and synthesis are plain data, below the recipe.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("cache", "errors", "version"),
    ("container", "entropy", "tables", "exact.profiles"),
    ("randomness",),
    ("codecs",),
    ("source", "demo_data", "synthesis.resample", "prior.pin"),
    ("synthesis.layout", "synthesis.views"),
    ("labels",),
    ("label_encoder",),
    ("exact",),
    ("recipe",),
    ("prior", "classifiers"),
    ("synthesis", "stored_teacher"),
    ("section_shapes",),
    ("contents",),
    ("view_draws",),
    ("rendering", "labels.shown"),
    ("labels.reader",),
    ("artifact",),
    ("budget", "slicing"),
    ("dataset", "label_summary"),
    ("view_choice", "work"),
    ("methods",),
    ("label_sections",),
    ("labelling", "settings"),
    ("encoding",),
    ("report", "export"),
    ("__init__",),
    ("cli",),
    ("__main__",),
)

# An artifact's convenience methods hand on to modules above it, imported when called.
DEFERRED = {("artifact", "budget"), ("artifact", "dataset"), ("artifact", "slicing")}

TORCH = frozenset({"torch", "torchvision", "diffusers", "transformers"})
LIGHT = {
    "ddcodec": TORCH,
    "ddcodec.artifact": TORCH,
    "ddcodec.cli": TORCH,
    "ddcodec.codecs": TORCH,
    "ddcodec.container": TORCH | {"numpy"},
    "ddcodec.entropy": TORCH,
    "ddcodec.errors": TORCH | {"numpy"},
    "ddcodec.slicing": TORCH,
}


class Import(NamedTuple):
    """One import of a module of ours: dotted names below ``ddcodec``, and whether it can wait."""

    importer: str
    imported: str
    deferred: bool
    line: int


def unit_of(module: str) -> str | None:
    """The entry of LAYERS that a module below ``ddcodec`` belongs to."""
    parts = module.split(".")
    units = {unit for layer in LAYERS for unit in layer}
    names = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((name for name in names if name in units), None)


def level_of(unit: str) -> int:
    return next(level for level, layer in enumerate(LAYERS) if unit in layer)


def imports_of(source: str, importer: str, modules: set[str]) -> Iterator[Import]:
    """Every import of ``ddcodec`` in a module, wherever it stands."""
    tree = ast.parse(source)
    deferred = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_type_checking(node)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{importer}:{node.lineno}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in dict.fromkeys(names):
            if name == "ddcodec" or name.startswith("ddcodec."):
                target = known_module(name, modules)
                yield Import(importer, target, id(node) in deferred, node.lineno)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def known_module(name: str, modules: set[str]) -> str:
    """The module that ``name`` is, or is a member of; ``__init__`` for the package itself."""
    parts = name.split(".")[1:]
    while parts and ".".join(parts) not in modules:
        parts.pop()
    return ".".join(parts) or "__init__"


def faults_of(imports: list[Import]) -> list[str]:
    """Imports that point upwards or sideways, in words."""
    faults = []
    for found in imports:
        importer, imported = unit_of(found.importer), unit_of(found.imported)
        where = f"{found.importer}:{found.line} imports {found.imported}"
        if importer is None or imported is None:
            odd = found.importer if importer is None else found.imported
            faults.append(f"{where}: give {odd} a place in LAYERS")
        elif importer == imported or level_of(imported) < level_of(importer):
            continue
        elif not (found.deferred and (importer, imported) in DEFERRED):
            faults.append(f"{where}: not a lower layer")
    return faults


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


def test_every_module_has_a_layer() -> None:
    assert [name for name in all_modules() if unit_of(name) is None] == []


def test_no_exception_is_out_of_date() -> None:
    used = {(unit_of(i.importer), unit_of(i.imported)) for i in all_imports() if i.deferred}
    assert used >= DEFERRED


@pytest.mark.parametrize(
    ("importer", "source", "fault"),
    [
        ("container.reader", "from ddcodec.codecs import get", "not a lower layer"),
        ("container.reader", "def f():\n    import ddcodec.codecs", "not a lower layer"),
        ("artifact", "from ddcodec.dataset import D", "not a lower layer"),
        ("codecs.base", "from ddcodec import __version__", "not a lower layer"),
        ("prior.load", "from ddcodec import classifiers", "not a lower layer"),
        ("odd", "import ddcodec.errors", "give odd a place"),
        ("artifact", "def f():\n    from ddcodec.dataset import D", None),
        ("cli", "from ddcodec import errors, container", None),
        ("codecs.base", "import numpy\nfrom ddcodec.container import CodecSpec", None),
        ("container.reader", "from ddcodec.container.blob import Blob", None),
    ],
)
def test_the_rule_finds_what_it_should(importer: str, source: str, fault: str | None) -> None:
    modules = {"errors", "container", "container.blob", "codecs", "dataset", "classifiers"}
    faults = faults_of(list(imports_of(source, importer, modules)))
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
