"""From fields and innovations to integer logits. Source: spec/labels.md, "Logits"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddcodec.arrays import Float64s, Floats, Indices, Int16s, Int32s, Int64s, Integers
from ddcodec.codecs.label_model import LabelModel, LabelModelCodec
from ddcodec.errors import PayloadError
from ddcodec.labels.features import ONE

__all__ = [
    "MAX_COEFFICIENT",
    "Appearance",
    "Fields",
    "Reconstruction",
    "Shown",
    "coefficients",
    "logits",
]

Shown = tuple[Integers, Integers]

MAX_COEFFICIENT = 1 << 31
"""A larger one is an error: products with a basis of 1024 atoms are then below 2^48."""

_EXACT_FLOAT32 = 1 << 24
_CHUNK = 1 << 20  # values worked on at once: a few megabytes, which stay in the cache


@dataclass(frozen=True, eq=False)
class Appearance:
    """One picture in each of n views.

    Attributes:
        fields: [n], the picture's place in a list of fields.
        classes: [n], its class within the origin.
        features: int64 [n, M]; the first is its share of the view.
    """

    fields: Indices
    classes: Indices
    features: Int64s

    @property
    def shown(self) -> Shown:
        """The picture's class and its share of each view."""
        return self.classes, self.features[:, 0]

    def rows(self, chosen: slice) -> Appearance:
        """The same of some views."""
        return Appearance(self.fields[chosen], self.classes[chosen], self.features[chosen])


class Fields:
    """Whole label fields of an origin's pictures, in coefficient units.

    Args:
        model: of the origin.
        stored: places of n pictures -> what is stored of them, int16 [n, M, r].
    """

    def __init__(
        self,
        model: LabelModel,
        stored: Callable[[Indices], Integers],
    ) -> None:
        self._stored = stored
        self._steps = model.field_steps.astype(np.float64)[:, None]
        # As they are stored: a model of many classes would take four times as much in binary64.
        self._of_classes = model.class_fields
        self._class_steps = model.class_steps.astype(np.float64)[:, None]

    @property
    def atoms(self) -> int:
        """r, how many coefficients a label has."""
        return int(self._of_classes.shape[2])

    def whole(self, places: Indices, classes: Indices) -> Float64s:
        """float64 [n, M, r], integers all: fields of pictures and of their classes together."""
        of_classes = self._of_classes[classes] * self._class_steps
        return np.asarray(of_classes + self._stored(places) * self._steps)


def coefficients(fields: Fields, appearances: Sequence[Appearance]) -> Float64s:
    """Predicted coefficients of n labels: float64 [n, r], integers all.

    Args:
        fields: of the pictures.
        appearances: the pictures that show in the views, each of which adds features x field.
    """
    # Fields are below 2^32, and the features of either picture below 2^16 in all: every sum is a
    # multiple of 1 / ONE below 2^41, which binary64 has exactly.
    count = len(appearances[0].fields)
    total = np.zeros((1, fields.atoms))
    for one in appearances:
        order: slice | Indices = slice(None)  # labels are mostly in the order of their pictures
        if (one.fields[1:] < one.fields[:-1]).any():
            order = np.argsort(one.fields, kind="stable")
        places, starts = np.unique(one.fields[order], return_index=True)
        whole = fields.whole(places, one.classes[order][starts])
        values = one.features[order] * (1 / ONE)
        ends = [*starts[1:].tolist(), count]
        part = np.empty((count, fields.atoms))
        # One product for all views of a picture.
        for field, start, end in zip(whole, starts.tolist(), ends, strict=True):
            np.matmul(values[start:end], field, out=part[start:end])
        if not isinstance(order, slice):
            part[order] = part.copy()
        part += total
        total = part
    total += 0.5
    np.floor(total, out=total)
    return total


class Reconstruction:
    """Makes logits of coefficients; what all labels of a model share is prepared once.

    Args:
        codec: parameters of the model.
        model: of the origin.
    """

    def __init__(self, codec: LabelModelCodec, model: LabelModel) -> None:
        self._shift = codec.shift
        self._units = model.units.astype(np.float64)
        self._basis = model.basis.astype(np.float64)
        # As they are stored: the means of many classes would take four times as much in binary64.
        self._means, self._mean_step = model.means, codec.mean_step
        # Integers are exact in binary32 up to 2^24, which is more than twice as fast as binary64.
        self._narrow_basis = self._basis.astype(np.float32)
        self._largest = np.abs(self._basis).max(axis=1, initial=0)
        largest = max(int(self._means.max()), -int(self._means.min())) * codec.mean_step
        self._small_means = 2 * ONE * largest + ONE < _EXACT_FLOAT32

    def innovated(self, predicted: Float64s, symbols: Integers) -> Float64s:
        """Coefficients [n, r] with the symbols [n, r] of their innovations; in place."""
        used = symbols.any(axis=0)  # at low rates, few columns of a part of the labels are
        if used.all():
            predicted += self._units * np.ascontiguousarray(symbols)
        elif used.any():
            predicted[:, used] += self._units[used] * np.ascontiguousarray(symbols[:, used])
        return predicted

    def logits(
        self,
        whole: Floats,
        shown: Sequence[Shown],
        symbols: Integers | None = None,
        step: int = 0,
        peaks: Float64s | None = None,
    ) -> Int16s:
        """Integer logits of n labels.

        Args:
            whole: coefficients [n, r], integers all.
            shown: of each picture that shows in the views, its class within the origin [n] and
                its share of each view [n].
            symbols: integers [n, K], steps of the logits; None for none.
            step: of symbols of the logits, in 1/64 nat.
            peaks: [r], what no coefficient exceeds, if known.

        Returns:
            int16 [n, K] on the 1/64-nat grid; values beyond 16 bits are clipped.

        Raises:
            PayloadError: a coefficient is beyond ``MAX_COEFFICIENT``.
        """
        if peaks is None or peaks.max(initial=0) > MAX_COEFFICIENT:
            peaks = np.abs(whole).max(axis=0, initial=0).astype(np.float64)
        if peaks.max(initial=0) > MAX_COEFFICIENT:
            raise PayloadError(f"a label's coefficient is {peaks.max():.0f}; the file is damaged")
        half = (1 << self._shift) >> 1
        narrow = self._small_means and float(peaks @ self._largest) + half < _EXACT_FLOAT32
        total = self._mixed_means(shown, narrow)
        if peaks.size:
            basis: Floats = self._narrow_basis if narrow else self._basis
            product: Floats = np.asarray(whole, basis.dtype) @ basis
            product += half
            product *= 0.5**self._shift
            total += np.floor(product, out=product)
        if symbols is not None and step:
            # From the prediction as 16 bits have it: so any logits can be coded without a loss.
            total = np.clip(total, -0x8000, 0x7FFF) + float(step) * symbols
        return np.clip(total, -0x8000, 0x7FFF, out=total).astype(np.int16)

    def _mixed_means(self, shown: Sequence[Shown], narrow: bool) -> Floats:
        """The classes' mean logits, mixed by the pictures' shares: [n, K], integers all."""
        number = np.dtype(np.float32 if narrow else np.float64)
        (classes, shares), *others = shown
        if not others and (shares == ONE).all():
            return self._means_of(classes, number)
        total = self._means_of(classes, number) * shares[:, None].astype(number)
        for classes, shares in others:
            total += self._means_of(classes, number) * shares[:, None].astype(number)
        total += ONE // 2
        total *= 1.0 / ONE
        return np.floor(total, out=total)

    def _means_of(self, classes: Integers, number: np.dtype[Any]) -> Floats:
        """The mean logits of classes [n], [n, K] in 1/64 nat: exact in either type of number."""
        means: Floats = self._means[classes].astype(number)
        means *= self._mean_step
        return means


def logits(
    codec: LabelModelCodec,
    model: LabelModel,
    fields: Fields,
    appearances: Sequence[Appearance],
    symbols: Int32s | None = None,
    step: int = 0,
) -> Int16s:
    """Integer logits of n labels, from fields.

    Args:
        codec: parameters of the model.
        model: of the origin.
        fields: of the pictures.
        appearances: the pictures that show in the views.
        symbols: int32 [n, r] in the basis (step 0), or [n, K] of the logits; None for none.
        step: of symbols of the logits, in 1/64 nat.

    Returns:
        int16 [n, K] on the 1/64-nat grid; values beyond 16 bits are clipped.

    Raises:
        PayloadError: a coefficient is beyond ``MAX_COEFFICIENT``.
    """
    made = Reconstruction(codec, model)
    count = len(appearances[0].fields)
    out = np.empty((count, codec.classes), np.int16)
    chunk = max(1, _CHUNK // codec.classes)
    for start in range(0, count, chunk):
        rows = slice(start, min(start + chunk, count))
        shown = [one.rows(rows) for one in appearances]
        part = None if symbols is None else symbols[rows]
        whole = coefficients(fields, shown)
        if part is not None and not step:
            whole = made.innovated(whole, part)
        out[rows] = made.logits(whole, [one.shown for one in shown], part, step)
    return out
