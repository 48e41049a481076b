"""Labels of images by a stored teacher, executed exactly (spec/teacher.md, "Labels")."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ddcodec.arrays import Float32s, Int16s, UInt8s
from ddcodec.codecs.label_model import UNITS_PER_NAT
from ddcodec.codecs.teacher_weights import LayerWeights, StoredWeights, TeacherWeights
from ddcodec.errors import PayloadError
from ddcodec.exact.backends import Backend, Geometry, choose_backend, plain_arithmetic
from ddcodec.exact.grid import quantise
from ddcodec.exact.norms import group_norm
from ddcodec.exact.products import Convolution, Linear
from ddcodec.exact.weights import IntegerWeight
from ddcodec.labels.teacher.network import EPSILON, Operations, run

__all__ = ["StoredTeacher", "normalised"]

# Profile w8a15: the stored integers are its weights of 8 bits; activations have two digits.
_DIGITS = 2

_LOWEST, _HIGHEST = -32768, 32767
# Pixels at a time; no label depends on it. Maps that stay in a CPU's cache are twice as fast.
_PIXELS_ON_CPU = 1 << 14
_PIXELS = 1 << 20
# One as stored, and at most a binary64 number that is copied into another order.
_BYTES_A_WEIGHT = 17


class StoredTeacher:
    """A stored teacher, ready to label images: the same bits everywhere, in any batch.

    Args:
        codec: its architecture and shape.
        weights: its numbers.
        device: torch device.
        backend: sums the products; by default the fastest that is exact here.
    """

    def __init__(
        self,
        codec: TeacherWeights,
        weights: StoredWeights,
        *,
        device: str = "cpu",
        backend: Backend | None = None,
    ) -> None:
        self._codec = codec
        self._weights = weights
        self._backend = backend or choose_backend(device)
        self._operations = _Exact(weights.layers, self._backend)
        pixels = _PIXELS_ON_CPU if self._backend.device.type == "cpu" else _PIXELS
        self._together = max(1, pixels // codec.side**2)

    @property
    def nbytes(self) -> int:
        """How much memory it takes: its weights as stored, and as the sums want them."""
        return _BYTES_A_WEIGHT * sum(int(w.values.size) for w in self._weights.layers)

    def logits(self, images: UInt8s) -> Int16s:
        """uint8 [n, side, side, 3] -> int16 [n, classes], in units of 1/64 nat.

        Raises:
            PayloadError: a logit is not finite; the weights are damaged.
        """
        # Times a power of two, which is exact; numpy rounds ties to even.
        z = self.outputs(images) * np.float32(UNITS_PER_NAT)
        if not np.isfinite(z).all():
            raise PayloadError("the stored teacher gives a logit that is no number; it is damaged")
        found: Int16s = np.rint(z).clip(_LOWEST, _HIGHEST).astype(np.int16)
        return found

    def outputs(self, images: UInt8s) -> Float32s:
        """uint8 [n, side, side, 3] -> float32 [n, classes]: logits in nats, before rounding."""
        out = np.empty((len(images), self._codec.classes), np.float32)
        # An inference mode around the call would make the layers' tensors unfit for later calls.
        with (
            torch.inference_mode(False),
            torch.no_grad(),
            plain_arithmetic(self._backend.device),
        ):
            for start in range(0, len(images), self._together):
                chunk = images[start : start + self._together]
                x = normalised(chunk, self._weights, self._backend.device)
                y = run(self._codec.arch, self._operations, x)
                out[start : start + len(chunk)] = y.cpu().numpy()
        return out


def normalised(images: UInt8s, weights: StoredWeights, device: torch.device) -> Tensor:
    """uint8 [n, h, w, 3] -> float32 [n, 3, h, w]: (p / 255 - mean) / std with one rounding."""
    mean = torch.tensor(weights.mean, dtype=torch.int32, device=device)
    std = torch.tensor(weights.std, dtype=torch.int32, device=device)
    pixels = torch.tensor(images, device=device).to(torch.int32)
    # Both below 2^24 in magnitude: exact in binary32.
    numerator = (pixels * 65536 - 255 * mean).to(torch.float32)
    return (numerator / (255 * std).to(torch.float32)).permute(0, 3, 1, 2)


class _Exact(Operations):
    """Exact operations on the stored integers; layers are prepared when first used."""

    def __init__(self, layers: tuple[LayerWeights, ...], backend: Backend) -> None:
        self._layers = layers
        self._backend = backend
        self._prepared: dict[int, Convolution | Linear] = {}
        self._vectors = [torch.from_numpy(w.vectors).to(backend.device) for w in layers]

    def convolution(self, layer: int, x: Tensor, stride: int) -> Tensor:
        found = self._prepared.get(layer)
        if found is None:
            weight = _integers(self._layers[layer])
            padding = weight.values.shape[2] // 2
            geometry = Geometry((stride, stride), (padding, padding))
            found = self._prepared[layer] = Convolution(weight, geometry, self._backend)
        vectors = self._vectors[layer]
        return found(x, _DIGITS, vectors[0] if len(vectors) == 1 else None)  # type: ignore

    def norm(self, layer: int, x: Tensor) -> Tensor:
        gamma, beta = self._vectors[layer]
        return group_norm(x, len(gamma), gamma, beta, EPSILON)

    def head(self, layer: int, x: Tensor) -> Tensor:
        rows = x.flatten(1)
        found = self._prepared.get(layer)
        if found is None:
            weight = _integers(self._layers[layer])
            positions = rows.shape[1] // weight.values.shape[1]
            found = self._prepared[layer] = Linear(_spread(weight, positions), self._backend)
        return found(quantise(rows, _DIGITS), self._vectors[layer][0])  # type: ignore


def _integers(layer: LayerWeights) -> IntegerWeight:
    return IntegerWeight(torch.from_numpy(layer.values), torch.from_numpy(layer.scale))


def _spread(weight: IntegerWeight, positions: int) -> IntegerWeight:
    """A channel's weight for each of its positions, divided by their number: a mean, then linear.

    So the mean needs no operation of its own.
    """
    count = torch.full_like(weight.scale, float(positions))
    return IntegerWeight(weight.values.repeat_interleave(positions, 1), weight.scale / count)
