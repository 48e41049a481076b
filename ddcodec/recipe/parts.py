"""Parts of a recipe: what labels are, how a student is meant to train."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ddcodec.errors import HeaderError
from ddcodec.recipe.fields import (
    Ratio,
    check_integers,
    check_kind,
    check_ratio,
    check_text,
    read_kind,
    read_map,
    read_tuple,
)

__all__ = ["LABEL_KINDS", "Evaluation", "LabelRecipe"]

LABEL_KINDS = ("soft", "hard", "teacher")


@dataclass(frozen=True)
class LabelRecipe:
    """``soft``: stored logits, read at ``temperature``; ``hard``: the class of each row;
    ``teacher``: logits that a stored teacher computes, read at ``temperature``.
    """

    kind: str
    temperature: Ratio = (1, 1)

    def __post_init__(self) -> None:
        check_kind("recipe.labels.kind", self.kind, LABEL_KINDS)
        check_ratio("recipe.labels.temperature", self.temperature)
        numerator, denominator = self.temperature
        if not denominator <= 64 * numerator <= 64 * 1024 * denominator:
            raise HeaderError("recipe.labels.temperature is not within 1/64..1024")

    @property
    def soft(self) -> bool:
        """Whether a label is a distribution, stored or computed."""
        return self.kind != "hard"

    @property
    def at(self) -> float:
        """The temperature to train at; 1 for hard labels."""
        return float(Fraction(*self.temperature)) if self.soft else 1.0

    def to_map(self) -> dict[str, Any]:
        return {"kind": self.kind, "temperature": list(self.temperature)}

    @classmethod
    def from_map(cls, value: Any) -> LabelRecipe:
        check_kind("recipe.labels.kind", read_kind(value, "recipe.labels"), LABEL_KINDS)
        m = read_map(value, "recipe.labels", ("kind", "temperature"))
        temperature = read_tuple(m["temperature"], "recipe.labels.temperature")
        return cls(m["kind"], temperature)


@dataclass(frozen=True)
class Evaluation:
    """How a student is meant to be trained: input statistics (in 1/65536) and the protocol."""

    mean: tuple[int, int, int]
    std: tuple[int, int, int]
    protocol: str

    def __post_init__(self) -> None:
        check_integers("recipe.evaluation.mean", self.mean, 3, 0, 65536)
        check_integers("recipe.evaluation.std", self.std, 3, 1, 65536)
        check_text("recipe.evaluation.protocol", self.protocol)

    def to_map(self) -> dict[str, Any]:
        return {"mean": list(self.mean), "std": list(self.std), "protocol": self.protocol}

    @classmethod
    def from_map(cls, value: Any) -> Evaluation:
        m = read_map(value, "recipe.evaluation", ("mean", "std", "protocol"))
        lists = {key: read_tuple(m[key], f"recipe.evaluation.{key}") for key in ("mean", "std")}
        return cls(**{**m, **lists})
