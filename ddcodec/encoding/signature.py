"""A function of a source, a target and options, called with the options as keyword arguments."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

__all__ = ["AnyPath", "with_options"]

P = ParamSpec("P")
Source = TypeVar("Source")
Options = TypeVar("Options")
Result = TypeVar("Result")
AnyPath = str | os.PathLike[str]


def with_options(
    options: Callable[P, Options],
) -> Callable[
    [Callable[[Source, AnyPath, Options], Result]],
    Callable[Concatenate[Source, AnyPath, P], Result],
]:
    """Give a function the options of a dataclass as keyword arguments, for editors too."""

    def decorate(
        run: Callable[[Source, AnyPath, Options], Result],
    ) -> Callable[Concatenate[Source, AnyPath, P], Result]:
        @wraps(run)
        def called(src: Source, out: AnyPath, *args: P.args, **kwargs: P.kwargs) -> Result:
            return run(src, out, options(*args, **kwargs))

        paths = list(inspect.signature(run).parameters.values())[:2]
        keywords = inspect.signature(options).parameters.values()
        signature = inspect.signature(run).replace(parameters=[*paths, *keywords])
        called.__signature__ = signature  # type: ignore[attr-defined]
        # Typed as positional, because a ParamSpec follows; both may be given by name as well.
        return cast(Callable[Concatenate[Source, AnyPath, P], Result], called)

    return decorate
