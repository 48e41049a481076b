"""Files of named arrays (.npz) with the same bytes on every system."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import numpy as np

from ddcodec.arrays import Array

__all__ = ["member", "npz"]

_UNIX = 3  # APPNOTE.TXT, "version made by"; Python writes the system it happens to run on


def member(name: str) -> zipfile.ZipInfo:
    """A stored member of a zip file, of the date that zip begins with."""
    info = zipfile.ZipInfo(name)
    info.create_system = _UNIX
    return info


def npz(arrays: Mapping[str, Array]) -> bytes:
    """A deflated ``.npz`` of arrays of plain types, as ``numpy.savez_compressed`` writes it.

    >>> np.load(io.BytesIO(npz({"a": np.arange(3)})))["a"]
    array([0, 1, 2])
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            info = member(f"{name}.npy")
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(info, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return stream.getvalue()
