"""Cut a .ddz file into parts by class, take fewer images, and put parts together again.

    python examples/slice_and_merge.py example/rded.ddz --ipc 5

Nothing is encoded again: images that stay are the same bytes, and classes keep their indices.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import ddcodec


def main(arguments: Sequence[str] | None = None) -> Path:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("artifact", type=Path, help="a .ddz file")
    parser.add_argument("--out", type=Path, default=Path("example"), help="folder for the results")
    parser.add_argument("--ipc", type=int, default=1, help="images per class of the small one")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)

    with ddcodec.open(given.artifact) as artifact:
        half = max(1, len(artifact.classes) // 2)
        parts = []
        for number, names in enumerate((artifact.classes[:half], artifact.classes[half:])):
            path = given.out / f"part{number}.ddz"
            part = artifact.subset(path, classes=names, force=True)
            print(f"{path}: {', '.join(part.classes)}; {part.file_len:,} bytes")
            parts.append(part)
        small = artifact.subset(given.out / "small.ddz", ipc=given.ipc, force=True)
        print(f"{small.path}: {given.ipc} a class, {small.file_len:,} of {artifact.file_len:,}")

    merged = given.out / "merged.ddz"
    ddcodec.merge(parts, merged, force=True)
    for opened in (*parts, small):
        opened.close()
    with ddcodec.open(merged) as whole:
        whole.verify("digest")
        print(f"{merged}: {', '.join(whole.classes)}")
    return merged


if __name__ == "__main__":
    main()
