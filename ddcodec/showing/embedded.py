"""The page as one file that holds all it shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddcodec.arrays import Progress, Row
from ddcodec.artifact.slicing import at_most
from ddcodec.errors import EncodeError, RequestError
from ddcodec.files import check_replaceable, write_text
from ddcodec.showing.page_files import document
from ddcodec.showing.pictures import data_url
from ddcodec.showing.source import PageSource
from ddcodec.units import bytes_text

__all__ = ["EMBEDDED_PICTURES", "EMBEDDED_VIEWS", "ShownPage", "write_page"]

EMBEDDED_PICTURES = 10
"""Pictures per class that a page holds, where nothing else is asked for."""

EMBEDDED_VIEWS = 4
"""Views per picture that a page holds, where nothing else is asked for."""

_MOST_BYTES = 200_000_000  # more than that, browsers open slowly or not at all
_MOST_VALUES = 1 << 28  # pixels, or probabilities, that a page is made of: about a minute's work
_SAMPLE = 8  # pictures whose sizes tell that of the page
_TOGETHER = 8  # pictures that a prior draws at once
_WORDS = 600  # bytes of what is told of a view, about


@dataclass(frozen=True)
class ShownPage:
    """A page that was written.

    Attributes:
        path: of the file.
        stored: its bytes.
        left_out: what it does not show, as a sentence; empty where it shows all.
    """

    path: Path
    stored: int
    left_out: str


@dataclass(frozen=True)
class _Choice:
    """What a page holds.

    Attributes:
        classes: class indices, ascending.
        ipc, views: so many first pictures of each, and so many first views of these.
    """

    classes: Sequence[int]
    ipc: int
    views: int

    @property
    def rows(self) -> list[Row]:
        return [(c, s) for c in self.classes for s in range(self.ipc)]


def write_page(
    source: PageSource,
    out: Path,
    *,
    classes: Sequence[str] | None = None,
    ipc: int | None = None,
    views: int | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> ShownPage:
    """Write a page that needs no server, whole or not at all.

    Args:
        source: of the artifact.
        out: the file to write.
        classes: names of the classes to show; all by default.
        ipc: so many first pictures of each; by default at most ``EMBEDDED_PICTURES``.
        views: so many first views of each picture; by default at most ``EMBEDDED_VIEWS``.
        force: replace an existing file.
        progress: called with ("pictures", done, total).

    Raises:
        RequestError: an unknown class or none, more pictures or views than there are, or more
            than fit a page.
        EncodeError: the file exists, or cannot be written.
        FormatError, IntegrityError, DecodeError: pictures or labels that cannot be shown.
    """
    check_replaceable(out)
    if out.exists() and not force:
        raise EncodeError(f"{out} exists; choose another name, or have it replaced")
    choice = _chosen(source, classes, ipc, views)
    _check_size(source, choice)
    held, rows = {}, choice.rows
    for done, (c, s) in enumerate(rows):
        if progress is not None:
            progress("pictures", done, len(rows))
        if source.generated and done % _TOGETHER == 0:
            source.draw(rows[done : done + _TOGETHER])
        held[f"{c}/{s}"] = _held(source, c, s, choice.views)
    if progress is not None:
        progress("pictures", len(rows), len(rows))
    summary, left_out = source.summary(), _left_out(source, choice)
    kept = set(choice.classes)
    summary["classes"] = [
        {**one, "pictures": choice.ipc} for one in summary["classes"] if one["class"] in kept
    ]
    summary |= {"left_out": left_out, "views": choice.views}
    write_text(out, document(json.dumps({"summary": summary, "pictures": held})))
    return ShownPage(out, out.stat().st_size, left_out)


def _chosen(
    source: PageSource, classes: Sequence[str] | None, ipc: int | None, views: int | None
) -> _Choice:
    head = source.artifact.head
    recipe = head.recipe
    return _Choice(
        head.row_classes if classes is None else head.class_indices(classes),
        at_most("ipc", min(EMBEDDED_PICTURES, recipe.ipc) if ipc is None else ipc, recipe.ipc),
        at_most(
            "views", min(EMBEDDED_VIEWS, recipe.views) if views is None else views, recipe.views
        ),
    )


def _check_size(source: PageSource, choice: _Choice) -> None:
    """Refuse what no browser would open, before all of it is made.

    Raises:
        RequestError: the page would be too large; the message says how large.
    """
    head, shown = source.artifact.head, len(choice.classes) * choice.ipc * choice.views
    for each, what in (
        (head.recipe.width * head.recipe.height, "pixels"),
        (len(head.classes), "probabilities"),
    ):
        if shown * each > _MOST_VALUES:
            raise RequestError(
                f"the page would show {shown * each:,} {what}, where {_MOST_VALUES:,} are the "
                "most that are drawn at once: take fewer classes, pictures per class (ipc) or views"
            )
    rows = choice.rows
    sample = rows[:: max(1, len(rows) // _SAMPLE)][:_SAMPLE]
    sizes = [len(json.dumps(_held(source, c, s, min(2, choice.views)))) for c, s in sample]
    one = sum(len(data_url(source.picture_pixels(c, s))) for c, s in sample) / len(sample)
    expected = len(rows) * (sum(sizes) / len(sizes) + (one + _WORDS) * max(0, choice.views - 2))
    if expected > _MOST_BYTES:
        raise RequestError(
            f"the page would have about {bytes_text(round(expected))}, where "
            f"{bytes_text(_MOST_BYTES)} are the most that browsers open well: take fewer classes, "
            "pictures per class (ipc) or views"
        )


def _held(source: PageSource, class_index: int, slot: int, views: int) -> dict[str, Any]:
    """A picture with its views, as ``page/source.js`` reads it."""
    told = source.picture(class_index, slot)
    shown = source.views(class_index, slot, 0, views)
    for view in shown:
        plain = view["view"] == 0 and not source.artifact.recipe.view.stored
        pixels = None if plain else source.view_pixels(class_index, slot, view["view"])
        view["picture"] = None if pixels is None else data_url(pixels)
    stored = range(told["stored"])
    return {
        **told,
        "picture": data_url(source.picture_pixels(class_index, slot)),
        "stored": [data_url(source.stored_pixels(class_index, slot, n)) for n in stored],
        "views": shown,
    }


def _left_out(source: PageSource, choice: _Choice) -> str:
    head, recipe = source.artifact.head, source.artifact.recipe
    parts = [
        f"{shown:,} of {there:,} {what}"
        for shown, there, what in (
            (len(choice.classes), len(head.row_classes), "classes"),
            (choice.ipc, recipe.ipc, "pictures per class"),
            (choice.views, recipe.views, "views per picture"),
        )
        if shown < there
    ]
    return f"This page holds {', '.join(parts)}." if parts else ""
