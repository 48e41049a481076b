"""From labels to a label model, fields and innovations, at one fineness."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from ddcodec.arrays import Float32s, Float64s, Floats, Int8s, Int16s, Int32s, Int64s, StepProgress
from ddcodec.codecs.label_model import UNITS_PER_NAT, LabelModel, LabelModelCodec
from ddcodec.errors import EncodeError
from ddcodec.labels.encoder.costs import symbol_costs
from ddcodec.labels.encoder.fields import FieldFit, fit_fields, quantise_fields
from ddcodec.labels.encoder.gains import unshrinking_gains
from ddcodec.labels.encoder.innovations import search_symbols
from ddcodec.labels.encoder.label_set import LabelSet, divergence
from ddcodec.labels.encoder.statistics import (
    class_means,
    principal_basis,
    quantise_means,
    share_matrix,
)
from ddcodec.labels.features import FeatureSet
from ddcodec.labels.reconstruction import Fields, logits

__all__ = ["EncodedLabels", "LabelEncoder", "Layers"]


Layers = Literal["class", "field", "innovation"]

# Coefficient units of a nominal innovation step: fields are that much finer. More, up to
# MOST_UNITS, where the basis would not fit 8 bits.
UNITS = 16
MOST_UNITS = 1 << 14
# Divergence a bit is worth, in squares of the innovation step. At high rate, theory has
# ln 2 / 12 = 0.058; dead zones make symbols cheap, but then units must grow to make up for them.
# Where next to all symbols are zero, fine steps at a high price do better than coarse ones at a
# low one (measured on CIFAR-10 and on 1,000 classes of ImageNet): from one to the other in
# proportion to the share of nonzeros, up to DENSE.
DENSE_PRICE = 0.04
SPARSE_PRICE = 0.1
DENSE = 0.25
FIELD_PRICE = 0.06
MEAN_PRICE = 0.08
# How much more a student minds labels that are shrunk, all in the same proportion, than noisy ones
# at the same divergence. Measured on CIFAR-10 with CutMix views, to a factor of two: there a fifth
# of the variance is innovation, shrunk by a sixth by the usual rounding, which costs a point.
SHRINKAGE = 100.0
# The most that symbols are multiplied by, and the most it may multiply the divergence by.
MOST_GAIN = 2.0
DEAR_GAIN = 2.0
# Steps of fields relative to their optimum at high rate.
FIELD_STEP = 1.2
# Atoms of fields: so many, or one for so many classes; and those among them, the most telling
# ones, that innovations are sought in, which takes a time that goes with their square.
MOST_ATOMS = 64
CLASSES_PER_ATOM = 8
MOST_SEARCHED = 64
_ROUNDS = 8
_CHUNK = 1 << 22


@dataclass(frozen=True, eq=False)
class EncodedLabels:
    """What a label set became.

    Attributes:
        codec: parameters of the model.
        model: of the origin.
        fields: int16 [N F, M, r], of the pictures.
        symbols: int32 [N, V, r], or None without innovations.
    """

    codec: LabelModelCodec
    model: LabelModel
    fields: Int16s
    symbols: Int32s | None

    def logits(self, labels: LabelSet, rows: slice) -> Int16s:
        """int16 [n, K]: what a decoder makes of some labels."""
        whole = Fields(self.model, self.fields.__getitem__)
        shown = [one.rows(rows) for one in labels.appearances]
        part = None
        if self.symbols is not None:
            part = self.symbols.reshape(labels.count, self.codec.atoms)[rows]
        return logits(self.codec, self.model, whole, shown, part)

    def divergence(self, labels: LabelSet) -> float:
        """Mean KL divergence of the labels from what is decoded, in nats."""
        total, chunk = 0.0, max(1, _CHUNK // self.codec.classes)
        for start in range(0, labels.count, chunk):
            part = slice(start, min(start + chunk, labels.count))
            coded = _nats(self.logits(labels, part))
            total += float(divergence(labels.nats(part), coded, labels.temperature).sum())
        return total / labels.count


class LabelEncoder:
    """Codes one label set at any number of finenesses; what they share is computed once.

    Args:
        labels: to be coded.
        features: the feature set the labels' features were made with.
        layers: ``class``: mean labels of classes alone; ``field``: and fields of pictures;
            ``innovation``: and what is left of each label.
        seed: of samples and of the order of work.
        class_scale: how many labels of a class there will be for each of these, where these are
            a sample: the more, the finer the means may be.
        progress: called with (done, total) labels searched, for each fineness.
    """

    def __init__(
        self,
        labels: LabelSet,
        features: FeatureSet,
        *,
        layers: Layers = "innovation",
        seed: int = 0,
        class_scale: float = 1.0,
        progress: StepProgress | None = None,
    ) -> None:
        self._labels = labels
        self._features = features
        self._layers = layers
        self._seed = seed
        self._progress = progress
        self._means, meant = class_means(labels)
        self._meant = meant * class_scale
        classes = labels.logits.shape[2]
        most = min(max(MOST_ATOMS, classes // CLASSES_PER_ATOM), classes - 1)
        rng = np.random.default_rng(seed)
        self._to_axes, self._from_axes = principal_basis(labels, self._means, most, rng)

    @cached_property
    def _targets(self) -> Float32s:
        """float32 [N V, r]: labels in the axes."""
        return _by_chunk(self._labels, self._to_axes)

    @cached_property
    def _shares(self) -> Float32s:
        """float32 [N V, r]: what the means predict, in the axes, before they are rounded."""
        return np.asarray(share_matrix(self._labels) @ (self._means @ self._to_axes), np.float32)

    @cached_property
    def _class_fit(self) -> FieldFit:
        count = self._labels.logits.shape[2]
        design = self._labels.design(count, by_class=True)
        mixes = self._labels.partners is not None
        return FieldFit.of(design, count, mixes=mixes, seed=self._seed)

    @cached_property
    def _picture_fit(self) -> FieldFit:
        count = self._labels.owners
        design = self._labels.design(count, by_class=False)
        mixes = self._labels.partners is not None
        return FieldFit.of(design, count, mixes=mixes, seed=self._seed)

    @cached_property
    def _float_fields(self) -> tuple[Float64s, Float64s, Float64s]:
        """Least-squares fields of classes and of pictures, and the variance they leave [r]."""
        rest = self._targets - self._shares
        of_classes = fit_fields(self._class_fit, rest)
        rest = rest - self._class_fit.apply(of_classes)
        of_pictures = fit_fields(self._picture_fit, rest)
        rest = rest - self._picture_fit.apply(of_pictures)
        return of_classes, of_pictures, (rest.astype(np.float64) ** 2).mean(axis=0)

    def encode(self, fineness: float) -> EncodedLabels:
        """Code the labels; ``fineness`` is the innovation step, the square root of a divergence.

        Raises:
            EncodeError: the fineness is not positive, or so coarse that nothing remains.
        """
        if not 0 < fineness < 100:
            raise EncodeError(f"fineness {fineness} is not within 0..100")
        labels, classes = self._labels, self._labels.logits.shape[2]
        step = max(1, min(2048, round(0.7 * fineness * labels.temperature * UNITS_PER_NAT)))
        unit_nats = step / UNITS_PER_NAT
        price = MEAN_PRICE * fineness**2
        means = quantise_means(self._means, self._meant, unit_nats, labels.temperature, price)
        if self._layers == "class" or not len(self._from_axes):
            return self._means_alone(means, step)
        units = _units(self._from_axes * fineness)
        unit = fineness / units
        basis, shift = _integer_basis(self._from_axes * unit)
        class_steps, class_fields, field_steps, fields = self._fields(means, step, fineness, unit)
        model = LabelModel(
            means,
            basis,
            class_fields.astype(np.int16),
            np.rint(class_steps / unit).astype(np.uint16),
            np.rint(field_steps / unit).astype(np.uint16),
            np.full(len(basis), units, np.uint16),
        )
        codec = LabelModelCodec(
            classes=classes,
            features=fields.shape[1],
            atoms=len(basis),
            band=1,
            mean_step=step,
            shift=shift,
            parts=self._features.parts,
            degree=self._features.degree,
            response=self._features.response,
            variations=labels.variations,
        )
        coded = EncodedLabels(codec, model, fields.astype(np.int16), None)
        if self._layers == "innovation":
            coded = self._with_innovations(coded, fineness)
        return _without_idle_atoms(coded)

    def _means_alone(self, means: Int16s, step: int) -> EncodedLabels:
        classes, count = len(means), self._labels.owners
        width = self._labels.features.shape[2]
        nothing = np.zeros((0, classes), np.int8)
        steps, units = np.ones(width, np.uint16), np.zeros(0, np.uint16)
        none = np.zeros((classes, width, 0), np.int16)
        model = LabelModel(means, nothing, none, steps, steps, units)
        which = self._features
        codec = LabelModelCodec(
            classes,
            width,
            0,
            1,
            step,
            0,
            which.parts,
            which.degree,
            which.response,
            self._labels.variations,
        )
        return EncodedLabels(codec, model, np.zeros((count, width, 0), np.int16), None)

    def _fields(
        self, means: Int16s, step: int, fineness: float, unit: float
    ) -> tuple[Float64s, Int64s, Float64s, Int64s]:
        """Steps and integers of the fields of classes, then of pictures."""
        of_classes, of_pictures, left = self._float_fields
        worth = np.ones(len(left))
        if self._layers == "innovation":
            # Where innovations are coded anyway, a field saves bits, not divergence.
            worth = np.minimum(1, fineness**2 / 12 / np.maximum(left, 1e-12))
        rounded = means * (step / UNITS_PER_NAT) @ self._to_axes
        rest = self._targets - np.asarray(share_matrix(self._labels) @ rounded, np.float32)
        price = FIELD_PRICE * fineness**2
        class_steps = _field_steps(self._class_fit, fineness, unit)
        class_fields, rest = quantise_fields(
            self._class_fit, of_classes, rest, class_steps, worth, price
        )
        field_steps = _field_steps(self._picture_fit, fineness, unit)
        fields, _ = quantise_fields(self._picture_fit, of_pictures, rest, field_steps, worth, price)
        return class_steps, class_fields, field_steps, fields

    def _with_innovations(self, coded: EncodedLabels, fineness: float) -> EncodedLabels:
        """The same with symbols, and units that undo what their rounding shrinks."""
        labels = self._labels
        whole = Fields(coded.model, coded.fields.__getitem__)

        def rows(part: slice) -> tuple[Float32s, Float32s]:
            shown = [one.rows(part) for one in labels.appearances]
            predicted = logits(coded.codec, coded.model, whole, shown)
            return labels.nats(part), _nats(predicted)

        searched = slice(0, MOST_SEARCHED)
        left = np.sqrt(self._float_fields[2][searched]).astype(np.float32) / fineness
        guess = np.random.default_rng(self._seed).laplace(size=(4096, len(left))) * left * 0.7
        guess = np.rint(guess)
        nominal = int(coded.model.units[0])
        one = coded.model.basis[searched].astype(np.float32) * (
            nominal / UNITS_PER_NAT / (1 << coded.codec.shift)
        )
        found = search_symbols(
            rows,
            labels.count,
            one,
            symbol_costs(guess),
            labels.temperature,
            _price(guess) * fineness**2,
            rounds=_ROUNDS,
            workers=os.cpu_count() or 1,
            progress=self._progress,
        )
        # Shrinking innovations shrinks labels by as much as they are innovation.
        part = self._float_fields[2] / np.maximum(self._targets.var(axis=0), 1e-12)
        weights = np.maximum(1.0, SHRINKAGE * part[searched])
        gains = unshrinking_gains(rows, one, found, labels.temperature, fineness, weights)
        # Less than one would shrink them further: the errors of sharp labels, which are far from
        # quadratic, make it seem right.
        units = coded.model.units.copy()
        units[searched] = np.rint(nominal * np.clip(gains, 1, MOST_GAIN))
        symbols = np.zeros((labels.count, len(units)), np.int32)
        symbols[:, searched] = found
        plain = replace(coded, symbols=symbols.reshape(*labels.logits.shape[:2], -1))
        unshrunk = replace(plain, model=replace(coded.model, units=units))
        # Labels of hundreds of nats are off by tens if multiplied by a little.
        dear = unshrunk.divergence(labels) > DEAR_GAIN * plain.divergence(labels)
        return plain if dear else unshrunk


def _price(symbols: Floats) -> float:
    """What a bit of such symbols [n, r] is worth, in squares of the step."""
    density = (symbols != 0).mean(axis=0)
    typical = float((density**2).sum() / max(density.sum(), 1e-9))  # of a nonzero symbol's atom
    return SPARSE_PRICE + (DENSE_PRICE - SPARSE_PRICE) * min(1.0, typical / DENSE)


def _nats(values: Int16s) -> Float32s:
    return values.astype(np.float32) / np.float32(UNITS_PER_NAT)


def _by_chunk(labels: LabelSet, to_axes: Float64s) -> Float32s:
    out = np.empty((labels.count, to_axes.shape[1]), np.float32)
    chunk, matrix = max(1, _CHUNK // len(to_axes)), to_axes.astype(np.float32)
    for start in range(0, labels.count, chunk):
        rows = slice(start, start + chunk)
        out[rows] = labels.nats(rows) @ matrix
    return out


def _field_steps(fit: FieldFit, fineness: float, unit: float) -> Float64s:
    """The step of each feature: errors of fields weigh by the square of what they multiply."""
    weight = np.maximum(np.diagonal(fit.grams, axis1=1, axis2=2).mean(axis=0), 1e-9)
    steps = FIELD_STEP * fineness / np.sqrt(weight)
    return np.asarray(np.clip(np.rint(steps / unit), 1, 0xFFFF) * unit)


def _units(steps: Float64s) -> int:
    """Coefficient units of a step, given what one adds to logits in nats, [r, K]."""
    units, largest = UNITS, float(np.abs(steps).max()) * UNITS_PER_NAT
    while largest > 127 * units:
        units *= 2
    if units > MOST_UNITS:
        raise EncodeError("the labels are coded too coarsely for this codec; ask for finer ones")
    return units


def _integer_basis(basis: Float64s) -> tuple[Int8s, int]:
    """The basis in 1/64 nat as 8-bit integers over a power of two."""
    units = basis * UNITS_PER_NAT
    largest = float(np.abs(units).max())
    shift = min(24, int(np.floor(np.log2(127 / max(largest, 1e-12)))))
    return np.rint(units * 2.0**shift).astype(np.int8), shift


def _without_idle_atoms(coded: EncodedLabels) -> EncodedLabels:
    """The same without atoms that no field and no symbol uses."""
    used = coded.model.class_fields.any(axis=(0, 1)) | coded.fields.any(axis=(0, 1))
    if coded.symbols is not None:
        used |= coded.symbols.any(axis=(0, 1))
    model = replace(
        coded.model,
        basis=np.ascontiguousarray(coded.model.basis[used]),
        class_fields=np.ascontiguousarray(coded.model.class_fields[..., used]),
        units=coded.model.units[used],
    )
    return EncodedLabels(
        replace(coded.codec, atoms=int(used.sum())),
        model,
        np.ascontiguousarray(coded.fields[..., used]),
        None if coded.symbols is None else np.ascontiguousarray(coded.symbols[..., used]),
    )
