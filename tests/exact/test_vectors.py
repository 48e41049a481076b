"""spec/vectors/exact: the package and the second implementation give the same bits.

``DDCODEC_TEST_DEVICE=cuda`` runs them on another device than the CPU.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers.models.embeddings import get_timestep_embedding
from torch import Tensor, nn
from torch.nn import functional as F

from ddcodec.errors import DdcodecError
from ddcodec.exact.backends import Backend, candidates, choose_backend
from ddcodec.exact.grid import quantise
from ddcodec.exact.network import ExactNetwork
from ddcodec.exact.weights import digest_weights, integer_weights, quantise_weight
from ddcodec.prior import engine
from ddcodec.recipe.profiles import EXACT, TEXT, Profile
from tools.conformance.vectors.exact import FILES, MAKER, tensors
from tools.conformance.vectors.exact.answers import mask_of

DEVICE = os.environ.get("DDCODEC_TEST_DEVICE", "cpu")
Case = dict[str, Any]
CASES: list[Case] = [
    case
    for name in FILES
    for case in json.loads((MAKER.folder / f"{name}.json").read_text("utf-8"))
]


def where(*operations: str) -> pytest.MarkDecorator:
    cases = [case for case in CASES if case["operation"] in operations]
    assert {case["operation"] for case in cases} == set(operations)

    def label(case: Case) -> str:
        kind = case.get("profile", case.get("digits", ""))
        return f"{case['operation']} {kind}: {case['what']}"

    return pytest.mark.parametrize("case", cases, ids=label)


@pytest.fixture(scope="module", params=candidates(torch.device(DEVICE)))
def backend(request: pytest.FixtureRequest) -> Backend:
    try:
        return choose_backend(DEVICE, request.param)
    except DdcodecError as error:
        pytest.skip(str(error))


def tensor(spec: Case | None) -> Tensor | None:
    return None if spec is None else given(spec)


def given(spec: Case) -> Tensor:
    return torch.from_numpy(tensors.tensor(spec).copy()).to(DEVICE)


def patterns(array: npt.NDArray[np.float32]) -> npt.NDArray[np.uint32]:
    """Bits, with one pattern for every NaN."""
    return np.where(np.isnan(array), np.uint32(0x7FC00000), array.view(np.uint32))


def check(found: Tensor, expected: Case) -> None:
    assert found.dtype == torch.float32
    assert list(found.shape) == expected["shape"]
    array = patterns(found.contiguous().cpu().numpy()).ravel()
    if "bits" in expected:
        wanted = np.frombuffer(bytes.fromhex(expected["bits"]), ">u4")
        assert [f"{v:08x}" for v in array] == [f"{v:08x}" for v in wanted]
    else:
        assert array[:8].astype(">u4").tobytes().hex() == expected["first"]
        assert hashlib.sha256(array.astype("<u4").tobytes()).hexdigest() == expected["sha256"]


def run(
    case: Case,
    function: Callable[..., Tensor],
    *arguments: Any,
    module: nn.Module | None = None,
    profile: Profile | None = None,
    backend: Backend | None = None,
) -> None:
    """Compare what ``function`` gives under exact execution with the vector."""
    network = ExactNetwork(
        nn.Identity() if module is None else module,
        EXACT[case["profile"]] if profile is None else profile,
        choose_backend(DEVICE, "float32") if backend is None else backend,
    )
    function = network.module if module is not None else function
    if "error" in case:
        with pytest.raises(DdcodecError):
            network.run(function, *arguments)
    else:
        check(network.run(function, *arguments), case["y"])


def test_the_tool_makes_the_files_that_are_there() -> None:
    assert MAKER.differences() == []


@where("grid")
def test_grids(case: Case) -> None:
    grid = quantise(given(case["x"]), case["digits"])
    check(grid.scale, case["scale"])
    if case["q"] is not None:
        digits = grid.digits.long()
        q = digits[0] if case["digits"] == 1 else 256 * digits[0] + digits[1]
        assert q.flatten().tolist() == case["q"]


@where("weight")
def test_weights(case: Case) -> None:
    if "error" in case:
        with pytest.raises(DdcodecError):
            quantise_weight(given(case["weight"]), case["digits"])
        return
    weight = quantise_weight(given(case["weight"]), case["digits"])
    assert weight.values.flatten().tolist() == case["q"]
    check(weight.scale, case["scale"])


@where("digest")
def test_the_digest_of_weights(case: Case) -> None:
    state = None
    for name, parameters in case["networks"]:
        module = nn.Module()
        for parameter in parameters:
            *path, leaf = parameter["name"].split(".")
            value, node = given(parameter["value"]), module
            for depth, part in enumerate(path):
                if not hasattr(node, part):
                    last = depth == len(path) - 1
                    node.add_module(part, _layer(parameter, value) if last else nn.Module())
                node = getattr(node, part)
            node.register_parameter(leaf, nn.Parameter(value, requires_grad=False))
        profile = TEXT if name == "text_encoder" else EXACT[case["profile"]]
        state = digest_weights(name, module, integer_weights(module, profile), state)
    assert state is not None
    assert state.hexdigest() == case["sha256"]


def _layer(parameter: Case, value: Tensor) -> nn.Module:
    if parameter["kind"] == "f":
        return nn.Module()
    if value.ndim == 4:
        return nn.Conv2d(value.shape[1], value.shape[0], value.shape[2], bias=False)
    return nn.Linear(value.shape[1], value.shape[0], bias=False)


def filled(layer: nn.Module, case: Case) -> nn.Module:
    layer.weight = nn.Parameter(given(case["weight"]), requires_grad=False)
    if case["bias"] is not None:
        layer.bias = nn.Parameter(given(case["bias"]), requires_grad=False)
    return layer


@where("linear")
def test_linear_layers(case: Case, backend: Backend) -> None:
    out, terms = case["weight"]["shape"]
    layer = filled(nn.Linear(terms, out, bias=case["bias"] is not None), case)
    run(case, layer, given(case["x"]), module=layer, backend=backend)


@where("conv2d")
def test_convolutions(case: Case, backend: Backend) -> None:
    out, channels, *kernel = case["weight"]["shape"]
    geometry = {name: tuple(case[name]) for name in ("stride", "padding", "dilation")}
    bias = case["bias"] is not None
    layer = filled(nn.Conv2d(channels, out, tuple(kernel), bias=bias, **geometry), case)
    run(case, layer, given(case["x"]), module=layer, backend=backend)


@where("attention")
def test_attention(case: Case, backend: Backend) -> None:
    mask = mask_of(case)

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=None if mask is None else torch.from_numpy(mask.copy()).to(DEVICE),
            is_causal=case["causal"],
            scale=case["scale"],
        )

    profile = EXACT["w8a8" if case["digits"] == 1 else "w8a15"]
    sides = [given(case[name]) for name in ("query", "key", "value")]
    run(case, attend, *sides, profile=profile, backend=backend)


@where("group norm")
def test_group_norm(case: Case) -> None:
    def norm(x: Tensor) -> Tensor:
        gamma, beta = tensor(case["gamma"]), tensor(case["beta"])
        return F.group_norm(x, case["groups"], gamma, beta, case["eps"])

    run(case, norm, given(case["x"]), profile=TEXT)


@where("layer norm")
def test_layer_norm(case: Case) -> None:
    def norm(x: Tensor) -> Tensor:
        return F.layer_norm(
            x, x.shape[-1:], tensor(case["gamma"]), tensor(case["beta"]), case["eps"]
        )

    run(case, norm, given(case["x"]), profile=TEXT)


@where("sigmoid", "silu", "gelu", "tanh", "exp", "sin", "cos")
def test_functions_of_one_argument(case: Case) -> None:
    name = case["operation"]
    function = getattr(F, name) if name in ("silu", "gelu") else getattr(torch, name)
    run(case, function, given(case["x"]), profile=TEXT)


@where("divide")
def test_division_by_a_number(case: Case) -> None:
    run(case, lambda x: x / case["number"], given(case["x"]), profile=TEXT)


@where("time embedding")
def test_time_embedding(case: Case) -> None:
    def embed(timesteps: Tensor) -> Tensor:
        result: Tensor = get_timestep_embedding(
            timesteps,
            case["width"],
            flip_sin_to_cos=case["flip"],
            downscale_freq_shift=case["shift"],
        )
        return result

    run(case, embed, given(case["timesteps"]), profile=TEXT)


@where("upsample")
def test_upsampling(case: Case) -> None:
    def upsample(x: Tensor) -> Tensor:
        factors = tuple(float(f) for f in case["factors"])
        return F.interpolate(x, scale_factor=factors, mode="nearest")

    run(case, upsample, given(case["x"]), profile=TEXT)


@where("pixels")
def test_pixels(case: Case) -> None:
    y = given(case["x"]).view(1, 1, 1, -1)
    if "error" in case:
        with pytest.raises(DdcodecError):
            engine._to_uint8(y)
    else:
        assert engine._to_uint8(y).cpu().numpy().tobytes().hex() == case["bytes"]


class Convolutional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.GroupNorm(4, 8, eps=1e-6)
        self.conv2 = nn.Conv2d(8, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv2(F.silu(self.norm(self.conv1(x))))
        return out


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(12, 8, bias=False)
        self.key = nn.Linear(12, 8, bias=False)
        self.value = nn.Linear(12, 8)
        self.out = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        heads = [
            layer(x).view(*x.shape[:2], 2, 4).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        ]
        h = F.scaled_dot_product_attention(*heads)
        out: Tensor = self.out(h.transpose(1, 2).reshape(*x.shape[:2], 8))
        return out


@where("convolutional", "attending")
def test_networks(case: Case, backend: Backend) -> None:
    module = Convolutional() if case["operation"] == "convolutional" else Attending()
    state = {name: given(value) for name, value in case["parameters"].items()}
    module.load_state_dict(state)
    module.to(DEVICE)
    run(case, module, given(case["x"]), module=module, backend=backend)
