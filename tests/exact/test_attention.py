"""Attention: integer logits, exponentials by table, one division."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from ddcodec import tables
from ddcodec.errors import UnsupportedFeatureError
from ddcodec.exact import attention as module
from ddcodec.exact.attention import attention
from ddcodec.exact.backends import choose_backend
from tests.exact import oracle
from tests.exact.here import HERE
from tests.exact.oracle import F32

Matrix = list[list[float]]
DIGITS = pytest.mark.parametrize("digits", [1, 2])


def run(query: Tensor, key: Tensor, value: Tensor, digits: int, **options: object) -> Tensor:
    backend = choose_backend("cpu")
    return attention(query, key, value, backend=backend, digits=digits, **options)  # type: ignore[arg-type]


def random(*shape: int, seed: int = 0, size: float = 1.0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * size


def block(matrix: Matrix, digits: int) -> tuple[list[list[int]], np.float32]:
    flat = [v for row in matrix for v in row]
    integers, unit = oracle.grid8(flat) if digits == 1 else oracle.grid15(flat)
    width = len(matrix[0])
    rows = [integers[i : i + width] for i in range(0, len(flat), width)]
    return rows, F32(float(unit))


def dot(a: list[int], b: list[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def defined(query: Matrix, key: Matrix, value: Matrix, digits: int) -> Matrix:
    """One head, from Python integers and single binary32 operations."""
    (q, sq), (k, sk), (v, sv) = (block(m, digits) for m in (query, key, value))
    width = len(query[0])
    kappa = F32((1 / np.sqrt(np.float64(width))) * (1024 * 1.4426950408889634))
    c = (sq * sk * F32(256 if digits == 2 else 1)) * kappa
    columns = [list(column) for column in zip(*v, strict=True)]
    out = []
    for row in q:
        if digits == 1:
            logits = [dot(row, other) for other in k]
        else:
            high, low = ([oracle.digits(n)[i] for n in row] for i in range(2))
            pairs = [[[oracle.digits(n)[i] for n in other] for i in range(2)] for other in k]
            logits = [256 * dot(high, kh) + dot(high, kl) + dot(low, kh) for kh, kl in pairs]
        steps = [min(16383, int(np.rint(oracle.rounded(max(logits) - x) * c))) for x in logits]
        e = [int(tables.exp()[u]) for u in steps]
        if digits == 1:
            e = [(n + 64) >> 7 for n in e]
            top = [oracle.rounded(dot(e, column)) for column in columns]
        else:
            top = [joined(e, column) for column in columns]
        out.append([float((t * sv) / oracle.rounded(sum(e))) for t in top])
    return out


def joined(a: list[int], b: list[int]) -> np.float32:
    (ah, al), (bh, bl) = (list(zip(*map(oracle.digits, x), strict=True)) for x in (a, b))
    hh, hl, lh, ll = (oracle.rounded(dot(x, y)) for x in (ah, al) for y in (bh, bl))
    return F32(65536) * hh + (F32(256) * (hl + lh) + ll)


@DIGITS
@given(data=st.data())
@settings(max_examples=40)
def test_a_head_is_as_defined(digits: int, data: st.DataObject) -> None:
    queries, keys, width = (data.draw(st.integers(1, 5)) for _ in range(3))
    number = st.floats(-4, 4, width=32)

    def matrix(rows: int) -> Matrix:
        row = st.lists(number, min_size=width, max_size=width)
        return data.draw(st.lists(row, min_size=rows, max_size=rows))

    query, key, value = matrix(queries), matrix(keys), matrix(keys)
    found = run(*(torch.tensor([[m]]) for m in (query, key, value)), digits=digits)
    assert found[0, 0].tolist() == defined(query, key, value, digits)


@DIGITS
def test_attention_is_close_to_the_real_one(digits: int) -> None:
    query, key, value = (random(2, 3, n, 16, seed=n, size=2.0) for n in (9, 11, 11))
    real = F.scaled_dot_product_attention(query, key, value)
    assert (run(query, key, value, digits) - real).norm() / real.norm() < (0.03, 1e-3)[digits - 1]


def test_equal_weights_are_not_rounded_away() -> None:
    key, value = torch.zeros(1, 1, 5000, 8), random(1, 1, 5000, 8) + 1
    found = run(torch.ones(1, 1, 1, 8), key, value, 2)
    assert torch.allclose(found[0, 0, 0], value[0, 0].mean(0), atol=1e-4)


@DIGITS
def test_tiles_company_layout_and_back_end_change_nothing(
    digits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    query, key, value = (random(3, 2, n, 24, seed=n) for n in (50, 77, 77))
    expected = run(query, key, value, digits)
    assert torch.equal(run(query[1:2], key[1:2], value[1:2], digits), expected[1:2])
    turned = [x.transpose(1, 2).contiguous().transpose(1, 2) for x in (query, key, value)]
    assert torch.equal(run(*turned, digits=digits), expected)
    for name in HERE:
        found = attention(query, key, value, backend=choose_backend("cpu", name), digits=digits)
        assert torch.equal(found, expected)
    for area in (1, 77 * 7, 77 * 50 * 2):
        monkeypatch.setattr(module, "tile", lambda device, area=area: area)
        assert torch.equal(run(query, key, value, digits), expected)


@DIGITS
def test_a_masked_key_is_as_good_as_absent_but_for_the_scale(digits: int) -> None:
    query, key, value = (random(1, 2, 6, 8, seed=n) for n in range(3))
    mask = torch.ones(6, 6, dtype=torch.bool).tril()
    found = run(query, key, value, digits, mask=mask)
    real = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    assert (found - real).abs().max() < (0.1, 1e-3)[digits - 1]
    grid = (0.02, 2e-4)[digits - 1]
    assert torch.allclose(found[:, :, 0], value[:, :, 0], atol=grid)  # it may see one key only


def test_a_query_that_may_see_nothing_gives_nan() -> None:
    x = random(1, 1, 2, 4)
    mask = torch.tensor([[True, True], [False, False]])
    assert run(x, x, x, 2, mask=mask)[0, 0].isnan().all(1).tolist() == [False, True]


@DIGITS
@pytest.mark.parametrize("spoilt", [0, 1, 2])
def test_what_is_not_finite_spoils_its_own_head_only(digits: int, spoilt: int) -> None:
    operands = [random(1, 2, 3, 4, seed=i) for i in range(3)]
    operands[spoilt][0, 1, 2, 1] = float("nan")
    found = run(*operands, digits=digits)
    assert found.isnan().flatten(2).all(2).tolist() == [[False, True]]


def test_the_scale_of_logits_can_be_given() -> None:
    query, key, value = (random(1, 1, 4, 16, seed=n) for n in range(3))
    assert torch.equal(run(query, key, value, 2, scale=0.25), run(query, key, value, 2))
    assert not torch.equal(run(query, key, value, 2, scale=0.5), run(query, key, value, 2))


def test_heads_too_wide_for_32_bits_are_refused() -> None:
    x = torch.zeros(1, 1, 1, 1009)
    with pytest.raises(UnsupportedFeatureError, match="width 1009"):
        run(x, x, x, 2)


def test_the_widest_heads_with_extreme_digits_do_not_overflow() -> None:
    query = torch.ones(1, 1, 1, 1008)
    key = torch.stack([torch.ones(1008), -torch.ones(1008)])[None, None]
    value = torch.tensor([[[[1.0], [-1.0]]]])
    assert run(query, key, value, 2, scale=1.0).item() == 1.0
