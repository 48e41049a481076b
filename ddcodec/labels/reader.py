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
from ddcodec.view_draws import Row, Rows, draw_views

__all__ = ["LabelReader"]

Int16s = npt.NDArray[np.int16]
Indices = npt.NDArray[np.intp]

KEPT_BYTES = 256 << 20
"""Fields of pictures kept in memory; those of one batch always are."""


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
        places = np.array(rows, np.intp).reshape(-1, 2)
        if not places.size:
            raise HeaderError("labels of no rows")
        start, count = self._head.origin(rows[0][0])
        if not ((places[:, 0] >= start) & (places[:, 0] < start + count)).all():
            raise HeaderError("labels of rows of several origins; ask for one origin at a time")
        out = np.empty((len(rows), count), np.int16)
        for codec, members, array in self._contents.labels(places, view):
            if isinstance(codec, LabelInnovations):
                array = self._reconstructed(start, places[members], view, codec, array)
            out[members] = array
        return out

    def _reconstructed(
        self,
        origin: int,
        rows: Rows,
        view: int,
        innovations: LabelInnovations,
        symbols: npt.NDArray[np.int32],
    ) -> Int16s:
        if origin not in self._fields:
            self._fields[origin] = _OriginFields(self._contents, self._head, origin)
        fields = self._fields[origin]
        codec, model = fields.codec, fields.model
        part = symbols if innovations.columns else None
        shown = self._appearances(fields, rows, view)
        return logits(codec, model, fields.array, shown, part, innovations.step)

    def _appearances(self, fields: _OriginFields, rows: Rows, view: int) -> list[Appearance]:
        recipe, codec = self._head.recipe, fields.codec
        which = FeatureSet(codec.parts, codec.degree, codec.response)
        drawn, partners = draw_views(self._contents, self._head, rows, view)

        def appearance(pictures: Rows, own: ViewDraw, inside: bool) -> Appearance:
            values = features(
                which, recipe.view, own, drawn, recipe.height, recipe.width, inside=inside
            )
            return Appearance(*fields.places(pictures), values)

        fields.start()
        shown = [appearance(rows, drawn, False)]
        if partners is not None and view:
            # A partner of which no pixel shows need not be in the artifact.
            seen = np.where(drawn.mixed[:, None], partners, rows)
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
        self._known: dict[int, int] = {}  # picture -> its place in ``array``
        self.array = np.zeros((0, *self._shape))

    @property
    def _shape(self) -> tuple[int, int]:
        return self.codec.features, self.codec.atoms

    def start(self) -> None:
        """Forget pictures, if there are many, before those of another batch are asked for."""
        if self.array.nbytes > KEPT_BYTES:
            self._known.clear()
            self.array = np.zeros((0, *self._shape))

    def places(self, pictures: Rows) -> tuple[Indices, Indices]:
        """Where the fields of pictures (class index, slot) are in ``array``, and their classes.

        Classes count from the origin's first. Places hold until the next ``start``.
        """
        classes = pictures[:, 0] - self._origin
        wanted = (classes * self._ipc + pictures[:, 1]).tolist()
        missing = sorted({p for p in wanted if p not in self._known})
        if missing:
            self._decode(missing)
        return np.array([self._known[p] for p in wanted], np.intp), classes

    def _decode(self, missing: list[int]) -> None:
        stored = np.zeros((len(missing), *self._shape), np.int16)
        if self.codec.atoms:
            for n, picture in enumerate(missing):
                c, slot = divmod(picture, self._ipc)
                stored[n] = self._contents.label_field(self._origin + c, slot)
        whole = whole_fields(self.model, np.array(missing, np.intp) // self._ipc, stored)
        count = len(self._known)
        if count + len(missing) > len(self.array):
            room = max(2 * len(self.array), count + len(missing))
            self.array = np.concatenate(
                [self.array[:count], np.empty((room - count, *self._shape))]
            )
        self.array[count : count + len(missing)] = whole
        self._known.update(zip(missing, range(count, count + len(missing)), strict=True))
