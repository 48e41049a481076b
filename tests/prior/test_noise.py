from __future__ import annotations

import numpy as np
import pytest
import torch

from ddcodec.errors import EncodeError
from ddcodec.prior.noise import initial_latents, step_noise
from ddcodec.randomness import normals

SEEDS = np.array([3, 2**64 - 1, 7], np.uint64)
SHAPE = (4, 6, 8)


def test_latents_are_the_first_stream_in_c_order() -> None:
    latents = initial_latents(SEEDS, SHAPE)
    assert latents.shape == (3, 4, 6, 8)
    assert latents.dtype == torch.float32
    flat = normals(SEEDS[1:2], 0, 4 * 6 * 8)[0]
    assert latents[1, 2, 3, 4] == flat[(2 * 6 + 3) * 8 + 4]


def test_each_step_has_its_own_stream() -> None:
    draws = [initial_latents(SEEDS, SHAPE), *(step_noise(SEEDS, s, SHAPE) for s in (1, 2))]
    assert np.array_equal(draws[2].flatten(1).numpy(), normals(SEEDS, 2, 192))
    assert not torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[1], draws[2])


def test_an_images_noise_does_not_depend_on_the_others() -> None:
    assert torch.equal(step_noise(SEEDS, 5, SHAPE)[2:], step_noise(SEEDS[2:], 5, SHAPE))


def test_step_zero_is_refused() -> None:
    with pytest.raises(EncodeError, match="count from 1"):
        step_noise(SEEDS, 0, SHAPE)
