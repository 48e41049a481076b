"""Weights of few bits, fitted to what a layer sees (encoder-side).

Rounding column by column, each error made good by the columns still to come, after GPTQ (Frantar
and others, arXiv 2210.17323). It saves a bit per weight: see the Note in spec/teacher.md.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ddcodec.arrays import UInt8s
from ddcodec.classifiers.teacher import Teacher
from ddcodec.codecs.teacher_weights import LayerWeights, StoredWeights, TeacherWeights
from ddcodec.errors import EncodeError
from ddcodec.labels.teacher.execute import normalised
from ddcodec.labels.teacher.fold import FloatLayer, check_storable, folded
from ddcodec.labels.teacher.network import EPSILON, Operations, run

__all__ = ["pictures_wanted", "quantise_teacher"]

# Seen by the fit: so many pictures at most, and so many pixels; windows of each in a layer.
_PICTURES, _PIXELS = 300, 1 << 21
_WINDOWS = 64
_CHUNK = 2048
_DAMPING = 0.01
_BLOCK = 64
_SMALLEST = 2.0**-24  # the least positive number of 16 bits


def pictures_wanted(side: int) -> int:
    """How many pictures of this side to fit a teacher to."""
    return max(16, min(_PICTURES, _PIXELS // (side * side)))


def quantise_teacher(
    teacher: Teacher, images: UInt8s, bits: int
) -> tuple[TeacherWeights, StoredWeights]:
    """A teacher with weights of ``bits`` bits, a scale per output channel.

    Args:
        teacher: of a storable architecture; its columns are the artifact's classes.
        images: uint8 [n, side, side, 3], such as it will label.
        bits: ``MIN_BITS`` to ``MAX_BITS``.

    Raises:
        EncodeError: the teacher cannot be stored, or a weight is not finite.
    """
    check_storable(teacher, (images.shape[2], images.shape[1]))
    statistics = teacher.statistics
    codec = TeacherWeights(teacher.arch, bits, len(teacher.classes), images.shape[1])
    fit = _Fit(folded(teacher), codec.top)
    empty = StoredWeights(statistics.mean, statistics.std, ())
    with torch.no_grad():
        run(teacher.arch, fit, normalised(images, empty, torch.device("cpu")))
    layers = tuple(fit.made[i] for i in range(len(fit.made)))
    return codec, StoredWeights(statistics.mean, statistics.std, layers)


class _Fit(Operations):
    """Walks the network once: each layer is quantised on what reaches it, then executed so."""

    def __init__(self, layers: list[FloatLayer], top: int) -> None:
        self._layers = layers
        self._top = top
        self._generator = torch.Generator().manual_seed(0)
        self.made: dict[int, LayerWeights] = {}

    def convolution(self, layer: int, x: Tensor, stride: int) -> Tensor:
        shape = self._layers[layer].weight.shape
        padding = shape[2] // 2
        windows = _windows(F.pad(x, (padding,) * 4), shape[2], stride, self._generator)
        weight, vectors = self._quantise(layer, windows)
        bias = vectors[0] if len(vectors) == 1 else None
        return F.conv2d(x, weight, bias, stride, padding)

    def norm(self, layer: int, x: Tensor) -> Tensor:
        gamma, beta = torch.from_numpy(self.made[layer].vectors)
        return F.group_norm(x, len(gamma), gamma, beta, EPSILON)

    def head(self, layer: int, x: Tensor) -> Tensor:
        whole = self._layers[layer].weight.shape[1] == x[0].numel()
        rows = x.flatten(1) if whole else x.mean((2, 3))
        weight, vectors = self._quantise(layer, rows)
        return F.linear(rows, weight, vectors[0])

    def _quantise(self, layer: int, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Fit one layer to its inputs [n, terms]; returns its weight and vectors as stored."""
        given = self._layers[layer]
        flat = given.weight.flatten(1).double()
        vectors = _halved_precision(given.vectors)
        if not bool(torch.isfinite(flat).all() & torch.isfinite(vectors).all()):
            raise EncodeError("the teacher has a weight that is not finite: train it again")
        scale = _halved_precision(flat.abs().amax(1) / self._top).clamp_min(_SMALLEST)
        values = _rounded(flat, scale.double(), _moments(rows), self._top)
        made = LayerWeights(
            values.to(torch.int8).reshape(given.weight.shape).numpy(),
            scale.numpy(),
            vectors.numpy(),
        )
        self.made[layer] = made
        return (values * scale[:, None]).float().reshape(given.weight.shape), vectors


def _halved_precision(values: Tensor) -> Tensor:
    """float32, rounded to what 16 bits can hold."""
    return values.to(torch.float16).float()


def _windows(x: Tensor, side: int, stride: int, generator: torch.Generator) -> Tensor:
    """Random windows of padded inputs [n, c, h, w] -> [n * windows, c * side * side]."""
    every = x.unfold(2, side, stride).unfold(3, side, stride)
    n, _, h, w = every.shape[:4]
    count = min(_WINDOWS, h * w)
    places = torch.stack([torch.randperm(h * w, generator=generator)[:count] for _ in range(n)])
    which = torch.arange(n)[:, None].expand(n, count)
    return every[which, :, places // w, places % w].reshape(n * count, -1)


def _moments(rows: Tensor) -> Tensor:
    """float64 [terms, terms]: mean products of the inputs, damped so that an inverse exists."""
    terms = rows.shape[1]
    total = torch.zeros(terms, terms, dtype=torch.float64)
    for chunk in torch.split(rows, _CHUNK):
        total += (chunk.t() @ chunk).double()
    total /= len(rows)
    # Inputs that are always zero have weights of no consequence.
    damping = _DAMPING * float(total.diagonal().mean()) or 1.0
    total.diagonal().add_(damping)
    return total


def _rounded(weight: Tensor, scale: Tensor, moments: Tensor, top: int) -> Tensor:
    """Integers, float64 [out, terms], that keep the products with typical inputs.

    Terms are rounded from the strongest to the weakest; each one's error is spread over those
    that follow by the inverse of the moments (GPTQ, algorithm 1).
    """
    order = torch.argsort(moments.diagonal(), descending=True)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(moments[order][:, order]))
    factor = torch.linalg.cholesky(inverse, upper=True)
    left = weight[:, order].clone()
    made = torch.empty_like(left)
    terms = left.shape[1]
    for start in range(0, terms, _BLOCK):
        end = min(start + _BLOCK, terms)
        errors = torch.empty(len(left), end - start, dtype=torch.float64)
        for j in range(start, end):
            q = (left[:, j] / scale).round_().clamp_(-top, top)
            made[:, j] = q
            error = (left[:, j] - q * scale) / factor[j, j]
            errors[:, j - start] = error
            left[:, j + 1 : end] -= error[:, None] * factor[j, j + 1 : end]
        left[:, end:] -= errors @ factor[start:end, end:]
    values = torch.empty_like(made)
    values[:, order] = made
    return values
