"""Scaled dot-product attention from integer sums (spec/exact.md, "Attention").

The exponentials are integers, and stay un-normalised until the end: a row of equal weights would
otherwise be rounded away. Every sum is exact, so tiles may be of any size and in any order.
"""

from __future__ import annotations

from functools import cache
from math import inf, sqrt
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ddcodec import tables
from ddcodec.errors import UnsupportedFeatureError
from ddcodec.exact.backends import MAX_TERMS, Backend, joined
from ddcodec.exact.grid import Grid, quantise, split, tile

__all__ = ["attention"]

_STEPS_PER_OCTAVE = 1024.0
_LOG2_E = 1.4426950408889634
_MAX_WIDTH = 1008  # the difference of two logits must fit 32 bits
_LAST = 16383  # the last entry of T_EXP, which is 0
# Added to a number in 0.._LAST, this rounds it to even and leaves it in the low bits.
_ROUNDER = 1.5 * 2**23


class _Operands(NamedTuple):
    """Grids of one call, batch and heads flattened; each head is a block."""

    query: Tensor  # int8 [heads, queries, digits * width]: (h) or (h, l)
    keys: Tensor  # int8 [heads, keys, digits * width]: (h) or (l, h), to match crosswise
    values: Tensor  # int8 [heads, keys, digits * width]: (h) or (h, l)
    factor: Tensor  # float32 [heads, 1, 1]: logits to steps of T_EXP
    value_scale: Tensor  # float32 [heads, 1, 1]


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
        UnsupportedFeatureError: a head is too wide, there are too many keys, or ``scale`` is not a
            positive number.
    """
    batch, heads, queries, width = query.shape
    keys = key.shape[2]
    logit = 1.0 / sqrt(width) if scale is None else scale
    if not (0 < logit < inf):
        raise UnsupportedFeatureError(
            f"attention with a scale of {logit} has no exact form; use the float profile"
        )
    if width > _MAX_WIDTH or keys > MAX_TERMS:
        raise UnsupportedFeatureError(
            f"attention over {keys} keys of width {width} is beyond the exact profiles' "
            f"{MAX_TERMS} keys of width {_MAX_WIDTH}; use the float profile for this prior"
        )
    operands = _operands(query, key, value, digits, logit)
    if mask is not None:
        mask = mask.expand(batch, heads, queries, keys).reshape(-1, queries, keys)
    out = query.new_empty(batch * heads, queries, value.shape[3])
    area = tile(query.device)
    rows = max(1, min(queries, area // keys))
    together = max(1, area // (rows * keys)) if rows == queries else 1
    for head in range(0, batch * heads, together):
        some = _Operands(*(v[head : head + together] for v in operands))
        for row in range(0, queries, rows):
            part = (slice(head, head + together), slice(row, row + rows))
            allowed = None if mask is None else mask[part]
            steps = _steps(some, part[1], allowed, backend, digits)
            weights = _exponentials(steps, allowed)
            out[part] = _mean(weights, some, backend, digits)
    return out.view(batch, heads, queries, -1)


def _operands(query: Tensor, key: Tensor, value: Tensor, digits: int, scale: float) -> _Operands:
    heads = query.shape[0] * query.shape[1]
    q, k, v = (quantise(x.reshape(heads, -1), digits) for x in (query, key, value))
    kappa = query.new_tensor(scale * (_STEPS_PER_OCTAVE * _LOG2_E))
    unit = q.scale * k.scale
    if digits == 2:
        unit = unit * 256.0  # a power of two
    factor = unit * kappa
    # A head whose logits cannot be told apart by finite numbers ends as NaN.
    poison = factor - factor
    return _Operands(
        _side(q, query.shape[2]),
        _side(k, key.shape[2], swap=True),
        _side(v, value.shape[2]),
        factor[..., None],
        (v.scale + poison)[..., None],
    )


def _side(grid: Grid, rows: int, swap: bool = False) -> Tensor:
    """Digits side by side: int8 [heads, rows, digits * width]."""
    planes = grid.digits.view(*grid.digits.shape[:2], rows, -1).unbind(0)
    return torch.cat(planes[::-1] if swap else planes, -1)


def _steps(
    operands: _Operands, rows: slice, allowed: Tensor | None, backend: Backend, digits: int
) -> Tensor:
    """How far logits lie below their row's largest, int32 0.._LAST in steps of T_EXP."""
    query, keys = operands.query[:, rows], operands.keys
    logits = backend.products(query, keys.transpose(1, 2)).to(torch.int32)
    if digits == 2:
        width = query.shape[2] // 2
        top = backend.products(query[..., :width], keys[..., width:].transpose(1, 2))
        logits.add_(top.to(torch.int32), alpha=256)
    if allowed is None:
        largest = logits.amax(2, keepdim=True)
    else:
        # The least integer stands for minus infinity; a row of nothing else ends as 0 / 0.
        largest = logits.masked_fill(~allowed, -(2**31)).amax(2, keepdim=True)
        logits = torch.where(allowed, logits, largest)
    steps = torch.sub(largest, logits).float().mul_(operands.factor)
    # The mask of bits makes an index of anything; a row that held NaN ends as NaN.
    rounded = steps.clamp_(max=_LAST).add_(_ROUNDER)
    return rounded.view(torch.int32).bitwise_and_(_LAST)


def _exponentials(steps: Tensor, allowed: Tensor | None) -> Tensor:
    """T_EXP[steps] as int16 [heads, rows, keys], 0 where a query may not attend."""
    found = torch.index_select(_table(steps.device), 0, steps.view(-1)).view(steps.shape)
    return found if allowed is None else found.masked_fill_(~allowed, 0)


def _mean(weights: Tensor, operands: _Operands, backend: Backend, digits: int) -> Tensor:
    """Values weighted by int16 [heads, rows, keys] -> float32 [heads, rows, width]."""
    heads, rows, _ = weights.shape
    if digits == 1:
        weights = weights.add_(64).bitwise_right_shift_(7)
        planes = weights.to(torch.int8)[None]
    else:
        planes = split(weights)
    total = weights.sum(2, keepdim=True, dtype=torch.int32)
    sums = backend.products(planes.transpose(0, 1).flatten(1, 2), operands.values)
    parts = sums.view(heads, digits, rows, digits, -1).permute(1, 3, 0, 2, 4)
    return joined(parts).mul_(operands.value_scale).div_(total.float())


@cache
def _table(device: torch.device) -> Tensor:
    """T_EXP as int16 [16384]."""
    return torch.from_numpy(np.array(tables.exp())).to(device)
