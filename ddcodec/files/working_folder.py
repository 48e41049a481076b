"""A working folder for processes that were begun in one that has been removed since."""

from __future__ import annotations

import os

__all__ = ["ensure_working_folder"]


def ensure_working_folder() -> None:
    """Stand in another folder, where that of this process has been removed.

    Libraries that torch loads end the process without one, and workers do not start. Nothing was
    found by a relative path before, and nothing is now: no file can be made in ``/proc``.
    """
    try:
        os.getcwd()
    except FileNotFoundError:
        os.chdir("/proc" if os.path.isdir("/proc") else "/")
