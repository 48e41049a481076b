"""Images and labels of an artifact's rows as numpy arrays, made when asked for.

Reading stored pictures and stored labels needs no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from ddcodec.arrays import Float32s, Int16s, Row, UInt8s
from ddcodec.artifact.probabilities import hard_probabilities
from ddcodec.artifact.slicing import at_most
from ddcodec.byte_cache import ByteCache
from ddcodec.devices import resolve_device
from ddcodec.errors import RequestError, shown
from ddcodec.extras import needed_for
from ddcodec.labels.reader import LabelReader
from ddcodec.labels.softmax import probabilities
from ddcodec.labels.store import LabelStore
from ddcodec.recipe.rows import RowGrid
from ddcodec.recipe.synthesis import Stored
from ddcodec.rendering.renderer import KEPT_PICTURES, Execution, Renderer
from ddcodec.table.table import Table

if TYPE_CHECKING:
    from ddcodec.labels.teacher.execute import StoredTeacher

__all__ = ["LabelPart", "RowReader"]

Key = TypeVar("Key")


class LabelPart(NamedTuple):
    """Labels of some of the rows that were asked for, which range over the classes of one origin.

    Attributes:
        members: places among the rows that were asked for.
        columns: of the classes, among all.
        logits: int16 [members, columns] in 1/64 nat.
    """

    members: list[int]
    columns: slice
    logits: Int16s


class RowReader:
    """Reads rows (class index, slot) at views; use :meth:`ddcodec.Artifact.rows`.

    Every method takes rows, and the view of all of them or of each.

    Args:
        table: the open table of an artifact.
        classes: names of the classes wanted; all by default.
        ipc, views: use only the first slots and the first views.
        device: torch device of pictures and labels that are computed, if any are.
        prior: where to find the prior, which may be fetched; by default the pinned one, where
            this machine has it.
        cache_bytes: pictures kept in memory, in bytes.

    Attributes:
        head: the artifact's head, with its recipe.
        rows: (class index, slot) of every row that may be asked for.
        classes: all class names; the columns of labels.
        names: what to call them: readable names, or the same.
        ipc, views: images per class, and views of each.
        device: the one that was asked for, resolved where something is computed.

    Raises:
        RequestError: an unknown class or none, or more slots or views than stored.
        MissingDependencyError: something is to be computed, and torch is not installed.
    """

    def __init__(
        self,
        table: Table,
        *,
        classes: Sequence[str] | None = None,
        ipc: int | None = None,
        views: int | None = None,
        device: str = "cpu",
        prior: str | None = None,
        cache_bytes: int = KEPT_PICTURES,
    ) -> None:
        table.check()  # a head may promise more rows than the file holds
        self.head, recipe = table.head, table.head.recipe
        self.ipc = at_most("ipc", ipc, recipe.ipc)
        self.views = at_most("views", views, recipe.views)
        indices = self.head.row_classes if classes is None else self.head.class_indices(classes)
        self.rows = RowGrid(indices, self.ipc)
        self.classes = self.head.classes
        self.names = self.head.readable
        self.cache_bytes = cache_bytes
        self.device = device
        self._table, self._prior = table, prior
        if not isinstance(recipe.synthesis, Stored) or recipe.labels.kind == "teacher":
            with needed_for("an artifact whose pictures or labels are computed by networks"):
                self.device = str(resolve_device(device))
        self._open()

    def _open(self) -> None:
        """What each process opens for itself."""
        self._renderer: Renderer | None = None
        self._labels = LabelReader(self._table)
        self._teachers: ByteCache[int, StoredTeacher] = ByteCache(
            self._table.kept, lambda teacher: teacher.nbytes
        )

    @property
    def renderer(self) -> Renderer:
        """What makes the images, opened when it is first asked for."""
        if self._renderer is None:
            self._renderer = Renderer(
                self._table, prior=self._prior, device=self.device, cache_bytes=self.cache_bytes
            )
        return self._renderer

    @property
    def execution(self) -> Execution | None:
        """How images were generated in this process; None as long as none was."""
        return None if self._renderer is None else self._renderer.execution

    @property
    def row_classes(self) -> Sequence[int]:
        """Indices of the classes that have rows here, ascending."""
        return self.rows.classes

    def __len__(self) -> int:
        return len(self.rows)

    def images(self, rows: Sequence[Row], view: int | Sequence[int] = 0) -> UInt8s:
        """uint8 [n, h, w, 3]: each row as a view shows it.

        Raises:
            RequestError: a row or a view that is not there.
        """
        return self._by_view(rows, self._views(rows, view), self.renderer.images)

    def pictures(self, rows: Sequence[Row], view: int | Sequence[int] = 0) -> UInt8s:
        """uint8 [n, h, w, 3]: what a view is a view of, neither cropped nor mixed."""
        return self._by_view(rows, self._views(rows, view), self.renderer.pictures)

    def probabilities(
        self,
        rows: Sequence[Row],
        view: int | Sequence[int] = 0,
        images: UInt8s | None = None,
    ) -> Float32s:
        """float32 [n, K]: labels at the artifact's temperature, over all classes.

        Hard labels are one-hot, or mixed one-hot. Renders no image, but where a stored teacher
        has to see it, and ``images``, what :meth:`images` gives, are not at hand.
        """
        views = self._views(rows, view)
        out = np.zeros((len(rows), len(self.classes)), np.float32)
        if self.head.recipe.labels.kind == "hard":
            for shared, members in grouped(views).items():
                chosen = [rows[n] for n in members]
                out[members] = hard_probabilities(self._table, self.renderer, chosen, shared)
            return out
        for part in self.label_parts(rows, views, images):
            soft = probabilities(part.logits, self.head.recipe.labels.temperature)
            out[part.members, part.columns] = soft
        return out

    def logits(
        self,
        rows: Sequence[Row],
        view: int | Sequence[int] = 0,
        images: UInt8s | None = None,
    ) -> Int16s:
        """int16 [n, K]: what the labels are the softmax of, in 1/64 nat; else as probabilities.

        At temperature 1 they are the teacher's own answer, as far as the artifact keeps it.

        Raises:
            RequestError: labels are hard, or range over parts of the classes.
        """
        if not self.head.recipe.labels.soft:
            raise RequestError("hard labels have no logits")
        if len(self.head.origins) > 1:
            raise RequestError("classes that were encoded apart have no logits for one another")
        out = np.empty((len(rows), len(self.classes)), np.int16)
        for part in self.label_parts(rows, self._views(rows, view), images):
            out[part.members] = part.logits
        return out

    def label_parts(
        self, rows: Sequence[Row], views: Sequence[int], images: UInt8s | None = None
    ) -> Iterator[LabelPart]:
        """Soft labels of rows at views, those of one origin and view together.

        Args:
            rows: (class index, slot), n of them.
            views: of each row.
            images: uint8 [n, h, w, 3], the rows at these views, if they have been made: a stored
                teacher has to see them.
        """
        if self.head.recipe.labels.kind == "teacher" and images is None:
            images = self.images(rows, views)
        cells = [(self.head.origin(c), view) for (c, _), view in zip(rows, views, strict=True)]
        for ((start, count), view), members in grouped(cells).items():
            if images is None or self.head.recipe.labels.kind != "teacher":
                logits = self._labels.logits([rows[n] for n in members], view)
            else:
                logits = self._teacher(start).logits(images[members])
            yield LabelPart(members, slice(start, start + count), logits)

    def prepare(self) -> None:
        """Open the prior of generated pictures now; see :meth:`Renderer.prepare`."""
        self.renderer.prepare()

    def _views(self, rows: Sequence[Row], view: int | Sequence[int]) -> Sequence[int]:
        """The view of each row.

        Raises:
            RequestError: a row or a view is not there.
        """
        views = [view] * len(rows) if isinstance(view, int) else view
        for row in rows:
            if row not in self.rows:
                raise RequestError(f"there is no row {shown(row)}; RowReader.rows has those there")
        if absent := [v for v in views if not 0 <= v < self.views]:
            raise RequestError(f"there is no view {absent[0]}: views are 0 to {self.views - 1}")
        return views

    def _by_view(
        self,
        rows: Sequence[Row],
        views: Sequence[int],
        render: Callable[[list[Row], int], UInt8s],
    ) -> UInt8s:
        """uint8 [n, h, w, 3]: each row at its view, rendered with others of that view."""
        groups = grouped(views)
        if len(groups) == 1:
            return render(list(rows), views[0])
        recipe = self.head.recipe
        out = np.empty((len(rows), recipe.height, recipe.width, 3), np.uint8)
        for view, members in groups.items():
            out[members] = render([rows[n] for n in members], view)
        return out

    def _teacher(self, origin: int) -> StoredTeacher:
        """The stored teacher of the classes that start there."""

        def opened() -> StoredTeacher:
            from ddcodec.labels.teacher.execute import StoredTeacher

            codec, weights = LabelStore(self._table).teacher(origin)
            return StoredTeacher(codec, weights, device=self.device)

        return self._teachers.get(origin, opened)

    def __getstate__(self) -> dict[str, Any]:
        # Another process renders for itself: the prior, caches and teachers stay behind.
        left = ("_renderer", "_labels", "_teachers")
        return {key: value for key, value in self.__dict__.items() if key not in left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()


def grouped(keys: Sequence[Key]) -> dict[Key, list[int]]:
    """The places of each key."""
    groups: dict[Key, list[int]] = {}
    for n, key in enumerate(keys):
        groups.setdefault(key, []).append(n)
    return groups
