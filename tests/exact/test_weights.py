"""Integer weights: one scale an output channel, derived in binary64, digested."""

from __future__ import annotations

import hashlib
import struct
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ddcodec.errors import ModelMismatchError
from ddcodec.exact.weights import digest_weights, integer_weights, quantise_weight
from ddcodec.recipe.profiles import EXACT

CHANNEL = st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=9)


@given(CHANNEL, st.sampled_from([(1, 127), (2, 16383)]))
def test_weights_are_the_nearest_multiples_of_their_scale(
    channel: list[float], digits_top: tuple[int, int]
) -> None:
    digits, top = digits_top
    integer = quantise_weight(torch.tensor([channel]), digits)
    amax = max(map(abs, channel))
    if amax < 2.0**-100:
        assert not integer.values.any()
        assert integer.scale.item() == 1
        return
    scale = torch.tensor(amax / top, dtype=torch.float64).float().item()
    assert integer.scale.item() == scale
    quotients = [Fraction(w / scale) for w in channel]
    assert integer.values[0].tolist() == [max(-top, min(top, round(q))) for q in quotients]


def test_digits_make_up_15_bit_weights() -> None:
    integer = quantise_weight(
        torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0)), 2
    )
    high, low = integer.digits().int()
    assert torch.equal(256 * high + low, integer.values.int())
    assert integer.digits().shape == (2, 4, 3, 3, 3)


def test_a_weight_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ModelMismatchError, match="not finite"):
        quantise_weight(torch.tensor([[1.0, float("nan")]]), 1)


def test_linear_layers_and_convolutions_become_integers() -> None:
    module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.GroupNorm(1, 3), nn.Linear(4, 5))
    assert sorted(integer_weights(module, EXACT["w8a8"])) == ["0.weight", "2.weight"]


def test_the_digest_covers_shapes_integers_scales_and_the_rest() -> None:
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.5, -1.0]]))
        layer.bias.fill_(0.25)
    weights = integer_weights(layer, EXACT["w8a15"])
    scale = weights["weight"].scale.item()
    parts = [
        b"f" + struct.pack("<2I", 1, 1) + struct.pack("<f", 0.25),
        b"q" + struct.pack("<3I", 2, 1, 2) + struct.pack("<2hf", 64, -127, scale),
    ]
    sorted_parts = sorted(hashlib.sha256(part).digest() for part in parts)
    expected = hashlib.sha256(b"unet\0" + b"".join(sorted_parts)).digest()
    assert digest_weights("unet", layer, weights).digest() == expected


def test_any_change_changes_the_digest() -> None:
    torch.manual_seed(3)
    module = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3))
    digests = set()
    for parameter in (None, *module.parameters()):
        if parameter is not None:
            with torch.no_grad():
                parameter.view(-1)[0] += 0.5
        weights = integer_weights(module, EXACT["w8a8"])
        digests.add(digest_weights("vae", module, weights).digest())
    assert len(digests) == 5
