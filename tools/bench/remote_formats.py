"""The same pictures behind a slow web server, as an artifact, WebDataset and Parquet.

    python -m tools.bench.remote_formats c10.ddz --rate 2000000 --latency 0.05

Each way reads the first ten pictures with their labels, and then, from the beginning, one epoch of
all, in a process of its own. WebDataset (webdataset, through curl) and Parquet (datasets, in
streaming mode) are exports of the artifact: the pictures as PNG, one view, soft labels. Prints a
table: requests, bytes that the server sent, and seconds of the wall, in one run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import ddcodec
from tools.bench.file_server import file_server
from tools.processes import surroundings

# Each reads so many pictures from a URL, 0 for all; imports are not part of the time.
READERS = {
    "artifact": """
import aiohttp, fsspec, torch
import ddcodec, ddcodec.artifact.dataset
def read(url, count):
    data = ddcodec.open(url).dataset()
    return [data[i] for i in range(count or len(data))]
""",
    "WebDataset": """
import webdataset
def read(url, count):
    rows = webdataset.WebDataset("pipe:curl -s -L " + url, shardshuffle=False).decode("rgb8")
    return [row for i, row in zip(range(count or 10**9), rows)]
""",
    "Parquet, datasets": """
import datasets
def read(url, count):
    rows = datasets.load_dataset("parquet", data_files=url, split="train", streaming=True)
    if not isinstance(rows.features["image"], datasets.Image):
        rows = rows.cast_column("image", datasets.Image())
    return [row["image"].load() for row in (rows.take(count) if count else rows)]
""",
}
_RUN = """
import sys, time
url, count = sys.argv[1], int(sys.argv[2])
began = time.perf_counter()
found = read(url, count)
print(len(found), time.perf_counter() - began)
"""


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--rate", type=int, default=2_000_000, help="bytes per second")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before each answer")
    arguments = parser.parse_args(words)
    print("| | bytes in all | ten: requests | bytes | s | epoch: requests | bytes | s |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for way, file in files_of(arguments.artifact, Path(folder)).items():
            data = file.read_bytes()
            cells = [way, f"{len(data):,}"]
            for count in (10, 0):
                with file_server(data, file.name) as served:
                    served.rate, served.latency = arguments.rate, arguments.latency
                    seconds = read(READERS[way], served.url, count)
                    cells += [f"{len(served.asked)}", f"{served.sent:,}", f"{seconds:.2f}"]
            print("| " + " | ".join(cells) + " |", flush=True)
    return 0


def files_of(artifact: Path, folder: Path) -> dict[str, Path]:
    """The file that each way reads."""
    ddcodec.export(artifact, folder / "shards", to="webdataset", views=1)
    ddcodec.export(artifact, folder / "parquet", to="huggingface", views=1)
    (shard,) = sorted((folder / "shards").rglob("*.tar"))
    (table,) = sorted((folder / "parquet").rglob("*.parquet"))
    return dict(zip(READERS, (artifact, shard, table), strict=True))


def read(reader: str, url: str, count: int) -> float:
    """Seconds of a reading in a process of its own."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-c", reader + _RUN, url, str(count)],
            env=surroundings({"PATH": "/usr/bin:/bin", "HF_HOME": cache, "HOME": cache}),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found, seconds = done.stdout.split()
    assert not count or int(found) == count
    time.sleep(0.2)
    return float(seconds)


if __name__ == "__main__":
    sys.exit(main())
