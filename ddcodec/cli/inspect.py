"""``ddz inspect``: the content of an artifact, from its header alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ddcodec.artifact.summary import describe_labels, flat_text, labels_to_map, stored_teachers
from ddcodec.cli.common import artifact_argument, dump_json, json_option, open_artifact
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.recipe_text import fitting, recipe_words, terminal_width
from ddcodec.cli.screen import say
from ddcodec.recipe import profiles
from ddcodec.recipe.synthesis import Generated

if TYPE_CHECKING:
    from ddcodec.artifact import Artifact, SizeNode

__all__ = ["command"]

_SHOWN_CLASSES = 20
_COLUMNS = ("bytes", "share", "per class", "per image", "per label", "of plain")
# The same, those first that a narrow terminal shows.
_FIRST = ("bytes", "share", "per label", "per image", "of plain", "per class")
_COLUMN = 11  # characters
_DIGITS = 12  # of a digest that nobody has to compare

EXAMPLES = (
    ("what each byte is for", "ddz inspect photos.ddz"),
    ("the digest alone", "ddz inspect photos.ddz --json | jq -r .digest"),
)


@click.command("inspect", cls=ExampleCommand, examples=EXAMPLES)
@artifact_argument
@json_option
def command(artifact: Path | str, as_json: bool) -> None:
    """Show the size budget, classes, recipe, prior and digests of IN.ddz.

    Reads only the header and needs no torch. Sizes are bytes in the file; "of plain" compares
    them with plain arrays: uint8 pixels, fp16 labels and token vectors, 64-bit seeds.
    """
    with open_artifact(artifact) as opened:
        if as_json:
            dump_json("ddcodec.inspect/1", as_values(opened))
        else:
            for number, line in enumerate(as_lines(opened)):
                say(line, bold=number == 0)


def as_values(artifact: Artifact) -> dict[str, Any]:
    """The whole picture as plain values: schema ``ddcodec.inspect/1``."""
    head, recipe = artifact.head, artifact.recipe
    images, support = len(artifact.classes) * recipe.ipc, artifact.support()
    return {
        "path": artifact.place,
        "stored": artifact.file_len,
        "digest": artifact.digest,
        "classes": list(artifact.classes),
        "names": list(artifact.names),
        "table": {
            "classes": len(artifact.classes),
            "ipc": recipe.ipc,
            "views": recipe.views,
            "variations": recipe.variations,
            "images": images,
            "labels": images * recipe.views,
        },
        "labels": labels_to_map(artifact.table),
        "stored_teachers": [found.to_map() for found in stored_teachers(artifact.table)],
        "head": head.to_map(),
        "info": dict(artifact.info),
        "sizes": artifact.sizes().to_map(),
        "support": asdict(support),
        "sections": [
            {
                "kind": section.kind,
                "codec": f"{section.codec.name} v{section.codec.version}",
                "box": list(section.box),
                "offset": section.offset,
                "stored": section.stored_len,
                "raw": section.raw_len,
                "crc": section.crc,
                "critical": section.critical,
            }
            for section in artifact.sections
        ],
    }


def as_lines(artifact: Artifact) -> Iterator[str]:
    """The same for people, one line at a time."""
    recipe = artifact.recipe
    count = len(artifact.classes)
    yield f"{artifact.place}: {_number(artifact.file_len)} bytes"
    yield f"content digest  {artifact.digest}"
    yield (
        f"table           {_plural(count, 'class', 'classes')} x {_plural(recipe.ipc, 'image')} "
        f"x {_plural(recipe.views, 'view')}, {recipe.width}x{recipe.height} pixels"
    )
    if recipe.variations > 1:
        yield f"variations      {recipe.variations} pictures of each slot, drawn as they are shown"
    yield from fitting("classes", _class_list(artifact))
    for number, line in enumerate(artifact.support().describe()):
        yield from fitting("" if number else "support", line)
    for number, line in enumerate(describe_labels(artifact.table)):
        yield from fitting("" if number else "labels", line)
    yield ""
    yield from _budget_lines(artifact)
    yield ""
    yield "recipe"
    for what, how in recipe_words(recipe):
        yield from fitting(f"  {what}", how)
    yield from _prior_lines(artifact)
    if artifact.info:
        yield "made by (not covered by the digest)"
        for key, value in artifact.info.items():
            # Digests are whole in --json.
            text = value.hex()[:_DIGITS] if isinstance(value, bytes) else flat_text(value)
            if text:  # a method without options has nothing to say of them
                yield from fitting(f"  {key.replace('_', ' ')}", text)


def _budget_lines(artifact: Artifact) -> Iterator[str]:
    """The size budget as a tree with aligned columns, of those that fit the terminal."""
    root = artifact.sizes()
    count = len(artifact.classes)
    images = count * artifact.recipe.ipc
    labels = images * artifact.recipe.views
    rows = list(_tree(root))
    width = max(len(text) for text, _ in rows)
    # A kind's name may be long; what is left decides how many columns are shown.
    room = (terminal_width() - width) // _COLUMN
    shown = [name for name in _COLUMNS if _FIRST.index(name) < room]
    yield " " * width + "".join(f"{name:>{_COLUMN}}" for name in shown)
    for text, node in rows:
        share = f"{100 * node.stored / max(root.stored, 1):.1f} %"
        # The container has no plain form; the file's ratio is to the plain arrays alone.
        plain = f"{100 * node.stored / node.plain:.1f} %" if node.plain else "-"
        cells = {
            "bytes": _number(node.stored),
            "share": share,
            "per class": f"{node.stored / max(count, 1):,.1f}",
            "per image": f"{node.stored / max(images, 1):,.1f}",
            # A label may well take less than a byte.
            "per label": f"{node.stored / max(labels, 1):,.2f}",
            "of plain": plain,
        }
        yield f"{text:<{width}}" + "".join(f"{cells[name]:>{_COLUMN}}" for name in shown)


def _tree(node: SizeNode, prefix: str = "", branch: str = "") -> Iterator[tuple[str, SizeNode]]:
    """(indented name, node) of every line; a kind with a single codec takes one line."""
    single = node.children[0] if len(node.children) == 1 else None
    label = f"{node.name} ({single.name})" if single is not None else node.name
    yield prefix + branch + label, node
    inner = prefix + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
    children = () if single is not None else node.children
    for child in children:
        yield from _tree(child, inner, "└─ " if child is children[-1] else "├─ ")


def _prior_lines(artifact: Artifact) -> Iterator[str]:
    pin = artifact.head.prior
    if pin is None:
        yield "prior           none: every pixel is stored"
        return
    yield "prior"
    synthesis = artifact.recipe.synthesis
    if isinstance(synthesis, Generated):
        exact = synthesis.profile in profiles.EXACT
        promise = "on every machine" if exact else "in an equal environment only"
        yield f"  profile       {synthesis.profile}: the same pixels {promise}"
    yield f"  source        {pin.source}"
    if pin.revision is not None:
        yield f"  revision      {pin.revision}"
    yield f"  digest        {pin.digest[:_DIGITS]}  of {len(pin.files)} files:"
    for name in pin.files:
        yield f"                {name}"


def _class_list(artifact: Artifact) -> str:
    names = artifact.classes
    shown = ", ".join(map(artifact.head.title, artifact.head.row_classes[:_SHOWN_CLASSES]))
    more = len(names) - _SHOWN_CLASSES
    listed = shown if more <= 0 else f"{shown}, and {more} more (--json lists all)"
    total = len(artifact.head.classes)
    return listed if total == len(names) else f"{listed} (of {total} in the class list)"


def _number(value: int) -> str:
    return f"{value:,}"


def _plural(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
