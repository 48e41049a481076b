"""The sections that hold the soft labels of a draft, from its teacher's logits."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ddcodec.arrays import Int32s, Integers, StepProgress
from ddcodec.codecs.label_fields import LabelFields
from ddcodec.codecs.label_model import MAX_FEATURES, UNITS_PER_NAT, column_groups
from ddcodec.codecs.packed import packed_bits
from ddcodec.codecs.soft_labels import SoftLabels
from ddcodec.container import Box, NewSection
from ddcodec.errors import EncodeError
from ddcodec.labels.appearance import appearances
from ddcodec.labels.encoder.encoder import EncodedLabels, LabelEncoder
from ddcodec.labels.encoder.label_set import LabelSet, Logits
from ddcodec.labels.encoder.rate import Found, Keep, search
from ddcodec.labels.encoder.statistics import spread
from ddcodec.labels.features import FeatureSet, monomials
from ddcodec.labels.options import LabelOptions, LayerName
from ddcodec.labels.reconstruction import Appearance, Fields, logits
from ddcodec.recipe.head import Head
from ddcodec.recipe.view import View
from ddcodec.table.slots import MAX_VALUES, prefix_groups
from ddcodec.table.table import Table

__all__ = [
    "LabelResult",
    "choose_features",
    "choose_fields",
    "expected_bytes",
    "label_sections",
    "label_set",
]

KeepMeasure = Callable[[str, Callable[[], float]], float]
"""``keep(name, measure)`` returns what ``measure()`` does, or did in an earlier run."""

# From so many views on, a picture's field is worth more terms (measured on CIFAR-10).
MANY_VIEWS = 100
# From so many views of a picture on, a field of its own is worth its bytes.
FEW_VIEWS = 4
# A divergence of q takes about this fineness times the square root of q.
FINENESS = 1.35
# Finer than what was measured of students on CIFAR-10: 3 % cost a third of a point with CutMix
# views, half a per cent nothing with crops.
RELATIVE_QUALITY = 0.01
# Where that is finer than any basis reaches, so many times what the best one leaves: near its
# limit, bytes buy nothing.
REACHABLE = 1.25
# The fields under lossless labels: any will do, and these cost little.
LOSSLESS_QUALITY = 0.02
# Sections of so many labels, so that one is decoded in a fraction of a second.
SECTION_LABELS = 1 << 16
# Half of what a reader accepts in a section.
SECTION_VALUES = MAX_VALUES // 2
BANDS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128)


@dataclass(frozen=True, eq=False)
class LabelResult:
    """Coded labels.

    Attributes:
        sections: of kinds ``label-model``, ``label-fields`` and ``labels``.
        divergence: mean KL divergence from the teacher's labels, in nats at the temperature.
    """

    sections: list[NewSection]
    divergence: float


def choose_fields(views: int, variations: int) -> int:
    """How many fields a slot gets: one for each of its pictures, or one for all of them."""
    return variations if views >= FEW_VIEWS * variations else 1


def choose_features(view: View, views: int, layers: LayerName) -> FeatureSet:
    """The feature set that suits views of this kind and so many of them that share a field."""
    if layers in ("class", "image") or not monomials(view, 1):
        plain = FeatureSet(1, 0, 0)
        return FeatureSet(2, 0, 1) if view.cutmix and layers not in ("class", "image") else plain
    many = views >= MANY_VIEWS
    if view.cutmix:
        return FeatureSet(2, 2, 1) if many else FeatureSet(1, 1, 0)
    fine = FeatureSet(1, 3, 0)
    return fine if many and fine.count(view) <= MAX_FEATURES else FeatureSet(1, 2, 0)


def label_set(
    table: Table, head: Head, which: FeatureSet, values: Logits, fields: int = 1
) -> LabelSet:
    """The labels of a draft and how pictures appear in them.

    Args:
        table: of the draft, whose classes are one origin and, if views mix, all have rows.
        head: of the artifact to be.
        which: the feature set.
        values: [classes x ipc, views, K], centred logits in 1/64 nat.
        fields: of a slot.
    """
    recipe = head.recipe
    rows = np.array(head.all_rows, np.intp)
    shape = (1 + recipe.view.cutmix, len(rows), recipe.views)
    places = np.empty(shape, np.intp)
    values_of = np.empty((*shape, which.count(recipe.view)), np.int64)
    for view in range(recipe.views):
        for n, one in enumerate(appearances(table, which, rows, view)):
            places[n, :, view], values_of[n, :, view] = one.fields, one.features
    own, partners, theirs = values_of[0], None, None
    if recipe.view.cutmix:
        partners, theirs = places[1], values_of[1]
    classes = np.repeat(head.row_classes, recipe.ipc)
    numerator, denominator = recipe.labels.temperature
    temperature = numerator / denominator
    return LabelSet(values, classes, own, partners, theirs, temperature, fields)


def label_sections(
    table: Table,
    head: Head,
    values: Logits,
    options: LabelOptions,
    *,
    seed: int = 0,
    progress: StepProgress | None = None,
    keep: KeepMeasure = lambda _, measure: measure(),
) -> LabelResult:
    """Code the labels of a draft.

    Args:
        table: of the draft, whose classes are one origin.
        head: of the artifact to be, with soft labels.
        values: [classes x ipc, views, K], centred logits in 1/64 nat.
        options: how.
        seed: of the encoder's choices.
        progress: called with (done, total) labels of one pass; passes follow one another.
        keep: called for each pass of a search, whose coding it may spare.

    Raises:
        EncodeError: the budget cannot be met.
    """
    recipe = head.recipe
    fields = choose_fields(recipe.views, recipe.variations)
    which = choose_features(recipe.view, recipe.views // fields, options.layers)
    labels = label_set(table, head, which, values, fields)
    layers: Literal["class", "field", "innovation"] = "field"
    if options.layers == "class" or values.shape[2] == 1:  # one class alone is always certain
        layers = "class"
    elif options.layers == "innovation":
        layers = "innovation"
    encoder = LabelEncoder(labels, which, layers=layers, seed=seed, progress=progress)
    coded = _to_target(encoder, labels, head, options, keep)
    if options.layers == "lossless":
        return LabelResult(list(_lossless(coded, labels, head)), 0.0)
    return LabelResult(list(_sections(coded, head)), coded.divergence(labels))


def _to_target(
    encoder: LabelEncoder,
    labels: LabelSet,
    head: Head,
    options: LabelOptions,
    keep: KeepMeasure,
) -> EncodedLabels:
    def kept(what: str) -> Keep:
        """By all that a measure follows from, besides the job."""
        name = f"{options.layers}-{what}"
        return lambda fineness, measure: keep(
            f"{name}-{struct.pack('>d', fineness).hex()}", measure
        )

    quality = options.quality
    # No finer than what rounding to the grid may cost: half the square of half a unit.
    least = (0.5 / UNITS_PER_NAT / labels.temperature) ** 2 / 2
    if quality is None:
        quality = max(least, RELATIVE_QUALITY * spread(labels, np.random.default_rng(0)))
    if options.layers == "lossless":
        quality = LOSSLESS_QUALITY
    start = FINENESS * quality**0.5
    if options.budget is not None:

        def measure(coded: EncodedLabels) -> float:
            return sum(len(section.raw) for section in _sections(coded, head))

        found: Found = search(
            encoder.encode,
            measure,
            options.budget,
            start,
            rising=False,
            close=0.01,
            # Beyond it, what is coded outgrows its range, and labels of more bytes are worse.
            finest=FINENESS * least**0.5,
            keep=kept("bytes"),
        )
        return found.coded
    if options.layers != "innovation":
        # Nothing makes up for what these layers leave; be as fine as the quality asks.
        return encoder.encode(start)

    lowest, keep_divergence = math.inf, kept("divergence")

    def noted(fineness: float, measure: Callable[[], float]) -> float:
        nonlocal lowest
        value = keep_divergence(fineness, measure)
        lowest = min(lowest, value)
        return value

    def coded_within(target: float) -> EncodedLabels:
        return search(
            encoder.encode,
            lambda coded: coded.divergence(labels),
            target,
            start,
            rising=True,
            keep=noted,
        ).coded

    try:
        return coded_within(quality)
    except EncodeError:
        if options.quality is not None or not math.isfinite(lowest):
            raise
        # Of many classes at a high temperature, what no basis holds is more than was hoped for.
        return coded_within(REACHABLE * lowest)


def _sections(coded: EncodedLabels, head: Head) -> Iterator[NewSection]:
    """The model, then group by group of slots the fields and the innovations."""
    classes, recipe = coded.codec.classes, head.recipe
    atoms, width, each = coded.codec.atoms, coded.codec.features, coded.codec.variations
    fields = coded.fields.reshape(classes, recipe.ipc, each, width, atoms)
    symbols = np.zeros((classes, recipe.ipc, recipe.views, 0), np.int32)
    if coded.symbols is not None:
        symbols = coded.symbols.reshape(classes, recipe.ipc, recipe.views, atoms)
    if not symbols.any():
        symbols = symbols[..., :0]
    yield _model_section(coded)
    field_codec = LabelFields(each, width, atoms, _best_band(fields, width)) if atoms else None
    codec = SoftLabels(symbols.shape[3], _best_band(symbols, 1))
    for slot, slots in _slot_groups(classes, recipe.ipc, recipe.views):
        if field_codec is not None:
            group = max(1, SECTION_VALUES // (slots * each * width * atoms))
            for start in range(0, classes, group):
                part = fields[start : start + group, slot : slot + slots]
                box = Box(start, len(part), slot, slots)
                raw = field_codec.encode(np.ascontiguousarray(part))
                yield NewSection("label-fields", field_codec.spec(), box, raw)
        yield from _label_sections(codec, symbols, slot, slots)


def _model_section(coded: EncodedLabels) -> NewSection:
    band = _best_band(coded.model.class_fields, coded.codec.features)
    codec = replace(coded.codec, band=band)
    box = Box(0, coded.codec.classes)
    return NewSection("label-model", codec.spec(), box, codec.encode(coded.model))


def _label_sections(
    codec: SoftLabels, symbols: Int32s, slot: int, slots: int
) -> Iterator[NewSection]:
    classes, _, views, columns = symbols.shape
    most = min(SECTION_LABELS, SECTION_VALUES // max(1, columns))
    group = max(1, min(classes, most // slots))
    seen = max(1, min(views, most // (group * slots)))
    for view in range(0, views, seen):
        for start in range(0, classes, group):
            part = symbols[start : start + group, slot : slot + slots, view : view + seen]
            box = Box(start, part.shape[0], slot, slots, view, part.shape[2])
            raw = codec.encode(np.ascontiguousarray(part))
            yield NewSection("labels", codec.spec(), box, raw)


def _slot_groups(classes: int, ipc: int, views: int) -> list[tuple[int, int]]:
    """The usual prefixes of slots, where they hold enough labels to be worth a section."""
    if classes * ipc * views <= SECTION_LABELS // 8:
        return [(0, ipc)]
    return list(prefix_groups(ipc))


def _best_band(values: Integers, features: int) -> int:
    """How many neighbouring atoms should share a model, so that both together are smallest."""
    atoms = int(values.shape[-1])
    rows = values.reshape(-1, features * atoms) if values.size else np.zeros((1, 0), np.int32)
    bits = {
        band: packed_bits(rows, column_groups(features, atoms, band))
        for band in (*[b for b in BANDS if b < atoms], max(1, atoms))
    }
    return min(bits, key=lambda band: (bits[band], band))


def _lossless(coded: EncodedLabels, labels: LabelSet, head: Head) -> Iterator[NewSection]:
    """Fields as a prediction, and every logit's distance from it."""
    recipe, classes = head.recipe, coded.codec.classes
    whole = Fields(coded.model, coded.fields.__getitem__)
    symbols = np.empty((labels.count, classes), np.int32)
    for start in range(0, labels.count, SECTION_LABELS):
        part = slice(start, min(start + SECTION_LABELS, labels.count))
        shown: list[Appearance] = [one.rows(part) for one in labels.appearances]
        predicted = logits(coded.codec, coded.model, whole, shown)
        symbols[part] = labels.logits.rows(part).astype(np.int32) - predicted
    for section in _sections(replace(coded, symbols=None), head):
        if section.kind != "labels":
            yield section
    rest = symbols.reshape(classes, recipe.ipc, recipe.views, classes)
    codec = SoftLabels(classes, _best_band(rest, 1), step=1)
    for slot, slots in _slot_groups(classes, recipe.ipc, recipe.views):
        yield from _label_sections(codec, rest, slot, slots)


def expected_bytes(
    options: LabelOptions, view: View, classes: int, ipc: int, views: int, variations: int = 1
) -> int:
    """A guess at the bytes of all label sections, before anything is known of the labels.

    Within a factor of 1.6 of CIFAR-10 (crops, CutMix, rotation, fresh pictures in 30 views) and
    CIFAR-100 (crops) at IPC 10 and 30 to 300 views; anything else may be farther off.
    """
    if options.budget is not None:
        return options.budget
    labels, scale = classes * ipc * views, float((classes / 10) ** 0.4)
    means = 0.4 * classes * classes
    if options.layers == "lossless":
        return round(means + labels * classes * 0.9)
    field = {"class": 0, "image": 12, "field": 20, "innovation": 20}[options.layers]
    fresh = choose_fields(views, variations) < variations  # fields explain nothing of such labels
    total = means + (0 if fresh else field * scale * classes * ipc * variations)
    if options.layers == "innovation":
        each = 2.4 if fresh else 2.2 if view.cutmix else 3.0 if view.rotate[1] else 0.15
        finer = max(0.2, 1 + 0.35 * float(np.log2(0.008 / (options.quality or 0.008))))
        total += labels * each * scale * finer
    return round(total)
