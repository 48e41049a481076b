"""Back ends: the same integers, or not used."""

from __future__ import annotations

import logging
import os
import platform

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ddcodec.errors import DecodeError, RequestError
from ddcodec.exact import backends
from ddcodec.exact.backends import Backend, choose_backend
from ddcodec.exact.backends.base import Scaled
from ddcodec.exact.backends.chunked import Float32, Float64
from ddcodec.exact.backends.int8_cuda import Int8Cuda
from ddcodec.exact.backends.known_answers import elementwise_fault, fault
from tests.exact.here import HERE

CPU = torch.device("cpu")
ALL = pytest.mark.parametrize("name", HERE)
BYTES = st.integers(-128, 127)


def test_the_reference_back_ends_are_exact_everywhere() -> None:
    assert {"float32", "float64"} <= set(HERE)


@pytest.mark.skipif(
    "ONEDNN_MAX_CPU_ISA" in os.environ or not torch.cpu._is_vnni_supported(),
    reason="8-bit sums are exact with VNNI",
)
def test_with_vnni_the_fast_back_end_is_exact() -> None:
    assert "int8" in HERE


@ALL
@given(data=st.data())
@settings(max_examples=25)
def test_products_are_exact(name: str, data: st.DataObject) -> None:
    m, k, n = (data.draw(st.integers(1, 12)) for _ in range(3))
    a = data.draw(st.lists(BYTES, min_size=m * k, max_size=m * k))
    b = data.draw(st.lists(BYTES, min_size=k * n, max_size=k * n))
    left = torch.tensor(a, dtype=torch.int8).view(m, k)
    right = torch.tensor(b, dtype=torch.int8).view(n, k).t()
    found = choose_backend("cpu", name).product(left, right)
    assert found.dtype == torch.int32
    assert torch.equal(found.long(), left.long() @ right.long())


@ALL
def test_the_longest_sums_of_the_largest_products_are_exact(name: str) -> None:
    a = torch.full((2, backends.MAX_TERMS), -128, dtype=torch.int8)
    found = choose_backend("cpu", name).product(a, a[:1].t())
    assert found.tolist() == [[2**30], [2**30]]


@ALL
def test_batched_products_are_exact_however_they_lie(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    for k in (16, 1500):
        a = torch.randint(-128, 128, (3, 5, k), dtype=torch.int8, generator=generator)
        b = torch.randint(-128, 128, (3, 7, k), dtype=torch.int8, generator=generator)
        expected = a.long() @ b.long().transpose(1, 2)
        backend = choose_backend("cpu", name)
        for right in (b.transpose(1, 2), b.transpose(1, 2).contiguous()):
            assert torch.equal(backend.products(a, right).long(), expected)
            assert torch.equal(backend.products(a[:1], right[:1]).long(), expected[:1])


class Saturating(Float64):
    """What 8-bit instructions without VNNI do: pairs of products saturate at 16 bits."""

    def product(self, a: Tensor, b: Tensor) -> Tensor:
        pairs = (a.int()[:, :, None] * b.int()[None]).transpose(1, 2)
        if pairs.shape[2] % 2:
            pairs = torch.nn.functional.pad(pairs, (0, 1))
        two = pairs.unflatten(2, (-1, 2)).sum(3)
        return two.clamp(-(2**15), 2**15 - 1).sum(2).to(torch.int32)


class Rounding(Float32):
    """A matrix unit that keeps too few bits."""

    terms = 1 << 16

    def product(self, a: Tensor, b: Tensor) -> Tensor:
        return (a.half().float() @ b.float()).half().to(torch.int32)


class Fusing(Float64):
    """A compiler that fuses multiplications and additions: one rounding in place of two."""

    def scaled_linear(self, weight: Tensor, scale: Tensor) -> Scaled:
        multiply = self.linear(weight)

        def apply(digits: Tensor, of_rows: Tensor, bias: Tensor | None) -> Tensor:
            product = multiply(digits).mul(scale).double() * of_rows.double()
            return (product if bias is None else product + bias.double()).float()

        return apply


class Flushing(Float64):
    """A processor that takes subnormal numbers for zeros."""

    def scaled_linear(self, weight: Tensor, scale: Tensor) -> Scaled:
        exact = super().scaled_linear(weight, scale)

        def apply(digits: Tensor, of_rows: Tensor, bias: Tensor | None) -> Tensor:
            y = exact(digits, of_rows, bias)
            return y.where(y.abs() >= 2.0**-126, 0.0)

        return apply


class Missing(Float32):
    def product(self, a: Tensor, b: Tensor) -> Tensor:
        raise NotImplementedError("no kernel for this device\nand more")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (Saturating, "a matrix product gave wrong results"),
        (Rounding, "a matrix product gave wrong results"),
        (Fusing, "a scaled layer gave wrong results"),
        (Flushing, "a scaled layer gave wrong results"),
        (Missing, "cannot run here"),
    ],
)
def test_known_answers_find_what_is_wrong(broken: type[Backend], said: str) -> None:
    assert said in (fault(broken(CPU)) or "nothing")


def test_known_answers_pass_where_sums_are_exact() -> None:
    assert fault(Float32(CPU)) is None
    assert fault(Float64(CPU)) is None
    assert elementwise_fault(CPU) is None


def test_padding_for_tensor_cores_changes_no_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CUDA back end's shapes, on a stand-in that is as strict as cuBLASLt."""

    def strict(a: Tensor, b: Tensor) -> Tensor:
        assert len(a) > 16
        assert a.shape[1] % 8 == b.shape[1] % 8 == 0
        assert a.is_contiguous()
        assert b.t().is_contiguous()
        return (a.long() @ b.long()).to(torch.int32)

    monkeypatch.setattr(torch, "_int_mm", strict)
    assert fault(Int8Cuda(CPU)) is None


def test_an_inexact_back_end_is_passed_over_and_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def make(name: str, device: torch.device) -> Backend:
        return Saturating(device) if name == "int8" else Float32(device)

    monkeypatch.setattr(backends, "_make", make)
    backends._choose.cache_clear()
    try:
        with caplog.at_level(logging.WARNING, "ddcodec"):
            assert choose_backend("cpu").name == "float32"
        assert "same pixels" in caplog.text
        with pytest.raises(DecodeError, match="'int8' is not exact on cpu"):
            choose_backend("cpu", "int8")
    finally:
        backends._choose.cache_clear()


def test_on_arm_sums_are_floats_in_windows_whatever_8_bit_kernels_would_give(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There, convolutions may use Winograd's method and 8-bit kernels may be plain loops."""

    def forbidden(*arguments: object) -> Tensor:
        raise AssertionError("not on ARM")

    backends._choose.cache_clear()
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    for name in ("_int_mm", "conv2d", "mkldnn_convolution"):
        monkeypatch.setattr(torch, name, forbidden)
    try:
        backend = choose_backend("cpu")
        assert backend.name == "float32"
        # Two more cuts than fit one exact sum, in the largest magnitudes there are.
        weight = torch.full((1, 2, 300, 3, 3), -128, dtype=torch.int8)
        pixels = torch.full((1, 1, 300, 3, 3), -128, dtype=torch.int8)
        assert backend.convolution(weight, backends.Geometry())(pixels).tolist() == [
            [[[2700.0 * 2**14]], [[2700.0 * 2**14]]]
        ]
    finally:
        backends._choose.cache_clear()


def test_a_gpu_has_triton_first_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.device("cuda")
    monkeypatch.setattr(backends, "find_spec", lambda name: object())
    assert backends.candidates(cuda) == ("triton", "int8", "float32", "float64")
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    assert backends.candidates(cuda) == ("int8", "float32", "float64")
    assert "triton" not in backends.candidates(CPU)


def test_the_environment_names_a_back_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DDCODEC_BACKEND", "float64")
    assert choose_backend("cpu").name == "float64"
    monkeypatch.setenv("DDCODEC_BACKEND", "magic")
    with pytest.raises(RequestError, match="use one of triton, int8, float32, float64"):
        choose_backend("cpu")
