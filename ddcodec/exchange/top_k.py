"""Labels that others ship as top-k lists, as integer logits."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from ddcodec.arrays import Float64s, Int16s
from ddcodec.codecs.label_model import MAX_STEP, UNITS_PER_NAT
from ddcodec.errors import EncodeError

__all__ = ["LOWEST_NATS", "from_top_k"]

LOWEST_NATS = 511
"""The lowest logit that fits 16 bits is this far below 0."""


def from_top_k(
    indices: npt.ArrayLike,
    logprobs: npt.ArrayLike,
    classes: int,
    *,
    rest: Literal["smoothed", "dropped"] = "smoothed",
    step: int = 1,
) -> Int16s:
    """Integer logits of top-k lists, for ``top-k-labels`` (encoder-side).

    The largest logit of a row is 0: probabilities do not depend on it, and so it costs nothing.

    Args:
        indices: integers [..., k], distinct within a row: classes whose probability is known.
        logprobs: [..., k], their natural log-probabilities at temperature 1, at most 0.
        classes: K.
        rest: what the other K - k classes get. ``smoothed``: the mass that is left, evenly, which
            is the marginal smoothing of FKD (Shen and Xing, ECCV 2022).
            ``dropped``: nothing, so that a reader's softmax renormalises over the k, as LPQLD
            does. The rest is at -511 nats, the lowest logit, of weight 0 up to temperature 24.
        step: logits are multiples of step / 64 nat, 1..2048.

    Returns:
        int16 [..., K].

    Raises:
        EncodeError: shapes, indices or log-probabilities make no sense.
    """
    places, values = np.asarray(indices), np.asarray(logprobs, np.float64)
    if not 1 <= step <= MAX_STEP:
        raise EncodeError(f"step {step} is not within 1..{MAX_STEP} (units of 1/64 nat)")
    if places.shape != values.shape or not 1 <= places.shape[-1] <= classes <= 0xFFFF:
        raise EncodeError(
            f"top-k lists of shapes {places.shape} and {values.shape} are none over {classes} "
            "classes"
        )
    ordered = np.sort(places, axis=-1)
    if ordered.min() < 0 or ordered.max() >= classes or (np.diff(ordered, axis=-1) == 0).any():
        raise EncodeError(f"indices of a list are distinct and within 0..{classes - 1}")
    mass = np.exp(values).sum(axis=-1, keepdims=True)
    if not (values <= 1e-3).all() or not (mass <= 1 + 1e-2).all():
        raise EncodeError("lists hold log-probabilities, at most 0; apply log_softmax first")
    top = values.max(axis=-1, keepdims=True)
    if not np.isfinite(top).all():
        raise EncodeError("a list gives no class any probability")
    left = np.full(top.shape, -np.inf)
    if rest == "smoothed" and values.shape[-1] < classes:
        with np.errstate(divide="ignore"):
            left = np.log(np.maximum(1 - mass, 0) / (classes - values.shape[-1])) - top
    out = np.empty((*places.shape[:-1], classes), np.int16)
    out[...] = _on_grid(left, step)
    np.put_along_axis(out, places, _on_grid(values - top, step), axis=-1)
    return out


def _on_grid(nats: Float64s, step: int) -> Int16s:
    lowest = -(LOWEST_NATS * UNITS_PER_NAT // step)
    steps = np.rint(np.maximum(nats, -LOWEST_NATS - 1) * (UNITS_PER_NAT / step))
    return (np.maximum(steps, lowest) * step).astype(np.int16)
