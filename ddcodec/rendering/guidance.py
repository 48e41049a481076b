"""Classifier-free guidance, in single binary32 operations (spec/prior.md, "Denoising")."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ddcodec.errors import DecodeError

if TYPE_CHECKING:
    from torch import Tensor

    from ddcodec.prior.engine import Engine

__all__ = ["check_guidance", "guided"]

Predict = Callable[["Tensor", float], "Tensor"]


def check_guidance(guidance: tuple[int, int], hidden_uncond: Tensor | None) -> Tensor | None:
    """The empty prompt where guidance needs it: above 1, as in diffusers.

    Raises:
        DecodeError: it is needed and missing.
    """
    if guidance[0] <= guidance[1]:
        return None
    if hidden_uncond is None:
        raise DecodeError("guidance above 1 needs the hidden states of the empty prompt")
    return hidden_uncond


def guided(
    engine: Engine, hidden_cond: Tensor, hidden_uncond: Tensor | None, guidance: tuple[int, int]
) -> Predict:
    """(model input [n, c, h, w], timestep) -> model output, guided where there is an empty prompt.

    Args:
        hidden_cond: float32 [n, tokens, width].
        hidden_uncond: float32 [1, tokens, width] or None.
        guidance: (numerator, denominator).
    """
    import torch

    if hidden_uncond is None:
        return lambda x, timestep: engine.predict(x, timestep, hidden_cond)
    empty = hidden_uncond.expand(len(hidden_cond), -1, -1)
    scale = torch.tensor(guidance[0] / guidance[1], dtype=torch.float32, device=engine.device)

    def predict(x: Tensor, timestep: float) -> Tensor:
        if engine.batch:  # float results depend on their company
            conditioned = engine.predict(x, timestep, hidden_cond)
            unconditioned = engine.predict(x, timestep, empty)
        else:
            both = engine.predict(torch.cat([x, x]), timestep, torch.cat([hidden_cond, empty]))
            conditioned, unconditioned = both.chunk(2)
        # Three statements, three roundings: e = eu + g * (ec - eu).
        difference = conditioned - unconditioned
        scaled = scale * difference
        return unconditioned + scaled

    return predict
