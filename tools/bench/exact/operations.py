"""Time of exact execution by the function that it replaces or lets through."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.overrides import resolve_name

from ddcodec.exact import interpreter
from tools.bench.exact.rows import Row
from tools.bench.timing import Work, clock


@contextlib.contextmanager
def handler_times() -> Iterator[dict[str, float]]:
    """Seconds in each function that exact execution replaces or lets through, by its name.

    On a GPU each is waited for, so sums are those of the device's work, one by one.
    """
    seconds: defaultdict[str, float] = defaultdict(float)
    original = interpreter.Interpreter.__torch_function__
    wait: Callable[[], None] = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None

    def measured(
        self: Any, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        wait()
        began = clock()
        result = original(self, func, types, args, kwargs)
        wait()
        spent = clock() - began
        name = (resolve_name(func) or str(func)).removeprefix("torch.").removeprefix("nn.")
        seconds[name if func in interpreter._HANDLERS else f"({name})"] += spent
        return result

    interpreter.Interpreter.__torch_function__ = measured  # type: ignore[method-assign]
    try:
        yield seconds
    finally:
        interpreter.Interpreter.__torch_function__ = original  # type: ignore[method-assign]


def operations(case: str, variant: str, work: Work, most: int = 12) -> list[Row]:
    """Shares of one call's time by function; those in brackets pass through unchanged."""
    work()
    began = clock()
    with handler_times() as seconds:
        work()
    total = clock() - began
    rest = total - sum(seconds.values())
    longest = sorted(seconds.items(), key=lambda item: -item[1])[:most]
    shares = [*longest, ("Python and the rest", rest)]
    return [
        {"case": case, "variant": variant, "operation": name, "share": round(value / total, 3)}
        for name, value in shares
    ]
