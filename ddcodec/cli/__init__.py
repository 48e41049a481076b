"""The ``ddz`` command: thin commands over the Python API. Importing it does not import torch."""

from __future__ import annotations

import sys
from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Entry point of ``ddz``."""
    try:
        from ddcodec.cli import app
    except KeyboardInterrupt:  # so early that there is nobody yet to say it well
        sys.exit(130)
    app.main()
