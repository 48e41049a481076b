"""NumPy's ``.npz`` files, read only when they hold what they say, and no Python objects."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from ddcodec.arrays import Array
from ddcodec.errors import SourceError
from ddcodec.sources.paths import printable

__all__ = ["load_arrays"]

LARGEST = 64 << 30
"""Bytes that an array may take."""


def load_arrays(path: Path) -> dict[str, Array]:
    """The arrays of an ``.npz``, each as large as its file says before it is read.

    Raises:
        SourceError: it is damaged, holds Python objects, or arrays that are too large.
    """
    name = printable(path)
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as stream:
                    _check_header(stream, entry, name)
        with np.load(path, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    except OSError as error:
        raise SourceError(f"cannot read {name} ({error.strerror}): check the file") from error
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zipfile.error) as error:
        raise SourceError(f"{name} is damaged, or no .npz ({error}): get it again") from error


def _check_header(stream: IO[bytes], entry: zipfile.ZipInfo, name: str) -> None:
    """Refuse an array that claims another size than its part of the file, or one too large."""
    version = np.lib.format.read_magic(stream)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, kind = read(stream)
    size = math.prod(shape) * kind.itemsize
    if kind.hasobject:
        raise SourceError(
            f"{entry.filename} in {name} holds Python objects, and reading those may run any code: "
            "it was not read. Save plain arrays"
        )
    if size > LARGEST or size + stream.tell() != entry.file_size:
        raise SourceError(
            f"{entry.filename} in {name} says that it holds {size:,} bytes, which is not so or too "
            "many: get the file again"
        )
