"""Scaled dot-product attention from integer sums (spec/exact.md, "Attention").

The exponentials are integers, and stay un-normalised until the end: a row of equal weights would
otherwise be rounded away. Every sum is exact, so tiles may be of any size and in any order.
"""

from __future__ import annotations

from functools import cache
from math import sqrt
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ddcodec import tables
from ddcodec.errors import UnsupportedFeatureError
from ddcodec.exact.backends import MAX_TERMS, Backend
from ddcodec.exact.grid import quantise

__all__ = ["attention"]

_STEPS_PER_OCTAVE = 1024.0
_LOG2_E = 1.4426950408889634
_MAX_WIDTH = 1008  # M - L must fit 32 bits
_LAST = 16383  # the last entry of T_EXP, 0
# Logits of one tile: a few passes over them must stay in a core's cache.
_TILE = 1 << 18


class _Operands(NamedTuple):
    """Grids of one call, heads flattened: [heads, rows, ...]."""

    query: Tensor  # int8 [heads, queries, digits * width]: (h) or (h, l)
    keys: Tensor  # int8 [heads, keys, digits * width]: (h) or (l, h), to match crosswise
    values: Tensor  # int8 [heads, keys, digits * width]
    factor: Tensor  # float32 [heads, queries, 1]: logits to steps of T_EXP
    value_scale: Tensor  # float32 [heads, 1, width]
    poison: Tensor  # float32 [heads, queries, 1]: 0, or NaN


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    backend: Backend,
    digits: int,
    mask: Tensor | None = None,
    scale: float | None = None,
) -> Tensor:
    """float32 [batch, heads, queries, width] -> the same shape, as softmax(q k^T scale) v.

    Args:
        key: float32 [batch, heads, keys, width].
        value: float32 [batch, heads, keys, width of values].
        backend: sums the products.
        digits: of queries, keys, values and exponentials.
        mask: bool, broadcastable to [batch, heads, queries, keys]; True where a query may attend.
            A query that may attend to nothing gives NaN.
        scale: of the logits; by default 1 / sqrt(width).

    Raises:
        UnsupportedFeatureError: a head is too wide or there are too many keys.
    """
    batch, heads, queries, width = query.shape
    keys = key.shape[2]
    if width > _MAX_WIDTH or keys > MAX_TERMS:
        raise UnsupportedFeatureError(
            f"attention over {keys} keys of width {width} is beyond the exact profiles' "
            f"{MAX_TERMS} keys of width {_MAX_WIDTH}; use the float profile for this prior"
        )
    operands = _operands(query, key, value, digits, scale)
    if mask is not None:
        mask = mask.expand(batch, heads, queries, keys).reshape(-1, queries, keys)
    out = torch.empty(batch * heads, queries, value.shape[3], device=query.device)
    rows = max(1, min(queries, _TILE // keys))
    together = max(1, _TILE // (rows * keys)) if rows == queries else 1
    for head in range(0, batch * heads, together):
        some = slice(head, head + together)
        for row in range(0, queries, rows):
            part = slice(row, row + rows)
            allowed = None if mask is None else mask[some, part]
            out[some, part] = _tile(operands, some, part, allowed, backend, digits)
    return out.view(batch, heads, queries, -1)


def _operands(
    query: Tensor, key: Tensor, value: Tensor, digits: int, scale: float | None
) -> _Operands:
    q, k, v = (
        quantise(query, (3,), digits),
        quantise(key, (2, 3), digits),
        quantise(value, (2,), digits),
    )
    logit = 1.0 / sqrt(query.shape[3]) if scale is None else scale
    kappa = torch.tensor(logit * (_STEPS_PER_OCTAVE * _LOG2_E), dtype=torch.float32)
    unit = q.scale * k.scale
    if digits == 2:
        unit = unit * 256.0
    poison = unit - unit

    def joined(planes: tuple[Tensor, ...]) -> Tensor:
        return torch.cat(planes, -1).flatten(0, 1)

    return _Operands(
        joined(q.digits.unbind(0)),
        joined(k.digits.flip(0).unbind(0)),
        joined(v.digits.unbind(0)),
        (unit * kappa.to(unit.device)).flatten(0, 1),
        v.scale.flatten(0, 1),
        poison.flatten(0, 1),
    )


def _tile(
    operands: _Operands,
    some: slice,
    part: slice,
    allowed: Tensor | None,
    backend: Backend,
    digits: int,
) -> Tensor:
    """Some rows of some heads -> float32 [heads, rows, width]."""
    steps = _steps(operands, some, part, allowed, backend, digits)
    e = torch.index_select(_exponentials(steps.device), 0, steps.view(-1)).view(steps.shape)
    if allowed is not None:
        e.masked_fill_(~allowed, 0)
    # 7 bits and the rest; one digit is the nearest multiple of 128.
    high = e.add(64).bitwise_right_shift_(7)
    values = operands.values[some]
    if digits == 1:
        total = high.sum(2, keepdim=True, dtype=torch.int64)
        weighted = backend.products(high.to(torch.int8), values)
    else:
        total = e.sum(2, keepdim=True, dtype=torch.int64)
        low = e.sub_(high << 7)
        both = torch.cat([high, low], 1).to(torch.int8)
        weighted = _weighted(backend.products(both, values), high.shape[1])
    out = weighted.float().mul_(operands.value_scale[some])
    return out.div_(total.float() + operands.poison[some, part])


def _steps(
    operands: _Operands,
    some: slice,
    part: slice,
    allowed: Tensor | None,
    backend: Backend,
    digits: int,
) -> Tensor:
    """How far each logit lies below its row's largest, int32 0.._LAST in steps of T_EXP."""
    query, keys = operands.query[some, part], operands.keys[some]
    logits = backend.products(query, keys.transpose(1, 2))
    if digits == 2:
        width = query.shape[2] // 2
        top = backend.products(query[..., :width], keys[..., width:].transpose(1, 2))
        logits.add_(top, alpha=256)
    if allowed is None:
        below = logits.amax(2, keepdim=True).sub(logits)
    else:
        # The smallest integer stands for minus infinity; a row of nothing else ends in 0 / 0.
        largest = logits.masked_fill(~allowed, -(2**31)).amax(2, keepdim=True)
        below = largest.sub(torch.where(allowed, logits, largest))
    steps = below.float().mul_(operands.factor[some, part]).round_().clamp_(max=_LAST)
    # Through int16, so that what NaN becomes is a valid index; such rows end as NaN.
    return steps.to(torch.int16).to(torch.int32)


def _weighted(products: Tensor, rows: int) -> Tensor:
    """int32 [heads, (high rows, low rows), (h, l)] -> int64 [heads, rows, width]."""
    width = products.shape[2] // 2
    wide = products.to(torch.int64)
    high, low = wide[:, :rows], wide[:, rows:]
    out = (high[..., :width] << 15) + (high[..., width:] << 7)
    return out + (low[..., :width] << 8) + low[..., width:]


@cache
def _exponentials(device: torch.device) -> Tensor:
    """T_EXP as int16 [16384]."""
    return torch.from_numpy(np.array(tables.exp())).to(device)
