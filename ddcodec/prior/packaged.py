"""The prior in the package: integers and scales, unpacked to a diffusers folder (spec/prior.md, 6).

A parameter is stored as integers with one float32 scale per row (one in all for vectors). Its value
is float32(integer) * scale: one binary32 multiplication, so every machine unpacks the same files.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from ddcodec.arrays import Float32s, Integers
from ddcodec.errors import DecodeError
from ddcodec.files import cache_folder, discard, opened_cache, scratch_folder, whole_folder
from ddcodec.prior.files import COMPONENTS

__all__ = [
    "DIGESTS",
    "INTEGERS",
    "PACKED",
    "SCALE",
    "dequantise",
    "safetensors_bytes",
    "tiny_folder",
    "unpack",
]

PACKED = Path(__file__).with_name("tiny")
INTEGERS = "integers.safetensors"
SCALE = ".scale"
# SHA-256 of every unpacked file, but those of the model card.
DIGESTS = "unpacked.json"

_AGAIN = "install ddcodec again, or pass another prior"


@cache
def tiny_folder() -> Path:
    """The packaged prior as a folder in diffusers' layout, which ``from_pretrained`` can load.

    It is unpacked once a machine, in the cache folder (in a temporary one where that cannot be
    written), and checked whenever a process first asks for it.

    Raises:
        DecodeError: the packaged files are missing or damaged.
    """
    name = f"tiny-{_sha256(_read(PACKED / DIGESTS))[:16]}"
    folder = cache_folder("priors") / name
    if os.path.isdir(folder):  # False, too, where this user may not look
        if _whole(PACKED, folder):
            return folder
        # It appeared all at once, so this is damage, not another process at work.
        warnings.warn(f"the prior in {folder} is damaged: it is unpacked again", stacklevel=2)
        discard(folder)
    try:
        opened_cache("priors")
        unpack(PACKED, folder)
    except OSError:
        # Another process may have been faster; else the cache cannot be written.
        with suppress(OSError):
            if _whole(PACKED, folder):
                return folder
        kept = ExitStack()
        atexit.register(kept.close)
        folder = kept.enter_context(scratch_folder()) / name
        unpack(PACKED, folder)
    return folder


def unpack(packed: Path, folder: Path) -> None:
    """Write a packed prior as a diffusers folder with float32 weights, all or nothing.

    Args:
        packed: has ``integers.safetensors`` in place of each network's weights.
        folder: must not exist, or be empty.

    Raises:
        DecodeError: a packed file is missing, damaged, or does not give the promised weights.
        OSError: ``folder`` cannot be written, or holds something.
    """
    with whole_folder(folder) as new:
        ignore = shutil.ignore_patterns(INTEGERS, DIGESTS)
        shutil.copytree(packed, new, ignore=ignore, dirs_exist_ok=True)
        for network, stem in COMPONENTS.items():
            source = packed / network / INTEGERS
            if stem is not None and source.exists():
                target = new / network / f"{stem}.safetensors"
                target.write_bytes(safetensors_bytes(_unpacked(source)))
        if not _whole(packed, new):
            raise DecodeError(f"the prior packed in {packed} is damaged; {_AGAIN}")


def dequantise(integers: Integers, scale: Float32s) -> Float32s:
    """float32 of the integers' shape: each row times its scale, one rounding.

    Args:
        integers: int8 or int16, [rows, ...].
        scale: float32 [rows] for matrices and kernels, [1] for vectors.
    """
    by_row = scale.reshape(-1, *[1] * (integers.ndim - 1))
    return integers.astype(np.float32) * by_row


def safetensors_bytes(tensors: Mapping[str, Float32s]) -> bytes:
    """float32 tensors as one safetensors file, in the order of their names.

    Written here, and not by the library, because these bytes are pinned: a library may order or
    pad differently one day.
    """
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in sorted(tensors):
        begin, end = end, end + tensors[name].nbytes
        shape = list(tensors[name].shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = (tensors[name].astype("<f4").tobytes() for name in sorted(tensors))
    return len(text).to_bytes(8, "little") + text + b"".join(data)


def _unpacked(path: Path) -> dict[str, Float32s]:
    try:
        stored = load_file(path)
        names = [name for name in stored if not name.endswith(SCALE)]
        return {name: dequantise(stored[name], stored[name + SCALE]) for name in names}
    except (OSError, SafetensorError, KeyError) as error:
        raise DecodeError(f"{path} is damaged ({error}); {_AGAIN}") from error


def _whole(packed: Path, folder: Path) -> bool:
    """Whether every file in ``folder`` is what the package says it unpacks to."""
    promised = json.loads(_read(packed / DIGESTS))
    files = [folder / path for path in promised]
    return all(f.is_file() for f in files) and all(
        _sha256(f.read_bytes()) == promised[path] for path, f in zip(promised, files, strict=True)
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DecodeError(f"the packaged prior is missing from {path.parent}; {_AGAIN}") from error


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
