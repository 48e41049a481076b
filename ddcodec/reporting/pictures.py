"""Pictures of an artifact's rows, their views, and the labels of these."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ddcodec.arrays import Float32s, Row, UInt8s
from ddcodec.artifact import Artifact
from ddcodec.artifact.dataset import DistilledDataset
from ddcodec.rendering.renderer import Renderer

__all__ = ["ClassPictures", "LabelBar", "ShownRow", "ShownView", "class_pictures", "shown_rows"]

GALLERY_CLASSES = 10
GALLERY_PICTURES = 8
SHOWN_VIEWS = 4
SHOWN_LABELS = 4
# Larger pictures are shown reduced, so that a report stays a few megabytes.
GALLERY_SIDE = 128

_ROWS = 1000  # whose labels are held at a time


@dataclass(frozen=True)
class ClassPictures:
    """A row of the gallery: a class and PNG data URIs of its first pictures."""

    name: str
    uris: tuple[str, ...]


@dataclass(frozen=True)
class LabelBar:
    """A class, and its probability (0..1) in a label."""

    name: str
    share: float


@dataclass(frozen=True)
class ShownView:
    """A view of a picture, as a student sees it.

    Attributes:
        number: of the view.
        uri: PNG data URI.
        bars: the likeliest classes of its label, at the stored temperature.
        partner: class and slot of the picture that CutMix pasted in; empty where it did not.
        share: of the view's pixels that are the partner's, 0..1.
    """

    number: int
    uri: str
    bars: tuple[LabelBar, ...]
    partner: str = ""
    share: float = 0.0


@dataclass(frozen=True)
class ShownRow:
    """A picture and its first views.

    Attributes:
        why: it is shown, such as ``most certain``.
        name: its class and slot.
        views: of it; the first is the picture itself.
        stored: PNG data URIs of its patches as they are stored; empty where nothing but the
            picture itself is stored, or no pixels are.
        stored_words: what they are, and what becomes of them.
    """

    why: str
    name: str
    views: tuple[ShownView, ...]
    stored: tuple[str, ...] = ()
    stored_words: str = ""


def class_pictures(artifact: Artifact, renderer: Renderer) -> tuple[ClassPictures, ...]:
    """The first pictures of the first classes."""
    rows, count = _gallery(artifact), min(GALLERY_PICTURES, artifact.recipe.ipc)
    uris = [_data_uri(picture) for picture in renderer.pictures(rows)]
    return tuple(
        ClassPictures(artifact.head.title(rows[i][0]), tuple(uris[i : i + count]))
        for i in range(0, len(rows), count)
    )


def shown_rows(
    artifact: Artifact, renderer: Renderer, *, prior: str | None, device: str
) -> tuple[ShownRow, ...]:
    """The rows whose label of view 0 is the most and the least certain, with their views.

    Hard labels are all as certain, so only the first row is shown. Where a stored teacher gives
    the labels, it is asked about the pictures of the gallery alone, which are rendered anyway.
    """
    data = artifact.dataset(prior=prior, device=device, pixels="uint8")
    data.set_epoch(0)
    kind = artifact.recipe.labels.kind
    if kind == "hard":
        return (_shown("the first", data.rows[0], artifact, data, renderer),)
    rows = _gallery(artifact) if kind == "teacher" else data.rows
    certain = _certainty(data, rows)
    most, least = int(certain.argmax()), int(certain.argmin())
    shown = [("the most certain", most), ("the least certain", least)]
    return tuple(_shown(why, rows[i], artifact, data, renderer) for why, i in shown)


def _gallery(artifact: Artifact) -> list[Row]:
    count = min(GALLERY_PICTURES, artifact.recipe.ipc)
    return [(c, s) for c in artifact.head.row_classes[:GALLERY_CLASSES] for s in range(count)]


def _certainty(data: DistilledDataset, rows: Sequence[Row]) -> Float32s:
    """float32[n]: the highest probability of each row's label, at the present view."""
    places = [data.rows.index(row) for row in rows]
    parts = [
        data.probabilities(places[start : start + _ROWS]).max(axis=1)
        for start in range(0, len(places), _ROWS)
    ]
    return np.concatenate(parts)


def _shown(
    why: str, row: Row, artifact: Artifact, data: DistilledDataset, renderer: Renderer
) -> ShownRow:
    place = data.rows.index(row)
    views = []
    for number in range(min(SHOWN_VIEWS, artifact.recipe.views)):
        data.set_epoch(number)
        label, partner, share = data.probabilities([place])[0], "", 0.0
        mix = renderer.mixing([row], number)
        if mix is not None and mix.share[0] < 1:
            partner, share = _name(artifact, mix.partners[0]), 1 - float(mix.share[0])
        uri = _data_uri(renderer.images([row], number)[0])
        views.append(ShownView(number, uri, _bars(artifact, label), partner, share))
    data.set_epoch(0)
    return ShownRow(why, _name(artifact, row), tuple(views), *_stored(artifact, row))


def _stored(artifact: Artifact, row: Row) -> tuple[tuple[str, ...], str]:
    """The stored patches of a row and words about them; nothing where they are the picture."""
    recipe, generated = artifact.recipe, artifact.head.prior is not None
    if not artifact.table.sections("patches"):
        return (), ""
    patches = artifact.table.patches(*row)
    count, height, width = patches.shape[:3]
    if not generated and (count, width, height) == (1, *recipe.size):
        return (), ""
    what = f"{count} patches" if count > 1 else "a patch"
    made = "generated from" if generated else "laid out of" if count > 1 else "enlarged from"
    words = f"{what} of {width} x {height} px, which the picture is {made}"
    return tuple(map(_data_uri, patches)), words


def _bars(artifact: Artifact, label: Float32s) -> tuple[LabelBar, ...]:
    order = np.argsort(-label, kind="stable")[:SHOWN_LABELS].tolist()
    return tuple(LabelBar(artifact.head.title(c), float(label[c])) for c in order if label[c] > 0)


def _name(artifact: Artifact, row: Row) -> str:
    return f"{artifact.head.title(row[0])}, slot {row[1]}"


def _data_uri(picture: UInt8s) -> str:
    image = Image.fromarray(picture)
    image.thumbnail((GALLERY_SIDE, GALLERY_SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
