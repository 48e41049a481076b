"""Parts of a recipe: where pixels come from, what labels are, how a student is meant to train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ddcodec.errors import HeaderError
from ddcodec.recipe import profiles
from ddcodec.recipe.fields import (
    MAX_SIDE,
    Ratio,
    check_integer,
    check_integers,
    check_kind,
    check_ratio,
    check_text,
    read_kind,
    read_map,
    read_tuple,
)

__all__ = ["LABEL_KINDS", "Evaluation", "LabelRecipe", "Stored", "Synthesis", "Text2Image"]

LABEL_KINDS = ("soft", "hard", "teacher")

_TEXT2IMAGE = (
    "kind",
    "prompt",
    "vectors",
    "size",
    "grid",
    "guidance",
    "profile",
    "batch",
    "weights",
)


@dataclass(frozen=True)
class Stored:
    """Pixels are stored: patches in mosaics (section kind ``patches``)."""

    def to_map(self) -> dict[str, Any]:
        return {"kind": "stored"}


@dataclass(frozen=True)
class Text2Image:
    """Pixels are generated from a prompt and a seed by the pinned prior.

    Attributes:
        prompt: template with one ``{}``, where the class's token vectors are spliced in.
        vectors: (token vectors per class, width of one vector).
        size: (width, height) of a generated picture in pixels.
        grid: a generated picture is a collage of grid x grid patches, cut apart on decoding.
        guidance: classifier-free guidance as a ratio; (1, 1) means none.
        profile: how the prior is executed; one of ``profiles.NAMES``.
        batch: batch shape at which a float-profile prior always runs; 0 in exact profiles, whose
            results depend on no batch.
        weights: digest of the prior's integer weights in exact profiles, 32 bytes; else None.

    Raises:
        HeaderError: a field is of a wrong type or out of range.
        UnsupportedFeatureError: the profile is unknown.
    """

    prompt: str
    vectors: tuple[int, int]
    size: tuple[int, int]
    grid: int
    guidance: Ratio
    profile: str
    batch: int
    weights: bytes | None

    def __post_init__(self) -> None:
        where = "recipe.synthesis"
        check_text(f"{where}.prompt", self.prompt)
        if self.prompt.count("{}") != 1:
            raise HeaderError(f"{where}.prompt {self.prompt[:80]!r} needs exactly one '{{}}'")
        check_integers(f"{where}.vectors", self.vectors, 2, 1, 1 << 16)
        check_integers(f"{where}.size", self.size, 2, 1, MAX_SIDE)
        check_integer(f"{where}.grid", self.grid, 1, 64)
        check_ratio(f"{where}.guidance", self.guidance)
        check_kind(f"{where}.profile", self.profile, profiles.NAMES)
        exact = self.profile in profiles.EXACT
        low, high = (0, 0) if exact else (1, 4096)
        check_integer(f"{where}.batch", self.batch, low, high)
        if not exact and self.weights is not None:
            raise HeaderError(f"{where}.weights is not nil, but a float profile has none")
        if exact and not (isinstance(self.weights, bytes) and len(self.weights) == 32):
            raise HeaderError(f"{where}.weights is not a SHA-256, which an exact profile needs")

    def to_map(self) -> dict[str, Any]:
        return {
            "kind": "text2image",
            "prompt": self.prompt,
            "vectors": list(self.vectors),
            "size": list(self.size),
            "grid": self.grid,
            "guidance": list(self.guidance),
            "profile": self.profile,
            "batch": self.batch,
            "weights": self.weights,
        }


Synthesis = Stored | Text2Image


def read_synthesis(value: Any) -> Synthesis:
    """The synthesis of a header's recipe; the kind is judged before the other fields."""
    where = "recipe.synthesis"
    check_kind(f"{where}.kind", read_kind(value, where), ("stored", "text2image"))
    if value["kind"] == "stored":
        read_map(value, where, ("kind",))
        return Stored()
    m = dict(read_map(value, where, _TEXT2IMAGE))
    del m["kind"]
    # A profile to come may have other fields' ranges: it is judged first.
    check_kind(f"{where}.profile", m["profile"], profiles.NAMES)
    lists = {key: read_tuple(m[key], f"{where}.{key}") for key in ("vectors", "size", "guidance")}
    return Text2Image(**{**m, **lists})


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
