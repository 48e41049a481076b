"""The networks of the vectors, as the package takes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddcodec.codecs.teacher_weights import LayerWeights, StoredWeights, TeacherWeights
from tools.conformance.vectors.teacher import MEAN, STD, network

__all__ = ["listed"]


def listed(params: dict[str, Any]) -> tuple[TeacherWeights, StoredWeights]:
    plain = network(params)
    layers = tuple(
        LayerWeights(q.astype(np.int8), scale, vectors) for q, scale, vectors in plain.layers
    )
    mean, std = MEAN, STD
    return TeacherWeights.from_params(params), StoredWeights(mean, std, layers)
