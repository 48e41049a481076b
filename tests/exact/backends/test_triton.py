"""The kernel for GPUs, run by Triton's interpreter on this CPU: the same bits as the reference.

Triton decides when it is imported whether kernels are compiled or interpreted, so every test is a
process of its own: this file as a script, with the name of the check.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ddcodec.exact.backends import Geometry, triton_cuda
from ddcodec.exact.backends.chunked import Float64
from ddcodec.exact.backends.known_answers import fault
from ddcodec.exact.backends.triton_cuda import Triton
from ddcodec.exact.network import ExactNetwork
from ddcodec.recipe.profiles import EXACT

ROOT = Path(__file__).resolve().parents[3]
CPU = torch.device("cpu")
DIGITS = ((1, 1), (2, 1), (2, 2))  # of activations and weights


def integers(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-128, 128, shape, dtype=torch.int8, generator=generator)


def numbers(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def known_answers() -> None:
    triton_cuda._DEPTH = 512  # fewer, longer steps: the interpreter's time goes by their number
    assert fault(Triton(CPU)) is None


def linear_layers() -> None:
    for m, k, n in ((1, 3, 2), (129, 70, 37), (40, 200, 130)):
        scale, of_rows, bias = numbers(n, seed=1), numbers(m, 1, seed=2), numbers(n, seed=3)
        for i, j in DIGITS:
            a, w = integers(i, m, k, seed=m), integers(j, n, k, seed=n)
            found, real = (b.scaled_linear(w, scale) for b in (Triton(CPU), Float64(CPU)))
            assert torch.equal(found(a, of_rows, bias), real(a, of_rows, bias))
            assert torch.equal(Triton(CPU).linear(w)(a), Float64(CPU).linear(w)(a))


def convolutions() -> None:
    cases = (
        (Geometry(padding=(1, 1)), (3, 3), 5, 70),
        (Geometry(stride=(2, 2), padding=(1, 1)), (3, 3), 18, 4),
        (Geometry(stride=(2, 1), padding=(0, 2), dilation=(1, 2)), (2, 3), 20, 33),
        (Geometry(), (1, 1), 130, 66),
    )
    for geometry, window, out, channels in cases:
        scale, samples, bias = numbers(out, seed=1), numbers(3, 1, seed=2), numbers(out, seed=3)
        for i, j in DIGITS:
            # Channels last, as layers leave them.
            a = integers(i, 3, 7, 10, channels, seed=out).permute(0, 1, 4, 2, 3)
            w = integers(j, out, channels, *window, seed=channels)
            found, real = (
                b.scaled_convolution(w, scale, geometry) for b in (Triton(CPU), Float64(CPU))
            )
            assert torch.equal(found(a, samples, bias), real(a, samples, bias))


def batched_products() -> None:
    a, b = integers(3, 21, 80, seed=1), integers(3, 80, 19, seed=2)
    for right in (b, b.transpose(1, 2).contiguous().transpose(1, 2)):
        found = Triton(CPU).products(a[..., :40], right[:, :40])
        assert found.dtype == torch.int32
        assert torch.equal(found.long(), a[..., :40].long() @ right[:, :40].long())


class Block(nn.Module):
    """Of a U-Net: a residual block that halves the picture, and a transformer."""

    def __init__(self) -> None:
        super().__init__()
        from diffusers.models.attention import BasicTransformerBlock
        from diffusers.models.resnet import ResnetBlock2D

        options = {"temb_channels": 8, "groups": 4}
        self.residual = ResnetBlock2D(in_channels=12, out_channels=16, **options)
        self.down = nn.Conv2d(16, 16, 3, 2, 1)
        self.attention = BasicTransformerBlock(16, 2, 8, cross_attention_dim=10)

    def forward(self, x: Tensor, embedding: Tensor, text: Tensor) -> Tensor:
        rows = self.down(self.residual(x, embedding)).flatten(2).transpose(1, 2)
        result: Tensor = self.attention(rows, encoder_hidden_states=text)
        return result


def network() -> None:
    torch.manual_seed(0)
    block = Block().eval().requires_grad_(False)
    inputs = numbers(2, 12, 8, 6, seed=1), numbers(2, 8, seed=2), numbers(2, 5, 10, seed=3)
    for profile in EXACT.values():
        found, real = (
            ExactNetwork(block, profile, b)(*inputs) for b in (Triton(CPU), Float64(CPU))
        )
        assert torch.isfinite(real).all()
        assert torch.equal(found, real)


CHECKS = {f.__name__: f for f in (known_answers, linear_layers, convolutions, batched_products)}
CHECKS["network"] = network


@pytest.mark.skipif(find_spec("triton") is None, reason="triton is not installed (extra 'gpu')")
@pytest.mark.parametrize("check", CHECKS)
def test_the_interpreted_kernel_has_the_bits_of_the_reference(check: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.exact.backends.test_triton", check],
        cwd=ROOT,
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    torch.set_num_threads(1)
    CHECKS[sys.argv[1]]()
