"""Innovation symbols of each label, by coordinate descent on divergence + price x bits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from ddcodec.arrays import Float32s, Float64s, Int32s, StepProgress
from ddcodec.labels.encoder.costs import LARGEST, symbol_costs
from ddcodec.labels.encoder.label_set import divergence, softmax

__all__ = ["search_symbols"]

Rows = tuple[Float32s, Float32s]

_LINEARISATIONS = 2
_SWEEPS = 2
_IDLE = 0.002  # share of labels that use an atom
_SETTLED = 0.01  # share of symbols that still change
_WARY = 1e-3  # caution after a first failure
_CHUNK = 1 << 22  # products of atoms and logits held at once


def search_symbols(
    rows: Callable[[slice], Rows],
    count: int,
    basis: Float32s,
    costs: Float64s,
    temperature: float,
    price: float,
    *,
    rounds: int,
    workers: int,
    progress: StepProgress | None = None,
) -> Int32s:
    """Symbols int32 [count, r] for labels that a prediction misses.

    Args:
        rows: a slice of labels -> target and predicted logits in nats, float32 [n, K].
        count: number of labels.
        basis: float32 [r, K], what one symbol adds to the logits in nats.
        costs: float64 [r, LARGEST + 1], bits of the magnitudes to begin with.
        temperature: of the divergence.
        price: divergence a bit is worth.
        rounds: how often, at most, costs are estimated anew and all labels searched.
        workers: threads.
        progress: called with (done, total) labels of all rounds.
    """
    whole = np.zeros((count, len(basis)), np.int32)
    alive = np.arange(len(basis))
    symbols, caution = _exact(rows, whole, basis), np.zeros(count, np.float32)
    chunk = max(16, _CHUNK // basis.size)
    parts = [slice(start, min(start + chunk, count)) for start in range(0, count, chunk)]
    for number in range(rounds):
        charge = costs.astype(np.float32) * np.float32(price)
        search = partial(_search_part, rows, basis, symbols, temperature, charge, caution)
        before = symbols.copy()
        with ThreadPoolExecutor(workers) as pool:
            for part, _ in zip(parts, pool.map(search, parts), strict=True):
                if progress is not None:
                    progress(number * count + part.stop, rounds * count)
        if (symbols != before).mean() < _SETTLED:
            break
        if not number:
            # Atoms that next to no label uses would cost every reader time.
            used = (symbols != 0).mean(axis=0) >= _IDLE
            alive, basis = alive[used], basis[used]
            symbols = np.ascontiguousarray(symbols[:, used])
            if not alive.size:
                break
        costs = symbol_costs(symbols)
    whole[:, alive] = symbols
    return whole


def _exact(rows: Callable[[slice], Rows], symbols: Int32s, basis: Float32s) -> Int32s:
    """The symbols that come closest to the target's logits, whatever they cost."""
    to_symbols = np.linalg.pinv(basis).astype(np.float32)
    out = np.empty_like(symbols)
    chunk = max(16, _CHUNK // basis.shape[1])
    for start in range(0, len(out), chunk):
        part = slice(start, min(start + chunk, len(out)))
        target, predicted = rows(part)
        exact = np.rint((target - predicted) @ to_symbols)
        out[part] = np.clip(exact, -LARGEST, LARGEST)
    return out


def _search_part(
    rows: Callable[[slice], Rows],
    basis: Float32s,
    symbols: Int32s,
    temperature: float,
    costs: Float32s,
    caution: Float32s,
    part: slice,
) -> None:
    """One part of the labels, in place."""
    target, predicted = rows(part)
    symbols[part] = _search(
        target, predicted, basis, symbols[part], temperature, costs, caution[part]
    )


def _search(
    target: Float32s,
    predicted: Float32s,
    basis: Float32s,
    symbols: Int32s,
    temperature: float,
    costs: Float32s,
    caution: Float32s,
) -> Int32s:
    """Symbols int32 [n, r] of a chunk, never worse than those given.

    The divergence is taken as quadratic about the current labels, with the curvature midway to the
    target: at the target alone a sharp label hardly resists, however wrong it becomes. Where that
    still leads to something worse, the curvature is mixed with that of the uniform label, more of
    it at each failure (after Levenberg and Marquardt).

    Args:
        caution: [n], the share of the uniform label; updated in place.
    """
    p = softmax(target, temperature)
    best, chosen = symbols.astype(np.float32), symbols.astype(np.float32)
    least = np.full(len(best), np.inf)
    for turn in range(_LINEARISATIONS + 1):
        coded = predicted + chosen @ basis
        loss = divergence(target, coded, temperature) + _charged(chosen, costs)
        better = loss < least
        best[better], least[better] = chosen[better], loss[better]
        if turn == _LINEARISATIONS:
            break
        if turn:
            caution[:] = np.where(better, caution / 2, np.clip(4 * caution, _WARY, 1))
        q = softmax(predicted + best @ basis, temperature)
        middle = (p + q) * np.float32(0.5)
        middle += caution[:, None] * (np.float32(1 / p.shape[1]) - middle)
        gradient = np.asarray((p - q) @ basis.T / temperature, np.float32)
        chosen = _descend(best, gradient, curvature(basis, middle, temperature), costs)
    return best.astype(np.int32)


def _descend(symbols: Float32s, gradient: Float32s, hessian: Float32s, costs: Float32s) -> Float32s:
    """Sweeps over the atoms of all labels at once, for a divergence that is quadratic."""
    chosen = symbols.copy()
    for _ in range(_SWEEPS):
        for j in range(chosen.shape[1]):
            curve = hessian[:, j, j] + np.float32(1e-12)
            best = chosen[:, j] + gradient[:, j] / curve
            tried = np.stack([np.rint(best), np.trunc(best), np.zeros_like(best)])
            np.clip(tried, -LARGEST, LARGEST, out=tried)
            loss = 0.5 * curve * (tried - best) ** 2 + costs[j][np.abs(tried).astype(np.intp)]
            new = np.take_along_axis(tried, loss.argmin(axis=0)[None], axis=0)[0]
            change = new - chosen[:, j]
            moved = np.flatnonzero(change)
            gradient[moved] -= hessian[moved, :, j] * change[moved, None]
            chosen[:, j] = new
    return chosen


def _charged(symbols: Float32s, costs: Float32s) -> Float64s:
    """What the bits of each label are worth: [n]."""
    columns = np.arange(symbols.shape[1])
    return np.asarray(costs[columns, np.abs(symbols).astype(np.intp)].sum(axis=1, dtype=np.float64))


def curvature(basis: Float32s, p: Float32s, temperature: float) -> Float32s:
    """Second derivatives of the divergence by the symbols of each label: float32 [n, r, r]."""
    weighted = p[:, None, :] * basis  # [n, r, K]
    mean = weighted.sum(axis=2)
    whole: Float32s = np.matmul(weighted, basis.T) - mean[:, :, None] * mean[:, None, :]
    return whole * np.float32(1 / temperature**2)
