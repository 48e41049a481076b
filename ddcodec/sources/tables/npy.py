"""Headers of the arrays in an ``.npz``, checked before anything is read by them."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from ddcodec.errors import SourceError
from ddcodec.sources.paths import printable

__all__ = ["LARGEST", "ArrayHeader", "array_header", "npz_errors"]

LARGEST = 64 << 30
"""Bytes that an array may take."""


class ArrayHeader(NamedTuple):
    """What an array says of itself.

    Attributes:
        fortran: whether the first axis is the one whose values stand beside each other.
    """

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]


def array_header(stream: IO[bytes], entry: zipfile.ZipInfo, name: str) -> ArrayHeader:
    """The header of an array, after which its values follow.

    Args:
        stream: of the entry, at its beginning.
        entry: the array in the file.
        name: the file, for people.

    Raises:
        SourceError: it holds Python objects, claims another size than its part of the file has, or
            is too large.
    """
    version = np.lib.format.read_magic(stream)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    header = ArrayHeader(*read(stream))
    size = math.prod(header.shape) * header.dtype.itemsize
    if header.dtype.hasobject:
        raise SourceError(
            f"{entry.filename} in {name} holds Python objects, and reading those may run any code: "
            "it was not read. Save plain arrays"
        )
    if size > LARGEST or size + stream.tell() != entry.file_size:
        raise SourceError(
            f"{entry.filename} in {name} says that it holds {size:,} bytes, which is not so or too "
            "many: get the file again"
        )
    return header


@contextmanager
def npz_errors(path: Path) -> Iterator[None]:
    """Raises SourceError: the file that is read inside is damaged or cannot be read."""
    name = printable(path)
    try:
        yield
    except SourceError:
        raise
    except OSError as error:
        raise SourceError(f"cannot read {name} ({error.strerror}): check the file") from error
    except (ValueError, EOFError, KeyError, zlib.error, zipfile.error) as error:
        raise SourceError(f"{name} is damaged, or no .npz ({error}): get it again") from error
