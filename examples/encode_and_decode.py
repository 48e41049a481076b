"""Distil an image folder into one .ddz file, and write its images back as a folder.

    python examples/encode_and_decode.py --source cifar10/train

The source has one subfolder per class. Without --source, scikit-learn's digits are used.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import ddcodec
from ddcodec.sources.digits import write_digits


def main(arguments: Sequence[str] | None = None) -> Path:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", type=Path, help="image folder with a subfolder per class")
    parser.add_argument("--out", type=Path, default=Path("example"), help="folder for the results")
    parser.add_argument("--method", default="rded", help="rded, expand, d3m or random")
    parser.add_argument("--ipc", type=int, default=10, help="images per class")
    parser.add_argument("--views", type=int, default=30, help="labelled views of an image")
    parser.add_argument("--labels", choices=["soft", "hard"], default="soft")
    given = parser.parse_args(arguments)

    given.out.mkdir(parents=True, exist_ok=True)
    source = given.source or write_digits(given.out / "digits") / "train"
    path = given.out / f"{given.method}.ddz"
    result = ddcodec.encode(
        source,
        path,
        method=given.method,
        ipc=given.ipc,
        views=given.views,
        labels=given.labels,
        force=True,
    )
    print(f"{path}: {result.file_len:,} bytes, content digest {result.digest}")

    with ddcodec.open(path) as artifact:
        for part in artifact.sizes().children:
            print(f"  {part.name:<10} {part.stored:>9,} bytes")
        exported = ddcodec.decode(artifact, given.out / f"{given.method}-decoded")
    print(f"{exported.path}: {exported.images} pictures")
    return path


if __name__ == "__main__":
    main()
