"""The part that all makers of vectors share: write files, or compare them with those there."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
VECTORS = ROOT / "spec" / "vectors"
TABLES = ROOT / "ddcodec" / "tables"
CONTAINER = ROOT / "ddcodec" / "container"


@dataclass(frozen=True)
class Maker:
    """Makes the files of one part.

    Attributes:
        what: what it makes, for ``--help``.
        folder: where the files belong.
        build: makes all of them: file name -> content.
        pattern: names of files of the folder that are this maker's.
        others: files of that pattern that another maker makes.
    """

    what: str
    folder: Path
    build: Callable[[], Mapping[str, bytes]]
    pattern: str = "*"
    others: tuple[str, ...] = ()

    def there(self) -> dict[str, bytes]:
        """The files of this maker that are in its folder: file name -> content."""
        paths = [path for path in self.folder.glob(self.pattern) if path.is_file()]
        return {path.name: path.read_bytes() for path in paths if path.name not in self.others}

    def differences(self) -> list[str]:
        """Names of files that are missing, surplus or have other bytes than ``build`` makes."""
        made, there = self.build(), self.there()
        return sorted(name for name in {*made, *there} if made.get(name) != there.get(name))

    def write(self) -> None:
        """Write every file, and remove those that are no longer made."""
        made = self.build()
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in self.there().keys() - made.keys():
            (self.folder / name).unlink()
        for name, data in made.items():
            (self.folder / name).write_bytes(data)

    def check(self) -> bool:
        """Whether all files are as ``build`` makes them; says on stderr which are not."""
        different = self.differences()
        for name in different:
            print(f"differs: {self.folder.name}/{name}", file=sys.stderr)
        return not different

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """The command of one part; returns the exit code."""
        if asked_to_check(f"Make {self.what}.", arguments):
            return 0 if self.check() else 1
        self.write()
        return 0


def asked_to_check(description: str, arguments: Sequence[str] | None) -> bool:
    """Read the one option that every maker has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit with code 1 if a file differs from what would be written",
    )
    return bool(parser.parse_args(arguments).check)


def as_list(items: Sequence[Any]) -> bytes:
    """JSON of a list, one item per line, so that a difference is easy to read."""
    return ("[\n " + ",\n ".join(map(json.dumps, items)) + "\n]\n").encode()


def as_map(parts: Mapping[str, Any]) -> bytes:
    """JSON of a map; where a value is a list, one item per line."""

    def shown(value: Any) -> str:
        if not isinstance(value, list):
            return json.dumps(value)
        return "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"

    lines = [f"{json.dumps(key)}: {shown(value)}" for key, value in parts.items()]
    return ("{" + ",\n ".join(lines) + "\n}\n").encode()
