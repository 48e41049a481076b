"""Mean labels of classes, and the directions in which labels vary most."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ddcodec.arrays import Float64s, Indices, Int16s
from ddcodec.labels.encoder.costs import LARGEST, symbol_costs
from ddcodec.labels.encoder.label_set import LabelSet, softmax

__all__ = ["class_means", "principal_basis", "quantise_means", "sample_rows", "spread"]


_CHUNK = 1 << 24
_SAMPLE = 1 << 25  # logits looked at for the basis
_NEGLIGIBLE = 1e-7  # curvature relative to the largest, and in itself
# How much the curvature between labels counts beside that of labels themselves: sharp labels have
# next to none of their own, but are not to be confused.
_BETWEEN = 0.01
_MEAN_ROUNDS = 3
_FAR = 50.0  # errors of logits beyond it are all the same


def sample_rows(labels: LabelSet, rng: np.random.Generator) -> Indices:
    """Ascending label indices: all, or so many that a look at them takes seconds."""
    views, classes = labels.logits.shape[1:]
    pictures = max(8, _SAMPLE // (classes * views))
    if pictures >= len(labels.logits):
        return np.arange(labels.count)
    chosen = np.sort(rng.choice(len(labels.logits), pictures, replace=False))
    return np.asarray((chosen[:, None] * views + np.arange(views)).reshape(-1))


def spread(labels: LabelSet, rng: np.random.Generator) -> float:
    """Mean divergence of labels from the mean label, in nats at the temperature (of a sample)."""
    p = softmax(labels.nats(sample_rows(labels, rng)), labels.temperature).astype(np.float64)
    mean = p.mean(axis=0)
    logs = np.log(np.maximum(p, 1e-300)) - np.log(np.maximum(mean, 1e-300))
    return max(0.0, float((p * logs).sum(axis=1).mean()))


def class_means(labels: LabelSet) -> tuple[Float64s, Float64s]:
    """Least-squares logits of each class in nats: a view is their mixture by share.

    Returns:
        means [K, K], and how often labels of each class meant each class: the sum of their
        probabilities at the temperature, by the square of the class's share [K, K].
    """
    classes = labels.logits.shape[2]
    shares = share_matrix(labels)
    squares = shares.multiply(shares).tocsr()
    moments, meant = np.zeros((2, classes, classes))
    chunk = max(1, _CHUNK // classes)
    for start in range(0, labels.count, chunk):
        rows = slice(start, start + chunk)
        nats = labels.nats(rows)
        moments += shares[rows].T @ nats.astype(np.float64)
        meant += squares[rows].T @ softmax(nats, labels.temperature)
    gram = (shares.T @ shares).toarray()
    # A class that hardly shows takes the mean of nothing: zero, all classes alike.
    means: Float64s = np.linalg.solve(gram + 1e-3 * np.eye(classes), moments)
    return means, meant


def quantise_means(
    means: Float64s, meant: Float64s, step: float, temperature: float, price: float
) -> Int16s:
    """Integers that minimise the divergence of labels from the means + price x bits: [K, K].

    A class of probability p whose logit is off by e adds p (exp(e / T) - 1 - e / T), as long as p
    is small; most classes mean next to nothing to most others.

    Args:
        means: of classes, in nats [K, K].
        meant: how often labels of each class meant each class [K, K], as ``class_means`` has it.
        step: the unit, in nats.
        temperature: of the divergence.
        price: of a bit.
    """
    exact = np.clip(means / step, -0x8000, 0x7FFF)
    tried = np.stack([np.rint(exact), np.trunc(exact), np.zeros_like(exact)])
    error = np.minimum((tried - exact) * (step / temperature), _FAR)
    loss = meant * (np.expm1(error) - error)
    chosen = tried[0]
    for _ in range(_MEAN_ROUNDS):
        magnitudes = np.minimum(np.abs(tried), LARGEST).astype(np.intp)
        bits = symbol_costs(chosen.reshape(-1, 1))[0][magnitudes]
        best = (loss + price * bits).argmin(axis=0)
        chosen = np.take_along_axis(tried, best[None], axis=0)[0]
    return np.asarray(chosen, np.int16)


def share_matrix(labels: LabelSet) -> sparse.csr_matrix:
    """[N V, K]: the share that each class's pictures have of a view."""
    classes = labels.logits.shape[2]
    total = sparse.csr_matrix((labels.count, classes))
    for one in labels.appearances:
        values = one.features[:, 0] / 256
        part = (values, (np.arange(labels.count), one.classes))
        total = total + sparse.csr_matrix(part, shape=total.shape)
    return total


def principal_basis(
    labels: LabelSet, means: Float64s, most: int, rng: np.random.Generator
) -> tuple[Float64s, Float64s]:
    """Axes over classes in which the KL divergence at the temperature is nearly half the square.

    The divergence of a small error e of logits is e' H e / 2, with the Hessian H = (diag p - pp')
    / T^2. With H averaged over labels, and a little of that of their mean, axes are the principal
    ones of what labels of a picture have apart, measured in H.

    Args:
        labels: to be coded.
        means: of the classes, in nats [K, K].
        most: the largest number of axes.
        rng: draws the sample.

    Returns:
        to_axes [K, r] and from_axes [r, K] (its pseudo-inverse), by descending variance; no axes
        (r = 0) for labels that are all certain of the same.
    """
    rows = sample_rows(labels, rng)
    nats = labels.nats(rows)
    p = softmax(nats, labels.temperature).astype(np.float64)
    mean = p.mean(axis=0)
    hessian = np.diag(mean) - p.T @ p / len(p) + _BETWEEN * (np.diag(mean) - np.outer(mean, mean))
    values, vectors = np.linalg.eigh(hessian / labels.temperature**2)
    kept = values > _NEGLIGIBLE * max(values[-1], labels.temperature**-2)
    roots, vectors = np.sqrt(values[kept]), vectors[:, kept]
    rest = (nats - (share_matrix(labels)[rows] @ means)) @ (vectors * roots)
    views = labels.logits.shape[1]
    by_picture = rest.reshape(len(rest) // views, views, rest.shape[1])
    middle = by_picture.mean(axis=1)
    within = (by_picture - middle[:, None]).reshape(rest.shape)
    spread = within.T @ within / len(within) + middle.T @ middle / len(middle)
    order = np.linalg.eigh(spread)[1][:, ::-1][:, :most]
    return (vectors * roots) @ order, order.T @ (vectors / roots).T
