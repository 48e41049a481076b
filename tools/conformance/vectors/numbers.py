"""Numbers for vectors that are the same for ever: words of domain 2 (spec/codecs.md, section 2)."""

from __future__ import annotations

from tools.conformance.reference.randomness import words


def draw(stream: int, count: int, limit: int) -> list[int]:
    """Numbers below ``limit``."""
    return [word * limit >> 32 for word in words(0, 2, stream, count)]


def spread(stream: int, count: int, bits: int) -> list[int]:
    """Integers of either sign, of all magnitudes up to 2^bits."""
    sizes = draw(stream, count, bits + 1)
    values = words(1, 2, stream, count)
    return [(w % (1 << n)) * (1 - 2 * (w >> 31)) for w, n in zip(values, sizes, strict=True)]
