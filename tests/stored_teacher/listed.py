"""The networks of the vectors, as the package takes them."""

from __future__ import annotations

from typing import Any

import make_teacher_vectors
import numpy as np

from ddcodec.codecs.teacher_weights import LayerWeights, StoredWeights, TeacherWeights

__all__ = ["listed"]


def listed(params: dict[str, Any]) -> tuple[TeacherWeights, StoredWeights]:
    plain = make_teacher_vectors.network(params)
    layers = tuple(
        LayerWeights(q.astype(np.int8), scale, vectors) for q, scale, vectors in plain.layers
    )
    mean, std = make_teacher_vectors.MEAN, make_teacher_vectors.STD
    return TeacherWeights.from_params(params), StoredWeights(mean, std, layers)
