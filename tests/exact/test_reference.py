"""The second implementation of spec/exact.md is near binary64: right, not only consistent.

Bounds follow from the grids: half a step for each rounded operand, and a few units of binary32.
"""

from __future__ import annotations

import hashlib
import math
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tools.conformance.reference import elementary, exact, grids
from tools.conformance.reference.grids import Array
from tools.conformance.vectors.exact.tensors import DIGITS, bits, even, tensor, wide, words
from tools.conformance.vectors.maker import ROOT

EPSILON = 2.0**-23


# Rounding


def test_numpy_rounds_once_and_to_even() -> None:
    numbers = words(300, 400)
    for shift in (0, 8, 20, 29):
        for integer in ((numbers << shift) + (numbers >> 3)).tolist():
            assert float(grids.rn(integer)) == elementary.round32(Fraction(integer))
    for number in (numbers / 3.0 * 2.0**-170).tolist():  # subnormal in binary32
        assert float(grids.rn(number)) == elementary.round32(Fraction(number))
    assert np.rint(np.float32([0.5, 1.5, 2.5, -0.5, -1.5])).tolist() == [0, 2, 2, 0, -2]


def test_the_largest_numbers_round_to_infinity_only_beyond_half_a_step() -> None:
    half = Fraction(2) ** 128 - Fraction(2) ** 103
    assert elementary.round32(half) == math.inf
    assert elementary.round32(half - 1) == 2.0**128 - 2.0**104
    assert elementary.round32(-half) == -math.inf
    assert elementary.round32(Fraction(1, 2**150)) == 0
    assert elementary.round32(Fraction(3, 2**151)) == 2.0**-149


# Tables


def test_the_tables_are_as_specified(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert grids.main([str(grids.TABLES)]) == 0
    assert capsys.readouterr().out.count("as specified") == 3
    assert grids.main([str(tmp_path)]) == 1
    assert grids.main([]) == 2


def test_a_damaged_table_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "exp.bin").write_bytes(bytes(32768))
    monkeypatch.setattr(grids, "TABLES", tmp_path)
    with pytest.raises(ValueError, match="SHA-256"):
        grids.table("exp.bin")


def test_exponentials_are_the_nearest_integers() -> None:
    """(t - 1/2) < 16256 * 2^(-u / 1024) < (t + 1/2), in integers, by the 1024th power."""
    entries = grids.table("exp.bin")
    assert len(entries) == 16384
    whole = (2 * 16256) ** 1024
    for u in (*range(0, 16384, 61), 15348, 15349, 16383):
        t = int(entries[u])
        assert max(0, 2 * t - 1) ** 1024 << u < whole < (2 * t + 1) ** 1024 << u


def test_sigmoid_and_gaussian_are_the_nearest_integers() -> None:
    x = np.arange(32769) / 2048
    sigmoid, gaussian = grids.table("sigmoid.bin"), grids.table("gaussian.bin")
    phi = np.array([math.erfc(-v / math.sqrt(2)) / 2 for v in x.tolist()])
    assert np.abs(sigmoid - 2**24 / (1 + np.exp(-x))).max() <= 0.5 + 1e-6
    assert np.abs(gaussian - 2**24 * phi).max() <= 0.5 + 1e-6


# Grids and weights


@pytest.mark.parametrize("exponent", [-50, -3, 0, 7, 120])
def test_a_grid_is_within_half_a_step(exponent: int) -> None:
    x = tensor(wide(301, [40, 17], exponent))
    amax = np.abs(x).max(1, keepdims=True).astype(np.float64)
    for digits, steps in ((1, 127), (2, 8192)):
        grid = grids.quantise(x, (1,), digits)
        error = np.abs(grid.q * grid.scale.astype(np.float64) - x)
        assert (grid.scale <= amax / steps * (1 + EPSILON)).all()
        assert (error <= 0.501 * grid.scale).all()


def test_digits_are_bytes_that_add_up() -> None:
    q = np.arange(-16384, 16385)
    h, low = grids.split(q)
    assert (256 * h + low == q).all()
    assert (h.min(), h.max(), low.min(), low.max()) == (-64, 64, -128, 127)


@pytest.mark.parametrize("digits", [1, 2])
def test_weights_are_within_half_a_step(digits: int) -> None:
    w = tensor(wide(302, [9, 3, 5], -4))
    weight = grids.quantise_weight(w, digits)
    scale = weight.scale.astype(np.float64)[:, None, None]
    assert (np.abs(weight.q * scale - w) <= 0.501 * scale).all()
    assert np.abs(weight.q).reshape(9, -1).max(1).tolist() == [127 if digits == 1 else 16383] * 9


# Products


def products(x: Array, w: Array, profile: str) -> tuple[Array, Array]:
    """Rows times channels in binary64, and a bound of what the grids may add to it."""
    weight_digits, digits = DIGITS[profile]
    grid = grids.quantise(x, (-1,), digits)
    weight = grids.quantise_weight(w, weight_digits)
    x64, w64 = x.astype(np.float64), w.astype(np.float64)
    half_x, half_w = 0.501 * grid.scale.astype(np.float64), 0.501 * weight.scale.astype(np.float64)
    ones = np.ones(x.shape[-1])
    bound = half_x * np.abs(w64).sum(1) + half_w * np.abs(x64).sum(-1, keepdims=True)
    bound += half_x * half_w * ones.sum() + 8 * EPSILON * (np.abs(x64) @ np.abs(w64).T)
    return x64 @ w64.T, bound


@pytest.mark.parametrize("profile", DIGITS)
@pytest.mark.parametrize("terms", [1, 30, 2000])
def test_linear_is_near_its_reference(profile: str, terms: int) -> None:
    x, w = tensor(wide(303, [5, terms], 3)), tensor(wide(304, [7, terms], -2))
    bias = tensor(even(305, [7]))
    weight_digits, digits = DIGITS[profile]
    weight = grids.quantise_weight(w, weight_digits)
    reference, bound = products(x, w, profile)
    found = exact.linear(x, weight, bias, digits)
    assert found.dtype == np.float32
    assert (np.abs(found - (reference + bias)) <= bound + EPSILON * 2).all()


@pytest.mark.parametrize("profile", DIGITS)
def test_convolution_is_near_its_reference(profile: str) -> None:
    """Sums over pixels one by one: padding by bounds, not by zeros around the picture."""
    x, w = tensor(even(306, [2, 3, 6, 5], 2)), tensor(even(307, [4, 3, 3, 2]))
    bias = tensor(even(308, [4]))
    weight_digits, digits = DIGITS[profile]
    weight = grids.quantise_weight(w, weight_digits)
    how = {"stride": (2, 1), "padding": (2, 1), "dilation": (2, 3)}
    found = exact.conv2d(x, weight, bias, digits, **how)
    assert found.shape == (2, 4, 3, 4)
    relative = {"w8a8": 2e-2, "w8a15": 1e-2, "w15a15": 2e-4}[profile]
    for n, o, y, z in np.ndindex(found.shape):
        total, size = float(bias[o]), 0.0
        for c, i, j in np.ndindex(3, 3, 2):
            row, column = 2 * y - 2 + 2 * i, z - 1 + 3 * j
            if 0 <= row < 6 and 0 <= column < 5:
                total += float(x[n, c, row, column]) * float(w[o, c, i, j])
                size += 4 * abs(float(w[o, c, i, j])) + abs(float(x[n, c, row, column]))
        assert abs(found[n, o, y, z] - total) <= relative * (size + 1)


# Attention


def softmax_attention(q: Array, k: Array, v: Array, allowed: Array, scale: float) -> Array:
    logits = np.where(allowed, q.astype(np.float64) @ k.swapaxes(2, 3) * scale, -np.inf)
    e = np.exp(logits - logits.max(3, keepdims=True))
    return e / e.sum(3, keepdims=True) @ v


@pytest.mark.parametrize(("digits", "tolerance"), [(2, 1e-3), (1, 4e-2)])
@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_near_softmax(digits: int, tolerance: float, causal: bool) -> None:
    q, k = tensor(even(309, [2, 3, 9, 16], 1)), tensor(even(310, [2, 3, 11, 16], 1))
    v = tensor(even(311, [2, 3, 11, 5]))
    allowed = np.tril(np.ones((9, 11), bool)) if causal else np.ones((9, 11), bool)
    found = exact.attention(q, k, v, digits, causal=causal)
    reference = softmax_attention(q, k, v, allowed, 16**-0.5)
    assert found.shape == (2, 3, 9, 5)
    assert np.abs(found - reference).max() <= tolerance


def test_masks_of_either_kind_drop_the_same_keys() -> None:
    q, k, v = (tensor(even(312 + i, [1, 2, 4, 8])) for i in range(3))
    allowed = np.array([[1, 1, 0, 1], [0, 1, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1]], bool)
    added = np.where(allowed, 0.0, -np.inf)
    found = exact.attention(q, k, v, 2, mask=allowed, scale=1.5)
    assert (found == exact.attention(q, k, v, 2, mask=added, scale=1.5)).all()
    assert np.abs(found - softmax_attention(q, k, v, allowed, 1.5)).max() <= 1e-3


def test_a_flat_row_of_many_keys_keeps_its_mean() -> None:
    v = tensor(even(315, [1, 1, 5000, 1]))
    zeros = np.zeros((1, 1, 1, 4), np.float32)
    for digits, tolerance in ((2, 1e-5), (1, 1e-3)):
        found = exact.attention(zeros, np.zeros((1, 1, 5000, 4), np.float32), v, digits)
        assert abs(float(found[0, 0, 0, 0]) - v.astype(np.float64).mean()) <= tolerance


# Norms


def standardised(x: Array, eps: float) -> Array:
    x = x.astype(np.float64)
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)


@pytest.mark.parametrize("exponent", [-8, 0, 10, 90])
def test_norms_are_near_their_reference(exponent: int) -> None:
    x = tensor(even(316, [3, 8, 5, 7], exponent)) + np.float32(2.0 ** (exponent - 1))
    gamma, beta = tensor(even(317, [8])), tensor(even(318, [8]))
    found = exact.group_norm(x, 4, gamma, beta, 1e-5)
    reference = standardised(x.reshape(3, 4, 70), 1e-5).reshape(x.shape)
    reference = reference * gamma[:, None, None] + beta[:, None, None]
    assert np.abs(found - reference).max() <= 1e-3
    gamma, beta = tensor(even(319, [7])), tensor(even(320, [7]))
    found = exact.layer_norm(x, gamma, beta, 1e-6)
    assert np.abs(found - (standardised(x, 1e-6) * gamma + beta)).max() <= 2e-3


def test_blocks_far_smaller_than_epsilon_stay_small() -> None:
    x = tensor(even(321, [1, 4, 4, 4], -30))
    assert np.abs(exact.group_norm(x, 2, None, None, 1e-5)).max() < 1e-6


# Functions


def test_activations_are_within_a_table_step() -> None:
    x = tensor(even(322, [2000], 5))
    x64 = x.astype(np.float64)
    sigma = 1 / (1 + np.exp(-x64))
    phi = np.array([math.erfc(-v / math.sqrt(2)) / 2 for v in x64.tolist()])
    # Half a step of the argument times the steepest slope, and the table's own rounding and ends.
    sigma_bound, phi_bound = 2.0**-14 + 2.0**-23, 2.0**-12 * 0.4 + 2.0**-24
    assert np.abs(exact.sigmoid(x) - sigma).max() <= sigma_bound
    assert np.abs(exact.tanh(x) - np.tanh(x64)).max() <= 2 * sigma_bound
    slack = np.abs(x64) * 2.0**-22
    assert (np.abs(exact.silu(x) - x64 * sigma) <= np.abs(x64) * sigma_bound + slack).all()
    assert (np.abs(exact.gelu(x) - x64 * phi) <= np.abs(x64) * phi_bound + slack).all()
    quick = x64 / (1 + np.exp(-1.702 * x64))
    assert (np.abs(exact.quick_gelu(x) - quick) <= np.abs(x64) * sigma_bound + slack).all()


@pytest.mark.parametrize("name", ["exp", "sin", "cos"])
def test_elementary_functions_round_a_binary64_value(name: str) -> None:
    """Libraries' binary64 functions are good to a few units: no argument here is so near a tie."""
    x = np.concatenate([tensor(even(323, [400], 6)), tensor(wide(324, [400], 4))])
    reference = getattr(np, name)(x.astype(np.float64)).astype(np.float32)
    assert (getattr(exact, name)(x) == reference).all()


def test_half_pi_is_enclosed() -> None:
    low, high = elementary.half_pi(200)
    assert low < high < low + Fraction(1, 2**180)
    assert float(low) == float(high) == math.pi / 2


def test_timesteps_are_embedded_as_sines_and_cosines() -> None:
    found = exact.timestep_embedding(np.float32([0, 7, 999]), 9, 0.0, True)
    angles = np.array([0, 7, 999])[:, None] * 10000.0 ** (-np.arange(4) / 4)
    assert np.abs(found[:, :4] - np.cos(angles)).max() <= 1e-4
    assert np.abs(found[:, 4:8] - np.sin(angles)).max() <= 1e-4
    assert (found[:, 8] == 0).all()


def test_pixels_are_clamped_and_upsampling_copies() -> None:
    y = np.float32([-2, -1, 0, 1, 2])
    assert exact.to_uint8(y).tolist() == [0, 0, 128, 255, 255]
    picture = np.float32([[[[1, 2], [3, 4]]]])
    assert exact.upsample(picture, (1, 2)).tolist() == [[[[1, 1, 2, 2], [3, 3, 4, 4]]]]


def test_the_digest_of_one_parameter_of_each_kind() -> None:
    weight = grids.quantise_weight(np.float32([[127, -2]]), 1)
    found = exact.weights_digest([("unet", {"b": np.float32([1.5]), "a.weight": weight})])
    parts = (
        b"q" + struct.pack("<3I2hf", 2, 1, 2, 127, -2, 1.0),
        b"f" + struct.pack("<2If", 1, 1, 1.5),
    )
    digests = sorted(hashlib.sha256(part).digest() for part in parts)
    assert found == hashlib.sha256(b"unet\0" + b"".join(digests)).digest()


# The examples of the page


def hexadecimal(array: Array) -> list[str]:
    text = bits(array)["bits"]
    return [text[i : i + 8] for i in range(0, len(text), 8)]


def test_the_examples_of_grids_weights_and_linear_layers() -> None:
    x, w = np.float32([[0.75, -0.3, 0.1]]), np.float32([[0.5, -1, 0.25]])
    fifteen, eight = grids.quantise(x, (1,), 2), grids.quantise(x, (1,), 1)
    assert fifteen.q.tolist() == [[12288, -4915, 1638]]
    assert fifteen.scale.item() == 2.0**-14
    assert [d.tolist() for d in grids.split(fifteen.q)] == [[[48, -19, 6]], [[0, -51, 102]]]
    assert eight.q.tolist() == [[127, -51, 17]]
    assert hexadecimal(eight.scale) == ["3bc18306"]
    top = grids.quantise(np.float32([[0.99999994]]), (1,), 2)
    assert (top.q.item(), top.scale.item()) == (16384, 2.0**-14)
    one, two = grids.quantise_weight(w, 1), grids.quantise_weight(w, 2)
    assert (one.q.tolist(), hexadecimal(one.scale)) == ([[64, -127, 32]], ["3c010204"])
    assert (two.q.tolist(), hexadecimal(two.scale)) == ([[8192, -16383, 4096]], ["38800200"])
    bias = np.float32([0.01])
    for weight, digits, expected in (
        (one, 1, "3f36e4e0"),
        (one, 2, "3f368fc5"),
        (two, 2, "3f35c2f6"),
    ):
        assert hexadecimal(exact.linear(x, weight, bias, digits)) == [expected]


def test_the_example_of_attention() -> None:
    query = np.float32([[[[1.0]]]])
    key, value = np.float32([[[[1.0], [-1.0]]]]), np.float32([[[[1.0], [0.5]]]])
    assert grids.table("exp.bin")[[0, 2955]].tolist() == [16256, 2199]
    assert hexadecimal(exact.attention(query, key, value, 2)) == ["3f70bf8a"]
    assert hexadecimal(exact.attention(query, key, value, 1)) == ["3f710204"]


def test_the_example_of_norms() -> None:
    x = np.float32([[[1, 2, 4]]])
    mu, rstd = exact.statistics(x, (2,), 1e-5)
    assert [round(v.item(), 7) for v in (mu, rstd)] == [2.3333333, 0.8017812]
    y = exact.group_norm(x, 1, None, None, 1e-5)
    assert np.abs(y - [-1.0690415, -0.2672603, 1.3363020]).max() < 1e-7


def test_the_pages_constants_and_digests_are_those_used() -> None:
    page = (ROOT / "spec" / "exact.md").read_text("utf-8")
    assert all(digest in page for digest in grids.DIGESTS.values())
    assert hexadecimal(np.float32([1.702, -math.log(10000)])) == ["3fd9db23", "c1135d8e"]
    assert repr(exact.LOG2E_1024) in page
    assert "3fd9db23" in page and "c1135d8e" in page
