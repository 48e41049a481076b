"""Fields of classes and pictures: least squares, then rounding by rate and distortion.

Everything is in the axes of ``statistics.principal_basis``, where the divergence is half the
squared error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ddcodec.arrays import Float32s, Float64s, Indices, Int64s
from ddcodec.labels.encoder.costs import LARGEST, symbol_costs

__all__ = ["FieldFit", "fit_fields", "quantise_fields"]


_SWEEPS = 3
_RIDGE = 0.5
_COLOURS = 4


@dataclass(frozen=True, eq=False)
class FieldFit:
    """Owners (classes or pictures) whose fields [owners, M, r] explain labels.

    Attributes:
        design: [labels, owners x M].
        grams: [owners, M, M], the owner's own block of design' design.
        colours: [owners]; owners of one colour are treated at once, as if they shared no label.
    """

    design: sparse.csr_matrix
    grams: Float64s
    colours: Indices

    @classmethod
    def of(cls, design: sparse.csr_matrix, owners: int, *, mixes: bool, seed: int) -> FieldFit:
        """Prepare a design; ``mixes``: labels have more than one owner."""
        width = design.shape[1] // owners
        grams = np.zeros((owners, width, width))
        by_owner = design.tocsc()
        for m in range(width):
            left = by_owner[:, m::width]
            for n in range(m, width):
                block = np.asarray(left.multiply(by_owner[:, n::width]).sum(axis=0)).reshape(-1)
                grams[:, m, n] = grams[:, n, m] = block
        rng = np.random.default_rng(seed)
        colours = rng.permutation(owners) % _COLOURS if mixes else np.zeros(owners, np.intp)
        return cls(design, grams, colours)

    def gradient(self, residual: Float32s) -> Float64s:
        """design' residual: [owners, M, r]."""
        product = self.design.T @ residual
        return np.asarray(product, np.float64).reshape(len(self.grams), -1, residual.shape[1])

    def apply(self, fields: Float64s) -> Float32s:
        """design fields: [labels, r]."""
        flat = fields.reshape(-1, fields.shape[2]).astype(np.float32)
        return np.asarray(self.design @ flat)


def fit_fields(fit: FieldFit, target: Float32s) -> Float64s:
    """Least-squares fields [owners, M, r] of a target [labels, r], with a slight ridge."""
    owners, width = fit.grams.shape[:2]
    fields = np.zeros((owners, width, target.shape[1]))
    residual = target.copy()
    for _ in range(_SWEEPS if fit.colours.any() else 1):
        for colour in range(int(fit.colours.max()) + 1):
            which = fit.colours == colour
            gradient = fit.gradient(residual)[which] - _RIDGE * fields[which]
            step = np.zeros_like(fields)
            step[which] = np.linalg.solve(fit.grams[which] + _RIDGE * np.eye(width), gradient)
            fields += step
            residual -= fit.apply(step)
    return fields


def quantise_fields(
    fit: FieldFit,
    fields: Float64s,
    target: Float32s,
    steps: Float64s,
    worth: Float64s,
    price: float,
) -> tuple[Int64s, Float32s]:
    """Integers that minimise worth x squared error / 2 + price x bits, by coordinate descent.

    Args:
        fit: the design.
        fields: where to start: [owners, M, r].
        target: [labels, r].
        steps: [M], the unit of each feature's integers.
        worth: [r], what half a unit of squared error costs in an axis.
        price: of a bit.

    Returns:
        integers [owners, M, r] and the target less what they predict.
    """
    owners, width, atoms = fields.shape
    unit = steps[None, :, None]
    integers = np.clip(np.rint(fields / unit), -LARGEST, LARGEST)
    residual = target - fit.apply(integers * unit)
    for _ in range(_SWEEPS):
        costs = symbol_costs(integers.reshape(owners, -1)).reshape(width, atoms, -1)
        for colour in range(int(fit.colours.max()) + 1):
            which = np.flatnonzero(fit.colours == colour)
            gradient = fit.gradient(residual)[which]
            old = integers[which]
            new = _descend(old, gradient, fit.grams[which], steps, worth, price, costs)
            change = np.zeros_like(fields)
            change[which] = (new - old) * unit
            integers[which] = new
            residual -= fit.apply(change)
    return integers.astype(np.int64), residual


def _descend(
    integers: Float64s,
    gradient: Float64s,
    grams: Float64s,
    steps: Float64s,
    worth: Float64s,
    price: float,
    costs: Float64s,
) -> Float64s:
    """One sweep over the features of all owners at once."""
    integers = integers.copy()
    axes = np.arange(integers.shape[2])
    for m, step in enumerate(steps):
        weight = grams[:, m, m][:, None] + 1e-9
        best = integers[:, m] + gradient[:, m] / (weight * step)
        tried = np.stack([np.rint(best), np.trunc(best), np.trunc(best / 2), 0 * best])
        tried = np.clip(tried, -LARGEST, LARGEST)
        bits = costs[m][axes, np.abs(tried).astype(np.intp)]
        loss = 0.5 * worth * weight * (step * (tried - best)) ** 2 + price * bits
        chosen = np.take_along_axis(tried, loss.argmin(axis=0)[None], axis=0)[0]
        change = (chosen - integers[:, m]) * step
        integers[:, m] = chosen
        gradient = gradient - grams[:, :, m][:, :, None] * change[:, None, :]
    return integers
