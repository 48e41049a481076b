"""Soft labels of an open artifact as integer logits, whichever codec they were stored with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ddcodec.codecs.label_innovations import LabelInnovations
from ddcodec.codecs.label_model import LabelModel, LabelModels
from ddcodec.contents import Contents
from ddcodec.errors import HeaderError
from ddcodec.labels.appearances import FeatureSet, features
from ddcodec.labels.reconstruction import Appearance, logits, whole_fields
from ddcodec.recipe import Head
from ddcodec.synthesis.views import ViewDraw
from ddcodec.view_draws import Row, draw_views

__all__ = ["LabelReader"]

Int16s = npt.NDArray[np.int16]
Indices = npt.NDArray[np.intp]


class LabelReader:
    """Random access to the soft labels of one artifact.

    Sections are decoded once and kept (``Contents``), fields of pictures too, so that a batch
    costs its own reconstruction only.

    Args:
        contents: the stored arrays.
        head: the validated head.
    """

    def __init__(self, contents: Contents, head: Head) -> None:
        self._contents = contents
        self._head = head
        self._fields: dict[int, _OriginFields] = {}

    def logits(self, rows: Sequence[Row], view: int) -> Int16s:
        """Labels of rows (class index, slot) of one origin at a view.

        Returns:
            int16[n, K] on the 1/64-nat grid, over the K classes of the origin.

        Raises:
            HeaderError, PayloadError: the artifact lacks them, or is damaged.
        """
        if not rows:
            raise HeaderError("labels of no rows")
        start, count = self._head.origin(rows[0][0])
        out = np.empty((len(rows), count), np.int16)
        for codec, members, array in self._contents.labels(rows, view):
            if isinstance(codec, LabelInnovations):
                chosen = [rows[i] for i in members]
                out[members] = self._reconstructed(start, chosen, view, codec, array)
            else:
                out[members] = array
        return out

    def _reconstructed(
        self,
        origin: int,
        rows: list[Row],
        view: int,
        innovations: LabelInnovations,
        symbols: npt.NDArray[np.int32],
    ) -> Int16s:
        if origin not in self._fields:
            self._fields[origin] = _OriginFields(self._contents, self._head, origin)
        fields = self._fields[origin]
        codec, model = fields.codec, fields.model
        wanted = codec.classes if innovations.step else codec.atoms
        if innovations.columns not in (0, wanted):
            raise HeaderError(
                f"labels of {innovations.columns} columns do not fit their model, which has "
                f"{wanted}; the file is damaged"
            )
        part = symbols if innovations.columns else None
        shown = self._appearances(fields, rows, view)
        return logits(codec, model, fields.array, shown, part, innovations.step)

    def _appearances(self, fields: _OriginFields, rows: list[Row], view: int) -> list[Appearance]:
        recipe, codec = self._head.recipe, fields.codec
        which = FeatureSet(codec.parts, codec.degree, codec.response)
        if which.count(recipe.view) != codec.features:
            raise HeaderError(
                f"the label model has {codec.features} features, but its feature set has "
                f"{which.count(recipe.view)} for these views; the file is damaged"
            )
        drawn, partners = draw_views(self._contents, self._head, rows, view)

        def appearance(pictures: list[Row], own: ViewDraw, inside: bool) -> Appearance:
            values = features(
                which, recipe.view, own, drawn, recipe.height, recipe.width, inside=inside
            )
            places = fields.places(pictures)
            return Appearance(places, places // recipe.ipc, values)

        shown = [appearance(rows, drawn, False)]
        if partners is not None and view:
            # A partner of which no pixel shows need not be in the artifact.
            seen = [
                p if visible else own
                for p, own, visible in zip(partners, rows, drawn.mixed.tolist(), strict=True)
            ]
            theirs, _ = draw_views(self._contents, self._head, seen, view)
            shown.append(appearance(seen, theirs, True))
        return shown


class _OriginFields:
    """The label model of an origin, and the whole fields of its pictures as they are needed."""

    def __init__(self, contents: Contents, head: Head, origin: int) -> None:
        self.codec: LabelModels
        self.model: LabelModel
        self.codec, self.model = contents.label_model(origin)
        self._contents = contents
        self._origin = origin
        self._ipc = head.recipe.ipc
        pictures = self.codec.classes * self._ipc
        self.array = np.zeros((pictures, self.codec.features, self.codec.atoms))
        self._ready = np.zeros(pictures, np.bool_)

    def places(self, pictures: Sequence[Row]) -> Indices:
        """Where the fields of pictures (class index, slot) are in ``array``, once decoded."""
        rows = np.array(pictures, np.intp).reshape(-1, 2)
        places = (rows[:, 0] - self._origin) * self._ipc + rows[:, 1]
        missing = np.unique(places[~self._ready[places]])
        if missing.size:
            classes = missing // self._ipc
            stored = (
                [
                    self._contents.label_field(self._origin + c, s)
                    for c, s in zip(classes.tolist(), (missing % self._ipc).tolist(), strict=True)
                ]
                if self.codec.atoms
                else np.zeros((missing.size, self.codec.features, 0), np.int16)
            )
            self.array[missing] = whole_fields(self.model, classes, np.asarray(stored))
            self._ready[missing] = True
        return places
