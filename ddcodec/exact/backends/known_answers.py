"""Start-up tests with known answers: a back end that fails one is not used (spec/exact.md).

The usual failures are silent: 8-bit instructions that saturate, convolutions by Winograd's
method, reduced-precision matrix units. Extreme operands show all of them. Where a back end scales
results itself, fused operations and lost subnormal numbers come to these.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import torch
from torch import Tensor

from ddcodec.exact.backends.base import Backend, Geometry, joined

__all__ = ["elementwise_fault", "fault"]

_GEOMETRIES = (
    (Geometry(padding=(1, 1)), 3),
    (Geometry(stride=(2, 2), padding=(1, 1)), 3),
    (Geometry(stride=(2, 2)), 3),
    (Geometry(), 1),
)
# Of activations and weights: those of the profiles.
_DIGITS = ((1, 1), (2, 1), (2, 2))


def fault(backend: Backend) -> str | None:
    """What is wrong with a back end on this machine, or None."""
    try:
        for name, found, expected in chain(_cases(backend), _scaled_cases(backend)):
            if not torch.equal(found.cpu().double(), expected.double()):
                return f"{name} gave wrong results"
    except Exception as error:  # libraries and compilers of kernels have errors of their own
        said = str(error).strip() or type(error).__name__
        return f"it cannot run here ({said.splitlines()[0][:200]})"
    return None


def elementwise_fault(device: torch.device) -> str | None:
    """Whether division, rounding and conversion on ``device`` round as IEEE-754 asks."""
    x = (_pattern(4096, 3, 7) << 17 | 0x155).float() * 2.0**-9
    y = (_pattern(4096, 5, 1) | 1).float()
    a, b = x.to(device), y.to(device)
    quotient = (x.double() / y.double()).float()  # twice 24 bits and more: no double rounding
    checks = {
        "division": (a / b, quotient),
        "rounding": (torch.round(a), x.double().round().float()),
        "conversion": ((a * 64).to(torch.int32).float(), (x * 64).double().trunc().float()),
        "subnormals": ((a * 2.0**-140), (x.double() * 2.0**-140).float()),
    }
    for name, (found, expected) in checks.items():
        if not torch.equal(found.cpu(), expected):
            return f"{name} does not round to nearest even"
    return None


def _pattern(count: int, factor: int, start: int) -> Tensor:
    """A fixed, structureless sequence of integers in -128..127, the same under every version."""
    i = torch.arange(start, start + count, dtype=torch.int64, device="cpu")
    return ((i * i * factor * 40503 + i * 2654435) >> 7) % 256 - 128


def _operands(shape: tuple[int, ...], extreme: int | None, factor: int) -> Tensor:
    if extreme is not None:
        return torch.full(shape, extreme, dtype=torch.int8, device="cpu")
    count = torch.Size(shape).numel()
    return _pattern(count, factor, factor).to(torch.int8).view(shape)


def _cases(backend: Backend) -> Iterator[tuple[str, Tensor, Tensor]]:
    """(name, found, expected) for products, batched products, linear layers and convolutions."""
    device = backend.device
    extremes = ((None, None), (-128, -128), (127, -128), (-128, 127), (127, 127))
    for m, k, n in ((20, 40, 24), (3, 1, 5), (33, 77, 19), (1, 1032, 8), (17, 4096, 16)):
        for left, right in extremes:
            a, w = _operands((2, m, k), left, 3), _operands((2, n, k), right, 5)
            columns = w[0].t()
            found = backend.product(a[0].to(device), columns.to(device))
            yield "a matrix product", found, a[0].long() @ columns.long()
            sums = a.long()[:, None] @ w.long().transpose(1, 2)
            for i, j in _DIGITS:
                found = backend.linear(w[:j].to(device))(a[:i].to(device))
                yield "a linear layer", found, joined(sums[:i, :j].to(torch.int32))
    a, b = _operands((3, 9, 80), None, 11), _operands((3, 80, 16), -128, 1)
    yield "a batched product", backend.products(a.to(device), b.to(device)), a.long() @ b.long()
    for geometry, side in _GEOMETRIES:
        for left, right in extremes:
            a = _operands((2, 2, 9, 10, 70), left, 7).permute(0, 1, 4, 2, 3)
            w = _operands((2, 24, 70, side, side), right, 13)
            pairs = torch.nn.functional.conv2d(
                a.flatten(0, 1).double(),
                w.flatten(0, 1).double(),
                None,
                geometry.stride,
                geometry.padding,
            )
            sums = pairs.view(2, 2, 2, 24, *pairs.shape[2:]).transpose(1, 2)
            for i, j in _DIGITS:
                found = backend.convolution(w[:j].to(device), geometry)(a[:i].to(device))
                yield "a convolution", found, joined(sums[:i, :j].to(torch.int32))


def _scaled_cases(backend: Backend) -> Iterator[tuple[str, Tensor, Tensor]]:
    """(name, found, expected) for layers with scales and a bias, each operation rounding once.

    Some scales are so small that results are subnormal numbers; a multiplication fused with the
    addition of the bias would show in most of the others.
    """
    device = backend.device
    a, w = _operands((2, 21, 40), None, 3), _operands((2, 27, 40), None, 5)
    sums = (a.long()[:, None] @ w.long().transpose(1, 2)).to(torch.int32)
    of_rows, of_columns, bias = (_pattern(n, n, 9).float() / 7 + 0.1 for n in (21, 27, 27))
    of_rows = (of_rows * 2.0 ** (torch.arange(21, device="cpu") % 3 * -60))[:, None]
    of_columns = of_columns * 2.0**-20
    bias = bias * 2.0**-5 * (torch.arange(27, device="cpu") % 2)
    given = [x.to(device) for x in (of_rows, of_columns, bias)]
    for i, j in _DIGITS:
        t = joined(sums[:i, :j])
        found = backend.scaled_linear(w[:j].to(device), given[1])
        expected = t.mul(of_columns).mul(of_rows)
        yield "a scaled layer", found(a[:i].to(device), given[0], None), expected
        expected = expected.add(bias)
        yield "a scaled layer", found(a[:i].to(device), given[0], given[2]), expected
        # A convolution of pictures of one pixel has the same sums, but its scales go first.
        filters, pixels = w[:j, ..., None, None].to(device), a[:i, ..., None, None].to(device)
        layer = backend.scaled_convolution(filters, given[1], Geometry())
        expected = t.mul(of_rows * of_columns).add(bias)
        yield "a scaled convolution", layer(pixels, given[0], given[2])[..., 0, 0], expected
