"""Run PyTorch code exactly, as it is written (spec/exact.md, "Networks").

While an ``Interpreter`` is active, every torch function called on this thread passes through it.
Functions that sum or round at the library's discretion are replaced by exact ones; functions that
move data or round once go through; any other raises an error that names the module.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode, resolve_name

from ddcodec.errors import UnsupportedFeatureError
from ddcodec.exact import activations, elementary, norms
from ddcodec.exact.allowed import ALLOWED, check_result
from ddcodec.exact.attention import attention
from ddcodec.exact.backends import Backend, Geometry
from ddcodec.exact.grid import Grid, quantise
from ddcodec.exact.products import Convolution, Linear
from ddcodec.exact.weights import IntegerWeight
from ddcodec.recipe.profiles import Profile

__all__ = ["Interpreter"]

Pair = int | Sequence[int]


class Interpreter(TorchFunctionMode):
    """Executes one network in a profile.

    Args:
        module: names its modules in error messages.
        weights: integers by the ``id`` of the placeholder that stands for them.
        profile: digits of weights and activations.
        backend: sums the products.
    """

    def __init__(
        self,
        module: nn.Module,
        weights: Mapping[int, IntegerWeight],
        profile: Profile,
        backend: Backend,
    ) -> None:
        super().__init__()
        self._module = module
        self._weights = weights
        self._profile = profile
        self._backend = backend
        self._prepared: dict[Any, Linear | Convolution] = {}
        self._latest: tuple[weakref.ref[Tensor], int, Grid] | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        handler = _HANDLERS.get(func)
        if handler is not None:
            return handler(self, *args, **(kwargs or {}))
        if func not in ALLOWED:
            raise self.unsupported(f"{resolve_name(func) or func} has no exact form")
        result = func(*args, **(kwargs or {}))
        fault = check_result(func, kwargs, result)
        if fault is not None:
            raise self.unsupported(f"{resolve_name(func) or func} {fault}")
        return result

    def unsupported(self, what: str) -> UnsupportedFeatureError:
        """An error that says where in the network something has no exact form."""
        return UnsupportedFeatureError(
            f"{self._place()}: {what}; use the float profile for this prior"
        )

    def _place(self) -> str:
        """The innermost module being executed, found in the call stack: only errors pay for it."""
        names = {id(module): name for name, module in self._module.named_modules()}
        frame = sys._getframe(1)
        while frame is not None:
            name = names.get(id(frame.f_locals.get("self")))
            if name:
                return f"module {name!r} ({type(frame.f_locals['self']).__name__})"
            frame = frame.f_back  # type: ignore[assignment]
        return f"network {type(self._module).__name__}"

    def _layer(self, weight: Tensor, key: Any, make: Callable[[IntegerWeight], Any]) -> Any:
        layer = self._prepared.get(key)
        if layer is None:
            integers = self._weights.get(id(weight))
            if integers is None:
                raise self.unsupported("its weight is not that of a Linear or Conv2d layer")
            layer = self._prepared[key] = make(integers)
        return layer

    def _rows(self, x: Tensor) -> Grid:
        """Rows of ``x`` on the grid; queries, keys and values of attention share one input."""
        if self._latest is not None:
            source, version, grid = self._latest
            if source() is x and x._version == version:
                return grid
        grid = quantise(x.reshape(-1, x.shape[-1]), self._profile.activation_digits)
        if not x.is_inference():  # those have no version that would tell a change
            self._latest = (weakref.ref(x), x._version, grid)
        return grid

    def linear(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        layer = self._layer(weight, id(weight), lambda w: Linear(w, self._backend))
        out: Tensor = layer(self._rows(x), bias)
        return out.view(*x.shape[:-1], -1)

    def conv2d(
        self,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Pair = 1,
        padding: Pair | str = 0,
        dilation: Pair = 1,
        groups: int = 1,
    ) -> Tensor:
        if groups != 1 or isinstance(padding, str) or x.ndim != 4:
            raise self.unsupported("only plain convolutions of a batch have an exact form")
        geometry = Geometry(_pair(stride), _pair(padding), _pair(dilation))
        layer = self._layer(
            weight, (id(weight), geometry), lambda w: Convolution(w, geometry, self._backend)
        )
        out: Tensor = layer(x, self._profile.activation_digits, bias)
        return out

    def group_norm(
        self,
        x: Tensor,
        num_groups: int,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> Tensor:
        return norms.group_norm(x, num_groups, weight, bias, eps)

    def layer_norm(
        self,
        x: Tensor,
        normalized_shape: Sequence[int],
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> Tensor:
        if len(normalized_shape) != 1:
            raise self.unsupported("layer norm over several axes has no exact form")
        return norms.layer_norm(x, weight, bias, eps)

    def attention(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        if dropout_p or enable_gqa or query.ndim != 4:
            raise self.unsupported("dropout and grouped queries have no exact form")
        mask = None if attn_mask is None else self._mask(attn_mask)
        if is_causal:
            if mask is not None:
                raise self.unsupported("a mask besides the causal one has no meaning")
            mask = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool, device=query.device)
            mask = mask.tril()
        return attention(
            query,
            key,
            value,
            backend=self._backend,
            digits=self._profile.activation_digits,
            mask=mask,
            scale=scale,
        )

    def _mask(self, mask: Tensor) -> Tensor:
        if mask.dtype == torch.bool:
            return mask
        keep = mask == 0
        if not bool((keep | (mask <= -10000)).all()):
            raise self.unsupported("an attention mask that is neither 0 nor minus infinity")
        return keep

    def gelu(self, x: Tensor, approximate: str = "none") -> Tensor:
        if approximate != "none":
            raise self.unsupported(f"gelu(approximate={approximate!r}) has no exact form")
        return activations.gelu(x)

    def silu(self, x: Tensor, inplace: bool = False) -> Tensor:
        return activations.silu(x)

    def sigmoid(self, x: Tensor) -> Tensor:
        return activations.sigmoid(x)

    def tanh(self, x: Tensor) -> Tensor:
        return activations.tanh(x)

    def exp(self, x: Tensor) -> Tensor:
        return elementary.exp(x)

    def sin(self, x: Tensor) -> Tensor:
        return elementary.sin(x)

    def cos(self, x: Tensor) -> Tensor:
        return elementary.cos(x)

    def dropout(
        self, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> Tensor:
        if training and p:
            raise self.unsupported("dropout in training is random")
        return x

    def embedding(
        self,
        indices: Tensor,
        weight: Tensor,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        *options: Any,
        **more: Any,
    ) -> Tensor:
        if max_norm is not None:
            raise self.unsupported("an embedding that normalises its rows has no exact form")
        return F.embedding(indices, weight)

    def divide(self, x: Any, y: Any, *, rounding_mode: str | None = None) -> Tensor:
        if rounding_mode is not None:
            raise self.unsupported(f"division with rounding mode {rounding_mode!r}")
        like = x if isinstance(x, Tensor) else y
        if not like.is_floating_point():
            raise self.unsupported("division of integers")
        # A number would become a multiplication by its reciprocal on some devices.
        a, b = (
            v if isinstance(v, Tensor) else torch.full((), v, dtype=like.dtype, device=like.device)
            for v in (x, y)
        )
        return a / b

    def reverse_divide(self, x: Tensor, y: Any) -> Tensor:
        return self.divide(y, x)

    def interpolate(
        self,
        x: Tensor,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        **options: Any,
    ) -> Tensor:
        if size is None:
            factors = [scale_factor] * 2 if not isinstance(scale_factor, Sequence) else scale_factor
        else:
            factors = [s / n for s, n in zip(size, x.shape[2:], strict=True)]
        if mode != "nearest" or x.ndim != 4 or any(f != int(f) or f < 1 for f in factors):
            raise self.unsupported("only nearest upsampling by a whole factor has an exact form")
        # A copy; written out, because the library finds source pixels by a float multiplication.
        rows, columns = (int(f) for f in factors)
        return x.repeat_interleave(rows, 2).repeat_interleave(columns, 3)


def _pair(value: Pair) -> tuple[int, int]:
    first, second = (value, value) if isinstance(value, int) else value
    return int(first), int(second)


_HANDLERS: dict[Any, Callable[..., Any]] = {
    F.linear: Interpreter.linear,
    F.conv2d: Interpreter.conv2d,
    F.group_norm: Interpreter.group_norm,
    F.layer_norm: Interpreter.layer_norm,
    F.scaled_dot_product_attention: Interpreter.attention,
    F.gelu: Interpreter.gelu,
    F.silu: Interpreter.silu,
    F.interpolate: Interpreter.interpolate,
    F.embedding: Interpreter.embedding,
    F.dropout: Interpreter.dropout,
    **dict.fromkeys((torch.sigmoid, Tensor.sigmoid, F.sigmoid), Interpreter.sigmoid),
    **dict.fromkeys((torch.tanh, Tensor.tanh, F.tanh), Interpreter.tanh),
    **dict.fromkeys((torch.exp, Tensor.exp), Interpreter.exp),
    **dict.fromkeys((torch.sin, Tensor.sin), Interpreter.sin),
    **dict.fromkeys((torch.cos, Tensor.cos), Interpreter.cos),
    **dict.fromkeys(
        (torch.div, Tensor.div, Tensor.__truediv__, torch.true_divide, Tensor.true_divide),
        Interpreter.divide,
    ),
    Tensor.__rtruediv__: Interpreter.reverse_divide,
}
