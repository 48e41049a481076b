"""Requests and bytes that reading a file behind a URL takes, on a server of this machine.

python -m tools.bench.remote FILE.ddz
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import ddcodec
from ddcodec.artifact import Artifact
from tools.bench.file_server import file_server


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    data = parser.parse_args(words).file.read_bytes()
    print(f"| of {len(data):,} bytes | requests | bytes fetched |")
    print("|---|---|---|")
    for what, action in ACTIONS.items():
        with file_server(data) as served:
            with ddcodec.open(served.url) as artifact:
                action(artifact)
            fetched = sum(
                last - first + 1 for span in served.asked if span for first, last in [span]
            )
            print(f"| {what} | {len(served.asked)} | {fetched:,} |")
    return 0


def one_picture(artifact: Artifact) -> None:
    middle = len(artifact.classes) // 2
    artifact.dataset(classes=[artifact.classes[middle]], ipc=1)[0]


def ten_classes(artifact: Artifact) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, classes = Path(folder) / "ten.ddz", artifact.classes[100:110]
        artifact.subset(path, classes=classes, support=False)


ACTIONS: dict[str, Callable[[Artifact], object]] = {
    "opening it (`inspect`)": lambda artifact: artifact.sizes(),
    "one picture and its labels": one_picture,
    "a subset of ten classes, without support": ten_classes,
    "all of it (`verify`)": lambda artifact: artifact.verify("digest"),
}


if __name__ == "__main__":
    raise SystemExit(main())
