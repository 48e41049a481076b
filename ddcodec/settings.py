"""The settings of an encode, and what each of them may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from ddcodec.codecs.teacher_weights import MAX_BITS, MIN_BITS
from ddcodec.errors import EncodeError, UnsupportedFeatureError
from ddcodec.exact import profiles
from ddcodec.label_sections import LayerName
from ddcodec.source import Source, native_size

__all__ = [
    "CODING",
    "Settings",
    "bits_within",
    "image_size",
    "known_profile",
    "positive",
    "seed_within",
    "temperature_ratio",
]

CODING = frozenset({"label_bytes", "label_layers", "label_quality"})
"""Settings of how soft labels are coded, once the teacher has given them."""


@dataclass(frozen=True)
class Settings:
    """What determines an artifact besides the images; see :func:`ddcodec.encode` for each."""

    method: str
    ipc: int
    views: int
    seed: int
    prior: str
    teacher: str
    profile: str
    labels: Literal["soft", "hard", "teacher"]
    teacher_bits: int
    temperature: str
    label_layers: LayerName
    label_quality: float | None
    label_bytes: int | None
    quality: int
    size: tuple[int, int]
    view: str
    options: Mapping[str, str] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """What people need to know: settings that bear on this artifact, without paths."""
        hidden = {"prior", "profile", "teacher"}
        if self.labels != "teacher":
            hidden.add("teacher_bits")
        if self.labels == "hard":
            hidden.add("temperature")
        if self.labels != "soft":
            hidden |= CODING
        elif self.label_bytes is not None:
            hidden.add("label_quality")
        return {k: v for k, v in vars(self).items() if k not in hidden and v is not None}


def positive(name: str, value: int) -> int:
    """The value of an option that counts something; EncodeError below 1."""
    if value < 1:
        raise EncodeError(f"--{name} is {value}; it must be at least 1")
    return value


def bits_within(bits: int) -> int:
    """Bits of a stored teacher; EncodeError out of range."""
    if not MIN_BITS <= bits <= MAX_BITS:
        raise EncodeError(f"--teacher-bits is {bits}; it must be within {MIN_BITS}..{MAX_BITS}")
    return bits


def seed_within(seed: int) -> int:
    """A seed of 64 bits; EncodeError out of range."""
    if not 0 <= seed < 1 << 64:
        raise EncodeError(f"--seed is {seed}; it must be within 0..2^64-1")
    return seed


def known_profile(profile: str) -> str:
    """A profile of this version, else UnsupportedFeatureError."""
    if profile not in profiles.NAMES:
        raise UnsupportedFeatureError(
            f"profile {profile!r} is not in this version; use --profile "
            f"{', '.join(profiles.NAMES[:-1])} or {profiles.NAMES[-1]}"
        )
    return profile


def image_size(size: int | tuple[int, int] | None, source: Source) -> tuple[int, int]:
    """(width, height) of training images: as asked for, or the source's own."""
    if size is None:
        return native_size(source)
    return (size, size) if isinstance(size, int) else size


def temperature_ratio(text: str) -> tuple[int, int]:
    """A temperature such as 4 or 5/2 as (numerator, denominator), else EncodeError."""
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise EncodeError(f"temperature {text!r} is not a number such as 4 or 5/2") from error
    if not Fraction(1, 64) <= value <= 1024:
        raise EncodeError(f"temperature {text!r} is not within 1/64..1024")
    return value.numerator, value.denominator
