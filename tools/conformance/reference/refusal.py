"""The error by which a second implementation refuses a file, and the exit code it ends with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

EXIT_CODES = {
    "checksum-mismatch": 4,
    "digest-mismatch": 4,
    "unsupported-version": 5,
    "unknown-codec": 5,
}
"""Exit codes by error code; every other error ends with 3 (malformed)."""


class Refused(Exception):
    """The file is refused; ``code`` is one of those in section 10 of spec/ddz.md."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def refuse(code: str, message: str) -> NoReturn:
    raise Refused(code, message)


def require(condition: bool, code: str, message: str) -> None:
    if not condition:
        refuse(code, message)


def report(path: str | Path, error: Refused) -> int:
    """Say on stderr why a file is refused; returns the exit code."""
    print(f"{path}: {error.code}: {error}", file=sys.stderr)
    return EXIT_CODES.get(error.code, 3)


def each_file(paths: Sequence[str], usage: str | None, work: Callable[[bytes], str]) -> int:
    """Print what ``work`` says of each file's bytes, or why it refuses them.

    Returns:
        The highest exit code of all files; 1 for one that cannot be read, 2 where none is named.
    """
    if not paths:
        print(usage, file=sys.stderr)
        return 2
    worst = 0
    for path in paths:
        try:
            print(work(Path(path).read_bytes()))
        except Refused as error:
            worst = max(worst, report(path, error))
        except OSError as error:
            print(f"{path}: {error.strerror}", file=sys.stderr)
            worst = max(worst, 1)
    return worst
