"""An artifact as a notebook shows it: its pictures where they are stored, and its size."""

from __future__ import annotations

import base64
import io
from functools import cache
from itertools import islice

from jinja2 import Template
from PIL import Image

from ddcodec.arrays import UInt8s
from ddcodec.artifact.sizes import size_budget
from ddcodec.recipe.synthesis import Stored
from ddcodec.rendering.renderer import Renderer
from ddcodec.table.table import Table
from ddcodec.templates import templates_of

__all__ = ["html_of"]

_CLASSES, _PICTURES = 10, 8
_SIDE = 96


def html_of(name: str, table: Table) -> str:
    """A self-contained piece of HTML; every text of the file is escaped.

    Pictures are shown of artifacts that store them: drawing others may take minutes.

    Args:
        name: of the artifact.
        table: what it holds.
    """
    head, recipe = table.head, table.head.recipe
    stored = isinstance(recipe.synthesis, Stored)
    renderer, slots = Renderer(table), range(min(recipe.ipc, _PICTURES))
    rows = []
    for c in islice(head.row_classes, _CLASSES):
        pictures = renderer.pictures([(c, s) for s in slots]) if stored else ()
        rows.append((head.readable[c], [_data_url(one) for one in pictures]))
    return _template().render(
        name=name,
        reader=table.reader,
        recipe=recipe,
        classes=len(head.row_classes),
        rows=rows,
        side=min(_SIDE, recipe.width),
        kinds=size_budget(table).children,
        prior=None if stored or head.prior is None else head.prior.describe(),
    )


def _data_url(picture: UInt8s) -> str:
    image, stream = Image.fromarray(picture), io.BytesIO()
    image.thumbnail((_SIDE, _SIDE))
    image.save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


@cache
def _template() -> Template:
    return templates_of("ddcodec.artifact").get_template("notebook.html")
