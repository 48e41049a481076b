"""Integers of any size over the tables: a symbol, or an escape with an Elias-gamma tail.

Source: spec/entropy.md, "Integers".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ddcodec.arrays import Float64s, Int32s, Int64s, Integers, UInt8s
from ddcodec.entropy.few_lanes import FEW, decode_few
from ddcodec.entropy.rans import MAX_SYMBOLS_A_WORD, Active, Decoder, Encoder
from ddcodec.entropy.tables import ESCAPE, SYMBOLS, best_table, cost_bits, table_costs
from ddcodec.errors import EncodeError, HeaderError, PayloadError

__all__ = [
    "MAX_SHIFT",
    "best_model",
    "decode_columns",
    "decode_integers",
    "encode_integers",
    "integer_cost",
    "pack",
    "unpack",
]


MAX_SHIFT = 15
_LENGTH_BITS = 4
_MAX_ESCAPED = (1 << 16) - 1


def decode_integers(
    decoder: Decoder, tables: UInt8s | int, shift: UInt8s | int, active: Active
) -> Int32s:
    """One integer in each active lane.

    Args:
        decoder: the stream.
        tables: the table of each, uint8 [n]; or one for all.
        shift: how many low bits are raw, uint8 [n], 0..15; or one number for all.
        active: n for the first n lanes, or an ascending array of n lanes.

    Returns:
        int32 [n].

    Raises:
        PayloadError: the stream ends.
    """
    symbols = decoder.symbols(tables, active)
    high = _SIGNED.take(symbols)
    (escaped,) = (symbols == ESCAPE).nonzero()
    if escaped.size:
        lanes = escaped if isinstance(active, int) else active[escaped]
        length = decoder.bits(_LENGTH_BITS, lanes)
        zigzag = ((1 << length) | decoder.bits(length, lanes)) + (ESCAPE - 1)
        high[escaped] = (zigzag >> 1) ^ -(zigzag & 1)
    if isinstance(shift, int) and not shift:
        return high
    low = decoder.bits(shift, active)
    high <<= np.asarray(shift, np.int32)
    high |= low
    return high


def decode_columns(decoder: Decoder, models: Sequence[tuple[int, int]], rows: int) -> Int32s:
    """A matrix of integers whose columns have a table and a shift each; see ``pack``.

    Args:
        decoder: the stream.
        models: the table and the shift of each column.
        rows: row r is in lane r mod ``lanes`` at step r // ``lanes``.

    Returns:
        int32 [columns, rows].

    Raises:
        PayloadError: the stream ends.
    """
    lanes = decoder.lanes
    if lanes <= FEW:
        return decode_few(decoder, models, rows)
    result = np.empty((len(models), rows), np.int32)
    for first in range(0, rows, lanes):
        part = result[:, first : first + lanes]
        for column, (table, shift) in enumerate(models):
            part[column] = decode_integers(decoder, table, shift, part.shape[1])
    return result


def encode_integers(
    encoder: Encoder,
    values: Integers,
    tables: UInt8s | int,
    shift: UInt8s | int,
    active: Active,
) -> None:
    """One integer in each active lane; see ``decode_integers``.

    Args:
        values: integers [n].

    Raises:
        EncodeError: a value is beyond the range of its shift, about +-2^(15 + shift).
    """
    high, low = _split(values, shift)
    zigzag = (high << 1) ^ (high >> 63)
    encoder.symbols(np.minimum(zigzag, ESCAPE), tables, active)
    (escaped,) = (zigzag >= ESCAPE).nonzero()
    if escaped.size:
        lanes = escaped if isinstance(active, int) else active[escaped]
        tail = zigzag[escaped] - (ESCAPE - 1)
        length = _log2(tail)
        encoder.bits(length, _LENGTH_BITS, lanes)
        encoder.bits(tail - (1 << length), length, lanes)
    if not isinstance(shift, int) or shift:
        encoder.bits(low, shift, active)


def integer_cost(values: Integers, tables: npt.ArrayLike, shift: npt.ArrayLike) -> Float64s:
    """Bits that each integer costs, float64, the arguments broadcast (encoder-side).

    Raises:
        EncodeError: a value is beyond the range of its shift.
    """
    high, _ = _split(values, shift)
    zigzag = (high << 1) ^ (high >> 63)
    bits = cost_bits()[np.asarray(tables), np.minimum(zigzag, ESCAPE)].astype(np.float64)
    tail = _LENGTH_BITS + _log2(np.maximum(zigzag - (ESCAPE - 1), 1))
    total: Float64s = bits + np.where(zigzag >= ESCAPE, tail, 0) + np.asarray(shift)
    return total


def best_model(values: Integers, most: int = MAX_SHIFT) -> tuple[int, int]:
    """The table and shift that code a sample in the fewest bits (encoder-side).

    Args:
        values: integers of any shape; none at all is a sample too.
        most: the largest shift to try.

    Returns:
        table 0..255 and shift 0..``most``; the lowest shift and table of several.

    Raises:
        EncodeError: no shift holds the values.
    """
    flat = np.asarray(values, dtype=np.int64).reshape(-1)
    found: tuple[float, int, int] | None = None
    for shift in range(most + 1):
        high = flat >> shift
        zigzag = (high << 1) ^ (high >> 63)
        if zigzag.size and zigzag.max() > _MAX_ESCAPED + ESCAPE - 1:
            continue
        counts = np.bincount(np.minimum(zigzag, ESCAPE), minlength=SYMBOLS)
        escaped = zigzag[zigzag >= ESCAPE]
        raw = shift * flat.size + _LENGTH_BITS * escaped.size
        bits = raw + int(_log2(escaped - (ESCAPE - 1)).sum())
        table = int(best_table(counts))
        total = float(table_costs(counts)[table]) + bits
        if found is None or total < found[0]:
            found = (total, table, shift)
        if zigzag.size == 0 or zigzag.max() == 0:
            break
    if found is None:
        raise EncodeError("integers are too large for the entropy coder")
    return found[1], found[2]


def pack(values: Integers, tables: UInt8s, shifts: UInt8s, lanes: int) -> bytes:
    """Code a matrix with a table and a shift for each column.

    Row r is in lane r mod ``lanes`` at step r // ``lanes``; in each step the columns follow one
    another.

    Args:
        values: integers [n, m].
        tables: uint8 [m].
        shifts: uint8 [m], 0..15.
        lanes: 1..65536; no more than n are of use.

    Raises:
        EncodeError: a value, shift, shape or number of lanes is out of range.
    """
    rows, columns = np.shape(values)
    if np.shape(tables) != (columns,) or np.shape(shifts) != (columns,):
        raise EncodeError(f"{columns} columns need a table and a shift each")
    encoder = Encoder(lanes)
    models = [(int(table), int(shift)) for table, shift in zip(tables, shifts, strict=True)]
    for row in range(0, rows, lanes):
        part = np.ascontiguousarray(values[row : row + lanes].T)
        for column, (table, shift) in zip(part, models, strict=True):
            encode_integers(encoder, column, table, shift, len(column))
    return encoder.finish()


def unpack(
    raw: bytes, rows: int, columns: int, tables: UInt8s, shifts: UInt8s, lanes: int
) -> Int32s:
    """The matrix that ``pack`` coded, int32 [rows, columns].

    Raises:
        HeaderError: a shift, the number of models or of lanes is out of range.
        PayloadError: the stream is damaged, or too short for so many values.
    """
    if not len(tables) == len(shifts) == columns or any(int(s) > MAX_SHIFT for s in shifts):
        raise HeaderError(f"{columns} columns need a table and a shift of at most {MAX_SHIFT} each")
    decoder = Decoder(raw, lanes)
    if rows * columns > MAX_SYMBOLS_A_WORD * (len(raw) // 2 - lanes):
        raise PayloadError(f"{len(raw)} bytes cannot hold {rows} x {columns} integers")
    models = [(int(table), int(shift)) for table, shift in zip(tables, shifts, strict=True)]
    result = decode_columns(decoder, models, rows).T
    decoder.finish()
    return result


def _split(values: Integers, shift: npt.ArrayLike) -> tuple[Int64s, Int64s]:
    """The part that is coded and the raw low bits, int64."""
    whole = np.asarray(values, dtype=np.int64)
    places = np.asarray(shift, dtype=np.int64)
    if places.size and (places.min() < 0 or places.max() > MAX_SHIFT):
        raise EncodeError(f"a shift is not within 0..{MAX_SHIFT}")
    high = whole >> places
    zigzag = (high << 1) ^ (high >> 63)
    if zigzag.size and zigzag.max() > _MAX_ESCAPED + ESCAPE - 1:
        raise EncodeError("an integer is too large for the entropy coder; use a larger shift")
    return high, whole - (high << places)


def _log2(numbers: Int64s) -> Int64s:
    """floor(log2) of integers 1..65535: binary64 has them exactly, with their exponents."""
    return np.frexp(numbers)[1].astype(np.int64) - 1


# Symbol -> integer; the escape's is overwritten.
_SIGNED = np.array([(s >> 1) ^ -(s & 1) for s in range(SYMBOLS)], np.int32)
_SIGNED.flags.writeable = False
