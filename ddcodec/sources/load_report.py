"""An account of pictures that had to be converted or skipped, by kind and with reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from ddcodec.errors import SourceError

__all__ = ["SHOWN_PICTURES", "LoadReport", "PictureError"]

_NOTES = {
    "greyscale": "greyscale picture{s} converted to RGB",
    "palette": "palette picture{s} converted to RGB",
    "transparent": "transparent picture{s} composited on white",
    "cmyk": "CMYK picture{s} converted to RGB without a colour profile",
    "colour space": "picture{s} in another colour space converted to RGB",
    "16-bit": "16-bit picture{s} scaled to 8 bits",
    "animated": "animated or multi-page picture{s}: first frame used",
    "rotated": "picture{s} turned upright as EXIF says",
    "bad exif": "picture{s} with damaged EXIF: orientation ignored",
    "colour profile": "picture{s} with a colour profile: it was ignored, and colours read as sRGB",
    "corrupt": "corrupt or unreadable picture{s} skipped",
    "too large": "picture{s} of more than 80 million pixels skipped",
}


SHOWN_PICTURES = 10
"""So many skipped pictures are named in a sentence."""


class PictureError(SourceError):
    """A picture that cannot be used.

    Attributes:
        kind: of what is the matter: corrupt, or too large.
        reason: in a few words.
    """

    kind = "corrupt"
    reason = ""

    @classmethod
    def because(cls, message: str, reason: str, kind: str = "corrupt") -> Self:
        error = cls(message)
        error.kind, error.reason = kind, reason
        return error


@dataclass
class LoadReport:
    """What had to be converted or skipped while loading, counted by kind; a file once only.

    Attributes:
        kinds: picture -> what had to be done with it.
        skipped: picture that could not be used -> why.
    """

    kinds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> Counter[str]:
        """Kind -> pictures."""
        return Counter(kind for kinds in self.kinds.values() for kind in kinds)

    def add(self, name: str, kinds: Sequence[str]) -> None:
        """Count the conversions of a picture, unless it was counted before."""
        if kinds:
            self.kinds.setdefault(name, tuple(kinds))

    def skip(self, name: str, error: SourceError) -> None:
        """Count a picture that cannot be used, unless it was counted before."""
        kind = error.kind if isinstance(error, PictureError) else "corrupt"
        self.add(name, [kind])
        self.skipped.setdefault(name, getattr(error, "reason", "") or str(error))

    def update(self, other: LoadReport) -> None:
        """Count what another part of the same loading has counted."""
        for name, kinds in other.kinds.items():
            self.add(name, kinds)
        self.skipped |= {k: why for k, why in other.skipped.items() if k not in self.skipped}

    def example(self) -> str:
        """One of the skipped pictures and why, to end a message with; empty where there is none."""
        if not self.skipped:
            return ""
        name, reason = min(self.skipped.items())
        return f"; {len(self.skipped)} could not be used, such as {name} ({reason})"

    def describe(self) -> list[str]:
        """One sentence per kind, such as ``3 greyscale pictures converted to RGB``."""
        counts = self.counts
        return [
            f"{counts[kind]} {text.format(s='' if counts[kind] == 1 else 's')}" + self._which(kind)
            for kind, text in _NOTES.items()
            if counts[kind]
        ]

    def _which(self, kind: str) -> str:
        """The first pictures that were skipped for a reason of this kind, and why."""
        names = sorted(name for name in self.skipped if kind in self.kinds[name])
        if not names:
            return ""
        listed = [f"{name} ({self.skipped[name]})" for name in names[:SHOWN_PICTURES]]
        more = f"; and {len(names) - SHOWN_PICTURES} more" if len(names) > SHOWN_PICTURES else ""
        return ": " + "; ".join(listed) + more
