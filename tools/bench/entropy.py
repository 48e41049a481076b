"""Time the entropy coder on one core: symbols and integers per second; what its tables lose.

    python -m tools.bench.entropy [--symbols 4000000] [--repeat 5] [--losses]

Symbols follow the tables they are coded with; the best of several runs counts, in processor
seconds, so that a busy machine matters little. ``--losses`` prints instead how far the best table
is from the entropy of quantised Laplace and Gaussian sources (the Note of spec/entropy.md).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import pairwise
from math import erf, exp, sqrt

import numpy as np

from ddcodec.arrays import UInt8s
from ddcodec.entropy import (
    Decoder,
    Encoder,
    best_model,
    best_table,
    cost_bits,
    frequencies,
    pack,
    unpack,
)
from tools.bench.timing import best_seconds

LANES = (512, 1024, 2048, 4096, 8192)
ONE = 0x72
EACH = np.array([0x25, 0x53, 0x72, 0x8A, 0x91, 0xA9, 0xB3, 0xC0], np.uint8)
ZONES = (0.5, 0.6, 0.7, 0.85, 1.0)


def draw(rng: np.random.Generator, tables: UInt8s) -> UInt8s:
    """A symbol from each table, uint8 of the tables' shape."""
    last = frequencies()[tables].cumsum(axis=-1)
    slots = rng.integers(0, 4096, tables.shape)
    symbols: UInt8s = (last <= slots[..., None]).sum(axis=-1).astype(np.uint8)
    return symbols


def time_symbols(lanes: int, steps: int, repeat: int, each: bool) -> tuple[float, float, float]:
    """Seconds to encode and decode; bits per symbol."""
    rng = np.random.default_rng(0)
    tables = rng.choice(EACH, lanes) if each else ONE
    rows = [draw(rng, np.broadcast_to(np.uint8(tables), lanes)) for _ in range(steps)]
    encoder = Encoder(lanes)
    for row in rows:
        encoder.symbols(row, tables, lanes)
    raw = encoder.finish()

    def decode() -> None:
        decoder = Decoder(raw, lanes)
        for _ in range(steps):
            decoder.symbols(tables, lanes)
        decoder.finish()

    bits = 8 * (len(raw) - 4 * lanes) / (lanes * steps)
    return best_seconds(encoder.finish, 2), best_seconds(decode, repeat), bits


def time_integers(lanes: int, rows: int, repeat: int) -> tuple[float, float]:
    """Seconds to pack and unpack a matrix of 16 columns."""
    rng = np.random.default_rng(0)
    scales = np.geomspace(0.2, 60, 16)
    values = np.rint(rng.laplace(0, scales, (rows, 16))).astype(np.int32)
    models = np.array([best_model(column) for column in values.T], np.uint8)
    tables, shifts = models[:, 0].copy(), models[:, 1].copy()
    raw = pack(values, tables, shifts, lanes)
    encoding = best_seconds(lambda: pack(values, tables, shifts, lanes), 2)
    return encoding, best_seconds(lambda: unpack(raw, rows, 16, tables, shifts, lanes), repeat)


def speeds(symbols: int, repeat: int) -> None:
    print("million symbols per second, one core")
    print(f"{'lanes':>6}{'tables':>14}{'bits each':>11}{'encode':>9}{'decode':>9}")
    for lanes in LANES:
        steps = symbols // lanes
        for each in (False, True):
            encoding, decoding, bits = time_symbols(lanes, steps, repeat, each)
            name = "one per lane" if each else "one"
            rates = [lanes * steps / seconds / 1e6 for seconds in (encoding, decoding)]
            print(f"{lanes:>6}{name:>14}{bits:>11.2f}{rates[0]:>9.1f}{rates[1]:>9.1f}")
    print("million integers per second, 16 columns of scales 0.2 to 60")
    for lanes in LANES:
        rows = symbols // 32 // lanes * lanes
        encoding, decoding = time_integers(lanes, rows, repeat)
        rates = [16 * rows / seconds / 1e6 for seconds in (encoding, decoding)]
        print(f"{lanes:>6}{rates[0]:>34.1f}{rates[1]:>9.1f}")


def laplace(x: float) -> float:
    """Mass of the unit-variance source beyond x >= 0, on one side."""
    return exp(-sqrt(2) * x) / 2


def gauss(x: float) -> float:
    return (1 - erf(x / sqrt(2))) / 2


def mixture(x: float) -> float:
    """Laplace sources of two scales, for tails heavier than one has."""
    return 0.7 * laplace(x / 0.5) + 0.3 * laplace(x / 1.66)


def loss(tail: Callable[[float], float], scale: float, zone: float) -> tuple[float, float]:
    """Entropy of a quantised source's symbols, and what the best table adds, in bits."""
    tails = [tail((n + zone) / scale) for n in range(8)]
    pairs = [before - after for before, after in pairwise(tails)]
    p = np.array([1 - 2 * tails[0], *np.repeat(pairs, 2), 2 * tails[-1]])
    entropy = -float((p * np.log2(np.maximum(p, 1e-300))).sum())
    table = best_table(np.rint(p * 2**32).astype(np.int64))
    return entropy, float(p @ cost_bits()[table]) - entropy


def losses() -> None:
    print("bits per symbol that the best table adds to the entropy, over scales and dead zones")
    bounds = [0.0, 0.1, 0.3, 1.0, 2.0, 5.0]
    print(f"{'entropy':>12}" + "".join(f"{name:>18}" for name in ("laplace", "gauss", "mixture")))
    columns = []
    for tail, most in ((laplace, 4.2), (gauss, 4.2), (mixture, 2.0)):
        scales = np.geomspace(0.07, most, 60)
        found = np.array([loss(tail, scale, zone) for zone in ZONES for scale in scales])
        columns.append(found[found[:, 0] > 0.004])
    for low, high in pairwise(bounds):
        cells = []
        for found in columns:
            lost = found[(found[:, 0] >= low) & (found[:, 0] < high), 1]
            cells.append(f"{lost.mean():>10.4f}{lost.max():>8.4f}" if len(lost) else f"{'-':>18}")
        print(f"{low:>5} to {high:<4}" + "".join(cells))
    print("       (mean, then worst)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=4_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--losses", action="store_true")
    arguments = parser.parse_args()
    if arguments.losses:
        losses()
    else:
        speeds(arguments.symbols, arguments.repeat)


if __name__ == "__main__":
    main()
