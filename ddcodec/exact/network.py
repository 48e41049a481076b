"""Any diffusers or transformers network, executed exactly (spec/exact.md, "Networks")."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import nn

from ddcodec.exact.backends import Backend, plain_arithmetic
from ddcodec.exact.interpreter import Interpreter
from ddcodec.exact.weights import IntegerWeight, integer_weights
from ddcodec.recipe.profiles import Profile

__all__ = ["ExactNetwork"]

T = TypeVar("T")


class ExactNetwork:
    """A network whose results have the same bits on every machine, in any batch and order.

    Its code runs as its library wrote it; its arithmetic is ours. Weights of linear layers and
    convolutions are integers, and a copy of the module holds placeholders in their place, so the
    float module can be dropped.

    Args:
        module: a float32 network in eval mode, on the back end's device.
        profile: digits of weights and activations.
        backend: sums the products.
        weights: integers by parameter name, if they are known already (then the float weights of
            ``module`` are not read); by default derived from the module.

    Attributes:
        module: the copy with placeholders, on the back end's device.
        weights: the integers, by parameter name.
    """

    def __init__(
        self,
        module: nn.Module,
        profile: Profile,
        backend: Backend,
        weights: Mapping[str, IntegerWeight] | None = None,
    ) -> None:
        self.profile = profile
        self.backend = backend
        self.weights = integer_weights(module, profile) if weights is None else dict(weights)
        self.module, placeholders = _skeleton(module, self.weights, backend.device)
        by_identity = {id(placeholders[name]): weight for name, weight in self.weights.items()}
        self._placeholders = placeholders  # keeps the identities alive
        self._interpreter = Interpreter(self.module, by_identity, profile, backend)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the network's ``forward``.

        Raises:
            UnsupportedFeatureError: an operation has no exact form; the message names the module.
        """
        return self.run(self.module, *args, **kwargs)

    def run(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run any code that calls parts of ``module``; raises as a call does."""
        with torch.no_grad(), plain_arithmetic(self.backend.device), self._interpreter:
            return function(*args, **kwargs)


def _skeleton(
    module: nn.Module, weights: Mapping[str, IntegerWeight], device: torch.device
) -> tuple[nn.Module, dict[str, nn.Parameter]]:
    """A copy of ``module`` that shares its small parameters, and the placeholders of the others."""
    parameters = dict(module.named_parameters(remove_duplicate=False))
    placeholders = {name: _placeholder(parameters[name], device) for name in weights}
    memo: dict[int, Any] = {id(p): p for p in parameters.values()}
    memo |= {id(parameters[name]): p for name, p in placeholders.items()}
    skeleton: nn.Module = copy.deepcopy(module, memo).eval()
    return skeleton, placeholders


def _placeholder(weight: torch.Tensor, device: torch.device) -> nn.Parameter:
    """A parameter of the weight's shape and device that takes the memory of one number.

    It is NaN, so that code which computes with it in a way of its own ends in an error.
    """
    nothing = torch.full((), torch.nan, dtype=torch.float32, device=device)
    return nn.Parameter(nothing.expand(weight.shape), requires_grad=False)
