"""What the decoder must do, as typed and validated values (spec/ddz.md, "The head").

The container treats the head of a file as an opaque canonical map; this module is the only
place that knows its fields. Every number is an integer or a ratio [numerator, denominator].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ddcodec.errors import HeaderError, UnsupportedFeatureError
from ddcodec.exact import profiles
from ddcodec.prior.pin import PriorPin
from ddcodec.synthesis.layout import Layout
from ddcodec.synthesis.views import View

__all__ = [
    "Evaluation",
    "Head",
    "LabelRecipe",
    "Ratio",
    "Recipe",
    "Stored",
    "Synthesis",
    "Text2Image",
]

MAX_SIDE = 8192
MAX_CLASSES = 1 << 20
MAX_ROWS = 1 << 31

HEAD_FIELDS = ("classes", "rows", "origins", "recipe", "prior")
RECIPE_FIELDS = (
    "size",
    "ipc",
    "views",
    "synthesis",
    "layout",
    "view",
    "labels",
    "evaluation",
)
TEXT2IMAGE_FIELDS = (
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

Ratio = tuple[int, int]


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
        vectors: (token vectors a class, width of one vector).
        size: (width, height) of a generated picture in pixels.
        grid: a generated picture is a collage of grid x grid patches, cut apart on decoding.
        guidance: classifier-free guidance as a ratio; (1, 1) means none.
        profile: how the prior is executed; one of ``exact.profiles.NAMES``.
        batch: batch shape at which a float-profile prior always runs; 0 in exact profiles, whose
            results depend on no batch.
        weights: digest of the prior's integer weights in exact profiles, 32 bytes; else None.
    """

    prompt: str
    vectors: tuple[int, int]
    size: tuple[int, int]
    grid: int
    guidance: Ratio
    profile: str
    batch: int
    weights: bytes | None

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


@dataclass(frozen=True)
class LabelRecipe:
    """``soft``: stored logits, read at ``temperature``; ``hard``: the class of each row;
    ``teacher``: logits that a stored teacher computes, read at ``temperature``.
    """

    kind: str
    temperature: Ratio = (1, 1)

    @property
    def soft(self) -> bool:
        """Whether a label is a distribution, stored or computed."""
        return self.kind != "hard"

    def to_map(self) -> dict[str, Any]:
        return {"kind": self.kind, "temperature": list(self.temperature)}


@dataclass(frozen=True)
class Evaluation:
    """How a student is meant to be trained: input statistics (in 1/65536) and the protocol."""

    mean: tuple[int, int, int]
    std: tuple[int, int, int]
    protocol: str

    def to_map(self) -> dict[str, Any]:
        return {"mean": list(self.mean), "std": list(self.std), "protocol": self.protocol}


@dataclass(frozen=True)
class Recipe:
    """From stored arrays to the table class x slot x view -> image, label.

    Attributes:
        size: (width, height) of a training image in pixels.
        ipc: images per class, the number of slots.
        views: labelled variations of an image; view 0 is the picture itself.
    """

    size: tuple[int, int]
    ipc: int
    views: int
    synthesis: Synthesis
    layout: Layout
    view: View
    labels: LabelRecipe
    evaluation: Evaluation

    @property
    def width(self) -> int:
        return self.size[0]

    @property
    def height(self) -> int:
        return self.size[1]

    @property
    def patches_per_slot(self) -> int:
        """Patches that make one training image: grid^2 of a collage, else 1."""
        return self.layout.grid**2

    @property
    def generated_per_class(self) -> int:
        """Generated pictures a class needs for all its slots (0 where pixels are stored)."""
        if isinstance(self.synthesis, Stored):
            return 0
        return -(-self.ipc * self.patches_per_slot // self.synthesis.grid**2)

    @property
    def seeds_per_class(self) -> int:
        """Length of a class's seed list: seed i serves slot i's views and generated picture i."""
        return max(self.ipc, self.generated_per_class)

    def to_map(self) -> dict[str, Any]:
        return {
            "size": list(self.size),
            "ipc": self.ipc,
            "views": self.views,
            "synthesis": self.synthesis.to_map(),
            "layout": self.layout.to_map(),
            "view": self.view.to_map(),
            "labels": self.labels.to_map(),
            "evaluation": self.evaluation.to_map(),
        }

    @classmethod
    def from_map(cls, value: Any) -> Recipe:
        """Raises HeaderError for a malformed map, UnsupportedFeatureError for an unknown kind."""
        m = _map(value, "recipe", RECIPE_FIELDS)
        recipe = cls(
            size=_size(m, "size"),
            ipc=_int(m, "ipc", 1, 1 << 24),
            views=_int(m, "views", 1, 1 << 24),
            synthesis=_synthesis(_get(m, "synthesis")),
            layout=Layout.from_map(_get(m, "layout")),
            view=View.from_map(_get(m, "view")),
            labels=_labels(_get(m, "labels")),
            evaluation=_evaluation(_get(m, "evaluation")),
        )
        recipe.view.check_size(recipe.height, recipe.width)
        if recipe.layout.grid > min(recipe.size):
            raise HeaderError("recipe.layout.grid is larger than the image it divides")
        return recipe


@dataclass(frozen=True)
class Head:
    """Everything that binds names to rows; part of the content digest.

    Attributes:
        classes: all class names; a class's index never changes in a subset.
        rows: ranges (start, count) of classes that have rows; the other classes that have
            pictures are support: CutMix partners of remaining rows.
        origins: ranges (start, count) that partition the classes into those encoded together;
            the columns of a soft label and the partners of a row range over its origin.
    """

    classes: tuple[str, ...]
    rows: tuple[tuple[int, int], ...]
    origins: tuple[tuple[int, int], ...]
    recipe: Recipe
    prior: PriorPin | None = None

    @property
    def row_classes(self) -> tuple[int, ...]:
        """Class indices that have rows, ascending."""
        return tuple(i for start, count in self.rows for i in range(start, start + count))

    def origin(self, class_index: int) -> tuple[int, int]:
        """The (start, count) range of the classes encoded together with this one."""
        for start, count in self.origins:
            if start <= class_index < start + count:
                return start, count
        raise HeaderError(f"class {class_index} belongs to no origin; the head is damaged")

    def to_map(self) -> dict[str, Any]:
        m: dict[str, Any] = {
            "classes": list(self.classes),
            "rows": [list(r) for r in self.rows],
            "origins": [list(r) for r in self.origins],
            "recipe": self.recipe.to_map(),
        }
        if self.prior is not None:
            m["prior"] = self.prior.to_map()
        return m

    @classmethod
    def from_map(cls, value: Any) -> Head:
        """Raises HeaderError or UnsupportedFeatureError, naming the field."""
        m = _map(value, "head", HEAD_FIELDS)
        classes = _names(_get(m, "classes"))
        rows = _ranges(m, "rows", len(classes))
        origins = _ranges(m, "origins", len(classes))
        if sum(count for _, count in origins) != len(classes):
            raise HeaderError("head.origins does not cover every class; the file is damaged")
        recipe = Recipe.from_map(_get(m, "recipe"))
        if sum(count for _, count in rows) * recipe.ipc * recipe.views > MAX_ROWS:
            raise HeaderError(f"the table has more than {MAX_ROWS} rows; split the artifact")
        pin = PriorPin.from_map(m["prior"]) if "prior" in m else None
        if isinstance(recipe.synthesis, Text2Image) and pin is None:
            raise HeaderError("head.prior is missing, but the recipe generates images with one")
        return cls(classes, rows, origins, recipe, pin)


def to_ranges(indices: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Ascending class indices -> (start, count) ranges."""
    ranges: list[tuple[int, int]] = []
    for i in sorted(indices):
        if ranges and ranges[-1][0] + ranges[-1][1] == i:
            ranges[-1] = (ranges[-1][0], ranges[-1][1] + 1)
        else:
            ranges.append((i, 1))
    return tuple(ranges)


# Field readers: each names the field it refuses, so that a damaged head explains itself.


def _map(value: Any, where: str, fields: Sequence[str]) -> Mapping[str, Any]:
    """A map with exactly these fields; a feature to come has a minor version of its own."""
    if not isinstance(value, Mapping):
        raise HeaderError(f"{where} is not a map; the file is damaged")
    for key in value:
        if key not in fields:
            raise HeaderError(f"{where} has an unknown field {str(key)[:40]!r}")
    return value


def _get(m: Mapping[str, Any], key: str) -> Any:
    if key not in m:
        raise HeaderError(f"the head lacks the field {key!r}; the file is damaged")
    return m[key]


def _int(m: Mapping[str, Any], key: str, low: int, high: int) -> int:
    value = _get(m, key)
    if type(value) is not int or not low <= value <= high:
        raise HeaderError(
            f"head field {key!r} is {repr(value)[:40]}, expected an integer {low}..{high}"
        )
    return value


def _ints(value: Any, key: str, count: int, low: int, high: int) -> tuple[int, ...]:
    ok = isinstance(value, list) and len(value) == count
    if not ok or not all(type(v) is int and low <= v <= high for v in value):
        raise HeaderError(f"head field {key!r} is not {count} integers in {low}..{high}")
    return tuple(value)


def _size(m: Mapping[str, Any], key: str) -> tuple[int, int]:
    width, height = _ints(_get(m, key), key, 2, 1, MAX_SIDE)
    return width, height


def _ratio(m: Mapping[str, Any], key: str) -> Ratio:
    numerator, denominator = _ints(_get(m, key), key, 2, 0, (1 << 31) - 1)
    if denominator == 0:
        raise HeaderError(f"head field {key!r} has denominator 0")
    return numerator, denominator


def _text(m: Mapping[str, Any], key: str) -> str:
    value = _get(m, key)
    if not isinstance(value, str):
        raise HeaderError(f"head field {key!r} is not text")
    return value


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_CLASSES:
        raise HeaderError(f"head.classes is not a list of 1..{MAX_CLASSES} names")
    if not all(isinstance(v, str) and v for v in value):
        raise HeaderError("head.classes holds something that is not a name")
    if len(set(value)) != len(value):
        raise HeaderError("head.classes names a class twice")
    return tuple(value)


def _ranges(m: Mapping[str, Any], key: str, classes: int) -> tuple[tuple[int, int], ...]:
    value = _get(m, key)
    if not isinstance(value, list) or not value:
        raise HeaderError(f"head.{key} is not a list of ranges")
    end = 0
    ranges = []
    for item in value:
        start, count = _ints(item, key, 2, 0, classes)
        if count == 0 or start < end or start + count > classes:
            raise HeaderError(f"head.{key} holds an empty, unsorted or overlong range {item}")
        end = start + count
        ranges.append((start, count))
    return tuple(ranges)


def _synthesis(value: Any) -> Synthesis:
    kind = _kind(value, "recipe.synthesis")
    if kind == "stored":
        _map(value, "recipe.synthesis", ("kind",))
        return Stored()
    if kind != "text2image":
        raise UnsupportedFeatureError(
            f"synthesis kind {kind[:40]!r} is unknown to this version; install a newer ddcodec"
        )
    m = _map(value, "recipe.synthesis", TEXT2IMAGE_FIELDS)
    prompt = _text(m, "prompt")
    if prompt.count("{}") != 1:
        raise HeaderError(f"recipe.synthesis.prompt {prompt[:80]!r} needs exactly one '{{}}'")
    vectors = _ints(_get(m, "vectors"), "vectors", 2, 1, 1 << 16)
    profile = _profile(m)
    exact = profile in profiles.EXACT
    return Text2Image(
        prompt=prompt,
        vectors=(vectors[0], vectors[1]),
        size=_size(m, "size"),
        grid=_int(m, "grid", 1, 64),
        guidance=_ratio(m, "guidance"),
        profile=profile,
        batch=_int(m, "batch", 0, 0) if exact else _int(m, "batch", 1, 4096),
        weights=_weights(m, exact),
    )


def _kind(value: Any, where: str) -> str:
    """The kind is read before the other fields, which depend on it."""
    if not isinstance(value, Mapping):
        raise HeaderError(f"{where} is not a map; the file is damaged")
    return _text(value, "kind")


def _profile(m: Mapping[str, Any]) -> str:
    profile = _text(m, "profile")
    if profile not in profiles.NAMES:
        raise UnsupportedFeatureError(
            f"profile {profile[:40]!r} is unknown to this version; install a newer ddcodec"
        )
    return profile


def _weights(m: Mapping[str, Any], exact: bool) -> bytes | None:
    value = _get(m, "weights")
    if not exact:
        if value is not None:
            raise HeaderError("head field 'weights' is not nil, but a float profile has none")
        return None
    if not isinstance(value, bytes) or len(value) != 32:
        raise HeaderError("head field 'weights' is not a SHA-256, which an exact profile needs")
    return value


def _labels(value: Any) -> LabelRecipe:
    kind = _kind(value, "recipe.labels")
    if kind not in ("soft", "hard", "teacher"):
        raise UnsupportedFeatureError(
            f"label kind {kind[:40]!r} is unknown to this version; install a newer ddcodec"
        )
    temperature = _ratio(_map(value, "recipe.labels", ("kind", "temperature")), "temperature")
    if not temperature[1] <= 64 * temperature[0] <= 64 * 1024 * temperature[1]:
        raise HeaderError("recipe.labels.temperature is not within 1/64..1024")
    return LabelRecipe(kind, temperature)


def _evaluation(value: Any) -> Evaluation:
    m = _map(value, "recipe.evaluation", ("mean", "std", "protocol"))
    mean = _ints(_get(m, "mean"), "mean", 3, 0, 65536)
    std = _ints(_get(m, "std"), "std", 3, 1, 65536)
    return Evaluation((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]), _text(m, "protocol"))
