"""Label sets whose making is known: mixed means of classes, fields of pictures, and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ddcodec.codecs.label_model import UNITS_PER_NAT
from ddcodec.labels.encoder.label_set import LabelSet, Logits
from ddcodec.labels.features import ONE, FeatureSet

FEATURES = FeatureSet(1, 1, 0)
"""Of views that flip: a share, and the share with the sign of the flip."""


@dataclass(frozen=True)
class Known:
    """Labels, and the means [K, K] and fields [N, 2, K] in nats that made them."""

    labels: LabelSet
    means: npt.NDArray[np.float64]
    fields: npt.NDArray[np.float64]


def on_grid(nats: npt.NDArray[np.float64]) -> npt.NDArray[np.int16]:
    """int16 in 1/64 nat, the mean of each row zero, as labelling makes them."""
    rows = nats - nats.mean(axis=-1, keepdims=True)
    return np.rint(np.clip(rows, -511, 511) * UNITS_PER_NAT).astype(np.int16)


def known(
    *,
    classes: int = 4,
    pictures: int = 12,
    views: int = 10,
    temperature: float = 1,
    mixes: bool = False,
    field: float = 1.0,
    noise: float = 0.0,
    sharpness: float = 3.0,
    seed: int = 0,
) -> Known:
    """Labels of pictures that flip and, where views mix, show with a partner.

    Args:
        field, noise: how far, in nats, labels spread by picture and flip, and beyond.
        sharpness: how many nats a class's mean favours it.
    """
    rng = np.random.default_rng(seed)
    own_class = np.arange(pictures) * classes // pictures
    share = np.full((pictures, views), ONE)
    if mixes:
        share[:, 1:] = rng.integers(0, ONE + 1, (pictures, views - 1))
    sign = rng.choice([-1, 1], (2, pictures, views))
    own = np.stack([share, share * sign[0]], axis=2)
    other = np.stack([ONE - share, (ONE - share) * sign[1]], axis=2)
    partners = rng.integers(0, pictures, (pictures, views))

    means = sharpness * np.eye(classes) + rng.normal(0, 0.5, (classes, classes))
    fields = rng.normal(0, field, (pictures, 2, classes))
    whole = fields.copy()
    whole[:, 0] += means[own_class]
    nats = np.einsum("nvm,nmk->nvk", own / ONE, whole)
    nats += np.einsum("nvm,nvmk->nvk", other / ONE, whole[partners])
    logits = on_grid(nats + rng.normal(0, noise, nats.shape))
    chosen = (partners, other) if mixes else (None, None)
    return Known(LabelSet(Logits.of(logits), own_class, own, *chosen, temperature), means, fields)


def plain(logits: npt.NDArray[np.int16], temperature: float = 1) -> LabelSet:
    """Labels [N, V, K] of pictures in order of their classes, in views that all look alike."""
    pictures, views, classes = logits.shape
    own = np.full((pictures, views, 1), ONE)
    order = np.arange(pictures) * classes // pictures
    return LabelSet(Logits.of(logits), order, own, None, None, temperature)
