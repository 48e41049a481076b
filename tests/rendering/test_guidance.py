"""Classifier-free guidance: three roundings, one call or two."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ddcodec.errors import DecodeError
from ddcodec.prior.conditioning import Conditioning
from ddcodec.rendering.guidance import check_guidance, guided, is_guided

CONDITIONED = Conditioning(torch.full((2, 1, 1), 0.1))
EMPTY = Conditioning(torch.full((1, 1, 1), 0.7))
X = torch.tensor([1.0, 3.0]).view(2, 1, 1, 1)


def engine(batch: int) -> Any:
    """Its output is the input times the prompt's number; it counts the samples of each call."""
    calls: list[int] = []

    def predict(x: Tensor, t: float, prompts: Conditioning, ids: tuple[int, ...]) -> Tensor:
        calls.append(len(x))
        return x * prompts.hidden[..., None]

    return SimpleNamespace(batch=batch, predict=predict, calls=calls, device=torch.device("cpu"))


@pytest.mark.parametrize(("batch", "calls"), [(0, [4]), (2, [2, 2])])
def test_guidance_is_three_roundings(batch: int, calls: list[int]) -> None:
    made = engine(batch)
    found = guided(made, CONDITIONED, EMPTY, (5, 2))(X, 0.0)
    x, c, u = X.numpy(), np.float32(0.1), np.float32(0.7)
    assert np.array_equal(found.numpy(), u * x + np.float32(2.5) * (c * x - u * x))
    assert made.calls == calls


def test_without_an_empty_prompt_nothing_is_guided() -> None:
    made = engine(0)
    found = guided(made, CONDITIONED, None, (5, 2))(X, 0.0)
    assert torch.equal(found, X * CONDITIONED.hidden[..., None])
    assert made.calls == [2]


def test_the_empty_prompt_is_needed_above_one_only() -> None:
    assert check_guidance((1, 1), EMPTY) is None
    assert check_guidance((5, 2), EMPTY) is EMPTY
    with pytest.raises(DecodeError, match="unconditioned prompt"):
        check_guidance((5, 2), None)


@pytest.mark.parametrize(("guidance", "needed"), [((5, 2), True), ((1, 1), False), ((0, 1), False)])
def test_the_unconditioned_prompt_is_encoded_only_where_it_is_used(
    guidance: tuple[int, int], needed: bool
) -> None:
    assert is_guided(guidance) is needed
