"""Labels of tensors: whose class a picture is, and rows of logits as the codec takes them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ddcodec.arrays import Float64s, Int16s, Int64s
from ddcodec.codecs.label_model import MAX_LABEL_CLASSES
from ddcodec.encoding.given import GivenLabels
from ddcodec.encoding.labelling import centred
from ddcodec.errors import RequestError, SourceError
from ddcodec.exchange.importing.base import Found
from ddcodec.labels.encoder.label_set import Logits

__all__ = ["classes_of", "given_labels"]

# A student reads probabilities below this as none at all.
_LEAST = 1e-12
_MOST_NATS = 511.0
_ROWS = 4096


def classes_of(found: Found) -> tuple[Int64s, tuple[str, ...]]:
    """The class of each picture, int64 [N], and warnings.

    Rows of numbers say it by their place: pictures of class 0 first, as many of each.

    Raises:
        SourceError: so many pictures are not as many of each class, or rows speak of other ones.
    """
    if found.hard is not None:
        return found.hard, ()
    assert found.soft is not None
    count, classes = found.soft.shape
    if count % classes:
        raise SourceError(
            f"{count:,} pictures with labels over {classes:,} classes are not as many of each "
            "class, so that nothing says whose they are: get all of them"
        )
    own = np.arange(count, dtype=np.int64) // (count // classes)
    most = found.soft.argmax(dim=1).numpy()
    other = int((most != own).sum())
    if 2 * other > count:
        raise SourceError(
            f"{other:,} of {count:,} labels are highest for another class than the place of their "
            "picture says, where pictures of class 0 come first: these are labels of other "
            "pictures, or of another order of classes"
        )
    text = f"{other:,} of {count:,} labels are highest for another class than that of their picture"
    return own, (text,) if other else ()


def given_labels(found: Found, rows: Sequence[Int64s]) -> GivenLabels:
    """The rows of numbers of a source as soft labels of one view.

    Args:
        found: with ``soft``.
        rows: for each class, the numbers of its pictures.

    Raises:
        SourceError: a row holds something that is no number, or logits hundreds of nats apart.
        RequestError: there are too many classes for stored soft labels.
    """
    assert found.soft is not None
    chosen, classes = np.concatenate(rows), int(found.soft.shape[1])
    if classes > MAX_LABEL_CLASSES:
        raise RequestError(
            f"{classes:,} classes are too many for stored soft labels, which take at most "
            f"{MAX_LABEL_CLASSES:,}; use labels='hard'"
        )
    values = np.empty((len(chosen), 1, classes), np.int16)
    for start in range(0, len(chosen), _ROWS):
        numbers = chosen[start : start + _ROWS]
        values[start : start + len(numbers), 0] = _in_units(found, numbers)
    digest = hashlib.sha256(values.data).hexdigest()
    return GivenLabels(Logits.of(values), digest, found.temperature)


def _in_units(found: Found, numbers: Int64s) -> Int16s:
    import torch

    assert found.soft is not None
    part: Float64s = found.soft[torch.from_numpy(numbers)].to(torch.float64).numpy()
    bad = np.flatnonzero(~np.isfinite(part).all(axis=1))
    if len(bad):
        raise SourceError(
            f"the label of picture {numbers[bad[0]]} holds values that are no numbers (NaN or "
            "infinite): the distillation had diverged; take an earlier iteration"
        )
    if found.soft_kind == "probabilities":
        if (part < 0).any() or (np.abs(part.sum(axis=1) - 1) > 1e-2).any():
            raise SourceError(
                "labels that are to be probabilities are below 0, or do not add up to 1: they are "
                "logits, as label_values='logits'"
            )
        # Those of a softmax at the temperature.
        part = np.log(np.maximum(part, _LEAST)) * float(Fraction(*found.temperature))
    far = np.abs(part - part.mean(axis=1, keepdims=True)).max()
    if far > _MOST_NATS:
        raise SourceError(
            f"logits are {far:.0f} nats from their mean, more than the {_MOST_NATS:.0f} that a "
            "label may have: these are no logits"
        )
    return centred(part)
