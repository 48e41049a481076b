"""Muon for matrices and kernels, AdamW for the rest: about three times fewer steps than AdamW.

Muon (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks") replaces the
momentum of each matrix by the nearest orthogonal one, so that rare directions learn as fast as
common ones. torch's own accepts matrices only; convolutions here are [out, in * height * width].
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

# Coefficients of a quintic Newton-Schulz step (Jordan et al.): singular values go to about 1.
_A, _B, _C = 3.4445, -4.7750, 2.0315


class Muon(torch.optim.Optimizer):
    """Orthogonalised momentum; a step's root mean square is ``0.2 * lr``, as AdamW's would be.

    Args:
        params: of two or more dimensions.
        momentum: of the gradient average, used as Nesterov's.
    """

    def __init__(
        self, params: Iterable[Tensor], lr: float, weight_decay: float, momentum: float = 0.95
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # none is ever given
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._update(p, p.grad, group)

    def _update(self, p: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[p]
        if not state:
            state["average"] = torch.zeros_like(p)
        average = state["average"].lerp_(gradient, 1 - group["momentum"])
        direction = orthogonal(gradient.lerp(average, group["momentum"]).flatten(1))
        size = 0.2 * max(direction.shape) ** 0.5
        p.mul_(1 - group["lr"] * group["weight_decay"])
        p.add_(direction.view_as(p), alpha=-group["lr"] * size)


def orthogonal(x: Tensor, steps: int = 5) -> Tensor:
    """Float [rows, columns]: the same singular vectors, singular values near 1."""
    wide: Tensor = x.bfloat16()
    wide = wide / (wide.norm() + 1e-7)
    if x.shape[0] > x.shape[1]:
        wide = wide.mT
    for _ in range(steps):
        gram = wide @ wide.mT
        wide = _A * wide + (_B * gram + _C * gram @ gram) @ wide
    turned = wide.mT if x.shape[0] > x.shape[1] else wide
    return turned.to(x.dtype)


class Optimisers:
    """Muon and AdamW over one model, with one learning-rate factor."""

    def __init__(self, model: nn.Module, muon_lr: float, adam_lr: float, weight_decay: float):
        hidden: list[Tensor] = []
        rest: list[Tensor] = []
        embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
        for p in model.parameters():
            (hidden if p.ndim >= 2 and id(p) not in embeddings else rest).append(p)
        self.parts: tuple[torch.optim.Optimizer, ...] = (
            Muon(hidden, muon_lr, weight_decay),
            torch.optim.AdamW(rest, adam_lr, weight_decay=0.0, fused=True),
        )
        self.rates = (muon_lr, adam_lr)

    def step(self, loss: Tensor, parameters: Iterable[Tensor], factor: float) -> None:
        """One update from a loss; gradients are clipped to norm 1 together."""
        for part, rate in zip(self.parts, self.rates, strict=True):
            part.param_groups[0]["lr"] = rate * factor
            part.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        return {str(i): part.state_dict() for i, part in enumerate(self.parts)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for i, part in enumerate(self.parts):
            part.load_state_dict(state[str(i)])
