"""Entropy coding: interleaved rANS, a fixed family of tables, integers over both.

Source: spec/entropy.md. Integers only: a stream decodes to the same numbers on every machine.
"""

from ddcodec.entropy.integers import (
    best_model,
    decode_columns,
    decode_integers,
    encode_integers,
    integer_cost,
    pack,
    unpack,
)
from ddcodec.entropy.rans import MAX_LANES, Decoder, Encoder
from ddcodec.entropy.tables import SYMBOLS, TABLES, best_table, cost_bits, frequencies

__all__ = [
    "MAX_LANES",
    "SYMBOLS",
    "TABLES",
    "Decoder",
    "Encoder",
    "best_model",
    "best_table",
    "cost_bits",
    "decode_columns",
    "decode_integers",
    "encode_integers",
    "frequencies",
    "integer_cost",
    "pack",
    "unpack",
]
