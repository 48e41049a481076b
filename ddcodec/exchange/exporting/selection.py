"""The part of an artifact that an export writes: its pictures and labels, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ddcodec.arrays import Array, Float32s, Int16s, Int64s, Progress, Row, UInt8s
from ddcodec.methods.work import WorkFolder

if TYPE_CHECKING:
    from ddcodec.artifact import Artifact
    from ddcodec.artifact.rows import RowReader

__all__ = ["Batch", "LabelForm", "Selection"]

LabelForm = Literal["none", "probabilities", "logits"]

_ROWS = 64
_PIXELS = 1 << 24  # of the pictures of a batch, views and all


@dataclass(frozen=True, eq=False)
class Batch:
    """Some rows, in the order of the table, with all of their views.

    Attributes:
        rows: (class index, slot) of each of n rows.
        images: uint8 [n, views, h, w, 3].
        probabilities: float32 [n, views, K], or None where nobody wants them.
        logits: int16 [n, views, K] in 1/64 nat, likewise.
    """

    rows: list[Row]
    images: UInt8s
    probabilities: Float32s | None = None
    logits: Int16s | None = None


@dataclass(frozen=True, eq=False)
class Selection:
    """Rows and views of an artifact, class by class and slot by slot.

    Attributes:
        artifact: the open artifact.
        data: reads its rows, cut to the selection.
        prior: where to find the prior, as a renderer takes it.
        progress: called with (what, done, total).
        work: keeps the pictures of a prior, which take long, so that an export goes on.
    """

    artifact: Artifact
    data: RowReader
    prior: str | None = None
    progress: Progress | None = None
    work: WorkFolder | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of a picture."""
        return self.artifact.recipe.size

    @property
    def views(self) -> int:
        """Views of each row."""
        return self.data.views

    @property
    def images(self) -> int:
        """Pictures in all: rows times views."""
        return len(self.data) * self.data.views

    @property
    def class_count(self) -> int:
        """K, the columns of a label."""
        return len(self.data.classes)

    @property
    def is_whole(self) -> bool:
        """Whether every class of the artifact is among the rows."""
        return len(self.data.row_classes) == self.class_count

    @property
    def class_indices(self) -> Int64s:
        """int64 [rows]: the class of each row."""
        return np.array([c for c, _ in self.data.rows], np.int64)

    def batches(self, labels: LabelForm, views: int | None = None) -> Iterator[Batch]:
        """All rows in their order, some at a time; every batch has one row at least.

        Args:
            labels: which labels are wanted.
            views: the first views alone; all by default.
        """
        (width, height), count = self.size, len(self.data)
        views = self.views if views is None else views
        step = max(1, min(_ROWS, _PIXELS // (width * height * views)))
        for start in range(0, count, step):
            places = range(start, min(start + step, count))
            arrays = self._arrays(places, labels, views)
            rows = self.data.rows[places.start : places.stop]
            yield Batch(rows, arrays["images"], arrays.get("probabilities"), arrays.get("logits"))
            self.tell("pictures", places.stop * views, count * views)

    def tell(self, what: str, done: int, total: int) -> None:
        """Say how far the work is."""
        if self.progress is not None and total > 1:  # a stage of one step would be a remark
            self.progress(what, done, total)

    def _arrays(self, places: range, labels: LabelForm, views: int) -> dict[str, Array]:
        def made() -> dict[str, Array]:
            return self._made(places, labels, views)

        return made() if self.work is None else self.work.piece(f"rows-{places.start:08d}", made)

    def _made(self, places: range, labels: LabelForm, views: int) -> dict[str, Array]:
        """The arrays of a batch, views innermost: a picture is rendered once for all its views."""
        rows, parts = self.data.rows[places.start : places.stop], dict[str, list[Array]]()
        for view in range(views):
            images = self.data.images(rows, view)
            made: dict[str, Array] = {"images": images}
            if labels == "probabilities":
                made["probabilities"] = self.data.probabilities(rows, view, images)
            elif labels == "logits":
                made["logits"] = self.data.logits(rows, view, images)
            for name, array in made.items():
                parts.setdefault(name, []).append(array)
        return {name: np.stack(arrays, axis=1) for name, arrays in parts.items()}
