"""Synthesis kinds: where the pixels of a table come from (spec/table.md, "Synthesis")."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

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

__all__ = [
    "BASES",
    "MAX_PROMPT_BYTES",
    "Generated",
    "Image2Image",
    "Stored",
    "Synthesis",
    "Text2Image",
    "read_synthesis",
]

BASES = ("patches", "latents")
"""What image2image starts from; also the kind of section that holds it."""

_WHERE = "recipe.synthesis"
MAX_PROMPT_BYTES = 4096
"""Most bytes of a prompt in UTF-8: far more than any text encoder reads."""

_MAX_ENCODERS = 2
_TIME_IDS = 6
_FINITE = 0x7F80_0000  # bit patterns below it are positive finite binary32 numbers


@dataclass(frozen=True)
class Stored:
    """Pixels are stored: patches in mosaics (section kind ``patches``)."""

    kind: ClassVar[str] = "stored"
    grid: ClassVar[int] = 1

    def to_map(self) -> dict[str, Any]:
        return {"kind": self.kind}


@dataclass(frozen=True, kw_only=True)
class Generated:
    """What all pictures that the pinned prior generates have in common.

    Attributes:
        prompt: template with one ``{}``, where the class's token vectors or its text go.
        vectors: (token vectors per class, width of one for each text encoder of the prior); (0,)
            where a class has a text in their place.
        negative: prompt of the unconditioned branch of guidance; may be empty.
        time_ids: what SDXL's U-Net is told of sizes, six integers; () for priors without them.
        size: (width, height) of a generated picture in pixels.
        guidance: classifier-free guidance as a ratio; (1, 1) means none.
        profile: how the prior is executed; one of ``profiles.NAMES``.
        batch: batch shape at which a float-profile prior always runs; 0 in exact profiles, whose
            results depend on no batch.
        weights: digest of the prior's integer weights in exact profiles, 32 bytes; else None.

    Raises:
        HeaderError: a field is of a wrong type or out of range.
        UnsupportedFeatureError: the profile is unknown.
    """

    kind: ClassVar[str]

    prompt: str
    vectors: tuple[int, ...]
    negative: str = ""
    time_ids: tuple[int, ...] = ()
    size: tuple[int, int]
    guidance: Ratio
    profile: str
    batch: int
    weights: bytes | None

    def __post_init__(self) -> None:
        check_text(f"{_WHERE}.prompt", self.prompt)
        if self.prompt.count("{}") != 1:
            raise HeaderError(f"{_WHERE}.prompt {self.prompt[:80]!r} needs exactly one '{{}}'")
        check_text(f"{_WHERE}.negative", self.negative)
        for name, text in (("prompt", self.prompt), ("negative", self.negative)):
            if len(text.encode()) > MAX_PROMPT_BYTES:
                raise HeaderError(f"{_WHERE}.{name} has more than {MAX_PROMPT_BYTES} bytes")
        _check_vectors(self.vectors)
        ids = len(self.time_ids) if isinstance(self.time_ids, tuple) and self.time_ids else 0
        check_integers(f"{_WHERE}.time_ids", self.time_ids, _TIME_IDS if ids else 0, 0, MAX_SIDE)
        check_integers(f"{_WHERE}.size", self.size, 2, 1, MAX_SIDE)
        check_ratio(f"{_WHERE}.guidance", self.guidance)
        check_kind(f"{_WHERE}.profile", self.profile, profiles.NAMES)
        exact = self.profile in profiles.EXACT
        low, high = (0, 0) if exact else (1, 4096)
        check_integer(f"{_WHERE}.batch", self.batch, low, high)
        if not exact and self.weights is not None:
            raise HeaderError(f"{_WHERE}.weights is not nil, but a float profile has none")
        if exact and not (isinstance(self.weights, bytes) and len(self.weights) == 32):
            raise HeaderError(f"{_WHERE}.weights is not a SHA-256, which an exact profile needs")

    @property
    def vectors_per_class(self) -> int:
        """Learned token vectors of a class; 0 where it has a text."""
        return self.vectors[0]

    @property
    def vector_width(self) -> int:
        """Numbers of a token vector, of all text encoders together."""
        return sum(self.vectors[1:])

    def to_map(self) -> dict[str, Any]:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
        return {"kind": self.kind, **plain}


@dataclass(frozen=True, kw_only=True)
class Text2Image(Generated):
    """Pixels are generated from a prompt and a seed by the pinned prior.

    Attributes:
        grid: a generated picture is a collage of grid x grid patches, cut apart on decoding.
    """

    kind: ClassVar[str] = "text2image"

    grid: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer(f"{_WHERE}.grid", self.grid, 1, 64)


@dataclass(frozen=True, kw_only=True)
class Image2Image(Generated):
    """Pixels are generated from a stored patch or latent, a prompt and a seed.

    Attributes:
        base: ``patches`` or ``latents``: what is stored, one for each generated picture.
        signal: bit pattern of a binary32 number, which the latent is multiplied by at the start.
        share: what remains of the latent where it is mixed with a partner's; (1, 1): no mixup.
    """

    kind: ClassVar[str] = "image2image"
    grid: ClassVar[int] = 1

    base: str = "patches"
    signal: int
    share: Ratio = (1, 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_kind(f"{_WHERE}.base", self.base, BASES)
        check_integer(f"{_WHERE}.signal", self.signal, 0, _FINITE - 1)
        check_ratio(f"{_WHERE}.share", self.share)
        if self.share[0] > self.share[1]:
            raise HeaderError(f"{_WHERE}.share is above 1")


Synthesis = Stored | Text2Image | Image2Image

_GENERATED: dict[str, type[Text2Image] | type[Image2Image]] = {
    one.kind: one for one in (Text2Image, Image2Image)
}


def read_synthesis(value: Any) -> Synthesis:
    """The synthesis of a header's recipe; the kind is judged before the other fields."""
    kind = read_kind(value, _WHERE)
    check_kind(f"{_WHERE}.kind", kind, (Stored.kind, *_GENERATED))
    if kind == Stored.kind:
        read_map(value, _WHERE, ("kind",))
        return Stored()
    cls = _GENERATED[kind]
    names = [f.name for f in fields(cls)]
    m = read_map(value, _WHERE, ("kind", *names))
    # A profile to come may have other fields' ranges: it is judged first.
    check_kind(f"{_WHERE}.profile", m["profile"], profiles.NAMES)
    lists = ("vectors", "time_ids", "size", "guidance", "share")
    values: dict[str, Any] = {name: m[name] for name in names}
    values |= {n: read_tuple(m[n], f"{_WHERE}.{n}") for n in lists if n in values}
    return cls(**values)


def _check_vectors(vectors: Any) -> None:
    """(0,), or a count and the widths of one or two text encoders."""
    where = f"{_WHERE}.vectors"
    if vectors == (0,) and type(vectors[0]) is int:
        return
    encoders = len(vectors) - 1 if isinstance(vectors, tuple) else 0
    check_integers(where, vectors, 1 + min(max(1, encoders), _MAX_ENCODERS), 1, 1 << 16)
