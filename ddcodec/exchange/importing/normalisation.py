"""From the space that a distillation trained in back to pixels: statistics, and whitening."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ddcodec.arrays import Float32s
from ddcodec.errors import RequestError, SourceError
from ddcodec.exchange.importing.npz import load_arrays
from ddcodec.exchange.importing.stack import Stack
from ddcodec.exchange.pickles import load_pickle
from ddcodec.suggestions import did_you_mean

if TYPE_CHECKING:
    from ddcodec.classifiers.training import Statistics

__all__ = ["KNOWN", "NONE", "Normalisation", "Whitening", "out_of_range", "parse_normalisation"]

Triple = tuple[float, float, float]

# Rounding to 8 bits moves a pixel by half a level: so far out, nothing was cut.
_SLACK = 0.5 / 255


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation by channel of pixels in the range 0..1."""

    name: str
    mean: Triple
    std: Triple

    def undo(self, values: Float32s) -> Float32s:
        """float32 [n, 3, h, w], normalised -> pixels in about 0..1, not yet clipped."""
        mean, std = (np.array(one, np.float32)[:, None, None] for one in (self.mean, self.std))
        return values * std + mean

    @property
    def statistics(self) -> Statistics | None:
        """What students of these pictures are to be given; None where nothing was normalised."""
        from ddcodec.classifiers.training import Statistics

        if self.name == "none":
            return None
        mean, std = ([round(65536 * v) for v in one] for one in (self.mean, self.std))
        return Statistics((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))


@dataclass(frozen=True)
class Whitening:
    """ZCA whitening as kornia has it, and what undoes it: pixels are ``x @ inverse + mean``.

    Args:
        path: ``.npz`` or file of ``torch.save`` with ``mean`` [d] and ``inverse`` [d, d], or
            kornia's ``mean_vector`` and ``transform_inv``.
    """

    path: Path
    name: str = "zca"

    def undo(self, values: Float32s) -> Float32s:
        """float32 [n, 3, h, w], whitened -> pixels in about 0..1.

        Raises:
            SourceError: the matrix is of pictures of another size.
        """
        mean, inverse = self._arrays
        flat = values.reshape(len(values), -1)
        if inverse.shape != (flat.shape[1], flat.shape[1]) or mean.shape != (flat.shape[1],):
            raise SourceError(
                f"{self.path} is a whitening of {len(mean)} values, and pictures of "
                f"{values.shape[3]}x{values.shape[2]} pixels have {flat.shape[1]}"
            )
        return np.asarray(flat @ inverse + mean, np.float32).reshape(values.shape)

    @property
    def statistics(self) -> None:
        """Students are to be given those of the pictures themselves."""

    @cached_property
    def _arrays(self) -> tuple[Float32s, Float32s]:
        npz = self.path.suffix == ".npz"
        found: Any = load_arrays(self.path) if npz else load_pickle(self.path)
        if not isinstance(found, Mapping):
            found = {}
        pairs = [("mean", "inverse"), ("mean_vector", "transform_inv")]
        pair = next((p for p in pairs if all(name in found for name in p)), None)
        if pair is None:
            raise SourceError(
                f"{self.path} has no mean and inverse (or kornia's mean_vector and transform_inv), "
                "which undo a ZCA whitening"
            )
        mean, inverse = (np.asarray(found[name], np.float32) for name in pair)
        return mean.reshape(-1), inverse


NONE = Normalisation("none", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
"""Of pixels that are in 0..1 as they are."""

KNOWN: Mapping[str, Normalisation] = {
    one.name: one
    for one in (
        Normalisation("cifar10", (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
        Normalisation("cifar100", (0.5071, 0.4866, 0.4409), (0.2673, 0.2564, 0.2762)),
        Normalisation("imagenet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        NONE,
    )
}
"""By name: of MTT for CIFAR-10 and CIFAR-100 alike; of the contest for CIFAR-100; of ImageNet."""


def parse_normalisation(text: str) -> Normalisation:
    """A known one by its name, or ``m,m,m/s,s,s``.

    Raises:
        RequestError: it is neither.

    >>> parse_normalisation("0.5,0.5,0.5/0.25,0.25,0.25").mean
    (0.5, 0.5, 0.5)
    """
    if text in KNOWN:
        return KNOWN[text]
    parts = [[_number(one) for one in part.split(",")] for part in text.split("/")]
    flat = [one for part in parts for one in part if one is not None]
    if [len(part) for part in parts] != [3, 3] or len(flat) != 6:
        raise RequestError(
            f"normalisation={text!r} is not known{did_you_mean(text, KNOWN)}: it is one of "
            f"{', '.join(KNOWN)}, or three means and three deviations as 0.5,0.5,0.5/0.2,0.2,0.2"
        )
    mean, std = (flat[0], flat[1], flat[2]), (flat[3], flat[4], flat[5])
    if not all(0 <= v <= 1 for v in mean) or not all(0 < v <= 1 for v in std):
        raise RequestError(
            f"normalisation={text!r} is not of pixels in the range 0..1: means are within 0..1, "
            "deviations above 0 and at most 1; divide those of 0..255 by 255"
        )
    return Normalisation(text, mean, std)


def out_of_range(stack: Stack, by: Normalisation | Whitening) -> tuple[int, int]:
    """How many values are outside 0..1 once this is undone, of how many; half a level is none.

    Raises:
        SourceError: a value is no number.
    """
    outside = 0
    for rows in stack.chunks():
        values = by.undo(stack.values(rows))
        outside += int(((values < -_SLACK) | (values > 1 + _SLACK)).sum())
    return outside, stack.tensor.numel()


def _number(text: str) -> float | None:
    try:
        return float(Fraction(text.strip()))
    except (ValueError, ZeroDivisionError):
        return None
