"""Suggestions for names that were mistyped."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean"]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question about the known name that is nearest, with a space before it; or nothing.

    >>> did_you_mean("rdde", ["d3m", "rded"]), did_you_mean("x", ["d3m", "rded"])
    (" (did you mean 'rded'?)", '')
    """
    by_case = {one.casefold(): one for one in known}
    near = get_close_matches(name.casefold(), by_case, n=1)
    return f" (did you mean {by_case[near[0]]!r}?)" if near else ""
