"""Class names as folder names: readable, safe on every file system, and never a way out."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence

__all__ = ["folder_names", "meeting_key"]

_UNSAFE = frozenset('<>:"/\\|?*%')
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"}
)
_LONGEST = 200  # bytes; file systems allow 255
_DIGITS = 16  # of the SHA-256 that tells names apart


def folder_names(names: Sequence[str], reserved: Sequence[str] = ()) -> list[str]:
    """One folder name a class, equal to the class name wherever that is safe.

    An artifact may come from anywhere: a class called ``../../x`` must not leave the folder, and
    no two classes may meet in one, on whatever disk they are decoded. Unsafe characters become
    ``%XX`` of their UTF-8 bytes; names that are too long, or meet another or a reserved one where
    a disk takes letters of either case and either form of Unicode for the same, end with part of
    their SHA-256.
    """
    taken = {meeting_key(name) for name in reserved}
    result = []
    for name in names:
        safe = _escaped(name)
        if len(safe.encode()) > _LONGEST or meeting_key(safe) in taken:
            safe = _distinct(name, safe, taken)
        taken.add(meeting_key(safe))
        result.append(safe)
    return result


def meeting_key(name: str) -> str:
    """What two names have in common that are one on some disk: NTFS folds case, APFS composes too.

    Canonical caseless matching (Unicode 15, section 3.13, D145).

    >>> meeting_key("Café") == meeting_key("CAFE" + chr(0x301))
    True
    """
    folded = unicodedata.normalize("NFD", name).casefold()
    return unicodedata.normalize("NFD", folded)


def _distinct(name: str, safe: str, taken: set[str]) -> str:
    """The name with part of its SHA-256; of another text of it, where a class is called that."""
    for number in range(len(taken) + 1):
        text = name if number == 0 else f"{name}/{number}"
        digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
        found = f"{_shortened(safe)}-{digest}"
        if meeting_key(found) not in taken:
            break
    return found


def _escaped(name: str) -> str:
    text = "".join(_percent(c) if c in _UNSAFE or not c.isprintable() else c for c in name)
    # A leading dot hides a folder or climbs out of it; Windows drops trailing dots and spaces.
    stem = text.partition(".")[0].rstrip(" ").casefold()
    if text.startswith((".", " ")) or stem in _RESERVED:
        text = _percent(text[0]) + text[1:]
    if text.endswith((".", " ")):
        text = text[:-1] + _percent(text[-1])
    return text


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _shortened(text: str) -> str:
    return text.encode()[: _LONGEST - 1 - _DIGITS].decode(errors="ignore")
