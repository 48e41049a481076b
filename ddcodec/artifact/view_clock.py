"""Counts of the view that each row of a dataset shows, known to all its worker processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

import torch
from torch import Tensor

from ddcodec.errors import RequestError

__all__ = ["ViewClock"]


class ViewClock:
    """Counts how often each row was shown, until an epoch is set that holds for all of them.

    Args:
        rows: how many rows are counted.
        views: how many views each of them has.
    """

    def __init__(self, rows: int, views: int) -> None:
        self._views = views
        self._epoch = torch.full((), -1)
        self._counts = torch.zeros(rows, dtype=torch.int64)
        self._share()

    def _share(self) -> None:
        """Let workers see what their parent sets, and count on where earlier ones stopped."""
        # Where memory cannot be shared, workers cannot be started either.
        with suppress(RuntimeError):
            self._epoch.share_memory_()  # type: ignore[no-untyped-call]
            self._counts.share_memory_()  # type: ignore[no-untyped-call]

    @property
    def view(self) -> int | None:
        """The view of every row, if an epoch was set."""
        epoch = int(self._epoch)
        return None if epoch < 0 else epoch % self._views

    def set_epoch(self, epoch: int) -> None:
        """Show view ``epoch % views`` of every row from now on."""
        if epoch < 0:
            raise RequestError(f"epoch {epoch} is not allowed: epochs count from 0")
        self._epoch.fill_(epoch)

    def peek(self, rows: Sequence[int]) -> list[int]:
        """The view that each of these rows, given by number, is to show next."""
        if (view := self.view) is not None:
            return [view] * len(rows)
        return [count % self._views for count in self._counts[list(rows)].tolist()]

    def tick(self, rows: Sequence[int]) -> list[int]:
        """The view that each of these rows shows now; the next time it is the one after it."""
        if (view := self.view) is not None:
            return [view] * len(rows)
        counts, shown = self._counts.numpy(), list[int]()
        for row in rows:  # one that is asked for twice shows two views
            shown.append(int(counts[row]) % self._views)
            counts[row] += 1
        return shown

    def state_dict(self) -> dict[str, Any]:
        """The epoch that was set, or -1, and how often each row was shown where none was."""
        epoch = int(self._epoch)
        return {"epoch": epoch, "counts": None if epoch >= 0 else self._counts.clone()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state_dict` returned.

        Raises:
            RequestError: it is of other rows, or no such state.
        """
        epoch, counts = state.get("epoch"), state.get("counts")
        if type(epoch) is not int or (epoch < 0 and not isinstance(counts, Tensor)):
            raise RequestError("this is no state of a dataset: give what state_dict() returned")
        if epoch < 0 and isinstance(counts, Tensor):
            if counts.shape != self._counts.shape:
                raise RequestError(
                    f"the state is of {counts.numel()} items, and this dataset has "
                    f"{len(self._counts)}: open the same artifact with the same classes and ipc"
                )
            self._counts.copy_(counts)
        self._epoch.fill_(max(epoch, -1))

    def select(self, rows: Sequence[int]) -> Self:
        """A clock of some of the rows, which goes on from here by itself."""
        other = type(self)(len(rows), self._views)
        other._epoch.copy_(self._epoch)
        other._counts.copy_(self._counts[list(rows)])
        return other

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._share()
