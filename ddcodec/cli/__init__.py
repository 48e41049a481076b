"""The ``ddz`` command: thin commands over the Python API. Importing it does not import torch."""

from __future__ import annotations

from ddcodec.cli.app import main

__all__ = ["main"]
