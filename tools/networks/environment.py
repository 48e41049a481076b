"""The environment of a measurement: versions of libraries and instruction sets."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

_LIBRARIES = ("torch", "diffusers", "transformers", "numpy")
_SETS = (
    "sse4_1",
    "avx",
    "avx2",
    "fma",
    "f16c",
    "avx_vnni",
    "avx512f",
    "avx512bw",
    "avx512vl",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "asimddp",
    "i8mm",
    "bf16",
    "sve",
)


def environment() -> dict[str, Any]:
    """Versions and instruction sets: what may matter to the numbers, and no machine's name."""
    return {
        "python": platform.python_version(),
        **dict(_versions()),
        "machine": platform.machine(),
        "instruction_sets": [name for name in _SETS if name in _flags()],
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }


def _versions() -> Iterator[tuple[str, str]]:
    for name in _LIBRARIES:
        try:
            yield name, version(name)
        except PackageNotFoundError:  # importable, but not installed
            yield name, str(getattr(__import__(name), "__version__", "unknown"))


def _flags() -> set[str]:
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return set()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [line for line in lines if line.lower().startswith(("flags", "features"))]
    return set(found[0].split(":", 1)[1].split()) if found else set()
