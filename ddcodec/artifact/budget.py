"""The bytes of an artifact part by part, and what each part buys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ddcodec.artifact.artifact import Artifact
from ddcodec.artifact.sizes import SizeNode
from ddcodec.units import bytes_text

__all__ = ["Part", "Piece", "part_name", "parts_of", "pieces_of", "purposes"]

_NAMES = {
    "labels": "labels",
    "teacher": "stored teacher",
    "patches": "pictures",
    "latents": "latents",
    "prompts": "prompts",
    "draws": "draws of views",
    "seeds": "seeds",
    "schedule": "schedule table",
    "pixels": "pixel digests",
    "container": "header",
}
# Parts keep their colour from report to report; the rest share one. No artifact has both labels
# and a teacher, or both patches and latents.
_COLOURS = {
    "patches": 0,
    "latents": 0,
    "labels": 1,
    "teacher": 1,
    "prompts": 2,
    "seeds": 3,
    "container": 4,
}
_REST = 5
_WIDE = 0.12  # share of a bar that has room for its percentage


@dataclass(frozen=True)
class Part:
    """A line of the budget.

    Attributes:
        name: for people.
        node: its bytes.
        colour: number of its colour; None of a part of a part.
        share: of the file, 0..1.
        buys: what it is for and what each of it costs.
    """

    name: str
    node: SizeNode
    colour: int | None
    share: float
    buys: str = ""

    @property
    def ratio(self) -> str:
        """How many times smaller than plain."""
        node = self.node
        return f"{node.plain / node.stored:.1f}" if node.plain and node.stored else ""


@dataclass(frozen=True)
class Piece:
    """A piece of a bar: all parts of one colour."""

    name: str
    colour: int
    stored: int
    share: float

    @property
    def text(self) -> str:
        """What stands in the bar: its share, where there is room."""
        return f"{100 * self.share:.0f} %" if self.share >= _WIDE else ""


def part_name(name: str) -> str:
    """What people call a part of the size budget.

    >>> part_name("patches"), part_name("pixels")
    ('pictures', 'pixel digests')
    """
    return _NAMES.get(name, name)


def purposes(artifact: Artifact) -> dict[str, str]:
    """Kind of section -> what its bytes buy, with the price of one picture, label or seed."""
    recipe, classes = artifact.recipe, len(artifact.classes)
    images = classes * recipe.ipc
    labels = images * recipe.views
    stored = {node.name: node.stored for node in artifact.sizes().children}

    def each(kind: str, count: int, one: str) -> str:
        price = stored.get(kind, 0) / max(1, count)
        return (
            f"{price:,.1f} B per {one}"
            if price < 99.95
            else f"{bytes_text(round(price))} per {one}"
        )

    pictures = f"{images:,} pictures of {recipe.width} x {recipe.height} px"
    texts = {
        "patches": f"{pictures}: {each('patches', images, 'picture')}",
        "latents": f"what {pictures} are generated from: {each('latents', images, 'picture')}",
        "prompts": f"what is generated for each of {classes:,} classes: "
        f"{each('prompts', classes, 'class')}",
        "schedule": "the steps by which the prior generates pictures, replayed exactly",
        "labels": f"{labels:,} labels, one of every view: {each('labels', labels, 'label')}",
        "teacher": f"{labels:,} labels, computed on decoding: {each('teacher', labels, 'label')}",
        "seeds": f"crops, flips and partners of {labels:,} views"
        + (", and the noise of pictures" if artifact.head.prior is not None else ""),
        "draws": f"crops, flips and partners of {labels:,} views, as they were: "
        f"{each('draws', labels, 'view')}",
        "pixels": f"proof that pictures are what they were: {each('pixels', images, 'picture')}; "
        "no student needs it",
        "container": "class names, recipe, where each part lies, and where it all comes from",
    }
    return {kind: text for kind, text in texts.items() if kind in stored}


def parts_of(total: SizeNode, buys: Mapping[str, str]) -> list[Part]:
    """The lines of the budget table, those of one colour together, largest first in each.

    A part that is all of one codec takes one line.
    """
    lines: list[Part] = []
    for node in sorted(total.children, key=lambda n: (_colour(n), -n.stored)):
        lines.append(_part(node, total, part_name(node.name), _colour(node), buys))
        if len(node.children) > 1:
            lines += [_part(child, total, child.name, None, {}) for child in node.children]
    return lines


def pieces_of(total: SizeNode) -> list[Piece]:
    """The pieces of the bar: parts of one colour are one, so that it can be read by colour."""
    pieces = []
    for colour in range(_REST + 1):
        nodes = sorted((n for n in total.children if _colour(n) == colour), key=lambda n: -n.stored)
        stored = sum(node.stored for node in nodes)
        if stored:
            name = ", ".join(part_name(node.name) for node in nodes)
            pieces.append(Piece(name, colour, stored, stored / max(1, total.stored)))
    return pieces


def _part(
    node: SizeNode, total: SizeNode, name: str, colour: int | None, buys: Mapping[str, str]
) -> Part:
    share = node.stored / max(1, total.stored)
    return Part(name, node, colour, share, buys.get(node.name, ""))


def _colour(node: SizeNode) -> int:
    return _COLOURS.get(node.name, _REST)
