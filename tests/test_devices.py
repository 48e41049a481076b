from __future__ import annotations

from importlib.metadata import version

import pytest
import torch

from ddcodec.devices import computed_with, computing_threads, resolve_device
from ddcodec.errors import RequestError


def test_auto_is_what_this_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "xla"])
def test_a_device_that_is_not_there_is_a_sentence(name: str) -> None:
    with pytest.raises(
        RequestError, match=f"device '{name}' cannot be used here .*: use device='cpu'"
    ):
        resolve_device(name)


def test_what_numbers_follow_from_is_the_processor_and_the_libraries() -> None:
    found = computed_with("cpu")
    assert found["device"] == "cpu" and found["torch"] == version("torch")
    assert found["processor"] == torch.backends.cpu.get_cpu_capability()
    assert {"numpy", "pillow", "scikit-learn", "scipy", "diffusers", "transformers"} < set(found)


def test_a_block_computes_with_its_own_number_of_threads() -> None:
    before = torch.get_num_threads()
    with computing_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        with computing_threads(None):
            assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
