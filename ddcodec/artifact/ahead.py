"""Pictures of the next epoch, made in the background while the present one is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch.utils.data import get_worker_info

from ddcodec.arrays import Row
from ddcodec.artifact.rows import RowReader
from ddcodec.recipe.synthesis import Stored
from ddcodec.rendering.renderer import Renderer

__all__ = ["Ahead"]

# Pictures made at a time: the foreground, and the end of the process, wait for no more than these.
_CHUNK = 16


class Ahead:
    """Makes base pictures of one view after the other into a renderer's cache.

    Nothing depends on it but time: what it has not made yet, the renderer makes when it is asked.
    An error is not raised here; the renderer meets it again when the picture is asked for.

    Args:
        renderer: whose cache is filled.
        rows: whose pictures.
    """

    def __init__(self, renderer: Renderer, rows: Sequence[Row]) -> None:
        self._renderer = renderer
        self._rows = rows
        self._view: int | None = None
        self._done: Future[None] | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ddcodec-ahead")

    @classmethod
    def of(cls, reader: RowReader, rows: Sequence[Row]) -> Ahead | None:
        """One for a reader's rows, where it pays; else None.

        It does where pictures are generated and an epoch shows others than the one before, two
        epochs' fit the cache, and this process knows which rows come next: no other process of a
        distributed training shows them, and no DataLoader has workers, which are the background.
        """
        recipe = reader.head.recipe
        if isinstance(recipe.synthesis, Stored) or min(reader.views, recipe.variations) == 1:
            return None
        epoch = len(rows) * 3 * recipe.width * recipe.height
        alone = not (torch.distributed.is_available() and torch.distributed.is_initialized())
        if 2 * epoch > reader.cache_bytes or not alone or get_worker_info() is not None:
            return None
        return cls(reader.renderer, rows)

    def make(self, view: int) -> None:
        """Make the pictures of a view next, in place of any other view's; returns at once."""
        if view != self._view:
            self._view = view
            self._done = self._pool.submit(self._made, view)

    def wait(self) -> None:
        """Wait until the view asked for last is made."""
        if self._done is not None:
            self._done.result()

    def _made(self, view: int) -> None:
        for start in range(0, len(self._rows), _CHUNK):
            if self._view != view:
                return
            self._renderer.prefetch(self._rows[start : start + _CHUNK], [view])
