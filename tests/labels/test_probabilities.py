"""Probabilities by integers alone: those of the second implementation, and a softmax."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ddcodec.arrays import Int16s
from ddcodec.labels.softmax import probabilities, weights
from tools.conformance.reference import probabilities as reference


@pytest.mark.parametrize(("numerator", "denominator"), [(1, 1), (4, 1), (1, 64), (1024, 1), (7, 3)])
def test_weights_are_the_exponential_rounded_half_up(numerator: int, denominator: int) -> None:
    table = weights(numerator, denominator)
    with localcontext() as context:
        context.prec = 40
        for d in (0, 1, 2, 63, 64, 1000, 1376, 20000, 65535):
            exact = (Decimal(-d * denominator) / (64 * numerator)).exp() * (1 << 30)
            assert abs(int(table[d]) - exact) <= Decimal("0.5")
    assert not table.flags.writeable


@given(
    hnp.arrays(np.int16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)),
    st.sampled_from([(1, 1), (4, 1), (20, 1), (3, 2), (1, 64)]),
)
def test_probabilities_agree_bit_by_bit_with_plain_python(
    logits: Int16s, temperature: tuple[int, int]
) -> None:
    ours = probabilities(logits, temperature)
    assert ours.dtype == np.float32
    theirs = [reference.probabilities(row, temperature) for row in logits.tolist()]
    np.testing.assert_array_equal(ours, np.array(theirs, np.float32))


def test_probabilities_are_a_softmax_whatever_the_shape() -> None:
    logits = np.random.default_rng(0).integers(-500, 0, (3, 2, 4, 10)).astype(np.int16)
    found = probabilities(logits, (4, 1))
    exponentials = np.exp(logits / 256.0)
    expected = exponentials / exponentials.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(found[1, 1], probabilities(logits[1, 1], (4, 1)))


def test_many_rows_give_what_one_row_gives() -> None:
    rng = np.random.default_rng(0)
    logits = rng.integers(-3000, 0, (12000, 100)).astype(np.int16)
    found = probabilities(logits, (2, 1))
    np.testing.assert_array_equal(found[::1999], probabilities(logits[::1999], (2, 1)))
