"""Parts of jobs for workers, which find them here by name; some kill whoever computes them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from ddcodec.errors import SourceError


def squared(number: int) -> int:
    return number * number


def killed_once(marks: Path, number: int) -> int:
    """The worker that has the number 3 in hand for the first time is killed."""
    mark = marks / "killed"
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def killed(number: int) -> int:
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def refused(number: int) -> int:
    raise SourceError(f"class {number} has no pictures")


def process(_: int) -> int:
    return os.getpid()
