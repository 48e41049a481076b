"""Encodes with one process, with several, and on a Ray cluster of this machine, side by side.

    python -m tools.bench.workers cifar10/train --teacher T --workers 2 --repeat 3 \
        --encode "--method rded --ipc 10"

Each encode is a process of its own. One of those with workers has a worker killed half-way. Prints
one JSON line per way: seconds of the wall, median of all runs, and the content digest, which must
be the same for all. Ray is measured where it is installed; its cluster is started by each encode.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import signal
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.processes import surroundings

# What loky's workers are called by, in the arguments of their processes.
_WORKER = "joblib.externals.loky.backend.popen_loky"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("--teacher", default="auto")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--encode", default="--method rded --ipc 10")
    arguments = parser.parse_args()
    words = [*shlex.split(arguments.encode), "--teacher", arguments.teacher]
    several = ["--workers", str(arguments.workers)]
    ways = {"one process": [], f"{arguments.workers} workers": several, "killed": several}
    if find_spec("ray") is not None:
        ways["ray, local"] = ["--ray", "local"]
    found = dict[str, list[float]]()
    digests = dict[str, str]()
    for _ in range(arguments.repeat):
        for way, more in ways.items():
            seconds, digest = encoded(arguments.source, [*words, *more], kill=way == "killed")
            found.setdefault(way, []).append(seconds)
            digests.setdefault(way, digest)
    for way, all_seconds in found.items():
        row = {"way": way, "seconds": round(statistics.median(all_seconds), 1)}
        print(json.dumps({**row, "digest": digests[way]}), flush=True)
    return 0 if len(set(digests.values())) == 1 else 1


def encoded(source: Path, words: list[str], *, kill: bool) -> tuple[float, str]:
    """Seconds of an encode, and the digest of what it makes.

    Args:
        source: the pictures.
        words: options.
        kill: a worker of it, once the first part is done.
    """
    with TemporaryDirectory() as folder:
        command = ["encode", str(source), *words, "-o", f"{folder}/a.ddz"]
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "ddcodec", *command],
            env=surroundings(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        for line in process.stderr:
            if kill and re.match(r"(coreset|labels): \d", line):
                os.kill(workers_of(process.pid)[0], signal.SIGKILL)
                kill = False
        out, _ = process.communicate()
        seconds = time.perf_counter() - began
        assert process.returncode == 0 and not kill, out
        digest = re.search(r"content digest ([0-9a-f]{64})", out)
        assert digest is not None, out
        return seconds, digest[1]


def workers_of(parent: int) -> list[int]:
    """Process ids of the workers of a process."""
    listed = subprocess.run(
        ["ps", "--ppid", str(parent), "-o", "pid=,args="], capture_output=True, text=True
    )
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if _WORKER in line]


if __name__ == "__main__":
    sys.exit(main())
