"""A recipe in words, and text that fits the terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from fractions import Fraction

from ddcodec.recipe.fields import Ratio
from ddcodec.recipe.head import Recipe
from ddcodec.recipe.synthesis import Image2Image, Stored, Text2Image
from ddcodec.sources.paths import printable

__all__ = ["fitting", "recipe_words", "terminal_width"]

_LABEL = 16  # columns of what stands before a text
_NARROWEST = 60
_OF_ONE = 1 << 16  # input statistics are in units of 1 / 65536


def terminal_width() -> int:
    """Columns of the terminal; 80 where there is none."""
    return max(_NARROWEST, shutil.get_terminal_size((80, 24)).columns)


def fitting(label: str, text: str) -> Iterator[str]:
    """A labelled text in as many lines as it needs; further lines are indented as the first.

    >>> list(fitting("classes", "cat, dog"))
    ['classes         cat, dog']
    """
    width = terminal_width() - _LABEL
    lines = textwrap.wrap(printable(text), width, break_on_hyphens=False) or [""]
    for number, line in enumerate(lines):
        yield f"{'' if number else label:<{_LABEL - 1}} {line}"


def recipe_words(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """(what, how) of a recipe, for people."""
    yield "pictures", _pictures(recipe)
    if recipe.layout.kind != "single":
        yield "layout", f"{recipe.layout.grid} x {recipe.layout.grid} patches to a picture"
    yield "views", _views(recipe)
    mean, std = (
        ", ".join(f"{value / _OF_ONE:.3f}" for value in values)
        for values in (recipe.evaluation.mean, recipe.evaluation.std)
    )
    yield "students", f"protocol {recipe.evaluation.protocol}; mean {mean}; deviation {std}"


def _views(recipe: Recipe) -> str:
    if recipe.view.stored:
        return f"{recipe.view.describe()}, each view as the file says"
    return f"{recipe.view.describe()} (--view)" if recipe.views > 1 else "none"


def _pictures(recipe: Recipe) -> str:
    synthesis = recipe.synthesis
    if isinstance(synthesis, Stored):
        return "stored as patches"
    parts = []
    if isinstance(synthesis, Text2Image):
        parts.append(f"drawn by the prior from {synthesis.prompt!r}")
        if synthesis.grid > 1:
            parts.append(f"{synthesis.grid} x {synthesis.grid} of them at once")
    elif isinstance(synthesis, Image2Image):
        parts.append(f"redrawn by the prior from stored {synthesis.base} and {synthesis.prompt!r}")
        if synthesis.share != (1, 1):
            parts.append(f"{_number(synthesis.share)} of each and the rest of another")
    if synthesis.negative:
        parts.append(f"not {synthesis.negative!r}")
    width, height = synthesis.size
    return "; ".join([*parts, f"guidance {_number(synthesis.guidance)}", f"{width}x{height} px"])


def _number(ratio: Ratio) -> str:
    value = Fraction(*ratio)
    return f"{float(value):g}"
