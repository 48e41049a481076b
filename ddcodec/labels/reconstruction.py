"""From fields and innovations to integer logits. Source: spec/labels.md, "Reconstruction"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ddcodec.codecs.label_model import LabelModel, LabelModels
from ddcodec.errors import PayloadError

__all__ = ["MAX_COEFFICIENT", "Appearance", "coefficients", "logits", "whole_fields"]

Int16s = npt.NDArray[np.int16]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Indices = npt.NDArray[np.intp]

MAX_COEFFICIENT = 1 << 31
"""A larger one is an error: products with a basis of 1024 atoms are then below 2^48."""

_FEATURE_BITS = 8
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

    def rows(self, chosen: slice) -> Appearance:
        """The same of some views."""
        return Appearance(self.fields[chosen], self.classes[chosen], self.features[chosen])


def whole_fields(
    model: LabelModel, classes: Indices, fields: npt.NDArray[np.integer]
) -> npt.NDArray[np.float64]:
    """Class and picture fields together, in coefficient units.

    Args:
        model: of the origin.
        classes: [n], the class of each picture within the origin.
        fields: int16 [n, M, r], of the pictures.

    Returns:
        float64 [n, M, r], integers all.
    """
    own = fields.astype(np.float64) * model.field_steps[:, None]
    return own + model.class_fields[classes].astype(np.float64) * model.class_steps[:, None]


def coefficients(
    fields: npt.NDArray[np.float64], appearances: Sequence[Appearance]
) -> npt.NDArray[np.float64]:
    """Predicted coefficients of n labels: float64 [n, r], integers all.

    Args:
        fields: [pictures, M, r], as :func:`whole_fields` gives them.
        appearances: the pictures that show in the views, each of which adds features x field.
    """
    # Fields are below 2^32 and features at most 16,128, no more than 34 of either picture: every
    # sum is an integer below 2^53, which binary64 has exactly.
    total = np.full((), float(1 << (_FEATURE_BITS - 1)))
    for one in appearances:
        rows = one.features[:, None, :].astype(np.float64)
        total = total + np.matmul(rows, fields[one.fields])[:, 0]
    return np.floor(total / (1 << _FEATURE_BITS))


def logits(
    codec: LabelModels,
    model: LabelModel,
    fields: npt.NDArray[np.float64],
    appearances: Sequence[Appearance],
    symbols: Int32s | None = None,
    step: int = 0,
) -> Int16s:
    """Integer logits of n labels.

    Args:
        codec: parameters of the model.
        model: of the origin.
        fields: [pictures, M, r], as :func:`whole_fields` gives them.
        appearances: the pictures that show in the views.
        symbols: int32 [n, r] in the basis (step 0), or [n, K] of the logits; None for none.
        step: of symbols of the logits, in 1/64 nat.

    Returns:
        int16 [n, K] on the 1/64-nat grid; values beyond 16 bits are clipped.

    Raises:
        PayloadError: a coefficient is beyond ``MAX_COEFFICIENT``.
    """
    count = len(appearances[0].fields)
    out = np.empty((count, codec.classes), np.int16)
    chunk = max(1, _CHUNK // codec.classes)
    for start in range(0, count, chunk):
        rows = slice(start, min(start + chunk, count))
        shown = [one.rows(rows) for one in appearances]
        part = None if symbols is None else symbols[rows]
        total = _means(codec, model, shown)
        if codec.atoms:
            whole = coefficients(fields, shown)
            if part is not None and not step:
                whole += model.units.astype(np.float64) * part
            total += _product(whole, model, codec.shift)
        if part is not None and step:
            # From the prediction as 16 bits have it: so any logits can be coded without a loss.
            total = np.clip(total, -0x8000, 0x7FFF) + np.int64(step) * part
        out[rows] = np.clip(total, -0x8000, 0x7FFF)
    return out


def _means(codec: LabelModels, model: LabelModel, shown: Sequence[Appearance]) -> Int64s:
    """The classes' mean logits, mixed by the pictures' shares: int64 [n, K]."""
    means = model.means.astype(np.int64) * codec.mean_step
    if len(shown) == 1:
        share = shown[0].features[:1, 0]
        if (shown[0].features[:, 0] == share).all():  # views that do not mix
            return np.asarray(((means * share + 128) >> _FEATURE_BITS)[shown[0].classes])
    total = np.full((), 1 << (_FEATURE_BITS - 1), np.int64)
    for one in shown:
        total = total + one.features[:, :1] * means[one.classes]
    return np.asarray(total >> _FEATURE_BITS)


def _product(whole: npt.NDArray[np.float64], model: LabelModel, shift: int) -> Int64s:
    largest = float(np.abs(whole).max(initial=0))
    if largest > MAX_COEFFICIENT:
        raise PayloadError(f"a label's coefficient is {largest:.0f}; the file is damaged")
    # Integer sums are exact in binary32 up to 2^24, which is twice as fast as binary64.
    narrow = largest * 128 * whole.shape[1] < _EXACT_FLOAT32
    dtype = np.float32 if narrow else np.float64
    product = (whole.astype(dtype) @ model.basis.astype(dtype)).astype(np.int64)
    return np.asarray((product + ((1 << shift) >> 1)) >> shift)
