"""Pictures of the next epoch, made in the background while the present one is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from ddcodec.arrays import Row
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
