"""Progress of long work: bars where somebody looks, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, TypeAlias

from ddcodec.arrays import Progress, StepProgress
from ddcodec.units import duration_text

__all__ = ["LineProgress", "ProgressOption", "bars", "displayed", "steps_of"]

ProgressOption: TypeAlias = Progress | bool | None
"""A function to call; whether to show bars; or None: bars on a terminal or in a notebook."""

_FORECAST_AFTER = 5  # seconds


@contextmanager
def displayed(progress: ProgressOption = None) -> Iterator[Progress | None]:
    """What to call with (what, done, total) while the block runs; None where nobody looks.

    Bars go to stderr. By default they are shown on a terminal and in a notebook.
    """
    notebook = _in_notebook()
    if callable(progress):
        yield progress
    elif progress is False or (progress is None and not notebook and not _on_terminal()):
        yield None
    elif notebook and find_spec("ipywidgets") is None:  # without which rich draws nothing there
        yield LineProgress()
    else:
        with bars() as shown:
            yield shown


def steps_of(progress: Progress | None, what: str) -> StepProgress | None:
    """A callback for one kind of work, which it names."""
    if progress is None:
        return None
    tell = progress
    return lambda done, total: tell(what, done, total)


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    from rich.console import Console

    return Console(stderr=True).is_jupyter


class LineProgress:
    """One line when a stage starts or ends, and between: one soon, then one every half minute.

    A stage of a single step is a remark.

    Args:
        in_words: what a remark is called by whoever shows it.
    """

    def __init__(self, in_words: Callable[[str], str] = str) -> None:
        self._in_words = in_words
        self._began: dict[str, tuple[float, int]] = {}
        self._next: dict[str, float] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        if total == 1:
            print(self._in_words(what), file=sys.stderr, flush=True)
            return
        now = time.monotonic()
        if done < total and now < self._next.get(what, 0.0):
            return
        self._next[what] = now + (30 if what in self._began else _FORECAST_AFTER)
        began, before = self._began.setdefault(what, (now, done))
        left = (now - began) / (done - before) * (total - done) if done > before else 0.0
        line = f"{what}: {done} of {total}" + (_left(left) if left else "")
        print(line, file=sys.stderr, flush=True)


def _left(seconds: float) -> str:
    """How long a stage will take, as far as its beginning tells."""
    return f", about {duration_text(seconds)} left"


@contextmanager
def bars(in_words: Callable[[str], str] = str) -> Iterator[Progress]:
    """A bar on stderr for each stage; remarks as of :class:`LineProgress` stand above them."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),  # what the other columns leave of a line
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as shown:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, total: int) -> None:
            if total == 1:
                shown.console.print(in_words(what), markup=False, highlight=False)
                return
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total)
            shown.update(tasks[what], completed=done, total=total)

        yield tell
