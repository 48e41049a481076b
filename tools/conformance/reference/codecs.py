"""A second decoder of sections, written from spec/codecs.md alone, without numpy.

    python -m tools.conformance.reference.codecs FILE SECTION [TEMPERATURE]

Prints the array of one section (numbered from 0) of a .ddz file as JSON: floats as hexadecimal,
labels as logits, or as probabilities at a TEMPERATURE given as N/D. Stored teachers are left to
``teacher.py``. Plain Python and slow: it is there to prove that the specification suffices.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Any

from tools.conformance.reference.arrays import (
    Shape,
    finite,
    join_planes,
    need,
    nest,
    show,
    unpack,
)
from tools.conformance.reference.av1 import mosaic_avif
from tools.conformance.reference.container import read
from tools.conformance.reference.draws import view_draws
from tools.conformance.reference.label_codecs import LABEL_CODECS
from tools.conformance.reference.mosaics import mosaic_png, mosaic_webp
from tools.conformance.reference.packed import read_packed
from tools.conformance.reference.parameters import Params, check_parameters
from tools.conformance.reference.probabilities import probabilities
from tools.conformance.reference.randomness import philox
from tools.conformance.reference.refusal import Refused, refuse, report, require
from tools.conformance.reference.table import shape_of


def seed_derived(raw: bytes, shape: Shape, params: Params) -> list[int]:
    classes, slots = shape
    need(raw, 8 + 4 * classes)
    base = unpack("I", raw[:8])
    blocks = (
        philox((key, slot, 0x53454544, 0), base)
        for key in unpack("I", raw[8:])
        for slot in range(slots)
    )
    return [block[0] | block[1] << 32 for block in blocks]


def seed_list(raw: bytes, shape: Shape, params: Params) -> list[int]:
    need(raw, 8 * prod(shape))
    return unpack("Q", raw)


def prompt_fp16(raw: bytes, shape: Shape, params: Params) -> list[float]:
    need(raw, 2 * prod(shape))
    return finite(unpack("e", join_planes(raw)))


def prompt_int8(raw: bytes, shape: Shape, params: Params) -> list[float]:
    classes, tokens, dim = shape
    rows = classes * tokens
    need(raw, rows * (2 + dim))
    halves = join_planes(raw[: 2 * rows])
    scales = finite(unpack("e", halves))
    require(all(byte < 0x80 for byte in halves[1::2]), "payload", "a negative scale")
    q = unpack("b", raw[2 * rows :])
    require(-128 not in q, "payload", "-128 is not used")
    return [value * scales[i // dim] for i, value in enumerate(q)]


def prompt_text(raw: bytes, shape: Shape, params: Params) -> list[str]:
    (classes,) = shape
    require(len(raw) >= 2 * classes, "payload", "lengths are cut")
    lengths, texts, at = unpack("H", raw[: 2 * classes]), [], 2 * classes
    need(raw, at + sum(lengths))
    for length in lengths:
        require(length <= 4096, "payload", "a text of more than 4,096 bytes")
        try:
            text = raw[at : at + length].decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("payload", "not UTF-8") from None
        require(
            not any(ord(c) < 32 or ord(c) == 127 for c in text), "payload", "control characters"
        )
        texts.append(text)
        at += length
    return texts


def quantised_latents(raw: bytes, shape: Shape, params: Params) -> list[float]:
    """Section 11."""
    channels, height, width = (params[name] for name in ("channels", "height", "width"))
    require(list(shape[3:]) == [channels, height, width], "payload", "another shape")
    require(len(raw) >= 6 * channels, "payload", "steps or weights are cut")
    steps = finite(unpack("f", raw[: 4 * channels]))
    require(all(2**-32 <= step <= 2**32 for step in steps), "payload", "a step out of range")
    weights = nest(unpack("b", raw[4 * channels : 6 * channels]), (channels, 2))
    require(all(abs(a) + abs(b) <= 16 for a, b in weights), "payload", "weights exceed one")
    rows = read_packed(raw[6 * channels :], prod(shape[:3]) * height * width, [*range(channels)])
    flat: list[float] = []
    for first in range(0, len(rows), height * width):
        for c in range(channels):
            a, b = weights[c]
            q: dict[tuple[int, int], int] = {}
            for at in range(height * width):
                y, x = divmod(at, width)
                near = a * q.get((y, x - 1), 0) + b * q.get((y - 1, x), 0)
                q[y, x] = rows[first + at][c] + (near + 8) // 16
                require(abs(q[y, x]) <= 32767, "payload", "a value beyond 16 bits")
                flat.append(single(q[y, x] * steps[c]))
    return flat


def single(value: float) -> float:
    """RN32 of a number that binary32 does not overflow at."""
    found: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return found


def top_k_labels(raw: bytes, shape: Shape, params: Params) -> list[int]:
    """Section 10."""
    classes, slots, views, columns = shape
    k, step, ranked, band = (params[name] for name in ("k", "step", "ranked", "band"))
    require(columns == params["classes"], "payload", "the origin has another number of classes")
    require(len(raw) >= 6, "payload", "too few bytes")
    base, length = struct.unpack_from("<hI", raw)
    require(6 + length <= len(raw), "payload", "the orders are cut")
    require(params["common"] == 1 or base == 0, "payload", "a base that nothing is told from")
    orders = read_packed(raw[6 : 6 + length], classes, [0] * ranked)
    for order in orders:
        good = len(set(order)) == ranked and all(0 <= c < columns for c in order)
        require(good, "payload", f"order {order}")
        order += sorted(set(range(columns)) - set(order))
    first = 2 + -(-(k - 1) // band)
    groups = [0, 1, *(2 + j // band for j in range(k - 1)), *(first + j // band for j in range(k))]
    flat: list[int] = []
    for number, row in enumerate(read_packed(raw[6 + length :], classes * slots * views, groups)):
        q, drops, ranks = [row[0]], row[2 : k + 1], row[k + 1 :]
        good = len(set(ranks)) == k and all(0 <= r < columns for r in ranks)
        require(good and min(drops, default=0) >= 0, "payload", f"ranks {ranks} or drops {drops}")
        for drop in drops:
            q.append(q[-1] - drop)
        z = [step * ((base if params["common"] else q[-1]) - row[1])] * columns
        entries = [step * value for value in q]
        fits = all(-0x8000 <= value < 0x8000 for value in [*entries, z[0]])
        require(fits, "payload", "a logit beyond 16 bits")
        for rank, value in zip(ranks, entries, strict=True):
            z[orders[number // (slots * views)][rank]] = value
        flat += z
    return flat


def hard_labels(raw: bytes, shape: Shape, params: Params) -> list[int]:
    if raw[:1] == b"\0":
        need(raw, 1)
        return [-1] * prod(shape)
    require(raw[:1] == b"\1", "payload", "unknown mode")
    need(raw, 1 + 2 * prod(shape))
    labels = unpack("H", raw[1:])
    require(0xFFFF not in labels, "payload", "65535 is not used")
    return labels


def pixel_digest(raw: bytes, shape: Shape, params: Params) -> list[int]:
    require(shape[-1] == params["length"], "payload", "digests of another length")
    need(raw, prod(shape))
    return list(raw)


def schedule_table(raw: bytes) -> dict[str, Any]:
    """Section 8."""
    require(len(raw) >= 8, "payload", "no schedule table")
    steps, history, init_scale = struct.unpack_from("<HHf", raw)
    require(1 <= steps <= 4096 and 1 <= history <= 16, "payload", "steps or history")
    need(raw, 8 + steps * (12 + 8 * history))
    rows = nest(finite(unpack("f", raw[8:])), (steps, 3 + 2 * history))
    finite([init_scale])
    for i, row in enumerate(rows):
        require(not any(row[3 + 2 * (i + 1) :]), "payload", "history before the first step")
    return {
        "init_scale": init_scale,
        "timesteps": [row[0] for row in rows],
        "c_in": [row[1] for row in rows],
        "c_noise": [row[2] for row in rows],
        "a": [row[3::2] for row in rows],
        "b": [row[4::2] for row in rows],
    }


def version_of(name: str) -> int:
    """The one version of a codec that there is."""
    return 2 if name == "pixel-digest" else 1


CODECS: dict[str, tuple[int, Callable[[bytes, Shape, Params], list[Any]]]] = {
    "hard-labels": (3, hard_labels),
    "pixel-digest": (3, pixel_digest),
    "prompt-fp16": (3, prompt_fp16),
    "prompt-int8": (3, prompt_int8),
    "prompt-text": (1, prompt_text),
    "quantised-latents": (6, quantised_latents),
    "seed-derived": (2, seed_derived),
    "seed-list": (2, seed_list),
    "top-k-labels": (4, top_k_labels),
    "view-draws": (4, view_draws),
}
MOSAICS = {"mosaic-avif": mosaic_avif, "mosaic-png": mosaic_png, "mosaic-webp": mosaic_webp}


def decode(codec: dict[str, Any], raw: bytes, shape: Shape) -> Any:
    """The array of a section as nested lists; a schedule as a map, a label model as a tuple."""
    name, params = codec["name"], codec["params"]
    names = {*CODECS, *LABEL_CODECS, *MOSAICS, "schedule-table"}
    known = name in names and codec["version"] == version_of(name)
    require(known, "unknown-codec", f"{name} version {codec['version']} is not decoded here")
    if name in LABEL_CODECS:
        return LABEL_CODECS[name](raw, shape, params)
    check_parameters(name, params)
    if name == "schedule-table":
        return schedule_table(raw)
    if name in MOSAICS:
        size = [params["height"], params["width"], 3]
        good = len(shape) >= 4 and min(shape) >= 1 and list(shape[-3:]) == size
        require(good, "payload", f"shape {shape}")
        return MOSAICS[name](raw, shape)
    axes, function = CODECS[name]
    require(len(shape) == axes and min(shape) >= 1, "payload", f"shape {shape}")
    return nest(function(raw, shape, params), shape)


def section(path: str, number: int) -> tuple[str, Any]:
    """Kind and decoded array of one section of a file."""
    header, raws = read(Path(path).read_bytes())
    index = header["index"]
    if not 0 <= number < len(raws):
        refuse("header", f"there is no section {number}; the file has {len(raws)}")
    kind = index["kinds"][index["kind"][number]]["name"]
    box = index["box"][6 * number : 6 * number + 6]
    codec = index["codecs"][index["codec"][number]]
    shape = shape_of(kind, box, header["head"])
    if kind == "patches":
        shape += (codec["params"].get("height", 0), codec["params"].get("width", 0), 3)
    if kind == "latents":
        shape += tuple(codec["params"].get(name, 0) for name in ("channels", "height", "width"))
    if kind == "pixels":
        shape += (codec["params"].get("length", 0),)
    return kind, decode(codec, raws[number], shape)


def main(arguments: list[str]) -> int:
    if len(arguments) not in (2, 3) or not arguments[1].isdigit():
        print(__doc__, file=sys.stderr)
        return 2
    try:
        kind, array = section(arguments[0], int(arguments[1]))
        if len(arguments) == 3 and kind == "labels":
            ratio = Fraction(arguments[2])
            temperature = ratio.numerator, ratio.denominator
            array = [[[probabilities(z, temperature) for z in s] for s in c] for c in array]
    except Refused as error:
        return report(arguments[0], error)
    print(json.dumps(show(array)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
