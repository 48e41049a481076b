"""NumPy's ``.npz`` files, read only when they hold what they say, and no Python objects."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from ddcodec.arrays import Array
from ddcodec.sources.paths import printable
from ddcodec.sources.tables.npy import array_header, npz_errors

__all__ = ["load_arrays"]


def load_arrays(path: Path) -> dict[str, Array]:
    """The arrays of an ``.npz``, each as large as its file says before it is read.

    Raises:
        SourceError: it is damaged, holds Python objects, or arrays that are too large.
    """
    with npz_errors(path):
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as stream:
                    array_header(stream, entry, printable(path))
        with np.load(path, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
