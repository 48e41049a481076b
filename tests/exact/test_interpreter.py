"""What runs exactly, what passes through, and what is refused by name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ddcodec.errors import UnsupportedFeatureError
from ddcodec.exact.backends import choose_backend
from ddcodec.exact.network import ExactNetwork
from ddcodec.recipe.profiles import EXACT


def exactly(module: nn.Module, *args: Tensor, profile: str = "w15a15") -> Tensor:
    result = ExactNetwork(module.eval(), EXACT[profile], choose_backend("cpu"))(*args)
    assert isinstance(result, Tensor)
    return result


class Function(nn.Module):
    """A module that calls one function."""

    def __init__(self, function: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> object:
        return self.function(x)


def images() -> Tensor:
    return torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(1))


REPLACED = {
    "silu": F.silu,
    "silu module": nn.SiLU(),
    "gelu": F.gelu,
    "relu": F.relu,
    "sigmoid": torch.sigmoid,
    "sigmoid method": lambda x: x.sigmoid(),
    "quick gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "tanh": torch.tanh,
    "group norm": lambda x: F.group_norm(x, 2),
    "layer norm": lambda x: F.layer_norm(x, (6,)),
    "attention": lambda x: F.scaled_dot_product_attention(x, x, x),
    "causal attention": lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True),
    "masked attention": lambda x: F.scaled_dot_product_attention(
        x, x, x, attn_mask=torch.tensor([[0.0, -10000.0] * 3])
    ),
    "upsampling": lambda x: F.interpolate(x, scale_factor=2.0, mode="nearest"),
    "upsampling to a size": lambda x: F.interpolate(x, size=(12, 18), mode="nearest"),
    "division": lambda x: x / 3,
    "division of a number": lambda x: 1 / (2 + x * x),
    "sine": torch.sin,
    "exponential": torch.exp,
    "cosine": torch.cos,
    "arithmetic": lambda x: (x + x * 2 - 1).clamp(-1, 1),
    "movement": lambda x: torch.cat(x.chunk(2, dim=1), 2).permute(0, 2, 3, 1).flatten(1)[:, 3:],
    "padding": lambda x: F.pad(x, (0, 1, 0, 1)),
    "dropout at rest": lambda x: F.dropout(x, 0.5, training=False),
}


@pytest.mark.parametrize("name", REPLACED)
def test_functions_run_and_are_close_to_the_real_ones(name: str) -> None:
    function = REPLACED[name]
    found = exactly(Function(function), images())
    assert torch.allclose(found, function(images()), atol=2e-3)


REFUSED = {
    "softmax": (lambda x: x.softmax(1), "softmax"),
    "matmul": (lambda x: x @ x, "matmul"),
    "mean": (lambda x: x.mean(), "mean"),
    "sum": (lambda x: x.sum(), "order of its terms"),
    "sqrt": (torch.sqrt, "sqrt"),
    "power": (lambda x: x**2, "pow"),
    "random": (torch.randn_like, "randn_like"),
    "tanh gelu": (lambda x: F.gelu(x, approximate="tanh"), "approximate='tanh'"),
    "scaled addition": (lambda x: torch.add(x, x, alpha=3), "alpha"),
    "half precision": (lambda x: x.to(torch.float16), "float16"),
    "bilinear": (lambda x: F.interpolate(x, scale_factor=2.0, mode="bilinear"), "nearest"),
    "downsampling": (lambda x: F.interpolate(x, scale_factor=0.5), "nearest"),
    "average": (lambda x: F.avg_pool2d(x, 2), "avg_pool2d"),
    "soft mask": (
        lambda x: F.scaled_dot_product_attention(x, x, x, attn_mask=torch.full((6, 6), -1.0)),
        "attention mask",
    ),
    "dropout": (lambda x: F.dropout(x, 0.5, training=True), "random"),
    "positional dropout": (lambda x: F.dropout(x, 0.5, True), "random"),
    "normalised embedding": (
        lambda x: F.embedding(torch.zeros(1, dtype=torch.long), torch.ones(2, 2), None, 1.0),
        "normalises its rows",
    ),
    "free weight": (lambda x: F.linear(x, torch.ones(2, 6)), "its weight"),
    "integer division": (lambda x: x.int() / 2, "division of integers"),
    "floor division": (lambda x: torch.div(x, 2, rounding_mode="floor"), "rounding mode"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_exact_form_is_refused_and_its_module_named(name: str) -> None:
    function, said = REFUSED[name]
    module = nn.Sequential(nn.Identity(), nn.Sequential(Function(function)))
    with pytest.raises(UnsupportedFeatureError, match=r"module '1.0' \(Function\)") as caught:
        exactly(module, images())
    assert said in str(caught.value)
    assert "float profile" in str(caught.value)


def test_grouped_convolutions_are_refused() -> None:
    with pytest.raises(UnsupportedFeatureError, match=r"'0' \(Conv2d\).*plain convolutions"):
        exactly(nn.Sequential(nn.Conv2d(4, 4, 3, groups=2)), images())


def test_integer_sums_pass() -> None:
    found = exactly(Function(lambda x: (x > 0).sum()), images())
    assert found.item() == (images() > 0).sum()


class Shared(nn.Module):
    """Two layers read one input; it changes in place in between."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = x.clone()
        first = self.layer(x)
        again = self.layer(x)
        x += 1
        return torch.stack([first, again, self.layer(x)])


def test_an_input_quantised_once_is_not_confused_with_its_later_self() -> None:
    module, x = Shared().requires_grad_(False), torch.ones(3, 4)
    first, again, later = exactly(module, x)
    assert torch.equal(first, again)
    assert torch.allclose(later, module.layer(x + 1), atol=1e-3)


def test_it_works_inside_an_inference_mode() -> None:
    module = nn.Linear(4, 4).requires_grad_(False)
    with torch.inference_mode():
        inside = exactly(module, torch.ones(2, 4))
    assert torch.equal(inside, exactly(module, torch.ones(2, 4)))


class Odd(nn.Module):
    """A layer whose weight is used in another way than by the layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.layer.weight[0]


def test_a_weight_used_in_another_way_gives_nan() -> None:
    assert exactly(Odd().requires_grad_(False), torch.ones(2, 4)).isnan().all()
