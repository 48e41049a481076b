"""Class names as folder names: readable, safe on every file system, and never a way out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

__all__ = ["folder_names"]

_UNSAFE = frozenset('<>:"/\\|?*%')
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)}
)
_LONGEST = 200  # bytes; file systems allow 255


def folder_names(names: Sequence[str], reserved: Sequence[str] = ()) -> list[str]:
    """One distinct folder name a class, equal to the class name wherever that is safe.

    An artifact may come from anywhere: a class called ``../../x`` must not leave the folder.
    Unsafe characters become ``%XX`` of their UTF-8 bytes; names that are too long, or differ
    only in case from another or from a reserved one, end with part of their SHA-256.
    """
    taken = {name.casefold() for name in reserved}
    result = []
    for name in names:
        safe = _escaped(name)
        if len(safe.encode()) > _LONGEST or safe.casefold() in taken:
            digest = hashlib.sha256(name.encode()).hexdigest()[:16]
            safe = f"{_shortened(safe)}-{digest}"
        taken.add(safe.casefold())
        result.append(safe)
    return result


def _escaped(name: str) -> str:
    text = "".join(_percent(c) if c in _UNSAFE or not c.isprintable() else c for c in name)
    # A leading dot hides a folder or climbs out of it; Windows drops trailing dots and spaces.
    if text.startswith((".", " ")) or text.partition(".")[0].casefold() in _RESERVED:
        text = _percent(text[0]) + text[1:]
    if text.endswith((".", " ")):
        text = text[:-1] + _percent(text[-1])
    return text


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _shortened(text: str) -> str:
    return text.encode()[: _LONGEST - 17].decode(errors="ignore")
