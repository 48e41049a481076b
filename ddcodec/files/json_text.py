"""JSON that people may look at in a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

__all__ = ["json_text"]


def json_text(
    value: Any, *, indent: int | None = None, default: Callable[[Any], Any] | None = None
) -> str:
    r"""A value as JSON: letters of all scripts as they are, but no code that a terminal obeys.

    Names of classes come from files of strangers.

    Args:
        value: to write.
        indent: spaces of each level; all in one line by default.
        default: makes plain values of others, as of :func:`json.dumps`.

    >>> print(json_text({"name": "caf\u00e9 \x1b[5m"}))
    {"name": "café \u001b[5m"}
    """
    text = json.dumps(value, indent=indent, ensure_ascii=False, default=default)
    return re.sub(r"[^ -~\n]", _escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]
