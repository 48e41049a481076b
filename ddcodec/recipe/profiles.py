"""Profiles: how precisely a prior is executed (spec/exact.md, "Profiles")."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULT", "EXACT", "FLOAT", "NAMES", "TEXT", "Profile"]


@dataclass(frozen=True)
class Profile:
    """Precision of one exact execution.

    Attributes:
        name: as a recipe spells it.
        weight_digits: 1 for 8-bit weights, 2 for 15-bit weights.
        activation_digits: 1 for 8-bit activations, 2 for 15-bit activations.
    """

    name: str
    weight_digits: int
    activation_digits: int


EXACT = {
    profile.name: profile
    for profile in (Profile("w8a8", 1, 1), Profile("w8a15", 1, 2), Profile("w15a15", 2, 2))
}
DEFAULT = "w8a15"
# Ordinary library execution: fast to run anywhere, equal bits nowhere.
FLOAT = "float"
NAMES = (*EXACT, FLOAT)
# Text encoders run once a class, and one wrong prompt spoils all its pictures.
TEXT = EXACT["w15a15"]
