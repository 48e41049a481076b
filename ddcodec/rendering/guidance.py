"""Classifier-free guidance, in single binary32 operations (spec/prior.md, "Denoising")."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ddcodec.errors import DecodeError

if TYPE_CHECKING:
    from torch import Tensor

    from ddcodec.prior.conditioning import Conditioning
    from ddcodec.prior.engine import Engine

__all__ = ["Predict", "check_guidance", "guided", "is_guided"]

Predict = Callable[["Tensor", float], "Tensor"]


def is_guided(guidance: tuple[int, int]) -> bool:
    """Whether there is an unconditioned branch: above 1, as in diffusers.

    Args:
        guidance: (numerator, denominator).
    """
    return guidance[0] > guidance[1]


def check_guidance(
    guidance: tuple[int, int], unconditioned: Conditioning | None
) -> Conditioning | None:
    """The unconditioned prompt where guidance needs it.

    Raises:
        DecodeError: it is needed and missing.
    """
    if not is_guided(guidance):
        return None
    if unconditioned is None:
        raise DecodeError("guidance above 1 needs the unconditioned prompt, prior.unconditioned()")
    return unconditioned


def guided(
    engine: Engine,
    prompts: Conditioning,
    unconditioned: Conditioning | None,
    guidance: tuple[int, int],
    time_ids: Sequence[int] = (),
) -> Predict:
    """(model input [n, c, h, w], timestep) -> model output; guided where ``unconditioned`` is one.

    Args:
        prompts: of n pictures.
        unconditioned: one prompt, or None.
        guidance: (numerator, denominator).
        time_ids: of both branches; see ``Prior.time_ids``.
    """
    import torch

    from ddcodec.prior.conditioning import Conditioning

    if unconditioned is None:
        return lambda x, timestep: engine.predict(x, timestep, prompts, time_ids)
    empty = unconditioned.expand(len(prompts))
    pairs = Conditioning.concatenate([prompts, empty])
    scale = torch.tensor(guidance[0] / guidance[1], dtype=torch.float32, device=engine.device)

    def predict(x: Tensor, timestep: float) -> Tensor:
        if engine.batch:  # float results depend on their company
            conditioned = engine.predict(x, timestep, prompts, time_ids)
            plain = engine.predict(x, timestep, empty, time_ids)
        else:
            both = engine.predict(torch.cat([x, x]), timestep, pairs, time_ids)
            conditioned, plain = both.chunk(2)
        # Three statements, three roundings: e = eu + g * (ec - eu).
        difference = conditioned - plain
        scaled = scale * difference
        return plain + scaled

    return predict
