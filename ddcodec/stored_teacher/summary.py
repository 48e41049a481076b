"""What a stored teacher is, in words and figures, from the header alone. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ddcodec.container import Section

__all__ = ["REFERENCE_BYTES", "Summary", "in_words", "summaries"]

# What a stored label costs, to compare with: at a byte it is as good as students can tell.
REFERENCE_BYTES = 1


@dataclass(frozen=True)
class Summary:
    """One stored teacher.

    Attributes:
        arch: architecture.
        bits: of a weight before entropy coding.
        stored: bytes in the file.
    """

    arch: str
    bits: int
    stored: int

    @property
    def break_even(self) -> int:
        """The number of labels from which on it is smaller than labels of a byte each."""
        return self.stored // REFERENCE_BYTES + 1

    def to_map(self) -> dict[str, Any]:
        return {
            "arch": self.arch,
            "bits": self.bits,
            "bytes": self.stored,
            "reference_bytes_a_label": REFERENCE_BYTES,
            "break_even_labels": self.break_even,
        }


def summaries(sections: Sequence[Section]) -> tuple[Summary, ...]:
    """The stored teachers of a file: one for each of its origins, or none."""
    return tuple(
        Summary(str(s.codec.params.get("arch")), int(s.codec.params.get("bits", 0)), s.stored_len)
        for s in sections
        if s.kind == "teacher"
    )


def in_words(sections: Sequence[Section], labels: int) -> Iterator[str]:
    """Where the labels come from, and whether storing them would be smaller; nothing if stored.

    Args:
        labels: rows x views of the artifact.
    """
    found = summaries(sections)
    for summary in found:
        yield (
            f"computed by a stored teacher, {summary.arch} at {summary.bits} bits, "
            f"{summary.stored:,} bytes, exact profile w8a15: the same on every machine"
        )
    if found:
        least = sum(summary.stored for summary in found) // REFERENCE_BYTES + 1
        verdict = "smaller" if labels >= least else "larger"
        yield (
            f"{verdict} than stored labels would be at {REFERENCE_BYTES} byte each: it pays from "
            f"{least:,} labels on, this table has {labels:,}"
        )
