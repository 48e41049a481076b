"""What Windows lacks of POSIX is used nowhere: commands in a process from which it is taken away.

The type checker looks at every line as Windows would: ``mypy --platform win32`` in ``.ci/run``.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import ddcodec
from tests.artifacts import encode_small

# Other libraries are loaded first: they have code of their own for the system they are on.
AS_ON_WINDOWS = """
import os, shutil, signal, sys
import click, filelock, jinja2, numpy, PIL.Image, PIL.AvifImagePlugin, platformdirs, rich.progress
import platformdirs.unix, zstandard, msgpack, cachetools
shutil._use_fd_functions = False
real, folder = os.open, os.path.isdir
def without_folders(path, flags, mode=0o777, **more):
    if folder(path):
        raise PermissionError(13, "Permission denied", os.fspath(path))
    return real(path, flags, mode, **more)
os.open = without_folders
os.O_BINARY = os.O_NOINHERIT = 0
for name in ("pread", "getuid", "fork", "O_CLOEXEC", "O_NONBLOCK", "O_NOFOLLOW", "O_ACCMODE"):
    delattr(os, name)
del signal.SIGHUP
sys.modules["fcntl"] = None
sys.platform = "win32"
"""

RUN = """
from ddcodec.cli.app import run
from ddcodec.cli.process import catch_stops, open_streams
open_streams()
catch_stops()
for line in sys.argv[1].splitlines():
    assert run(line.split()) == 0, line
"""

LINES = """inspect small.ddz
verify small.ddz --level pixels
subset small.ddz -o blob.ddz --classes blob
subset small.ddz -o others.ddz --classes cross,stripes
merge blob.ddz others.ddz -o whole.ddz
decode small.ddz -o decoded
decode small.ddz -o decoded
export small.ddz --to folder -o folder
export small.ddz --to folder -o folder --force
subset small.ddz -o blob.ddz --classes blob --force"""


def test_artifacts_are_read_and_written_without_what_windows_lacks(
    image_folder: Path, tmp_path: Path
) -> None:
    encode_small(image_folder, tmp_path / "small.ddz").close()
    words = [sys.executable, "-c", AS_ON_WINDOWS + RUN, LINES]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("*.tmp"))
    ddcodec.decode(tmp_path / "small.ddz", tmp_path / "here")
    for path in (tmp_path / "here").rglob("*.*"):
        there = tmp_path / "decoded" / path.relative_to(tmp_path / "here")
        assert hashlib.sha256(there.read_bytes()).digest() == (
            hashlib.sha256(path.read_bytes()).digest()
        ), path


def test_reads_of_many_threads_do_not_mix_without_pread(image_folder: Path, tmp_path: Path) -> None:
    code = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from ddcodec.files.handles import READ, read_at\n"
        "handle = os.open(sys.argv[1], READ)\n"
        "def read(n):\n"
        "    return read_at(handle, 8, 8 * n) == n.to_bytes(8, 'little')\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    assert all(pool.map(read, list(range(5000)) * 2))\n"
    )
    numbers = tmp_path / "numbers"
    numbers.write_bytes(b"".join(n.to_bytes(8, "little") for n in range(5000)))
    words = [sys.executable, "-c", AS_ON_WINDOWS + code, str(numbers)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
