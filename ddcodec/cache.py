"""Where ddcodec keeps what it can make again: teachers, integer weights of priors."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder(kind: str) -> Path:
    """``$DDCODEC_CACHE/<kind>``, or ``~/.cache/ddcodec/<kind>``; it need not exist."""
    root = os.environ.get("DDCODEC_CACHE")
    return (Path(root) if root else Path.home() / ".cache" / "ddcodec") / kind
