"""Reading what people and other programs may have altered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["parse_json", "read_json"]


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no JSON, no object, or nested deeper than Python can follow.
    """
    return parse_json(path.read_bytes())


def parse_json(content: bytes) -> dict[str, Any]:
    """The JSON object that bytes say, UTF-8.

    Raises:
        ValueError: as :func:`read_json`.
    """
    try:
        value = json.loads(content.decode())
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value
