"""Files of ``torch.save``, opened without running what they hold.

Unpickling runs code. torch's own restricted reader makes tensors, lists and numbers alone; of NumPy
these trees need the scalars of a share and a box, which are allowed, and nothing else is.
"""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ddcodec.errors import MissingSourceError, SourceError
from ddcodec.sources.paths import printable

__all__ = ["MOST_BYTES", "load_saved"]

MOST_BYTES = 1 << 30
"""A batch of 1,024 labels over 1,000 classes has two million bytes; none has as many as this."""

_SCALARS = (np.float64, np.float32, np.int64, np.int32)


def load_saved(path: Path) -> Any:
    """What ``torch.save`` wrote: tensors on the CPU, lists, numbers.

    Raises:
        MissingSourceError: there is no such file.
        SourceError: it is damaged, larger than a batch can be, or holds other objects.
    """
    import torch

    name = printable(path)
    _check_size(path, name)
    try:
        with torch.serialization.safe_globals(_allowed()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "GLOBAL" in str(error) or "nsupported" in str(error):
            raise SourceError(
                f"{name} holds objects other than tensors and numbers, and opening them would run "
                "code of its writer: it was not opened. A label tree holds no such objects; get "
                "it from somebody you trust"
            ) from error
        raise SourceError(f"{name} is damaged, or no file of torch.save; get it again") from error
    except Exception as error:  # torch raises whatever its reader stumbles upon
        raise SourceError(f"{name} is damaged, or no file of torch.save; get it again") from error


def _check_size(path: Path, name: str) -> None:
    """A file's size bounds what it can make: refuse large ones, and zips that unpack to more."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise SourceError(
                f"{name} has {size:,} bytes, more than the {MOST_BYTES >> 30} GiB that a batch of "
                "labels may have; this is no batch of a label tree"
            )
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            packed = any(one.compress_type != zipfile.ZIP_STORED for one in archive.infolist())
    except FileNotFoundError as error:
        raise MissingSourceError(f"no such file: {name}") from error
    except (OSError, zipfile.BadZipFile) as error:
        raise SourceError(f"{name} is damaged, or cannot be read; get it again") from error
    if packed:
        raise SourceError(f"{name} holds compressed parts, which torch.save does not write")


def _allowed() -> list[Any]:
    """NumPy's scalars, by the names that old and new versions of NumPy give their maker."""
    from numpy._core.multiarray import scalar

    types = [type(np.dtype(one)) for one in _SCALARS]
    return [(scalar, "numpy.core.multiarray.scalar"), scalar, np.dtype, *types]
