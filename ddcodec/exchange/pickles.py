"""Files of ``torch.save``, read without running anything that is in them.

They are pickles. Torch's restricted reader makes tensors, containers and plain numbers of them,
besides NumPy's scalars, which DC, DSA and DM keep their accuracies in and FKD its mixes; anything
else is refused.
"""

from __future__ import annotations

import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ddcodec.errors import MissingSourceError, SourceError
from ddcodec.sources.paths import printable

__all__ = ["load_pickle"]

# Tensors of a zip file stay on the disk until they are looked at; older files are read whole.
_LARGEST_OLD = 4 << 30
_SCALARS = (np.float16, np.float32, np.float64, np.int32, np.int64, np.uint8, np.bool_)


def load_pickle(path: Path, most: int | None = None) -> Any:
    """What ``torch.save`` wrote: tensors on the CPU, mapped from the file where that is possible.

    Args:
        path: the file.
        most: bytes that such a file has at most, where that is known.

    Raises:
        SourceError: the file is larger, cannot be read, is damaged or none of torch's, is
            compressed so that its size tells nothing, or holds objects beyond tensors, containers
            and numbers.
    """
    import torch

    name = printable(path)
    mapped = _is_plain_zip(path)
    if most is not None and path.stat().st_size > most:
        raise SourceError(
            f"{name} has {path.stat().st_size:,} bytes, more than the {most:,} that such a file "
            "may have; it is another kind of file"
        )
    if not mapped and path.stat().st_size > _LARGEST_OLD:
        raise SourceError(
            f"{name} is of torch's old format and larger than {_LARGEST_OLD >> 30} GiB, which "
            "would all be read at once: load and save it again with a torch of today"
        )
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_allowed()):
            warnings.simplefilter("ignore")  # of storages' types, on reading old files
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped or None)
    except pickle.UnpicklingError as error:
        raise SourceError(_refusal(name, error)) from error
    except Exception as error:  # torch raises whatever its reader stumbles upon
        why = " ".join(str(error).split())[:120] or type(error).__name__
        raise SourceError(
            f"{name} is damaged, or no file of torch.save ({why}): get the file again"
        ) from error


def _is_plain_zip(path: Path) -> bool:
    """Whether this is the zip that torch writes; what it promises is then there as bytes."""
    name = printable(path)
    try:
        with path.open("rb") as stream:
            if stream.read(4) != b"PK\x03\x04":
                return False
        with zipfile.ZipFile(path) as archive:
            packed = [one for one in archive.infolist() if one.compress_type != zipfile.ZIP_STORED]
    except FileNotFoundError as error:
        raise MissingSourceError(f"no such file: {name}") from error
    except OSError as error:
        raise SourceError(f"cannot read {name} ({error.strerror}): check the file") from error
    except zipfile.BadZipFile as error:
        raise SourceError(f"{name} is truncated or damaged ({error}): get it again") from error
    if packed:
        raise SourceError(
            f"{name} holds compressed parts, which torch.save does not write, and whose size is "
            "known only by unpacking them: load and save it again"
        )
    return True


def _refusal(name: str, error: pickle.UnpicklingError) -> str:
    text = str(error)
    if "GLOBAL" in text or "Unsupported" in text or "nsupported" in text:
        found = [word for word in text.replace("`", " ").split() if "." in word and "/" not in word]
        what = f" ({found[0].strip('.,')})" if found else ""
        return (
            f"{name} holds Python objects beyond tensors and numbers{what}, and reading those may "
            "run any code: it was not read. Save its pictures and labels as tensors"
        )
    return f"{name} is truncated or damaged ({' '.join(text.split())[:120]}): get it again"


def _allowed() -> list[Any]:
    """NumPy's scalars, by the names that old and new versions of NumPy give their maker."""
    from numpy._core.multiarray import scalar

    types = [type(np.dtype(one)) for one in _SCALARS]
    return [(scalar, "numpy.core.multiarray.scalar"), scalar, np.dtype, *types]
