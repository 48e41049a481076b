"""Probabilities in torch are numpy's, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.errors import HeaderError
from ddcodec.labels import softmax
from ddcodec.labels.softmax import probabilities as by_numpy
from ddcodec.labels.softmax import torch_probabilities

TEMPERATURES = st.sampled_from([(1, 64), (1, 1), (4, 1), (7, 3), (1024, 1)])


@given(st.integers(1, 40), st.integers(1, 200), st.sampled_from([4, 10, 15]), TEMPERATURES)
def test_they_are_bit_identical(
    rows: int, classes: int, bits: int, temperature: tuple[int, int]
) -> None:
    rng = np.random.default_rng(rows * classes + bits)
    z = rng.integers(-(1 << bits), 1 << bits, (rows, classes)).astype(np.int16)
    found = torch_probabilities(torch.from_numpy(z), temperature)
    assert found.dtype == torch.float32
    assert found.numpy().tobytes() == by_numpy(z, temperature).tobytes()


def test_the_largest_differences_and_many_classes() -> None:
    z = np.full((3, 5000), -0x8000, np.int16)
    z[0, 7], z[1], z[2, :2] = 0x7FFF, 0x7FFF, (5, 6)
    for temperature in ((1, 64), (1024, 1)):
        found = torch_probabilities(torch.from_numpy(z), temperature).numpy()
        assert found.tobytes() == by_numpy(z, temperature).tobytes()
        assert found.sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_no_label_depends_on_how_many_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    z = torch.from_numpy(np.random.default_rng(0).integers(-999, 999, (50, 9)).astype(np.int16))
    whole = torch_probabilities(z, (4, 1))
    monkeypatch.setattr(softmax, "_CHUNK", 20)
    assert torch_probabilities(z, (4, 1)).numpy().tobytes() == whole.numpy().tobytes()
    assert torch_probabilities(z[:0], (4, 1)).shape == (0, 9)


def test_devices_without_binary64_leave_it_to_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    z = torch.tensor([[3, -700, 12]], dtype=torch.int16)
    wanted = torch_probabilities(z, (4, 1))
    monkeypatch.setattr(softmax, "_WITHOUT_FLOAT64", ("cpu",))
    assert torch_probabilities(z, (4, 1)).equal(wanted)


def test_temperatures_out_of_range_are_refused() -> None:
    with pytest.raises(HeaderError, match="temperature"):
        torch_probabilities(torch.zeros(1, 2, dtype=torch.int16), (1, 65))
